"""Applying one map solution to a link: listed, requested, followed to its end. No pulumi.

One at a time per link: several at once make duplicate maps (dual-write-management-api.md E13).
"""

from providers._waiting import Waiting
from providers.api.dual_write import DualWriteManagement
from providers.api.dual_write_models import LinkedEnvironment, RequestState
from providers.api.errors import OperationFailed
from providers.api.operations import Outcome

_USUALLY = "about 2 min"


def wait_for_others(
    service: DualWriteManagement, link: LinkedEnvironment, waiting: Waiting, *, interval: float
) -> None:
    """Wait while a solution is being applied: a run that was killed, or a person, may have asked for it."""

    def poll() -> Outcome[bool]:
        asked = service.connection_set(link.cname).solution_requests
        if any(each.state == RequestState.WAITING for each in asked):
            return Outcome.pending("another one is being applied")
        return Outcome.done(True)

    waiting.until(poll, what="map solutions", interval=interval, usually=_USUALLY)


def apply_solution(
    service: DualWriteManagement, link: LinkedEnvironment, unique_name: str, waiting: Waiting, *, interval: float
) -> None:
    """Apply a map solution and wait for it. Raises `OperationFailed` with the service's reason.

    A solution that its package has just brought may be listed late (assumed), so it is waited for first.
    """

    def listed() -> Outcome[bool]:
        names = {solution.unique_name.casefold() for solution in service.solutions(link.cid)}
        if unique_name.casefold() in names:
            return Outcome.done(True)
        return Outcome.pending("not among the map solutions of CDS; its application package has to be installed")

    waiting.until(listed, what=f"map solution {unique_name}", interval=interval)
    request_id = service.apply_solution(link.cid, unique_name, cname=link.cname)

    def applied() -> Outcome[bool]:
        status = service.solution_status(link.cid, request_id)
        if status.state == RequestState.FAILED:
            message = status.result.message if status.result else None
            raise OperationFailed(
                f"map solution {unique_name} was not applied: {message or 'the service gave no reason'}",
                correlation_id=status.root_activity_id or request_id,
                next_step="Mend what it names, then run `up` again; it continues with this solution.",
            )
        return Outcome.done(True) if status.state == RequestState.COMPLETED else Outcome.pending("being applied")

    waiting.until(applied, what=f"map solution {unique_name}", interval=interval, usually=_USUALLY)
