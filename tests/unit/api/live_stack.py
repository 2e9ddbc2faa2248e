"""A provider process of a live stack: checks and diffs all eight resources, then prints the modules it has imported.

Run by `test_start_up` in a process of its own; `python -m tests.unit.api.live_stack`.
"""

import json
import sys
from typing import Any

from pulumi.dynamic import ConfigureRequest

from providers.application_package import ApplicationPackageProvider
from providers.cds_instance import CdsInstanceProvider
from providers.company import CompanyProvider
from providers.company_bootstrap import CompanyBootstrapProvider
from providers.dual_write_connection import DualWriteConnectionProvider
from providers.entity_map import EntityMapProvider
from providers.finops_instance import FinOpsInstanceProvider
from providers.live_sync import LiveSyncProvider
from providers.protocol.base import Provider

PAIR = {"cloud": "emulator", "cds": "contoso-uat"}
ENVIRONMENT = {"environment_id": "3f0f6c55-3d6d-4b55-8d6a-6f2f1f0a7b21"}
FINOPS_URL = "https://contoso-uat.operations.eu.dynamics.com"
PLACE = {"location": "europe", "currency": "EUR", "language": 1033.0}

# Provider, declared inputs, and what the service told besides.
STACK: list[tuple[Provider[Any, Any], dict[str, Any], dict[str, Any]]] = [
    (
        CdsInstanceProvider(),
        {"cloud": "emulator", "name": "contoso-uat", "domain": "contoso-uat", "type": "sandbox", **PLACE},
        {
            **ENVIRONMENT,
            "url": "https://contoso-uat.crm4.dynamics.com/",
            "api_url": "https://contoso-uat.api.crm4.dynamics.com",
            "organization_id": "7f0f6c55-3d6d-4b55-8d6a-6f2f1f0a7b21",
            "geography": "europe",
            "azure_region": "westeurope",
            "version": "9.2.24031.00134",
            "prime_solution": "1.0.0.0",
            "created_by_us": True,
        },
    ),
    (
        FinOpsInstanceProvider(),
        {
            **PAIR,
            "data": "empty",
            "developer_tools": False,
            "environment_name": "contoso-uat",
            "environment_type": "sandbox",
            "location": "europe",
        },
        {
            **ENVIRONMENT,
            "cds_environment_id": "3f0f6c55-3d6d-4b55-8d6a-6f2f1f0a7b21",
            "url": FINOPS_URL,
            "application_version": "10.0.45.3",
            "platform_version": "7.0.7690.5",
            "deployment_type": "UnifiedSandbox",
            "demo_dataset": "",
        },
    ),
    (
        ApplicationPackageProvider(),
        {**PAIR, "package": "DualWriteCoreAnchor"},
        {**ENVIRONMENT, "title": "Core", "state": "Installed", "version": "1.0"},
    ),
    (
        CompanyProvider(),
        {**PAIR, "code": "USMF", "name": "Contoso", "country": "USA"},
        {**ENVIRONMENT, "finops_host": "contoso-uat.operations.eu.dynamics.com", "created_by_us": True},
    ),
    (
        DualWriteConnectionProvider(),
        {**PAIR, "companies": ["USMF"], "solutions": ["msdyn_DualWriteAppCoreMaps"]},
        {
            **ENVIRONMENT,
            "connection_id": "cid",
            "connection_name": "cname",
            "finops_url": FINOPS_URL,
            "cds_url": "https://contoso-uat.crm4.dynamics.com",
            "linked_companies": ["USMF"],
        },
    ),
    (
        CompanyBootstrapProvider(),
        {**PAIR, "company": "USMF", "tables": ["accounts"]},
        {**ENVIRONMENT, "rows": {"accounts": 1.0}, "unstamped": {"accounts": 0.0}, "complete": True},
    ),
    (
        EntityMapProvider(),
        {**PAIR, "map": "accounts - Customers V3", "version": "1.0.0.3", "author": "Microsoft"},
        {**ENVIRONMENT, "publisher": "Microsoft", "connection_id": "cid", "connection_name": "cname"},
    ),
    (
        LiveSyncProvider(),
        {**PAIR, "companies": ["USMF"], "maps": {"accounts - Customers V3": "running"}},
        {
            "connection_id": "cid",
            "finops_host": "contoso-uat.operations.eu.dynamics.com",
            "started": ["accounts - Customers V3"],
            "ready": True,
        },
    ),
]


def preview() -> None:
    """Check and diff every resource as the engine does in a preview that finds nothing to do."""
    for provider, inputs, told in STACK:
        provider.configure(ConfigureRequest(config=None))  # type: ignore[arg-type]
        checked = provider.check(inputs, inputs)
        assert not checked.failures, (provider.resource, [(each.property, each.reason) for each in checked.failures])
        found = provider.diff("id", {**checked.inputs, **told}, checked.inputs)
        assert found.changes is False, (provider.resource, found.changes)


if __name__ == "__main__":
    preview()
    print(json.dumps(sorted(sys.modules)))  # noqa: T201 - read by the test
