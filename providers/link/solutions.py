"""Applying map solutions to a link: listed, requested, followed to its end. No pulumi.

One at a time per link: several at once make duplicate maps (dual-write-management-api.md E13). Solutions of the user's
own have a minimum version; one that was updated in CDS is applied again, which is how its new map versions appear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from providers.api.dual_write.actions import RequestState
from providers.api.transport.operations import Outcome
from providers.catalogue.selection import carrying_solution
from providers.documented_errors.recognition import MAKING_MAPS, READING, failed, with_documented_cure
from providers.link.pair import Link, read_link
from providers.protocol.call import ResourceError
from providers.protocol.versions import at_least
from providers.protocol.waiting import Waiting

if TYPE_CHECKING:
    from providers.api.dataverse.client import Dataverse
    from providers.api.dual_write.client import DualWriteManagement
    from providers.api.dual_write.models import ConnectionSet, MapSolution

_USUALLY = "about 2 min"


def apply_solutions(
    service: DualWriteManagement,
    link: Link,
    solutions: Iterable[str],
    waiting: Waiting,
    *,
    interval: float,
    known: Iterable[str] = (),
) -> None:
    """Apply the solutions whose maps the link does not show; one that is being applied already is waited for first.

    `known`: maps that the link had before; a solution of which one is gone is applied again.
    """
    wanted = list(solutions)
    if not wanted:
        return
    if _under_way(link.details):
        _wait_for_others(service, link, waiting, interval=interval)
        link = read_link(service, link.environment)
    names = {status.name for status in link.maps}
    complete = _carriers(names) - _carriers(set(known) - names)
    for solution in (solution for solution in wanted if solution not in complete):
        _apply(service, link, solution, waiting, interval=interval)


def _carriers(maps: Iterable[str]) -> set[str | None]:
    return {carrying_solution(name) for name in maps}


class OwnSolutions:
    """Map solutions of the user's own: name to the minimum version, in order of application."""

    def __init__(self, service: DualWriteManagement, dataverse: Dataverse, minima: Mapping[str, str]) -> None:
        self._service = service
        self._dataverse = dataverse
        self._minima = minima

    def apply(self, link: Link, applied: Mapping[str, str], waiting: Waiting, *, interval: float) -> dict[str, str]:
        """Apply those that are newer than `applied` (name to version) or whose maps the link lacks; the versions now.

        Raises `ResourceError` for one that is older than its minimum.
        """
        if not self._minima:
            return {}
        for name in self._minima:
            _wait_until_listed(self._service, link.environment.cid, name, waiting, interval=interval)
        listed = self._listed(link.environment.cid)
        self._require_new_enough(listed)
        if _under_way(link.details):
            _wait_for_others(self._service, link, waiting, interval=interval)
        versions = {}
        for name in self._minima:
            solution = listed[name.casefold()]
            if self._is_due(link, solution, applied.get(name)):
                _apply(self._service, link, name, waiting, interval=interval)
            versions[name] = solution.version
        return versions

    def _require_new_enough(self, listed: Mapping[str, MapSolution]) -> None:
        problems = list(self.problems(listed))
        if problems:
            raise ResourceError(
                "; ".join(problems), next_step="Import the newer solution into CDS, then run `up` again."
            )

    def installed(self, cid: str) -> list[MapSolution]:
        """Those that CDS has, by the names of the stack (E12)."""
        if not self._minima:
            return []
        listed = self._listed(cid)
        found = ((name, listed.get(name.casefold())) for name in self._minima)
        return [each.model_copy(update={"unique_name": name}) for name, each in found if each is not None]

    def carriers(self, installed: Iterable[MapSolution]) -> dict[str, str]:
        """Map to the one of these solutions that carries it."""
        return {
            name: each.unique_name
            for each in installed
            for name in carried_maps(self._dataverse.entity_maps(), each.id)
        }

    def problems(self, listed: Mapping[str, MapSolution]) -> Iterator[str]:
        """Against solutions that are older than their minimum."""
        for name, minimum in self._minima.items():
            solution = listed.get(name.casefold())
            if solution is not None and not at_least(solution.version, minimum):
                yield f"the solution {name} is installed in version {solution.version}, and {minimum} is the minimum"

    def below_minimum(self, cid: str) -> list[str]:
        """The same by what CDS has now."""
        return list(self.problems(self._listed(cid))) if self._minima else []

    def _listed(self, cid: str) -> dict[str, MapSolution]:
        with with_documented_cure(READING):
            return {solution.unique_name.casefold(): solution for solution in self._service.solutions(cid)}

    def _is_due(self, link: Link, solution: MapSolution, applied: str | None) -> bool:
        if applied is not None and not at_least(applied, solution.version):
            return True
        carried = carried_maps(self._dataverse.entity_maps(), solution.id)
        return not carried or not carried <= {status.name for status in link.maps}


def carried_maps(rows: Iterable[Mapping[str, object]], solution_id: str) -> set[str]:
    """The maps that a solution carries, by the names of its saved versions, `<prefix>_[<map>]` (10.1)."""
    names = (str(row.get("msdyn_name") or "") for row in rows if _is(row.get("solutionid"), solution_id))
    return {name.partition("[")[2].removesuffix("]") for name in names if "[" in name}


def _is(value: object, solution_id: str) -> bool:
    return str(value or "").casefold() == solution_id.casefold()


def _under_way(details: ConnectionSet) -> bool:
    return any(each.state == RequestState.WAITING for each in details.solution_requests)


def _wait_for_others(service: DualWriteManagement, link: Link, waiting: Waiting, *, interval: float) -> None:
    """A run that was killed, or a person, asked for a solution."""

    def poll() -> Outcome[bool]:
        with with_documented_cure(READING):
            busy = _under_way(service.connection_set(link.environment.cname))
        return Outcome.pending("another one is being applied") if busy else Outcome.done(True)

    waiting.until(poll, what="map solutions", interval=interval, usually=_USUALLY)


def _apply(service: DualWriteManagement, link: Link, unique_name: str, waiting: Waiting, *, interval: float) -> None:
    """Apply a map solution and wait for it. Raises `OperationFailed` with the service's reason.

    A solution that its package has just brought may be listed late (assumed), so it is waited for first.
    """
    cid = link.environment.cid
    _wait_until_listed(service, cid, unique_name, waiting, interval=interval)
    with with_documented_cure(MAKING_MAPS):
        request_id = service.apply_solution(cid, unique_name, cname=link.environment.cname)

    def applied() -> Outcome[bool]:
        with with_documented_cure(READING):
            status = service.solution_status(cid, request_id)
        if status.state == RequestState.FAILED:
            message = status.result.message if status.result else None
            raise failed(
                f"map solution {unique_name} was not applied: {message or 'the service gave no reason'}",
                correlation_id=status.root_activity_id or request_id,
                otherwise="Mend what it names, then run `up` again; it continues with this solution.",
            )
        return Outcome.done(True) if status.state == RequestState.COMPLETED else Outcome.pending("being applied")

    waiting.until(applied, what=f"map solution {unique_name}", interval=interval, usually=_USUALLY)


def _wait_until_listed(
    service: DualWriteManagement, cid: str, unique_name: str, waiting: Waiting, *, interval: float
) -> None:
    def listed() -> Outcome[bool]:
        with with_documented_cure(READING):
            names = {solution.unique_name.casefold() for solution in service.solutions(cid)}
        if unique_name.casefold() in names:
            return Outcome.done(True)
        return Outcome.pending("not among the map solutions of CDS; its application package has to be installed")

    waiting.until(listed, what=f"map solution {unique_name}", interval=interval)
