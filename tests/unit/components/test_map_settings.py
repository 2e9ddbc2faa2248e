"""What `maps` means for each map, and which of its keys may not stand together."""

from typing import Any

import pytest

from components import map_settings
from components.config import check
from components.stack import Maps, Override
from providers.catalogue.selection import choose_maps
from tests.unit.components.stack_files import TODAY, existing_pair

CUSTOMERS, GROUPS = "accounts - Customers V3", "msdyn_customergroups - Customer groups"
FINANCE = ["application-core", "finance"]
CHOSEN = choose_maps(FINANCE)


def findings_of(**maps: Any) -> dict[str, str]:
    raw = existing_pair(maps={"include": FINANCE, **maps})
    return {finding.path: finding.text for finding in check(raw, TODAY)[1]}


def test_every_map_has_the_common_state_or_its_own() -> None:
    states = map_settings.run_states(
        Maps(include=FINANCE, state="stopped", overrides={GROUPS: Override(state="running")}), CHOSEN
    )
    assert set(states) == set(CHOSEN.maps)
    assert {name for name, state in states.items() if state == "running"} == {GROUPS}


def test_initial_sync_is_named_only_for_maps_that_have_one() -> None:
    assert map_settings.initial_syncs(Maps(include=FINANCE), CHOSEN) == {}
    overrides = {GROUPS: Override(initial_sync="none"), CUSTOMERS: Override(initial_sync="cds")}
    sides = map_settings.initial_syncs(Maps(include=FINANCE, initial_sync="finops", overrides=overrides), CHOSEN)
    assert set(CHOSEN.maps) - set(sides) == {GROUPS}
    assert (sides[CUSTOMERS], set(sides.values())) == ("cds", {"finops", "cds"})


def test_resync_reaches_maps_with_initial_sync_alone() -> None:
    overrides = {GROUPS: Override(resync="groups"), CUSTOMERS: Override(resync="")}
    maps = Maps(include=FINANCE, resync="all", overrides=overrides)
    synced = dict.fromkeys([GROUPS, CUSTOMERS, "msdyn_vendors - Vendors V2"], "finops")
    assert map_settings.resyncs(maps, synced) == {GROUPS: "groups", "msdyn_vendors - Vendors V2": "all"}


def test_keys_of_the_user_stand_over_those_that_maps_need() -> None:
    needed = map_settings.integration_keys(Maps(include=FINANCE), CHOSEN)
    assert set(needed) == {"accounts", "contacts", "msdyn_contactforparties", "msdyn_vendors"}
    own = {"accounts": ["name"], "msdyn_customergroups": ["msdyn_groupid"]}
    assert map_settings.integration_keys(Maps(include=FINANCE, integration_keys=own), CHOSEN) == {**needed, **own}


def test_maps_without_party_need_no_keys() -> None:
    core = ["application-core"]
    assert map_settings.integration_keys(Maps(include=core), choose_maps(core)) == {}


@pytest.mark.parametrize(
    ("maps", "key", "says"),
    [
        ({"resync": "again", "initialSync": "finops"}, "", ""),
        ({"resync": "again"}, "resync", "no map has one; set `initialSync` to finops or cds"),
        ({"resync": "again", "overrides": {GROUPS: {"initialSync": "cds"}}}, "", ""),
        ({"resync": "again", "initialSync": "cds", "overrides": {GROUPS: {"initialSync": "none"}}}, "", ""),
        ({"overrides": {GROUPS: {"resync": "again"}}}, f'overrides["{GROUPS}"].resync', "this map has none"),
        ({"overrides": {GROUPS: {"resync": "again", "initialSync": "cds"}}}, "", ""),
        ({"initialSync": "finops", "overrides": {GROUPS: {"resync": "again"}}}, "", ""),
        ({"integrationKeys": {"accounts": ["accountnumber", "msdyn_company.cdm_companycode"]}}, "", ""),
        ({"integrationKeys": {"account": ["x"]}}, "integrationKeys.account", "did you mean `accounts`?"),
        ({"integrationKeys": {"new_x": ["x"]}}, "integrationKeys.new_x", "the part before ` - `"),
        ({"integrationKeys": {"products": ["x"]}}, "integrationKeys.products", "no chosen map has this table"),
        ({"integrationKeys": {"accounts": ["x", "X"]}}, "integrationKeys.accounts[1]", "stands in the list already"),
        ({"integrationKeys": {"accounts": [""]}}, "integrationKeys.accounts[0]", "must not be empty"),
    ],
)
def test_keys_of_maps_fit_the_chosen_maps(maps: dict[str, Any], key: str, says: str) -> None:
    found = findings_of(**maps)
    assert list(found) == ([f"dualwrite:maps.{key}"] if key else [])
    assert key == "" or says in found[f"dualwrite:maps.{key}"]
