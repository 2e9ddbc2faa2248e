"""A CDS environment under another name is no other environment: nothing on it is replaced."""

from typing import Any

import pytest

from providers.application_package import ApplicationPackageProvider
from providers.company import CompanyProvider
from providers.company_bootstrap import CompanyBootstrapProvider
from providers.dual_write_connection import DualWriteConnectionProvider
from providers.finops_instance import FinOpsInstanceProvider
from providers.instances.on_cds import OnCds
from providers.live_sync import LiveSyncProvider

ENVIRONMENT, OTHER = "3b8c4d5e-6f70-4182-8c9d-1e2f3a4b5c63", "00000000-6f70-4182-8c9d-1e2f3a4b5c63"
URL, DOMAIN = "https://tailspin-sales.crm4.dynamics.com", "tailspin-sales"
HOST = "tailspin-erp.sandbox.operations.eu.dynamics.com"
PROVIDERS: list[tuple[OnCds[Any, Any], str, dict[str, Any], dict[str, Any]]] = [
    (ApplicationPackageProvider(), f"{ENVIRONMENT}/Core", {"package": "Core"}, {"environment_id": ENVIRONMENT}),
    (CompanyProvider(), f"{HOST}/USMF", {"code": "USMF"}, {"environment_id": ENVIRONMENT}),
    (CompanyBootstrapProvider(), f"{ENVIRONMENT}/USMF", {"company": "USMF"}, {"environment_id": ENVIRONMENT}),
    (DualWriteConnectionProvider(), "x", {"companies": ["DAT"]}, {"environment_id": ENVIRONMENT}),
    (
        FinOpsInstanceProvider(),
        "x",
        {"instance": "existing", "url": f"https://{HOST}"},
        {"cds_environment_id": ENVIRONMENT, "environment_id": OTHER},
    ),
    (LiveSyncProvider(), f"{HOST}/{ENVIRONMENT}", {"maps": {}}, {}),
]


@pytest.mark.parametrize(
    ("was", "now", "same"),
    [
        (URL, ENVIRONMENT, True),
        (URL, ENVIRONMENT.upper(), True),
        (DOMAIN, ENVIRONMENT, True),
        (DOMAIN, URL, True),
        (URL, DOMAIN, True),
        (URL, OTHER, False),
        (URL, "https://tailspin-sales.crm.dynamics.com", False),
        (DOMAIN, "https://tailspin-uat.crm4.dynamics.com", False),
        (ENVIRONMENT, URL, False),
        (ENVIRONMENT, OTHER, False),
    ],
)
@pytest.mark.parametrize(("provider", "identifier", "inputs", "computed"), PROVIDERS)
def test_another_word_for_the_same_environment_replaces_nothing(
    provider: OnCds[Any, Any],
    identifier: str,
    inputs: dict[str, Any],
    computed: dict[str, Any],
    was: str,
    now: str,
    same: bool,
) -> None:
    held = {"cloud": "emulator", "cds": was, **inputs}
    found = provider.diff(identifier, {**held, **computed}, {**held, "cds": now})
    # Without detail, hence no difference; whether such short outputs want an update is another question.
    assert (found.changes is not None, found.replaces) == ((True, None) if same else (False, ["cds"]))


def test_address_of_finops_is_its_host() -> None:
    held = {"cloud": "emulator", "cds": URL, "finops": f"https://{HOST}/", "maps": {}}
    assert LiveSyncProvider().diff("x", held, {**held, "finops": f"https://{HOST}"}).changes is False
