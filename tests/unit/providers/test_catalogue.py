"""The catalogue of standard maps: what a choice of maps becomes, and which packages and map solutions follow."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.catalogue.areas import AREA_NAMES, AREAS, NOT_STATED, PACKAGE_ORDER, packages_for, solutions_for
from providers.catalogue.selection import (
    ALL,
    Catalogue,
    Exclusion,
    Finding,
    Prerequisites,
    Selection,
    StandardMap,
    carrying_solution,
    choose_maps,
    standard,
)

CUSTOMERS = "accounts - Customers V3"
CONTACTS = "msdyn_contactforparties - Contacts V2"
OLD_CONTACTS = ("contacts - CDS Contacts V2 (Customer)", "contacts - CDS Contacts V2 (Vendor)")
PARTIES = "msdyn_parties - CDS Parties"
CURRENCIES = "transactioncurrencies - Currencies"
COMPANIES = "cdm_companies - Legal entities"
PROJECT_ACTUALS = "msdyn_actuals - Project Operations integration actuals"
WORKERS = "cdm_workers - Worker"

CORE_SOLUTION = "msdyn_DualWriteAppCoreMaps"
FINANCE_SOLUTION = "msdyn_Dynamics365FinanceExtendedMaps"
SUPPLY_CHAIN_SOLUTION = "msdyn_Dynamics365SupplyChainExtendedMaps"
ORCHESTRATION_SOLUTION = "Dynamics365FinanceAndOperationsDualWriteMaps"
PARTY_SOLUTION = "Dynamics365GABDualWriteEntityMaps"

# A small catalogue of its own: c needs b needs a; d replaces b and c needs nothing else.
TINY = Catalogue(
    {
        entry.name: entry
        for entry in (
            StandardMap("a", "A", ("application-core",)),
            StandardMap("b", "B", ("finance",), needs=("a - A",)),
            StandardMap("c", "C", ("finance",), needs=("b - B",)),
            StandardMap("d", "D", ("notes",)),
        )
    },
    (Exclusion(frozenset({"d - D"}), frozenset({"b - B"}), "replaced by d - D"),),
)


def texts(selection: Selection) -> str:
    return "\n".join(f"{problem.path} {problem.text}" for problem in selection.problems)


# The list


def test_catalogue_holds_the_213_standard_maps() -> None:
    assert len(standard().maps) == 213


@pytest.mark.parametrize(
    ("area", "listed"),
    [
        ("application-core", 12),
        ("finance", 31),
        ("supply-chain", 51),
        ("human-resources", 78),
        ("notes", 4),
        ("asset-management", 11),
        ("party", 20),
        ("project-operations", 9),
    ],
)
def test_area_names_the_maps_listed_under_it(area: str, listed: int) -> None:
    assert sum(area in entry.areas for entry in standard().maps.values()) == listed


def test_every_prerequisite_is_itself_in_the_list() -> None:
    maps = standard().maps
    assert {need for entry in maps.values() for need in entry.needs} <= maps.keys()


def test_no_map_needs_itself_by_any_path() -> None:
    maps = standard().maps

    def reached(name: str) -> set[str]:
        found: set[str] = set()
        waiting = list(maps[name].needs)
        while waiting:
            need = waiting.pop()
            if need not in found:
                found.add(need)
                waiting += maps[need].needs
        return found

    assert not [name for name in maps if name in reached(name)]


def test_map_is_named_table_then_entity() -> None:
    assert all(name == f"{entry.table} - {entry.entity}" for name, entry in standard().maps.items())


def test_remarks_of_the_list_stay_out_of_names() -> None:
    assert not [name for name in standard().maps if "display name" in name]


def test_every_map_stands_in_a_known_area() -> None:
    known = {area.name for area in AREAS}
    assert {area for entry in standard().maps.values() for area in entry.areas} == known


def test_legal_entities_are_global_and_customers_are_not() -> None:
    maps = standard().maps
    assert (maps[COMPANIES].company_specific, maps[CUSTOMERS].company_specific) == (False, True)


@pytest.mark.parametrize(("name", "single"), [(CUSTOMERS, True), (CURRENCIES, False), (COMPANIES, False)])
def test_single_threaded_tables_are_marked(name: str, single: bool) -> None:
    assert standard().maps[name].single_threaded is single


# Choosing


def test_maps_come_in_alphabetical_order() -> None:
    chosen = choose_maps([CURRENCIES, COMPANIES]).maps
    assert chosen == (COMPANIES, CURRENCIES)


def test_scenario_gets_core_finance_and_prerequisites() -> None:
    selection = choose_maps(["application-core", "finance"])
    assert len(selection.maps) == 50
    assert selection.prerequisites_added == (
        WORKERS,
        "msdyn_complimentaryclosings - Complimentary closings",
        CONTACTS,
        "msdyn_decisionmakingroles - Decision making roles",
        "msdyn_loyaltylevels - Loyalty levels",
        PARTIES,
        "msdyn_personalcharactertypes - Personal character types",
        "msdyn_salescontactpersontitles - Contact person titles",
        "msdyn_salutations - Salutations",
    )


def test_area_alone_adds_no_prerequisite_it_contains() -> None:
    selection = choose_maps(["application-core"])
    assert (len(selection.maps), selection.prerequisites_added) == (12, ())


def test_all_is_every_map_but_the_excluded() -> None:
    selection = choose_maps([ALL])
    dropped = {left_out.name for left_out in selection.dropped}
    assert set(selection.maps) | dropped == set(standard().maps)
    assert len(dropped) == 11
    assert not selection.problems


def test_all_has_maps_that_no_area_names() -> None:
    unnamed = {name for name, entry in standard().maps.items() if entry.areas == (NOT_STATED,)}
    assert len(unnamed) == 3
    assert unnamed <= set(choose_maps([ALL]).maps)
    assert not unnamed & set(choose_maps(list(AREA_NAMES)).maps)


def test_excluded_map_is_left_out() -> None:
    assert CURRENCIES not in choose_maps(["application-core"], [CURRENCIES]).maps


def test_excluded_area_is_left_out() -> None:
    selection = choose_maps(["application-core", "asset-management"], ["asset-management"])
    assert selection.maps == choose_maps(["application-core"]).maps


def test_repeated_choice_counts_once() -> None:
    assert choose_maps([CURRENCIES, CURRENCIES]) == choose_maps([CURRENCIES])


def test_exclusion_of_a_needed_map_is_refused() -> None:
    found = choose_maps([CUSTOMERS], [CURRENCIES])
    assert f"exclude {CURRENCIES!r} is needed by {CUSTOMERS!r}" in texts(found)
    assert "exclude those as well, or keep it" in texts(found)


def test_many_users_of_a_map_are_counted() -> None:
    problems = choose_maps(["finance"], [PARTIES]).problems
    shown = f"{PARTIES!r} is needed by {CUSTOMERS!r} and 'contacts - Customers V3' and 2 more"
    assert problems == (Finding("exclude", f"{shown}; exclude those as well, or keep it"),)


# Maps that exclude each other


def test_contacts_v2_drops_both_cds_contacts_v2() -> None:
    selection = choose_maps(["application-core", "finance"])
    assert [left_out.name for left_out in selection.dropped] == list(OLD_CONTACTS)
    assert {left_out.reason for left_out in selection.dropped} == {f"replaced by {CONTACTS}"}
    assert CONTACTS in selection.maps
    assert not set(OLD_CONTACTS) & set(selection.maps)


def test_prerequisite_drops_maps_too() -> None:
    selection = choose_maps([CUSTOMERS, PROJECT_ACTUALS])
    assert PARTIES in selection.prerequisites_added
    assert [left_out.name for left_out in selection.dropped] == [PROJECT_ACTUALS]


def test_party_drops_every_project_operations_map() -> None:
    selection = choose_maps(["party", "project-operations"])
    assert [left_out.name for left_out in selection.dropped] == sorted(
        name for name, entry in standard().maps.items() if "project-operations" in entry.areas
    )
    assert not selection.problems


def test_project_operations_stays_without_party() -> None:
    selection = choose_maps(["project-operations"])
    assert (len(selection.maps), selection.dropped) == (9, ())


@pytest.mark.parametrize(
    ("keeps", "drops", "reason"),
    [
        (CONTACTS, OLD_CONTACTS[0], f"replaced by {CONTACTS}"),
        (CONTACTS, OLD_CONTACTS[1], f"replaced by {CONTACTS}"),
        (PARTIES, PROJECT_ACTUALS, "Project Operations is not supported with the party maps"),
    ],
)
def test_two_excluding_maps_named_are_an_error(keeps: str, drops: str, reason: str) -> None:
    expected = Finding("include", f"{drops!r} and {keeps!r} exclude each other: {reason}", 1)
    assert expected in choose_maps([keeps, drops]).problems


def test_map_named_on_both_lists_is_an_error() -> None:
    problems = choose_maps(["finance", CUSTOMERS], [CUSTOMERS]).problems
    assert Finding("include", f"{CUSTOMERS!r} is included and excluded; keep one of the two", 1) in problems


def test_dropped_prerequisite_is_not_missed() -> None:
    selection = choose_maps(["c - C", "d - D"], catalogue=TINY)
    assert "b - B" not in selection.maps
    assert not selection.problems


# Strict prerequisites


def test_strict_names_every_missing_prerequisite_at_once() -> None:
    problems = choose_maps(["c - C"], prerequisites="strict", catalogue=TINY).problems
    assert problems == (
        Finding("include", "'a - A' is needed by 'b - B' and is missing (prerequisites: strict)"),
        Finding("include", "'b - B' is needed by 'c - C' and is missing (prerequisites: strict)"),
    )


def test_strict_accepts_a_closed_choice() -> None:
    selection = choose_maps(["a - A", "b - B", "c - C"], prerequisites="strict", catalogue=TINY)
    assert (selection.problems, selection.prerequisites_added) == ((), ())


@pytest.mark.parametrize("prerequisites", ["add", "strict"])
def test_all_is_closed_either_way(prerequisites: Prerequisites) -> None:
    assert not choose_maps([ALL], prerequisites=prerequisites).problems


# Advice


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("fnance", "did you mean 'finance'?"),
        ("Application-Core", "did you mean 'application-core'"),
        ("Customers V3", "did you mean 'accounts - Customers V3' or 'contacts - Customers V3'?"),
        ("accounts - Customer V3", "did you mean 'accounts - Customers V3'"),
        ("zzz", "areas are application-core, finance, "),
        ("zzz", "a map is named '<Dataverse table> - <F&O entity>'"),
        (NOT_STATED, "there is no area and no standard map 'not stated'"),
    ],
)
def test_unknown_name_gets_advice(written: str, advice: str) -> None:
    assert advice in texts(choose_maps([written]))


def test_every_unknown_name_is_reported_with_its_place() -> None:
    problems = choose_maps(["finance", "x1", "x2"], ["x3"]).problems
    assert [problem.path for problem in problems] == ["include[1]", "include[2]", "exclude[0]"]


@pytest.mark.parametrize(("include", "exclude"), [([], []), (["notes"], [ALL]), (["a - A"], ["application-core"])])
def test_choice_that_leaves_no_map_is_refused(include: Sequence[str], exclude: Sequence[str]) -> None:
    catalogue = TINY if "a - A" in include else None
    assert (
        choose_maps(include, exclude, catalogue=catalogue).problems[-1].text
        == "leaves no map; name an area, a map, or all"
    )


# Packages and map solutions


@pytest.mark.parametrize(
    ("areas", "packages"),
    [
        (["application-core"], ["DualWriteCoreAnchor", "msdyn_DualWriteAppCoreAnchor"]),
        (
            ["finance"],
            ["DualWriteCoreAnchor", "msdyn_DualWriteAppCoreAnchor", "msdyn_Dynamics365FinanceExtendedAnchor"],
        ),
        (
            ["asset-management"],
            [
                "DualWriteCoreAnchor",
                "msdyn_DualWriteAppCoreAnchor",
                "msdyn_DualWriteAssetManagementAnchor",
                "Dynamics365FinanceAndOperationsAnchor",
            ],
        ),
        (
            ["party"],
            [
                "DualWriteCoreAnchor",
                "msdyn_DualWriteAppCoreAnchor",
                "msdyn_Dynamics365FinanceExtendedAnchor",
                "HCMCommonAnchor",
                "msdyn_Dynamics365HCMAnchor",
                "Dynamics365FinanceAndOperationsAnchor",
                "msdyn_Dynamics365SupplyChainExtendedAnchor",
                "Dynamics365GABParty_Anchor",
            ],
        ),
    ],
)
def test_packages_follow_from_areas_in_documented_order(areas: list[str], packages: list[str]) -> None:
    assert packages_for(areas) == tuple(packages)


@pytest.mark.parametrize("area", [area.name for area in AREAS])
def test_no_package_stands_before_one_its_area_needs(area: str) -> None:
    wanted = next(entry for entry in AREAS if entry.name == area)
    order = packages_for([area])
    own = [package for package in order if package in wanted.packages]
    needed = set(packages_for(wanted.needs)) - set(own) if wanted.needs else set()
    assert all(order.index(package) < order.index(own[-1]) for package in needed)


def test_every_package_of_an_area_has_a_place() -> None:
    assert {package for area in AREAS for package in area.packages} == set(PACKAGE_ORDER)


@pytest.mark.parametrize(
    ("include", "solutions"),
    [
        ([CURRENCIES], [CORE_SOLUTION]),
        (["application-core", "asset-management"], [CORE_SOLUTION, ORCHESTRATION_SOLUTION]),
        (
            ["application-core", "finance"],
            [CORE_SOLUTION, FINANCE_SOLUTION, ORCHESTRATION_SOLUTION, PARTY_SOLUTION],
        ),
    ],
)
def test_solutions_are_those_that_carry_the_maps(include: list[str], solutions: list[str]) -> None:
    assert choose_maps(include).solutions == tuple(solutions)


def test_solution_shared_by_areas_comes_once() -> None:
    assert solutions_for([NOT_STATED, "notes", "human-resources"]) == (ORCHESTRATION_SOLUTION,)


@pytest.mark.parametrize(
    ("name", "solution"),
    [
        (CURRENCIES, CORE_SOLUTION),
        (CUSTOMERS, FINANCE_SOLUTION),  # finance and party list it: the first one carries it
        (WORKERS, ORCHESTRATION_SOLUTION),
        (PARTIES, PARTY_SOLUTION),
        ("leads - Prospects", ORCHESTRATION_SOLUTION),
        ("contoso_projects - Contoso projects", None),
    ],
)
def test_carrying_solution_of_one_map(name: str, solution: str | None) -> None:
    assert carrying_solution(name) == solution


# Any choice at all

CHOICES = st.lists(st.sampled_from([ALL, *AREA_NAMES, *sorted(standard().maps)]), min_size=1, max_size=8)


@given(CHOICES, st.lists(st.sampled_from(sorted(standard().maps)), max_size=3))
def test_any_accepted_choice_is_closed_under_prerequisites(include: list[str], exclude: list[str]) -> None:
    selection = choose_maps(include, exclude)
    kept, dropped = set(selection.maps), {left_out.name for left_out in selection.dropped}
    if selection.problems:
        return
    maps = standard().maps
    replaced = {
        name for exclusion in standard().exclusions if exclusion.keeps & kept for name in exclusion.drops
    } | dropped
    assert {need for name in kept for need in maps[name].needs} <= kept | replaced


@given(CHOICES)
def test_no_excluding_pair_is_left_in_any_choice(include: list[str]) -> None:
    kept = set(choose_maps(include).maps)
    assert not [exclusion for exclusion in standard().exclusions if exclusion.keeps & kept and exclusion.drops & kept]


@given(CHOICES.flatmap(lambda chosen: st.tuples(st.just(chosen), st.permutations(chosen))))
def test_order_of_the_choice_changes_nothing(pair: tuple[list[str], list[str]]) -> None:
    one, other = (choose_maps(chosen) for chosen in pair)
    assert one.maps == other.maps
    assert (one.prerequisites_added, one.dropped) == (other.prerequisites_added, other.dropped)
    assert (one.packages, one.solutions) == (other.packages, other.solutions)
    assert len(one.problems) == len(other.problems)


@given(CHOICES)
def test_packages_keep_one_order_in_any_choice(include: list[str]) -> None:
    places = [PACKAGE_ORDER.index(package) for package in choose_maps(include).packages]
    assert all(first < second for first, second in pairwise(places))
    assert not places or PACKAGE_ORDER[places[0]] == "DualWriteCoreAnchor"


@given(CHOICES)
def test_every_kept_map_was_asked_for_or_is_shown(include: list[str]) -> None:
    selection = choose_maps(include)
    asked = {
        name
        for name, entry in standard().maps.items()
        if ALL in include or name in include or set(entry.areas) & set(include)
    }
    added = set(selection.prerequisites_added)
    assert set(selection.maps) <= asked | added
    assert not added & asked
    assert asked <= set(selection.maps) | {left_out.name for left_out in selection.dropped}


@given(st.text(max_size=30))
def test_any_text_gets_advice_or_is_known(text: str) -> None:
    selection = choose_maps([text])
    assert bool(selection.problems) != bool(selection.maps)
