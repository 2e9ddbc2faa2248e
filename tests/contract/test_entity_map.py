"""EntityMap on the emulated tenant: versions by number and author, roll-back, kills, what a refresh names."""

from typing import Any

import pytest

from emulator.identity.tokens import SigningKey
from providers.api.dual_write.actions import MapAction, MapState
from providers.api.transport.errors import ApiError, NotFound
from providers.entity_map import EntityMapInputs, EntityMapOutputs, EntityMapProvider
from tests.support.in_process import Killed, copied
from tests.support.linked_world import CDS, FINOPS, LinkedWorld, a_linked_world

pytestmark = pytest.mark.usefixtures("signed_in")

PROVIDER = EntityMapProvider()
MAP = "cdm_companies - Legal entities"
OLD, NEW, AUTHOR = "1.0.0.0", "1.0.0.3", "Microsoft Corporation"


@pytest.fixture(scope="module")
def linked(key: SigningKey) -> LinkedWorld:
    """A pair on which a person has saved a second version of the map, and gone back to the first."""
    pair = a_linked_world(key)
    for version in (NEW, OLD):
        pair.person("switch-version", MAP, version=version)
    return pair


@pytest.fixture
def pair(linked: LinkedWorld, key: SigningKey) -> LinkedWorld:
    """A copy of the pair of the test's own."""
    return LinkedWorld(copied(linked.world, key))


def pin(version: str = NEW, **values: object) -> EntityMapInputs:
    inputs = {"cloud": "public", "cds": CDS, "finops": FINOPS, "map": MAP, "version": version, **values}
    return PROVIDER.normalise(EntityMapInputs.model_validate(inputs))


def create(pair: LinkedWorld, inputs: EntityMapInputs, **private: Any) -> tuple[str, EntityMapOutputs]:
    return PROVIDER.on_create(inputs, pair.call(**private))


def read(pair: LinkedWorld, made: tuple[str, EntityMapOutputs]) -> EntityMapOutputs:
    found = PROVIDER.on_read(*made, pair.call())
    assert found is not None
    return found


def refused(pair: LinkedWorld, inputs: EntityMapInputs) -> str:
    with pytest.raises(ApiError) as caught:
        create(pair, inputs)
    return str(caught.value)


def active(pair: LinkedWorld) -> str:
    template = pair.map(MAP).detail.template
    assert template is not None
    return str(template.version)


def test_map_that_never_ran_is_initialised_switched_and_left_stopped(pair: LinkedWorld) -> None:
    _, outputs = create(pair, pin(), run_state="running")
    assert (active(pair), outputs.version, outputs.publisher) == (NEW, NEW, AUTHOR)
    assert pair.map(MAP).state in (MapState.STOPPED, MapState.NOT_RUNNING)
    assert not [each for each in pair.world.writes() if each.endswith("/Reset")]


def test_running_map_runs_again_on_the_new_version(pair: LinkedWorld) -> None:
    pair.person("start-map", MAP)
    create(pair, pin("1.0.3.0".replace("1.0.3.0", NEW)))
    assert (active(pair), pair.map(MAP).state) == (NEW, MapState.RUNNING)


def test_what_is_active_already_costs_no_write(pair: LinkedWorld) -> None:
    before = len(pair.world.writes())
    create(pair, pin("1.0"))
    assert len(pair.world.writes()) == before


def test_version_that_does_not_start_is_rolled_back_and_the_map_runs(pair: LinkedWorld) -> None:
    pair.person("start-map", MAP)
    pair.person("break-map", MAP, version=NEW, text="Project validation failed: DIPV1014 x is not mapped")
    text = refused(pair, pin())
    assert f"version {NEW} (Microsoft Corporation) does not start" in text
    assert f"the map runs on version {OLD} (Microsoft Corporation) again" in text
    assert "DIPV1014" in text
    assert "\n" not in text
    assert (active(pair), pair.map(MAP).state) == (OLD, MapState.RUNNING)


def test_killed_switch_leaves_no_map_stopped(pair: LinkedWorld, key: SigningKey) -> None:
    pair.person("start-map", MAP)
    for number in range(1, 100):
        world = LinkedWorld(copied(pair.world, key))
        try:
            PROVIDER.on_create(pin(), world.call(kill_after=number, run_state="running"))
        except Killed:
            world.world.sleep(60)
            create(world, pin(), run_state="running")
            assert (active(world), world.map(MAP).state) == (NEW, MapState.RUNNING), number
        else:
            assert number > 8
            return


def test_pin_that_is_not_offered_lists_what_is(pair: LinkedWorld) -> None:
    text = refused(pair, pin("2.0.0.0"))
    assert (
        f"version 2.0.0.0 is not offered; there are {NEW} (Microsoft Corporation), {OLD} (Microsoft Corporation)"
        in text
    )


def test_paused_map_is_refused_in_the_preview_and_untouched(pair: LinkedWorld) -> None:
    pair.person("start-map", MAP)
    pair.person("pause-map", MAP)
    (problem,) = PROVIDER.live_problems(pin(), pair.call())
    assert "is paused, so its version cannot change: resume it in the stack file first" in problem.text
    assert "is paused" in refused(pair, pin())
    assert (active(pair), pair.map(MAP).state) == (OLD, MapState.PAUSED)


