"""Instances as the services show them, for code that is pure: what one looks like is all that it is given."""

from typing import Any

from providers.api.dataverse.models import FinOpsApplication
from providers.api.power_platform.models import Environment, Principal, Template

MARK = "dual-write dualwrite/new-new"
ENVIRONMENT_ID = "c0ffee00-1b2d-4a77-9d10-3e5f6a7b8c9d"
FINOPS_ID = "4be0a1c3-77d2-4d09-93a5-6c1e2f3d4b5a"
FINOPS_URL = "https://contoso-uat.operations.eu.dynamics.com/"


def an_environment(**changes: Any) -> Environment:
    """A finished environment of this stack; arguments change members."""
    members: dict[str, Any] = {
        "id": ENVIRONMENT_ID,
        "location": "europe",
        "display_name": "Contoso UAT",
        "description": MARK,
        "azure_region": "westeurope",
        "sku": "Sandbox",
        "created_by": Principal(display_name="Ines Roth"),
        "organization_id": "9a41d2f7-5c3e-4b60-8e1d-0f2a4c6b8d11",
        "domain": "contoso-uat",
        "url": "https://contoso-uat.crm4.dynamics.com/",
        "api_url": "https://contoso-uat.api.crm4.dynamics.com",
        "language": 1033,
        "version": "9.2.26081.00142",
        "management_state": "Ready",
    }
    return Environment(**{**members, **changes})


def a_template(name: str, sku: str = "Sandbox", *, disabled: bool = False) -> Template:
    """A template of a location; a disabled one lacks the licence."""
    return Template(
        name=name,
        sku=sku,
        disabled=disabled,
        disabled_code="DynamicsEntitlementMissing" if disabled else None,
        disabled_message="You do not have the required licenses." if disabled else None,
    )


def an_application(version: str = "10.0.45.10", deployment: str = "Sandbox") -> FinOpsApplication:
    """What Dataverse says about the F&O application."""
    return FinOpsApplication(
        application_version=version,
        platform_version="7.0.45",
        state="Installed",
        deployment_type=deployment,
        environment_id=FINOPS_ID,
    )
