"""What the packages register with the core: switches, seed sections, person actions, signals."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from emulator.core.person import PersonError, PersonRequest
from emulator.core.seeds import SeedError
from emulator.core.store import Store
from emulator.core.switches import Switches
from emulator.tenant import Tenant


@dataclass(frozen=True)
class Knock:
    """Something that happens."""

    text: str


def test_switch_has_its_default_until_it_is_set(tmp_path: Path) -> None:
    store = Store(tmp_path / "tenant.db")
    switches = Switches(store)
    switches.register("pace", 10, "how fast")
    assert switches["pace"] == 10
    switches.set("pace", 2.5)
    again = Switches(store)
    again.register("pace", 10, "how fast")
    assert again["pace"] == 2.5
    again.clear()
    assert again["pace"] == 10
    store.close()


@pytest.mark.parametrize(("default", "value"), [(10, "10"), (10, True), (True, 1), ("a", 1), (False, None)])
def test_switch_takes_only_its_own_type(default: object, value: object) -> None:
    switches = Switches(Store())
    switches.register("x", default, "a switch")
    with pytest.raises(ValueError, match=f"takes {type(default).__name__}"):
        switches.set("x", value)
    assert switches["x"] == default


def test_unknown_switch_is_a_key_error(tenant: Tenant) -> None:
    with pytest.raises(KeyError):
        tenant.switches.set("no such switch", 1)


def test_every_switch_has_description_and_evidence(tenant: Tenant) -> None:
    switches = tenant.switches.describe()
    assert switches
    assert [switch.name for switch in switches if not (switch.description and switch.evidence)] == []


def test_every_route_names_its_evidence(tenant: Tenant) -> None:
    routes = [route for service in tenant.services for route in service.routes]
    assert routes
    assert [route.pattern for route in routes if not (route.evidence and route.summary)] == []


def test_person_action_runs_in_one_transaction(tenant: Tenant) -> None:
    def half(request: PersonRequest) -> None:
        tenant.store.put("thing", request.text("key"), {})
        msg = "no such map"
        raise PersonError(msg)

    tenant.person.on("half", half)
    with pytest.raises(PersonError, match="no such map"):
        tenant.person.act({"action": "half", "key": "k"})
    assert tenant.store.get("thing", "k") is None


def test_unknown_person_action_lists_the_known_ones(tenant: Tenant) -> None:
    tenant.person.on("wave", lambda _request: {"waved": True})
    assert tenant.person.act({"action": "wave"}) == {"waved": True}
    with pytest.raises(PersonError, match=r"unknown action 'jump'; known: .*\bwave\b"):
        tenant.person.act({"action": "jump"})


def test_unknown_seed_section_plays_nothing(tenant: Tenant) -> None:
    played: list[object] = []
    tenant.seeds.on("colours", lambda value: played.append(value))
    with pytest.raises(SeedError, match="unknown seed section shapes"):
        tenant.seeds.play({"colours": ["red"], "shapes": []})
    assert played == []


def test_failing_seed_section_takes_back_the_others(tenant: Tenant) -> None:
    def put(value: Any) -> None:
        tenant.store.put("thing", value, {})

    def fail(_value: Any) -> None:
        msg = "section second: wrong"
        raise SeedError(msg)

    tenant.seeds.on("first", put)
    tenant.seeds.on("second", fail)
    with pytest.raises(SeedError, match="wrong"):
        tenant.seeds.play({"second": 1, "first": "x"})
    assert tenant.store.get("thing", "x") is None


def test_subscribers_run_in_the_order_they_came(tenant: Tenant) -> None:
    heard: list[str] = []
    tenant.signals.subscribe(Knock, lambda knock: heard.append(f"first {knock.text}"))
    tenant.signals.subscribe(Knock, lambda knock: heard.append(f"second {knock.text}"))
    tenant.signals.publish(Knock("x"))
    assert heard == ["first x", "second x"]
