"""Which versions of F&O are on offer, as environments of the tenant tell that have F&O or are to get it. Reads only.

Only Dataverse with the Platform Tools tells them (power-platform-api.md 14.8), and a new environment has none yet: so
others are asked, those of the same location first. No pulumi.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from providers.api.transport.errors import ApiError
from providers.instances.finops_model import FinOpsInputs
from providers.protocol.base import Call, Problem
from providers.protocol.findings import VERSION_NOT_CHECKED
from providers.protocol.versions import fitting
from providers.protocol.words import CHOICES, first_names

if TYPE_CHECKING:
    from providers.api.power_platform.models import Environment
    from providers.api.session import Session

# Environments that are asked before the question is given up.
_MOST_ASKED = 3


def version_problems(
    inputs: FinOpsInputs, own: Environment | None, environments: list[Environment], session: Session, call: Call
) -> Iterator[Problem]:
    """Against a minimum that nothing on offer reaches; where no environment tells, that is announced."""
    if inputs.version is None:
        return
    location = own.location if own else inputs.location
    for environment in _telling(own, environments, location)[:_MOST_ASKED]:
        offered = _offered(session, environment)
        if offered:
            if fitting(offered, inputs.version) is None:
                yield Problem("version", _not_offered(inputs.version, offered, environment))
            return
    call.announce(
        f"not checked: whether F&O {inputs.version} is on offer, which no environment of the tenant tells",
        VERSION_NOT_CHECKED,
    )


def _telling(own: Environment | None, environments: list[Environment], location: str | None) -> list[Environment]:
    """Environments that may tell: the stack's own, then those with an F&O of the Power Platform, near ones first."""
    others = [each for each in environments if each != own and _may_tell(each)]
    others.sort(key=lambda each: each.location != location)
    return [own, *others] if own and own.url else others


def _may_tell(environment: Environment) -> bool:
    return bool(environment.url and environment.finops) and not environment.linked_with_lcs


def _offered(session: Session, environment: Environment) -> list[str]:
    """What an environment tells; nothing where it does not answer."""
    try:
        return session.dataverse(environment.url).finops_versions()
    except ApiError:
        return []


def _not_offered(minimum: str, offered: list[str], environment: Environment) -> str:
    return (
        f"F&O {minimum} is not on offer: '{environment.display_name}' shows {first_names(offered[::-1], CHOICES)}. "
        "Lower `version`, or leave it out to get the newest"
    )
