"""Applying map solutions to a link: listed, requested, followed to its end. No pulumi.

One at a time per link: several at once make duplicate maps (dual-write-management-api.md E13).
"""

from collections.abc import Iterable

from providers.api.dual_write.client import DualWriteManagement
from providers.api.dual_write.models import ConnectionSet, RequestState
from providers.api.transport.operations import Outcome
from providers.catalogue.selection import carrying_solution
from providers.documented_errors.recognition import MAKING_MAPS, READING, failed, with_documented_cure
from providers.link.pair import Link, read_link
from providers.protocol.waiting import Waiting

_USUALLY = "about 2 min"


def apply_solutions(
    service: DualWriteManagement, link: Link, solutions: Iterable[str], waiting: Waiting, *, interval: float
) -> None:
    """Apply the solutions whose maps the link does not show; one that is being applied already is waited for first."""
    wanted = list(solutions)
    if not wanted:
        return
    if _under_way(link.details):
        _wait_for_others(service, link, waiting, interval=interval)
        link = read_link(service, link.environment)
    listed = {carrying_solution(status.name) for status in link.maps}
    for solution in wanted:
        if solution not in listed:
            _apply(service, link, solution, waiting, interval=interval)


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

    def listed() -> Outcome[bool]:
        with with_documented_cure(READING):
            names = {solution.unique_name.casefold() for solution in service.solutions(cid)}
        if unique_name.casefold() in names:
            return Outcome.done(True)
        return Outcome.pending("not among the map solutions of CDS; its application package has to be installed")

    waiting.until(listed, what=f"map solution {unique_name}", interval=interval)
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
