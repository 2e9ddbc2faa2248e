"""What a person can do to one map."""

from emulator.dual_write.maps import TableMap
from emulator.dual_write.states import STARTABLE, MapState
from emulator.page.offers import Field, Group, Offer, act

BACK_TO_RUNNING = "Undo: Start. Changes since then are not brought over."


def map_groups(host: str, table_map: TableMap) -> tuple[Group, ...]:
    """Return the buttons of one map. `host`: the Dataverse host of its link."""
    return (
        Group("A person on the dual-write page", tuple(_states(host, table_map))),
        Group("Break it", tuple(_breaks(host, table_map))),
    )


def _states(host: str, table_map: TableMap) -> list[Offer]:
    named = {"environment": host, "map": table_map.id}
    if table_map.state in STARTABLE:
        gone = "Cannot be undone here: applying its solution again brings it back, without its project and history."
        offers = [
            act("Start", "start-map", "Undo: Stop.", named),
            act("Delete map", "delete-map", gone, named, grave=True),
        ]
    elif table_map.state is MapState.PAUSED:
        offers = [act("Resume", "start-map", "Undo: Pause; the queue has been played back by then.", named)]
    else:
        offers = [
            act("Pause", "pause-map", "Undo: Resume, which plays the queue back.", named),
            act("Stop", "stop-map", BACK_TO_RUNNING, named),
        ]
    if table_map.state is not MapState.PAUSED:
        field = Field("version", "version", _next_version(table_map.version))
        offers.append(act("Switch version", "switch-version", "Undo: switch back.", named, field))
    return offers


def _breaks(host: str, table_map: TableMap) -> list[Offer]:
    named = {"environment": host, "map": table_map.id}
    if table_map.broken is not None:
        return [act("Mend", "mend-map", "Undo: break it again.", named)]
    return [act("Break", "break-map", "Undo: Mend. A running map goes on until its next start.", named)]


def _next_version(version: str) -> str:
    head, _, last = version.rpartition(".")
    return f"{head}.{int(last) + 1}" if head and last.isdigit() else version
