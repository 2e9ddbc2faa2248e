"""The record of a new Dataverse: names and host that follow from its id, location and domain."""

from datetime import datetime

from emulator.power_platform import locations
from emulator.power_platform.records import Database


def new_database(
    resource_id: str,
    location: str,
    domain: str,
    *,
    base_language: int,
    currency: str,
    schema_type: str,
    dynamics_365_apps: bool,
    created: datetime,
) -> Database:
    """Return a Dataverse that is being made."""
    return Database(
        resource_id=resource_id,
        unique_name=f"unq{resource_id.replace('-', '')[:28]}",
        domain=domain,
        host=locations.dataverse_host(location, domain),
        base_language=base_language,
        currency=currency,
        schema_type=schema_type,
        dynamics_365_apps=dynamics_365_apps,
        created=created,
    )
