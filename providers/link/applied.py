"""What a link has of the map solutions of a stack: which were applied, what of them is gone, what was updated.

A person's reset takes the maps of every solution away (dual-write-semantics.md 9), and single maps can be deleted on
the dual-write page; `up` applies their solutions again. What the link never had is not missed. Costs the list of maps
that a refresh reads anyhow (E2), and where the stack has solutions of its own E12. No pulumi.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from providers.catalogue.selection import carrying_solution
from providers.link.model import ConnectionInputs, ConnectionOutputs, ConnectionPrivate
from providers.link.solutions import OwnSolutions
from providers.protocol.call import Call
from providers.protocol.findings import NOT_APPLIED, SOLUTION
from providers.protocol.versions import at_least
from providers.protocol.words import amount, first_names

if TYPE_CHECKING:
    from providers.api.dual_write.models import EntityMapStatus, MapSolution
    from providers.api.session import Session


def applied_of(
    session: Session, cds_host: str, cid: str, inputs: ConnectionInputs, private: ConnectionPrivate
) -> dict[str, list[str]]:
    """The outputs `applied_solutions` and `applied_maps` once the solutions are applied."""
    declared = [*inputs.solutions, *inputs.own_solutions]
    if not declared:
        return {"applied_solutions": [], "applied_maps": []}
    own = OwnSolutions(session.dual_write, session.dataverse(cds_host), inputs.own_solutions)
    listed = {status.name for status in session.dual_write.maps(cid, fresh=True)}
    there = set(_carriers(own.carriers(own.installed(cid)), listed).values())
    return {
        "applied_solutions": [name for name in declared if name in there],
        "applied_maps": sorted(listed & set(private.maps)),
    }


def read_applied(
    session: Session, cds_host: str, cid: str, stored: ConnectionOutputs, call: Call
) -> dict[str, list[str] | dict[str, str]]:
    """`solutions` and `own_solutions` as declared, each with what is otherwise; that is told in a warning."""
    minima = {name: _declared(text) for name, text in stored.own_solutions.items()}
    own = OwnSolutions(session.dual_write, session.dataverse(cds_host), minima)
    installed = own.installed(cid)
    otherwise = _updated(installed, stored, call)
    if stored.applied_solutions:
        listed = session.dual_write.maps(cid, refresh=True)
        otherwise |= _gone(stored, listed, own.carriers(installed), call)
    return {
        "solutions": [_shown(name, name, otherwise) for name in map(_declared, stored.solutions)],
        "own_solutions": {name: _shown(name, text, otherwise) for name, text in minima.items()},
    }


def _carriers(own: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Map to the solution that brings it; maps of which none is known are left out."""
    found = {name: own.get(name) or carrying_solution(name) for name in names}
    return {name: solution for name, solution in found.items() if solution}


def _gone(
    stored: ConnectionOutputs, listed: Collection[EntityMapStatus], own: Mapping[str, str], call: Call
) -> dict[str, str]:
    """What is gone of solutions that were applied: all their maps, or declared ones."""
    names = {status.name for status in listed}
    lost = set(stored.applied_solutions or ()) - set(_carriers(own, names).values())
    if lost:
        each = first_names(sorted(lost))
        call.warn(f"the link has no maps of {each} any more; `up` applies them and restores the maps", NOT_APPLIED)
    missing = Counter(_carriers(own, set(stored.applied_maps) - names).values())
    return {
        **{name: f"{amount(count, 'map')} gone" for name, count in missing.items()},
        **dict.fromkeys(lost, "not applied"),
    }


def _updated(installed: Iterable[MapSolution], stored: ConnectionOutputs, call: Call) -> dict[str, str]:
    """Solutions of the user's own that CDS has newer than they were applied."""
    newer = {}
    for each in installed:
        name, version, applied = each.unique_name, each.version, stored.applied_versions.get(each.unique_name)
        if applied is not None and not at_least(applied, version):
            call.warn(f"the solution {name} is installed in version {version}, applied was {applied}", SOLUTION)
            newer[name] = f"{version} installed, {applied} applied"
    return newer


def _shown(name: str, text: str, otherwise: Mapping[str, str]) -> str:
    return f"{text} ({otherwise[name]})" if name in otherwise else text


def _declared(text: str) -> str:
    """What was declared, of a text that a refresh has written."""
    return text.partition(" (")[0]
