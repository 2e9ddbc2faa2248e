"""`LiveSync`: the run state of all entity maps of a link, brought about in bulk.

API: dual-write management service E1 to E5, E7, E8 (dual-write-management-api.md). Natural key:
the link (F&O host and CDS environment). Replaces: either environment. Maps that are declared
but not installed are listed in an output and are no difference. Not read back: which maps are
prerequisites (decided offline) and what was dropped. A start takes about a quarter of a minute
a map (assumed); prerequisites come first, independent maps together.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import pulumi
from pydantic import Field

from providers._base import Call, Inputs, ManagedResource, NotRead, Outputs, Provider, ResourceError
from providers._duration import Duration, seconds
from providers._links import find_link, find_pair
from providers._marks import CaseBlind, NotCompared, Refused, Replaces, Unordered
from providers.api.dual_write_models import EntityMapStatus
from providers.api.dual_write_tokens import HOW_TO_GET_ONE, dual_write_token_configured
from providers.api.errors import NotFound
from providers.api.session import Session
from providers.map_operations import MapOperations, Report, only
from providers.map_plan import RunState, state_word


class LiveSyncInputs(Inputs):
    """Every map of the stack with its run state; what was added as a prerequisite and what was left out is shown."""

    cloud: Annotated[str, Refused("another cloud is another tenant: use a stack of its own")]
    cds: Annotated[str, Field(min_length=1), Replaces(), CaseBlind()]
    finops: Annotated[str | None, Replaces(), CaseBlind()] = None
    gateway: str | None = None
    companies: Annotated[list[str], Unordered(), CaseBlind()] = Field(default_factory=list)
    maps: dict[str, RunState]
    prerequisites_added: Annotated[list[str], Unordered()] = Field(default_factory=list)
    dropped: Annotated[list[str], Unordered()] = Field(default_factory=list)
    timeout: Annotated[Duration, NotCompared()] = "2h"


class LiveSyncOutputs(Outputs):
    """What the service holds.

    `started`: maps this stack took out of not running, which it stops when destroyed; `drifted`: the declared
    state of every map that a refresh found in another one.
    """

    cloud: str
    cds: str
    finops: str | None = None
    gateway: str | None = None
    companies: list[str] = Field(default_factory=list)
    maps: dict[str, str] = Field(default_factory=dict)
    prerequisites_added: list[str] = Field(default_factory=list)
    dropped: list[str] = Field(default_factory=list)
    timeout: str = "2h"
    connection_id: str = ""
    finops_host: str = ""
    started: list[str] = Field(default_factory=list)
    started_for_service: list[str] = Field(default_factory=list)
    not_installed: list[str] = Field(default_factory=list)
    drifted: dict[str, str] = Field(default_factory=dict)
    ready: bool = False


def held_maps(declared: Mapping[str, str], statuses: Mapping[str, EntityMapStatus]) -> dict[str, str]:
    """The declared maps with the states they have; one that is not installed keeps its declared state."""
    return {name: state_word(statuses[name]) if name in statuses else state for name, state in declared.items()}


class LiveSyncProvider(Provider[LiveSyncInputs, LiveSyncOutputs]):
    """All maps at once: what is as declared is left alone."""

    resource = "LiveSync"
    inputs = LiveSyncInputs
    outputs = LiveSyncOutputs

    def name_of(self, values: LiveSyncInputs | LiveSyncOutputs) -> str:
        """The CDS environment as the stack calls it."""
        return values.cds

    def normalise(self, inputs: LiveSyncInputs) -> LiveSyncInputs:
        """Maps, prerequisites and companies in one stable order."""
        return inputs.model_copy(
            update={
                "maps": dict(sorted(inputs.maps.items())),
                "prerequisites_added": sorted(inputs.prerequisites_added),
                "dropped": sorted(inputs.dropped),
                "companies": sorted(company.upper() for company in inputs.companies),
            }
        )

    def on_create(self, inputs: LiveSyncInputs, call: Call) -> tuple[str, LiveSyncOutputs]:
        """Bring every declared map to its state; what runs already stays as it is."""
        session = call.session(inputs.cloud, gateway=inputs.gateway)
        pair = find_pair(session, inputs.cds, inputs.finops)
        cid = find_link(session, pair.finops_host).cid
        report = self._bring(session, cid, inputs, dict(inputs.maps), call)
        return pair.identifier, self._held(inputs, cid, pair.finops_host, report, before=())

    def on_read(self, identifier: str, stored: LiveSyncOutputs, call: Call) -> LiveSyncOutputs | None:
        """One list call for all maps; a map that is not as declared is named on the row. Gone with its CDS."""
        if not dual_write_token_configured():
            raise NotRead(HOW_TO_GET_ONE)
        session = call.session(stored.cloud, gateway=stored.gateway)
        try:
            statuses, cid = self._statuses(session, stored)
        except NotFound:
            if _environment_is_there(session, identifier):
                raise
            return None
        declared = {**stored.maps, **stored.drifted}
        held = held_maps(declared, statuses)
        drifted = {name: declared[name] for name, state in held.items() if state != declared[name]}
        for name, state in drifted.items():
            call.warn(f"map '{name}' is {held[name]}, not {state}")
        changes = {
            "maps": held,
            "drifted": drifted,
            "not_installed": sorted(name for name in declared if name not in statuses),
            "connection_id": cid,
            "ready": not drifted,
        }
        return stored.model_copy(update=changes)

    def on_update(
        self, identifier: str, stored: LiveSyncOutputs, inputs: LiveSyncInputs, call: Call
    ) -> LiveSyncOutputs:
        """Only the maps that are not as declared; one that left the declaration is stopped if this stack started it."""
        session = call.session(inputs.cloud, gateway=inputs.gateway)
        cid = find_link(session, stored.finops_host).cid
        left = self._left(session, cid, stored, inputs, call)
        report = self._bring(session, cid, inputs, {**inputs.maps, **left}, call)
        before = [name for name in stored.started if name in inputs.maps or name not in stored.maps]
        return self._held(inputs, cid, stored.finops_host, report, before=before)

    def _left(
        self, session: Session, cid: str, stored: LiveSyncOutputs, inputs: LiveSyncInputs, call: Call
    ) -> dict[str, str]:
        """Maps that left the declaration and shall stop; one that is paused stays so, its queue is not ours to play."""
        gone = [name for name in stored.started if name in stored.maps and name not in inputs.maps]
        if not gone:
            return {}
        states = {status.name: state_word(status) for status in session.dual_write.maps(cid, fresh=True)}
        paused = [name for name in gone if states.get(name) == "paused"]
        if paused:
            call.warn(f"{_counted(paused, 'map')} paused and left so: {_some(paused)}")
        return {name: "stopped" for name in gone if name not in paused}

    def on_delete(self, identifier: str, stored: LiveSyncOutputs, call: Call) -> None:
        """Stop what this stack started; maps that a person paused stay paused, for their queue is not ours to play."""
        session = call.session(stored.cloud, gateway=stored.gateway)
        link = session.dual_write.environment(stored.finops_host)
        if link is None:
            return
        statuses = {status.name: status for status in session.dual_write.maps(link.cid, fresh=True)}
        states = {name: state_word(statuses[name]) for name in stored.started if name in statuses}
        running = [name for name, state in states.items() if state not in ("stopped", "paused")]
        paused = [name for name, state in states.items() if state == "paused"]
        if paused:
            call.warn(f"{_counted(paused, 'map')} paused and left so: {_some(paused)}")
        report = self._operations(session, link.cid, stored.timeout, call).bring_to(dict.fromkeys(running, "stopped"))
        if report.failures:
            raise only(report.failures, len(running))

    def _statuses(self, session: Session, stored: LiveSyncOutputs) -> tuple[dict[str, EntityMapStatus], str]:
        """All maps by the link's id; by its host again when a reset gave the link a new id."""
        try:
            listed = session.dual_write.maps(stored.connection_id)
        except NotFound:
            cid = find_link(session, stored.finops_host).cid
            return {status.name: status for status in session.dual_write.maps(cid)}, cid
        return {status.name: status for status in listed}, stored.connection_id

    def _operations(self, session: Session, cid: str, timeout: str, call: Call) -> MapOperations:
        return MapOperations(
            session.dual_write,
            cid,
            interval=session.profile.polls.map_action,
            seconds=seconds(timeout),
            clock=call.clock,
            sleep=call.sleep,
            progress=call.progress,
        )

    def _bring(self, session: Session, cid: str, inputs: LiveSyncInputs, goal: dict[str, str], call: Call) -> Report:
        """Everything that can be done is done; then `up` is green only when nothing is left (design 5)."""
        report = self._operations(session, cid, inputs.timeout, call).bring_to(
            goal, avoid=[_dropped_name(text) for text in inputs.dropped]
        )
        if goal and not goal.keys() & report.statuses.keys():
            raise ResourceError(
                "the dual-write service lists none of the declared entity maps",
                next_step="Apply the map solutions (DualWriteConnection does), then run `up` again.",
            )
        if report.not_installed:
            call.warn(
                f"{_counted(report.not_installed, 'declared map')} not installed here: {_some(report.not_installed)}"
            )
        if report.extras:
            call.announce(f"also running, because the service asks for them first: {_some(sorted(report.extras))}")
        for failure in report.failures:
            call.warn(f"map '{failure.name}': {failure.text}")
        if report.failures:
            raise only(report.failures, len(goal))
        return report

    def _held(
        self, inputs: LiveSyncInputs, cid: str, finops_host: str, report: Report, *, before: Any
    ) -> LiveSyncOutputs:
        return LiveSyncOutputs.model_validate(
            {
                **inputs.model_dump(mode="json"),
                "maps": held_maps(inputs.maps, report.statuses),
                "connection_id": cid,
                "finops_host": finops_host,
                "started": sorted({*before, *report.started}),
                "started_for_service": sorted(report.extras),
                "not_installed": [name for name in report.not_installed if name in inputs.maps],
                "ready": True,
            }
        )


