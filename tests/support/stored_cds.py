"""A CdsInstance as state has it, for tests that ask no service."""

from typing import Any


def stored_cds(domain: str, **changes: Any) -> dict[str, Any]:
    """A new environment of this domain; arguments change members."""
    return {
        "cloud": "emulator",
        "instance": "new",
        "name": "Contoso",
        "domain": domain,
        "type": "sandbox",
        "location": "europe",
        "currency": "EUR",
        "language": 1033,
        "environment_id": "3b8c4d5e-6f70-4182-8c9d-1e2f3a4b5c63",
        "url": f"https://{domain}.crm4.dynamics.com",
        "api_url": "",
        "organization_id": "",
        "geography": "europe",
        "azure_region": "",
        "version": "",
        "prime_solution": "",
        "created_by_us": True,
        **changes,
    }
