"""Is an environment gone, and what is its address?

Gone is believed only when both say so: the answer for its id, and the list of all environments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.api.transport.errors import NotFound
from providers.protocol.call import NotRead

if TYPE_CHECKING:
    from providers.api.power_platform.interface import PowerPlatform
    from providers.api.power_platform.models import Environment
    from providers.api.session import Session


def environment_or_gone(service: PowerPlatform, identifier: str) -> Environment | None:
    """One environment by id, None when it is gone.

    Raises `NotRead` when the service does not know the id and lists it: a passing fault must not end in a state without
    the environment, which then nothing deletes.
    """
    try:
        return service.environment(identifier, shared=True) if identifier else None
    except NotFound as error:
        if any(each.id.casefold() == identifier.casefold() for each in service.environments(fresh=True)):
            raise NotRead(f"the service lists the environment {identifier}, and says: {error}") from error
        return None


def address_of(environment_id: str, known: str, session: Session) -> str:
    """The address of the environment; asked for only where older code did not store it."""
    if known or not environment_id:
        return known
    try:
        return session.power_platform.environment(environment_id, shared=True).url
    except NotFound:
        return ""
