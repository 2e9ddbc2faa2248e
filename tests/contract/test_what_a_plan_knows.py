"""What the services show already is told by the preview, and no `up` finds it out after hours. Nothing is written."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from emulator.app import first_day
from emulator.identity.tokens import SigningKey
from providers.application_package import ApplicationPackageProvider
from providers.catalogue.selection import choose_maps
from providers.cds_instance import CdsInstanceProvider
from providers.company import CompanyProvider
from providers.company_bootstrap import CompanyBootstrapProvider
from providers.finops_instance import FinOpsInstanceProvider
from providers.live_sync import LiveSyncProvider
from providers.protocol.base import Call, Problem
from tests.support.in_process import World, a_world
from tests.support.linked_world import CDS, FINOPS, LinkedWorld, a_linked_world

pytestmark = pytest.mark.usefixtures("signed_in")

CDS_INSTANCE, FINOPS_INSTANCE, PACKAGE = CdsInstanceProvider(), FinOpsInstanceProvider(), ApplicationPackageProvider()
COMPANY, BOOTSTRAP, LIVE_SYNC = CompanyProvider(), CompanyBootstrapProvider(), LiveSyncProvider()
FINANCE = choose_maps(["finance"])
WITH_FINOPS = {
    "id": "0a1b2c3d-4e5f-4061-8273-8495a6b7c8d9",
    "name": "Contoso Live",
    "domain": "contoso-live",
    "sku": "Sandbox",
    "finops": {},
}
NEW_FINOPS = {
    "cloud": "public",
    "cds": "contoso-new",
    "data": "empty",
    "environment_name": "Contoso new",
    "environment_type": "sandbox",
    "location": "europe",
}
NEW_CDS = {
    "cloud": "public",
    "name": "Contoso Live",
    "domain": "contoso-live",
    "type": "sandbox",
    "location": "europe",
    "currency": "EUR",
    "language": 1033,
}
TAKEN = (
    "'{}' is the name of another environment (contoso.crm4.dynamics.com), and one with F&O needs a name of its own: "
    "choose another `name` for the CDS instance"
)
NO_ENTITY_SET = "'{}' is no entity set of this environment: a table is named by its entity set, here `{}`"
WITHOUT_COMPANY = (
    "has no company in the key, and the link has DAT, LAMN: rows of two companies with one number would be one row. "
    "Add `msdyn_company.cdm_companycode`"
)


@pytest.fixture(scope="module")
def world(key: SigningKey) -> World:
    """The tenant of the seed, and an environment with F&O that shows what is on offer."""
    world = a_world(key)
    world.tenant.seeds.play(first_day({"environments": [WITH_FINOPS]}))
    return world


@pytest.fixture(scope="module")
def plain_world(key: SigningKey) -> World:
    """The tenant of the seed, where no environment has an F&O of the Power Platform."""
    world = a_world(key)
    world.tenant.seeds.play(first_day())
    return world


@pytest.fixture(scope="module")
def pair(key: SigningKey) -> LinkedWorld:
    """A linked pair with two companies and the maps of finance, none of which has been started."""
    return a_linked_world(key, FINANCE)


def told(problems: Iterable[Problem]) -> list[str]:
    return [f"{each.path}: {each.text}" for each in problems]


def creation(provider: Any, bag: dict[str, Any], call: Call) -> list[str]:
    """What a preview of a creation refuses."""
    return told(provider.live_problems(provider.normalise(provider.inputs.model_validate(bag)), call))


def change(provider: Any, old: dict[str, Any], new: dict[str, Any], call: Call) -> list[str]:
    """What a preview of a change refuses."""
    before, after = (provider.normalise(provider.inputs.model_validate(bag)) for bag in (old, new))
    return told(provider.live_change_problems(after, before, call))


def said(world: World, mark: int) -> list[str]:
    return world.said[mark:]


@pytest.mark.parametrize("name", ["Contoso production", "contoso PRODUCTION"])
def test_display_name_of_another_environment_is_refused_before_finops_is_to_be_installed(
    name: str, world: World
) -> None:
    assert creation(FINOPS_INSTANCE, {**NEW_FINOPS, "environment_name": name}, world.call()) == [
        f"environment_name: {TAKEN.format(name)}"
    ]


def test_rename_to_the_name_of_another_environment_is_refused_where_finops_is(world: World) -> None:
    renamed = {**NEW_CDS, "name": "Tailspin Sales"}
    ((problem),) = change(CDS_INSTANCE, NEW_CDS, renamed, world.call())
    assert problem.startswith("name: 'Tailspin Sales' is the name of another environment (tailspin-sales.crm4.")
    assert change(CDS_INSTANCE, NEW_CDS, {**NEW_CDS, "name": "Contoso Life"}, world.call()) == []


def test_name_that_only_its_own_environment_has_is_free(world: World) -> None:
    assert creation(FINOPS_INSTANCE, {**NEW_FINOPS, "cds": "adventure-works"}, world.call()) == []


def test_another_domain_is_checked_like_a_new_one(world: World) -> None:
    (problem,) = change(CDS_INSTANCE, NEW_CDS, {**NEW_CDS, "domain": "contoso", "name": "Other"}, world.call())
    assert problem.startswith("domain: the domain 'contoso' belongs to the environment 'Contoso production'")


def test_finops_on_another_environment_is_checked_like_a_new_one(world: World) -> None:
    moved = {**NEW_FINOPS, "cds": "contoso-two", "environment_name": "Contoso production"}
    (problem,) = change(FINOPS_INSTANCE, NEW_FINOPS, moved, world.call())
    assert problem.startswith("environment_name: 'Contoso production' is the name of another environment")


def test_version_that_is_not_on_offer_is_refused_with_those_that_are(world: World) -> None:
    (problem,) = creation(FINOPS_INSTANCE, {**NEW_FINOPS, "version": "10.0.99"}, world.call())
    assert problem.startswith("version: F&O 10.0.99 is not on offer: 'Contoso Live' shows 10.0.")
    assert problem.endswith("Lower `version`, or leave it out to get the newest")
    assert creation(FINOPS_INSTANCE, {**NEW_FINOPS, "version": "10.0.45"}, world.call()) == []


def test_raised_version_is_checked_as_well(world: World) -> None:
    installed = {**NEW_FINOPS, "cds": "contoso-live", "version": "10.0.45"}
    (problem,) = change(FINOPS_INSTANCE, installed, {**installed, "version": "10.0.99"}, world.call())
    assert problem.startswith("version: F&O 10.0.99 is not on offer")
    mark = len(world.requests)
    assert change(FINOPS_INSTANCE, installed, {**installed, "version": "10.0.44"}, world.call()) == []
    assert world.requests[mark:] == []


def test_version_that_nothing_tells_is_named_as_not_checked(plain_world: World) -> None:
    mark = len(plain_world.said)
    assert creation(FINOPS_INSTANCE, {**NEW_FINOPS, "version": "10.0.99"}, plain_world.call()) == []
    assert said(plain_world, mark) == [
        "DW-N08 not checked: whether F&O 10.0.99 is on offer, which no environment of the tenant tells"
    ]


@pytest.mark.parametrize(
    ("package", "refusal"),
    [
        ("dualwritecoreanchor", []),
        ("DualWriteCoreAncor", ["package: is not offered on this environment; did you mean `DualWriteCoreAnchor`?"]),
    ],
)
def test_package_on_an_existing_instance_is_found_whatever_its_case_and_a_misspelt_one_refused(
    package: str, refusal: list[str], world: World
) -> None:
    assert creation(PACKAGE, {"cloud": "public", "cds": CDS, "package": package}, world.call()) == refusal


def test_package_in_another_case_is_installed_once_and_stays_the_same(plain_world: World) -> None:
    bag = {"cloud": "public", "cds": CDS, "package": "dualwritecoreanchor"}
    identifier, made = PACKAGE.on_create(PACKAGE.inputs.model_validate(bag), plain_world.call())
    assert made.package == "DualWriteCoreAnchor"
    assert not PACKAGE.difference(made.model_dump(mode="json"), bag, identifier=identifier)
    assert PACKAGE.on_read(identifier, made.model_copy(update={"package": bag["package"]}), plain_world.call()) == made


@pytest.mark.parametrize(("name", "entity_set"), [("account", "accounts"), ("Contacts", "contacts")])
@pytest.mark.parametrize("linked", [None, ["DAT", "LAMN"]])
def test_table_by_another_name_is_refused_with_its_entity_set(
    name: str, entity_set: str, linked: list[str] | None, pair: LinkedWorld
) -> None:
    bag = {"cloud": "public", "cds": CDS, "company": "DAT", "tables": ["accounts", name]}
    assert creation(BOOTSTRAP, bag, pair.call(linked_companies=linked)) == [
        f"tables[1]: {NO_ENTITY_SET.format(name, entity_set)}"
    ]


def test_misspelt_table_is_refused_with_the_one_that_is_meant(pair: LinkedWorld) -> None:
    bag = {"cloud": "public", "cds": CDS, "company": "DAT", "tables": ["accounts", "Acounts"]}
    assert creation(BOOTSTRAP, bag, pair.call(linked_companies=["DAT", "LAMN"])) == [
        "tables[1]: 'Acounts' is no entity set of this environment; did you mean `accounts`?"
    ]


def test_table_that_may_come_with_a_package_is_not_refused_before_the_link(pair: LinkedWorld) -> None:
    bag = {"cloud": "public", "cds": CDS, "company": "DAT", "tables": ["msdyn_somethings"]}
    assert creation(BOOTSTRAP, bag, pair.call()) == []


@pytest.mark.parametrize(("simulate", "would"), [(False, "get"), (True, "would get")])
def test_overwrite_counts_the_rows_that_lose_their_company(simulate: bool, would: str, pair: LinkedWorld) -> None:
    dataverse = pair.world.call().session("public").dataverse(CDS)
    ids = {each.code: each.id for each in dataverse.companies()}
    rows = [dict(row) for row in dataverse.rows("accounts", select=["accountid"])][:3]
    for row, code in zip(rows, ("LAMN", "LAMN", "DAT"), strict=True):
        dataverse.update_row("accounts", row["accountid"], {"msdyn_company@odata.bind": f"/cdm_companies({ids[code]})"})
    carrying = dataverse.count("accounts", f"_msdyn_company_value eq {ids['LAMN']}")
    mark = len(pair.world.said)
    bag = {"cloud": "public", "cds": CDS, "company": "DAT", "tables": ["accounts", "products"], "overwrite": True}
    assert creation(BOOTSTRAP, {**bag, "simulate": simulate}, pair.call(linked_companies=["DAT", "LAMN"])) == []
    assert pair.said_since(mark) == [
        f"DW-I04 rows that carry another company {would} DAT: {carrying:,} accounts of LAMN"
    ]
    mark = len(pair.world.said)
    assert creation(BOOTSTRAP, {**bag, "overwrite": False}, pair.call(linked_companies=["DAT", "LAMN"])) == []
    assert pair.said_since(mark) == []


def test_name_of_another_company_of_finops_is_refused(pair: LinkedWorld) -> None:
    finops = pair.world.call().session("public").finance_operations(FINOPS)
    taken = next(each for each in finops.legal_entities() if each.id.upper() == "LAMN")
    bag = {"cloud": "public", "cds": CDS, "finops": FINOPS, "code": "NEWC", "name": taken.name, "country": "USA"}
    assert creation(COMPANY, bag, pair.call()) == [
        "name: is the name of LAMN in F&O too; two companies of one name break linking"
    ]
    assert creation(COMPANY, {**bag, "code": "LAMN"}, pair.call()) == []


@pytest.mark.parametrize("field", ["name", "country"])
def test_changed_name_or_country_of_a_company_is_a_warning_and_no_update(field: str, pair: LinkedWorld) -> None:
    bag = {"cloud": "public", "cds": CDS, "finops": FINOPS, "code": "LAMN", "name": "Lamna", "country": "USA"}
    changed = {**bag, field: "Other"}
    mark = len(pair.world.said)
    COMPANY.noted(COMPANY.inputs.model_validate(changed), COMPANY.inputs.model_validate(bag), pair.call())
    assert pair.said_since(mark) == [
        f"warning: DW-W11 `{field}` changed in the stack alone: F&O has the company, where people change it"
    ]
    assert not COMPANY.difference(bag, changed)


def test_production_to_sandbox_names_what_it_loses(world: World) -> None:
    old = CDS_INSTANCE.inputs.model_validate({**NEW_CDS, "type": "production"})
    mark = len(world.said)
    CDS_INSTANCE.noted(CDS_INSTANCE.inputs.model_validate(NEW_CDS), old, world.call())
    (warning,) = said(world, mark)
    assert warning.startswith("warning: DW-I05 becomes a sandbox: backups are kept for a shorter time")


def live_sync(**keys: list[str]) -> dict[str, Any]:
    maps = dict.fromkeys(FINANCE.maps, "stopped")
    return {
        "cloud": "public",
        "cds": CDS,
        "finops": FINOPS,
        "companies": ["DAT", "LAMN"],
        "maps": maps,
        "integration_keys": keys,
    }


@pytest.mark.parametrize(
    ("columns", "refusal"),
    [
        (["accountnumber", "msdyn_company.cdm_companycode"], []),
        (["AccountNumber", "msdyn_company.cdm_companycode"], []),
        (
            ["accountnumbr", "msdyn_company.cdm_companycode"],
            ["accounts has no column `accountnumbr`; did you mean `accountnumber`?"],
        ),
        (
            ["accountnumber", "msdyn_company.cdm_companycod"],
            ["cdm_company has no column `cdm_companycod`; did you mean `cdm_companycode`?"],
        ),
        (["accountnumber.code"], ["`accountnumber` of accounts is no lookup, so `accountnumber.code` leads nowhere"]),
        (
            ["accountnumber"],
            [WITHOUT_COMPANY],
        ),
    ],
)
def test_key_of_what_the_table_lacks_and_one_without_company_are_refused(
    columns: list[str], refusal: list[str], pair: LinkedWorld
) -> None:
    call = pair.call(packages=list(FINANCE.packages))
    assert creation(LIVE_SYNC, live_sync(accounts=columns), call) == [
        f"integration_keys['accounts']: {text}" for text in refusal
    ]
    assert change(LIVE_SYNC, live_sync(), live_sync(accounts=columns), call) == [
        f"integration_keys['accounts']: {text}" for text in refusal
    ]


@pytest.mark.parametrize("packages", [None, [*FINANCE.packages, "Dynamics365ProjectOperationsDualWriteAnchor"]])
def test_column_that_may_come_with_a_package_is_not_refused(packages: list[str] | None, pair: LinkedWorld) -> None:
    keys = live_sync(accounts=["msdyn_new", "msdyn_company.cdm_companycode"])
    call = replace(pair.call(), private={} if packages is None else {"packages": packages})
    assert creation(LIVE_SYNC, keys, call) == []


def test_second_company_asks_for_the_company_in_keys_that_are_declared_already(pair: LinkedWorld) -> None:
    alone = {**live_sync(accounts=["accountnumber"]), "companies": ["DAT"]}
    assert creation(LIVE_SYNC, alone, pair.call()) == []
    (problem,) = change(LIVE_SYNC, alone, {**alone, "companies": ["DAT", "LAMN"]}, pair.call())
    assert problem == f"integration_keys['accounts']: {WITHOUT_COMPANY}"


def test_queue_that_would_be_thrown_away_without_consent_is_refused(pair: LinkedWorld) -> None:
    name = FINANCE.maps[0]
    paused = {**live_sync(), "maps": {name: "paused"}}
    resumed = {**paused, "maps": {name: "running"}, "catch_up": {name: "discard"}}
    before, after = (LIVE_SYNC.inputs.model_validate(bag) for bag in (paused, resumed))
    (problem,) = LIVE_SYNC.problems(after, before)
    assert str(problem).startswith(f"DW-C02 the queue of '{name}' would be discarded; it needs your consent")
    consent = {"action": "discard-queue", "target": name, "until": "2999-12-31"}
    assert list(LIVE_SYNC.problems(LIVE_SYNC.inputs.model_validate({**resumed, "confirm": [consent]}), before)) == []
