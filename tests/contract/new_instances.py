"""The inputs of a new CDS instance and of F&O on it."""

from typing import Any

from providers.finops_instance import FinOpsInstanceProvider
from tests.contract.provider_process import Bag, declared

CDS: Bag = {
    "cloud": "emulator",
    "name": "contoso-uat",
    "domain": "contoso-uat",
    "type": "sandbox",
    "location": "europe",
    "currency": "EUR",
    "language": 1033,
}


def finops(**changes: Any) -> Bag:
    """A declared FinOpsInstance; arguments change inputs, None removes one."""
    inputs = {
        "cloud": "emulator",
        "cds": "contoso-uat",
        "data": "empty",
        "developer_tools": False,
        "version": "10.0.44",
        "environment_name": "contoso-uat",
        "environment_type": "sandbox",
        "location": "europe",
        "timeout": "2m",
    }
    given = {name: value for name, value in {**inputs, **changes}.items() if value is not None}
    return declared(FinOpsInstanceProvider(), "finops", given)
