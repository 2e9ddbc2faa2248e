"""Updates that are killed at each of their steps: a reset, other integration keys, another initial sync."""

from collections.abc import Iterator
from typing import Any

import pytest

from emulator.identity.tokens import SigningKey
from providers.api.dual_write.actions import MapState
from tests.contract.declared_stack import COMPANIES, CONSENT, PROVIDERS, DeclaredStack, declared

pytestmark = pytest.mark.usefixtures("signed_in")

ENTITIES, UNITS = "msdyn_internalorganizations - Legal entities", "msdyn_internalorganizations - Operating unit"
CURRENCIES = "transactioncurrencies - Currencies"
OTHER_KEYS = {"msdyn_internalorganizations": ["msdyn_companycode"]}


def killed_everywhere(
    stack: DeclaredStack, key: SigningKey, *, readings: int = 4, **changes: Any
) -> Iterator[DeclaredStack]:
    """The stack after an `up` that was killed, and one to its end: after each write, and each of so many readings."""
    whole = stack.copy(key)
    whole.up(**changes)
    for number, request in enumerate(whole.pair.world.requests, 1):
        if not request.startswith("GET") or number % readings == 0:
            again = stack.copy(key)
            assert again.up_killed_after(number, **changes)
            again.up(**changes)
            yield again


def resets(stack: DeclaredStack) -> int:
    return len([each for each in stack.pair.world.writes() if each.endswith("/Reset")])


def test_text_of_reset_resets_once_and_brings_everything_back(stack: DeclaredStack) -> None:
    before = stack.comparable()
    stack.up(reset="2026-11")
    assert (resets(stack), stack.refresh(), stack.comparable()) == (1, [], before)
    requests = len(stack.pair.world.requests)
    stack.up(reset="2026-11")
    assert len(stack.pair.world.requests) == requests
    stack.up(reset="2026-12")
    assert resets(stack) == 2


def test_reset_is_refused_without_consent_and_told_with_it(stack: DeclaredStack) -> None:
    provider, old = PROVIDERS["connection"], declared()["connection"]
    unconfirmed = declared(reset="2026-11", connection={"confirm": []})["connection"]
    ((path, text),) = provider.live_change_problems(unconfirmed, old, stack.pair.call())
    assert (path, "action: reset-link, target: lamna-sales" in text) == ("reset", True)
    agreed = unconfirmed.model_copy(update={"confirm": declared(connection={"confirm": CONSENT})["connection"].confirm})
    mark = len(stack.pair.world.said)
    assert list(provider.live_change_problems(agreed, old, stack.pair.call())) == []
    loss, stops = stack.pair.said_since(mark)
    assert stops.startswith("DW-I03 for the reset 11 running maps are stopped until restored")
    assert loss.startswith(
        "DW-I01 the link will be reset with the companies DAT, LAMN: 11 maps of it, integration keys"
    )


def test_reset_works_for_companies_as_linked(stack: DeclaredStack) -> None:
    as_linked = {"companies": "as-linked"}
    stack.up(connection=as_linked)
    stack.up(connection=as_linked, reset="2026-11")
    assert (resets(stack), stack.refresh()) == (1, [])
    assert stack.state["connection"][1].linked_companies == COMPANIES


def test_reset_that_is_killed_anywhere_ends_with_all_that_is_declared(stack: DeclaredStack, key: SigningKey) -> None:
    before, ends = stack.comparable(), 0
    for again in killed_everywhere(stack, key, readings=20, reset="2026-11"):
        ends += 1
        assert resets(again) in (1, 2)
        assert (again.refresh(), again.comparable()) == ([], before)
    assert ends > 10


def test_change_of_keys_that_is_killed_anywhere_leaves_no_map_stopped(stack: DeclaredStack, key: SigningKey) -> None:
    # Nothing that is declared needs the other map of the table, which somebody else has started.
    only = {"maps": {ENTITIES: "running"}, "integration_keys": {}}
    stack.up(live_sync=only)
    stack.pair.person("start-map", UNITS)
    assert stack.pair.map(UNITS).state == MapState.RUNNING
    ends = 0
    for again in killed_everywhere(stack, key, live_sync={**only, "integration_keys": OTHER_KEYS}):
        ends += 1
        assert {again.pair.map(name).state for name in (ENTITIES, UNITS)} == {MapState.RUNNING}
        assert again.refresh() == []
        assert again.state["live sync"][1].integration_keys == OTHER_KEYS
    assert ends > 5


def test_initial_sync_of_a_new_text_that_is_killed_anywhere_runs_once(stack: DeclaredStack, key: SigningKey) -> None:
    synced = {"initial_sync": {CURRENCIES: "finops"}}
    stack.up(live_sync=synced)
    service = stack.pair.world.call().session("public").dual_write
    assert service.executions(stack.pair.map(CURRENCIES).detail.pid or "") == []
    ends, served = 0, 0
    for again in killed_everywhere(stack, key, live_sync={**synced, "resync": {CURRENCIES: "2026-11"}}):
        ends += 1
        service = again.pair.world.call().session("public").dual_write
        executions = service.executions(again.pair.map(CURRENCIES).detail.pid or "")
        assert len({each.initial_sync_request_id for each in executions}) == 1
        assert again.state["live sync"][1].synced == {CURRENCIES: "2026-11"}
        served += any("counts as served by an initial sync" in line for line in again.pair.world.said)
        assert again.refresh() == []
    assert (ends > 10, served > 0) == (True, True)
