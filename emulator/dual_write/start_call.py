"""What a client asks of E3: the body of `POST Start`, read strictly (dual-write-management-api.md E3)."""

from dataclasses import dataclass
from typing import Any

from emulator.core.routing import NotModelledError
from emulator.dual_write.bodies import Members, read_flag
from emulator.dual_write.errors import null_reference
from emulator.dual_write.states import Action, CatchUp, read_action

_BODY = frozenset({"action", "details"})
_DETAIL = frozenset({"tid", "pid", "cid", "parameters"})
_PARAMETERS = frozenset({"skipInitialSync", "conflictResolution", "dualWriteSkipCatchUpSyncParameters"})
_CONFLICT = frozenset({"option", "master"})
_SKIP = frozenset({"skipCatchUpSyncPreserveData"})
MASTERS = ("CRM", "AX")


@dataclass(frozen=True)
class Asked:
    """One map of a Start call. `pid` is None for an init."""

    tid: str
    pid: str | None
    cid: str
    initial_sync: bool = False
    master: str = "CRM"
    catch_up: CatchUp = CatchUp.PLAY_BACK


def read_start(document: Any) -> tuple[Action, list[Asked]]:
    """Return the action and the maps of a body.

    Raises:
        NotModelledError: a value that no client sends.
        ServiceError: 500 for a detail without `tid` or, except for an init, without `pid` (2.5).
    """
    body = Members(document, "request", _BODY)
    try:
        action = read_action(body.get("action"))
    except ValueError as error:
        raise NotModelledError(f"request.action: {error}") from error
    return action, [_read_detail(one, f"details[{i}]", action) for i, one in enumerate(body.objects("details"))]


def _read_detail(document: Any, where: str, action: Action) -> Asked:
    detail = Members(document, where, _DETAIL)
    tid, pid = detail.get("tid"), detail.get("pid")
    if not tid or (not pid and action is not Action.INIT):
        raise null_reference()
    if not isinstance(tid, str) or not isinstance(pid, str | None):
        raise NotModelledError(f"{where}.tid or pid that is no text")
    cid = detail.text("cid")
    if detail.get("parameters") is None:
        # A start without parameters: that it runs an initial sync is assumed, as a missing Boolean is false.
        return Asked(tid, pid, cid, initial_sync=action is Action.START)
    parameters = Members(detail.get("parameters"), f"{where}.parameters", _PARAMETERS)
    skips = read_flag(parameters.get("skipInitialSync"), f"{where}.parameters.skipInitialSync", default=False)
    return Asked(
        tid,
        pid,
        cid,
        initial_sync=action is Action.START and not skips,
        master=_read_master(parameters),
        catch_up=_read_catch_up(parameters),
    )


def _read_master(parameters: Members) -> str:
    value = parameters.get("conflictResolution")
    if value is None:
        return MASTERS[0]
    conflict = Members(value, f"{parameters.where}.conflictResolution", _CONFLICT)
    master = conflict.get("master")
    if master is None:
        return MASTERS[0]
    if not isinstance(master, str) or master.upper() not in MASTERS:
        raise NotModelledError(f"{conflict.where}.master other than CRM and AX")
    return master.upper()


def _read_catch_up(parameters: Members) -> CatchUp:
    value = parameters.get("dualWriteSkipCatchUpSyncParameters")
    if value is None:
        return CatchUp.PLAY_BACK
    skip = Members(value, f"{parameters.where}.dualWriteSkipCatchUpSyncParameters", _SKIP)
    name = f"{skip.where}.skipCatchUpSyncPreserveData"
    if skip.get("skipCatchUpSyncPreserveData") is None:
        raise NotModelledError(f"{name} that is no Boolean")
    keeps = read_flag(skip.get("skipCatchUpSyncPreserveData"), name, default=False)
    return CatchUp.KEEP_AS_ERRORS if keeps else CatchUp.DROP
