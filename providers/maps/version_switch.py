"""Making a version of one entity map the active one: stopped, switched, tables refreshed, run state as it was found.

dual-write-management-api.md E6, 7.4, 7.6, 7.7. A map whose start fails on the new version goes back to the one before
and runs on that. No pulumi.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from providers.api.dual_write.actions import MapState
from providers.api.transport.errors import ApiError, NotFound
from providers.maps.integration_keys import refused_while_paused
from providers.maps.operations import MapOperations, Pace, one_error
from providers.maps.plan import NOT_RUNNING, MapFailure, last_stop
from providers.maps.table_refresh import refresh_tables
from providers.maps.versions import NoSuchVersionError, active, chosen, version_line
from providers.protocol.call import ResourceError

if TYPE_CHECKING:
    from providers.api.dual_write.client import DualWriteManagement
    from providers.api.dual_write.models import EntityMapStatus, MapTemplate

STOPS_MEANWHILE = "is stopped meanwhile, and changes made in that time are not queued"


@dataclass
class VersionSwitch:
    """One map of one link, for one operation. `pace` makes a new one for each wait, which has what time is left."""

    service: DualWriteManagement
    cid: str
    name: str
    pace: Callable[[], Pace]
    progress: Callable[[str], None]

    def make_active(
        self, version: str, author: str | None, *, declared_state: str | None, may_resume: bool = False
    ) -> EntityMapStatus:
        """The map with that version active; what is so already costs one list call.

        `declared_state`: the run state of the stack file. A map that shall run and that a killed switch has left
        stopped is started again. `may_resume`: a paused map shall run, and its queue is played back.
        """
        status = self.status()
        wanted = _required(status, version, author)
        ran = status.state not in NOT_RUNNING
        before = status.detail.tid
        if wanted.id != before:
            if status.state == MapState.PAUSED and not may_resume:
                raise ResourceError(refused_while_paused(self.name, "its version"))
            status = self._switched(status, wanted)
        if ran or _was_interrupted(status, declared_state):
            self._start(status, wanted, before)
        return self.status()

    def status(self) -> EntityMapStatus:
        """The map as it is now. Raises `NotFound` when the link has no such map."""
        listed = self.service.maps(self.cid, fresh=True)
        found = next((each for each in listed if each.name == self.name), None)
        if found is None:
            raise NotFound(
                f"the link has no map '{self.name}'",
                next_step="If it was there, run a refresh and `up` again, which applies its map solution; else declare "
                "the solution that carries it (`solutions` under `dualwrite:connection`).",
            )
        return found

    def _switched(self, status: EntityMapStatus, wanted: MapTemplate) -> EntityMapStatus:
        if not status.initialised:
            self._bring("initialised")
        elif status.state not in NOT_RUNNING:
            self._bring("stopped")
        status = self._activate(self.status(), wanted.id)
        refresh_tables(self.service, status, self.progress)
        return status

    def _activate(self, status: EntityMapStatus, template_id: str) -> EntityMapStatus:
        """E6, whose answer says nothing: the list tells (7.4)."""
        self.service.switch_active(self.cid, template_id, status.detail.pid or "")
        status = self.status()
        if status.detail.tid != template_id:
            raise ResourceError(
                f"the service took the switch, and '{self.name}' still has version {version_line(active(status))}",
                next_step="Run `up` again; if it stays so, switch the version on the dual-write page.",
            )
        return status

    def _start(self, status: EntityMapStatus, wanted: MapTemplate, before: str) -> None:
        failure = self._bring("running")
        if failure is None:
            return
        if wanted.id == before:
            raise one_error([failure], 1)
        status = self._activate(self.status(), before)
        refresh_tables(self.service, status, self.progress)
        old = version_line(active(status))
        second = self._bring("running")
        fate = f"the map runs on version {old} again" if second is None else f"nor does version {old} start any more"
        raise ApiError(
            f"version {version_line(wanted)} does not start: {failure.text.rstrip('.')}; {fate}",
            code=failure.code,
            correlation_id=failure.correlation_id,
            next_step=failure.cure or "Mend the version and save a new one, or pin another; then run `up` again.",
        )

    def _bring(self, state: str) -> MapFailure | None:
        """Bring the map alone to a state; its failure. What E5 asks for first is left to LiveSync."""
        operations = MapOperations(self.service, self.cid, pace=self.pace(), progress=self.progress)
        failures = operations.bring_to({self.name: state}, alone=True).failures
        if failures and state != "running":
            raise one_error(failures, 1)
        return failures[0] if failures else None


def _required(status: EntityMapStatus, version: str, author: str | None) -> MapTemplate:
    try:
        return chosen(status, version, author)
    except NoSuchVersionError as error:
        raise ResourceError(f"{error}", next_step="Pin one of these, or leave the pin out.") from error


def _was_interrupted(status: EntityMapStatus, declared_state: str | None) -> bool:
    """Whether the map shall run, and the last thing that happened to it is that it was stopped."""
    if declared_state != "running" or status.state not in NOT_RUNNING:
        return False
    return last_stop(status) is not None