class LiveSync(ManagedResource, module="dualwrite", name="LiveSync"):
    """The run states of all maps of a link."""

    cloud: pulumi.Output[str]
    cds: pulumi.Output[str]
    maps: pulumi.Output[dict[str, str]]
    prerequisites_added: pulumi.Output[list[str]]
    dropped: pulumi.Output[list[str]]
    connection_id: pulumi.Output[str]
    not_installed: pulumi.Output[list[str]]
    started: pulumi.Output[list[str]]
    ready: pulumi.Output[bool]

    def __init__(
        self,
        resource_name: str,
        *,
        cloud: pulumi.Input[str],
        cds: pulumi.Input[str],
        maps: pulumi.Input[Mapping[str, pulumi.Input[str]]],
        finops: pulumi.Input[str] | None = None,
        gateway: pulumi.Input[str] | None = None,
        companies: pulumi.Input[list[str]] | None = None,
        prerequisites_added: pulumi.Input[list[str]] | None = None,
        dropped: pulumi.Input[list[str]] | None = None,
        timeout: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        arguments = {
            "cloud": cloud,
            "cds": cds,
            "finops": finops,
            "gateway": gateway,
            "companies": companies,
            "maps": maps,
            "prerequisites_added": prerequisites_added,
            "dropped": dropped,
            "timeout": timeout,
        }
        super().__init__(LiveSyncProvider(), resource_name, arguments, opts)


def _environment_is_there(session: Session, identifier: str) -> bool:
    """Whether the CDS environment of the link's natural key exists."""
    try:
        session.power_platform.environment(identifier.rpartition("/")[2])
    except NotFound:
        return False
    return True


def _dropped_name(text: str) -> str:
    """The map of an entry `<map>: <reason>`."""
    return text.partition(": ")[0]


def _counted(names: list[str], noun: str) -> str:
    return f"{len(names)} {noun} is" if len(names) == 1 else f"{len(names)} {noun}s are"


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