def test_paused_map_that_shall_run_is_resumed_for_its_switch(pair: LinkedWorld) -> None:
    """An alert paused it: what is declared comes back, and the queue is played back before the stop."""
    pair.person("start-map", MAP)
    pair.person("pause-map", MAP)
    assert list(PROVIDER.live_problems(pin(), pair.call(run_state="running"))) == []
    (problem,) = PROVIDER.live_problems(pin(), pair.call(run_state="running", catch_up="discard"))
    assert "is paused" in problem.text
    create(pair, pin(), run_state="running")
    assert (active(pair), pair.map(MAP).state) == (NEW, MapState.RUNNING)
    newest_first = [request.action for request in pair.map(MAP).detail.last_requests]
    assert newest_first[:3] == [MapAction.START, MapAction.STOP, MapAction.RESUME]


def test_preview_says_that_changes_are_not_queued_meanwhile(pair: LinkedWorld) -> None:
    assert list(PROVIDER.live_problems(pin(), pair.call())) == []
    assert pair.world.said == []
    pair.person("start-map", MAP)
    assert list(PROVIDER.live_problems(pin(), pair.call())) == []
    assert "changes made in that time are not queued" in pair.world.said[0]


def test_latest_is_looked_up_once_and_then_follows_the_refresh(pair: LinkedWorld) -> None:
    wanted = pin("latest", author=AUTHOR)
    inputs = PROVIDER.resolved(wanted, None, pair.call())
    assert (inputs.version, inputs.latest, inputs.offered) == (NEW, True, NEW)
    made = create(pair, inputs)
    before = len(pair.world.requests)
    assert PROVIDER.resolved(wanted, inputs, pair.call()) == inputs
    assert len(pair.world.requests) == before
    pair.person("switch-version", MAP, version="1.0.0.7")
    pair.person("switch-version", MAP, version=NEW)
    found = read(pair, made)
    assert (found.version, found.offered) == (NEW, "1.0.0.7")
    held = inputs.model_copy(update={"offered": found.offered})
    assert PROVIDER.resolved(wanted, held, pair.call()).version == "1.0.0.7"


def test_latest_without_an_author_is_refused(pair: LinkedWorld) -> None:
    inputs = PROVIDER.resolved(pin("latest"), None, pair.call())
    assert [problem.path for problem in PROVIDER.problems(inputs, None)] == ["version"]


def test_latest_of_a_link_that_is_still_to_come_is_said_so(pair: LinkedWorld) -> None:
    elsewhere = pin("latest", author=AUTHOR, cds="nowhere", finops=None)
    assert PROVIDER.resolved(elsewhere, None, pair.call()).version == "latest (resolved in up)"


def test_refresh_names_a_switched_version_and_the_next_up_takes_it_back(pair: LinkedWorld) -> None:
    made = create(pair, pin(OLD))
    pair.person("switch-version", MAP, version=NEW)
    found = read(pair, made)
    assert found.version == NEW
    assert pair.world.said[-1].endswith(
        f"the active version is {NEW} of Microsoft Corporation, not {OLD} of Microsoft Corporation"
    )
    PROVIDER.on_update(made[0], found, pin(OLD), pair.call())
    assert active(pair) == OLD
    mark = len(pair.world.said)
    assert read(pair, made).version == OLD
    assert pair.said_since(mark) == []


def test_refresh_costs_one_call_to_the_service_and_reads_no_mapping(pair: LinkedWorld) -> None:
    made = create(pair, pin(OLD))
    before = len(pair.world.requests)
    call = pair.call()
    for _ in range(3):
        PROVIDER.on_read(*made, call)
    calls = [each for each in pair.world.requests[before:] if "gateway" in each]
    assert len(calls) == 1
    assert calls[0].endswith("/Entities")
    assert len([each for each in pair.world.requests[before:] if "msdyn_dualwriteentitymaps" in each]) == 1


def test_changed_filter_is_named_and_accepted(pair: LinkedWorld) -> None:
    identifier, outputs = create(pair, pin(OLD))
    assert outputs.finops_filter is not None
    stored = outputs.model_copy(update={"finops_filter": "an older one"})
    found = read(pair, (identifier, stored))
    assert "the filter of the F&O side is" in pair.world.said[-1]
    assert found.finops_filter == outputs.finops_filter


def test_map_that_vanished_is_named_and_shown_as_a_change(pair: LinkedWorld) -> None:
    made = create(pair, pin(OLD))
    gone = made[1].model_copy(update={"map": "nothing - Nothing"})
    assert read(pair, (made[0], gone)).version == "not installed"
    assert "has no map 'nothing - Nothing' any more" in pair.world.said[-1]
    with pytest.raises(NotFound, match="run a refresh and `up` again, which applies its map solution"):
        create(pair, pin(OLD, map="nothing - Nothing"))


def test_one_number_of_two_authors_is_an_error_that_lists_both(pair: LinkedWorld) -> None:
    pair.person("switch-version", MAP, version=NEW, author="Contoso")
    pair.person("switch-version", MAP, version=OLD)
    assert f"version {NEW} is offered by Contoso and {AUTHOR}: name the `author`" in refused(pair, pin())
    _, outputs = create(pair, pin(author="Contoso"))
    assert (outputs.version, outputs.author, outputs.publisher) == (NEW, "Contoso", "Contoso")


def test_switched_author_of_a_pinned_one_is_drift_and_repaired(pair: LinkedWorld) -> None:
    identifier, outputs = create(pair, pin(author=AUTHOR))
    pair.person("switch-version", MAP, version=NEW, author="Contoso")
    found = read(pair, (identifier, outputs))
    assert (found.author, found.publisher) == ("Contoso", "Contoso")
    assert f"is {NEW} of Contoso, not {NEW} of {AUTHOR}" in pair.world.said[-1]
    repaired = PROVIDER.on_update(identifier, found, pin(author=AUTHOR), pair.call())
    assert (repaired.author, repaired.publisher) == (AUTHOR, AUTHOR)
