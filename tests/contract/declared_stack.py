"""A stack on the linked pair of `linked_world`, driven as the engine drives it: `up`, `refresh`, and a kill in between.

All maps of application core, one of them stopped and one with a version of its own, and the keys of one table.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from emulator.identity.tokens import SigningKey
from providers.company import CompanyInputs, CompanyProvider
from providers.dual_write_connection import ConnectionInputs, DualWriteConnectionProvider
from providers.entity_map import EntityMapInputs, EntityMapProvider
from providers.live_sync import LiveSyncInputs, LiveSyncProvider
from providers.protocol.base import Call
from tests.support.in_process import Killed, copied
from tests.support.linked_world import CDS, CORE, FINOPS, LinkedWorld, a_linked_world

COMPANIES = ["DAT", "LAMN"]
PINNED, STOPPED = "msdyn_nameaffixes - Name affixes", "msmrw_guides - Mixed reality guides entity"
VERSION, OTHER_VERSION = "1.0.0.3", "1.0.0.0"
AUTHOR, OTHER_AUTHOR = "Microsoft Corporation", "Lamna"
(SOLUTION,) = CORE.solutions
TABLE = "msdyn_nameaffixes"
KEYS = {TABLE: ["msdyn_affix", "msdyn_affixtype"]}
CONSENT = [{"action": "reset-link", "target": "lamna-sales", "until": "2099-01-31"}]
PAIR = {"cloud": "public", "cds": CDS, "finops": FINOPS}
PROVIDERS: dict[str, Any] = {
    "connection": DualWriteConnectionProvider(),
    "map": EntityMapProvider(),
    "live sync": LiveSyncProvider(),
}
PRIVATE: dict[str, dict[str, Any]] = {
    "connection": {"initialise": [PINNED], "maps": list(CORE.maps)},
    "map": {"run_state": "running"},
    "live sync": {},
}
Inputs = dict[str, Any]


class DeclaredStack:
    """The stack with its state, as the last `up` or refresh left it."""

    def __init__(self, pair: LinkedWorld, state: Mapping[str, Any]) -> None:
        self.pair = pair
        self.state = dict(state)

    def copy(self, key: SigningKey) -> "DeclaredStack":
        """The same stack on a copy of its tenant."""
        return DeclaredStack(LinkedWorld(copied(self.pair.world, key)), self.state)

    def refresh(self) -> list[str]:
        """What a refresh says; the state follows."""
        mark, call = len(self.pair.world.said), self.pair.call()
        for name, provider in PROVIDERS.items():
            identifier, stored = self.state[name]
            self.state[name] = (identifier, provider.on_read(identifier, stored, call))
        return self.pair.said_since(mark)

    def up(self, **changes: Any) -> None:
        """Create what is not there, update what differs; `changes` are those of `declared`."""
        for name, inputs in declared(**changes).items():
            call = replace(self.pair.call(), private=PRIVATE[name])
            if name not in self.state:
                self.state[name] = PROVIDERS[name].on_create(inputs, call)
            elif self._differs(name, inputs):
                self.state[name] = self._updated(name, inputs, call)

    def up_killed_after(self, requests: int, **changes: Any) -> bool:
        """An `up` that dies after so many of its requests; whether it got so far."""
        left = requests

        def answered(_request: str) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Killed

        self.pair.world.answered = answered
        try:
            self.up(**changes)
        except Killed:
            return True
        finally:
            self.pair.world.answered = None
        return False

    def comparable(self) -> dict[str, dict[str, Any]]:
        """The outputs without ids, and without what tells of the runs themselves."""
        told = {"connection_id", "health", "not_checked", "applied_versions", "sync_projects", "confirm", "reset"}
        bags = {name: stored.model_dump(mode="json") for name, (_, stored) in self.state.items()}
        return {name: {key: value for key, value in bag.items() if key not in told} for name, bag in bags.items()}

    def _differs(self, name: str, inputs: Any) -> bool:
        identifier, stored = self.state[name]
        bags = [model.model_dump(mode="json", exclude_none=True) for model in (stored, inputs)]
        return bool(PROVIDERS[name].difference(*bags, identifier=identifier))

    def _updated(self, name: str, inputs: Any, call: Call) -> tuple[str, Any]:
        identifier, stored = self.state[name]
        return identifier, PROVIDERS[name].on_update(identifier, stored, inputs, call)


def declared(
    *, connection: Inputs | None = None, live_sync: Inputs | None = None, reset: str | None = None
) -> dict[str, Any]:
    """The three resources; each may have other inputs, all of them a text of `reset`."""
    common = {**PAIR, "companies": COMPANIES, "reset": reset}
    states = {**dict.fromkeys(CORE.maps, "running"), STOPPED: "stopped"}
    link = {"own_solutions": {SOLUTION: "1.0"}, "timeout": "1h", "confirm": CONSENT, **(connection or {})}
    maps = {"maps": states, "integration_keys": KEYS, "pinned": [PINNED], **(live_sync or {})}
    inputs: dict[str, Any] = {
        "connection": ConnectionInputs.model_validate({**common, **link}),
        "map": EntityMapInputs.model_validate({**common, "map": PINNED, "version": VERSION, "author": AUTHOR}),
        "live sync": LiveSyncInputs.model_validate({**common, **maps}),
    }
    return {name: provider.normalise(inputs[name]) for name, provider in PROVIDERS.items()}


def a_finished_stack(key: SigningKey) -> DeclaredStack:
    """The stack after its first `up`; F&O has a company more than the link, and the pinned map two more versions."""
    pair = a_linked_world(key, solution_version="1.1.0.0")
    CompanyProvider().on_create(CompanyInputs(**PAIR, code="LAMU", name="Lamna US", country="USA"), pair.call())
    for version, author in ((VERSION, AUTHOR), (VERSION, OTHER_AUTHOR), (OTHER_VERSION, AUTHOR)):
        pair.person("switch-version", PINNED, version=version, author=author)
    stack = DeclaredStack(pair, {})
    stack.up()
    return stack
