"""What was done from the page, with what came of it and the button that undoes it."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.core.person import PersonError
from emulator.dual_write import connections, maps
from emulator.dual_write.states import MapState
from emulator.page.offers import CLOCK, FAULTS, PERSON, Offer, act
from emulator.page.tenant_offers import disarm
from emulator.power_platform.records import environment_with_host, find_environment
from emulator.tenant import Tenant

KEPT = 8


@dataclass(frozen=True)
class Performed:
    """One thing that was done. `undo`: None when nothing undoes it, or it failed; `words`: how or that not."""

    number: int
    time: str
    title: str
    outcome: str
    failed: bool
    undo: Offer | None
    words: str


class PerformedActions:
    """The last ones, newest first; forgotten at a restart."""

    def __init__(self, tenant: Tenant) -> None:
        """Nothing was done yet."""
        self._tenant = tenant
        self._last: deque[Performed] = deque(maxlen=KEPT)
        self.number = 0

    def last(self) -> tuple[Performed, ...]:
        """Return what was done last, newest first."""
        return tuple(self._last)

    def note(self, offer: Offer, answer: Mapping[str, Any], undo: Offer | None) -> None:
        """Remember something that was done."""
        words = offer.undo if undo is None else undo.undo
        self._add(offer, _outcome(answer), failed=False, undo=undo or _undo_by_answer(offer, answer), words=words)

    def note_failure(self, offer: Offer, reason: str) -> None:
        """Remember something that the tenant refused."""
        self._add(offer, reason, failed=True, undo=None, words="Nothing was changed.")

    def _add(self, offer: Offer, outcome: str, *, failed: bool, undo: Offer | None, words: str) -> None:
        self.number += 1
        now = self._tenant.clock.now().isoformat(timespec="seconds")
        self._last.appendleft(Performed(self.number, now, _title(offer), outcome, failed, undo, words))


def undo_of(tenant: Tenant, offer: Offer) -> Offer | None:
    """Return what takes back an action that is about to be done; None when nothing does, or only its answer tells."""
    if offer.path != PERSON:
        return None
    finder = _UNDO.get(str(offer.members.get("action")))
    try:
        return finder(tenant, offer.members) if finder else None
    except (KeyError, PersonError):
        return None


def _title(offer: Offer) -> str:
    members = offer.members
    about = members.get("map") or members.get("company") or members.get("name") or members.get("environment") or ""
    if offer.path == CLOCK:
        about = f"{members.get('advance')} s"
    return f"{offer.title} {about}".strip()


def _outcome(answer: Mapping[str, Any]) -> str:
    shown = {name: value for name, value in answer.items() if name in {"companies", "version", "events", "name", "id"}}
    return ", ".join(f"{name}: {_plain(value)}" for name, value in shown.items()) or "done"


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _undo_by_answer(offer: Offer, answer: Mapping[str, Any]) -> Offer | None:
    if offer.path == FAULTS and "id" in answer:
        return disarm(int(answer["id"]))
    if offer.members.get("action") == "rename-root-team":
        before = {"environment": offer.members["environment"], "name": answer["before"]}
        return act("Undo", "rename-root-team", "Undone again by the new name.", before)
    return None


def _map_undo(tenant: Tenant, members: Mapping[str, Any]) -> Offer | None:
    """Return how the map gets back into the state, or to the version, that it has now."""
    connection = connections.by_dataverse_host(tenant, str(members["environment"]))
    table_map = maps.find(tenant, connection.cid, str(members["map"])) if connection else None
    if table_map is None:
        return None
    named = {"environment": members["environment"], "map": members["map"]}
    match members["action"], table_map.state:
        case "switch-version", _:
            return act("Undo", "switch-version", "Switches back.", {**named, "version": table_map.version})
        case "start-map", MapState.PAUSED:
            return act("Undo", "pause-map", "Pauses the map again.", named)
        case "start-map", _:
            return act("Undo", "stop-map", "Stops the map again.", named)
        case _:
            return act("Undo", "start-map", "Starts or resumes the map.", named)


def _renamed(tenant: Tenant, members: Mapping[str, Any]) -> Offer | None:
    reference = str(members["environment"])
    environment = find_environment(tenant, reference) or environment_with_host(tenant, reference)
    if environment is None:
        return None
    before = {"environment": reference, "name": environment.display_name}
    return act("Undo", "rename-environment", "The old name.", before)


def _reverse(action: str, *names: str) -> Callable[[Tenant, Mapping[str, Any]], Offer | None]:
    def undo(_tenant: Tenant, members: Mapping[str, Any]) -> Offer | None:
        return act("Undo", action, "Takes it back.", {name: members[name] for name in names})

    return undo


def _application(members: Mapping[str, Any], name: str, before: str) -> dict[str, Any]:
    return {"environment": members["environment"], name: members[before]}


_UNDO: Mapping[str, Callable[[Tenant, Mapping[str, Any]], Offer | None]] = {
    "start-map": _map_undo,
    "stop-map": _map_undo,
    "pause-map": _map_undo,
    "switch-version": _map_undo,
    "break-map": _reverse("mend-map", "environment", "map"),
    "mend-map": _reverse("break-map", "environment", "map"),
    "add-company": _reverse("remove-company", "environment", "company"),
    "remove-company": _reverse("add-company", "environment", "company"),
    "rename-environment": _renamed,
    "stop-data-management": _reverse("start-data-management", "environment"),
    "start-data-management": _reverse("stop-data-management", "environment"),
    "remove-application": lambda _tenant, members: act(
        "Undo", "register-application", "Registers it again.", _application(members, "application", "client_id")
    ),
    "register-application": lambda _tenant, members: act(
        "Undo", "remove-application", "Takes it out again.", _application(members, "client_id", "application")
    ),
    "set-number-format": lambda _tenant, members: act(
        "Undo", "set-number-format", "The default format.", {"environment": members["environment"], "locale": "en-us"}
    ),
}
