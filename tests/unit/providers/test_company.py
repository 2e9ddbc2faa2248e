"""Company: found or created by code, never doubled, never renamed, never deleted."""

from typing import Any

import pytest

from emulator.core.faults import Fault
from emulator.identity.directory import DEMO_CLIENT_ID
from providers.api.finance_operations.client import FinanceOperations
from providers.api.transport.errors import InvalidRequest, NotFound, OperationTimedOut
from providers.company import CompanyInputs, CompanyOutputs, CompanyProvider
from providers.protocol.base import NotRead, ResourceError
from tests.support.check_findings import check_findings
from tests.support.in_process import POLLS, World
from tests.support.linked_world import CDS_HOST, FINOPS_HOST

PROVIDER = CompanyProvider()
LAMNA_SALES = "6ebf7081-92a3-44b5-9fc0-4b5c6d7e8f96"
# An F&O of Lifecycle Services, which stays when the CDS of the pair is deleted.
APART = "northwind-erp.sandbox.operations.eu.dynamics.com"
URL = f"https://{APART}"
BAG: dict[str, Any] = {
    "cloud": "emulator",
    "cds": "lamna-sales",
    "code": "USMF",
    "name": "Contoso Entertainment System USA",
    "country": "USA",
    "timeout": "30m",
}
INPUTS = CompanyInputs.model_validate(BAG)
NAMELESS = INPUTS.model_copy(update={"name": None})


def finops(world: World, host: str = FINOPS_HOST) -> FinanceOperations:
    return world.call().session("public").finance_operations(host)


def companies(world: World, host: str = FINOPS_HOST) -> set[str]:
    return {each.id.upper() for each in finops(world, host).legal_entities()}


def has_usmf(world: World) -> None:
    """F&O has the company already, with a name and a country of its own."""
    finops(world).create_legal_entity("usmf", "Contoso", "DEU")
    world.requests.clear()


def loses_usmf(world: World) -> None:
    world.tenant.rows.delete("finops", FINOPS_HOST, "LegalEntities", "usmf", origin="system")


def deletes_cds(world: World) -> None:
    world.tenant.person.act({"action": "delete-environment", "environment": CDS_HOST})


def answers(world: World, method: str, **fault: Any) -> None:
    """What happens to the next requests of companies, unless `count` says to how many."""
    world.tenant.faults.add(Fault(service="finops", method=method, path="/data/LegalEntities*", **fault))


def created(world: World, inputs: CompanyInputs = INPUTS) -> CompanyOutputs:
    identifier, outputs = PROVIDER.on_create(inputs, world.call())
    assert identifier == f"{FINOPS_HOST}/USMF"
    return outputs


def creations(world: World) -> int:
    """How often a company was asked for."""
    return world.writes().count(f"POST {FINOPS_HOST}/data/LegalEntities")


def check(**changes: Any) -> list[tuple[str, str]]:
    return check_findings(PROVIDER, BAG, {**BAG, **changes})


def live(world: World, inputs: CompanyInputs) -> list[str]:
    return [problem.path for problem in PROVIDER.live_problems(inputs, world.call())]


def test_codes_are_shown_in_upper_case() -> None:
    assert PROVIDER.check(BAG, {**BAG, "code": "usmf"}).inputs["code"] == "USMF"


@pytest.mark.parametrize("code", ["USMFX", "", "US-1", "ÜSM"])
def test_codes_are_one_to_four_letters_and_digits(code: str) -> None:
    assert [path for path, _ in check(code=code)] == ["code"]


def test_code_cannot_change() -> None:
    assert check(code="CONT") == [
        (
            "code",
            "cannot change from 'USMF' to 'CONT': F&O cannot rename a company; declare another one beside it",
        )
    ]


def test_missing_company_is_created(world: World) -> None:
    assert created(world).model_dump(exclude_none=True) == {
        "cloud": "emulator",
        "cds": "lamna-sales",
        "cds_url": f"https://{CDS_HOST}",
        "confirm": (),
        "tenant_id": "",
        "code": "USMF",
        "name": "Contoso Entertainment System USA",
        "country": "USA",
        "finops_host": FINOPS_HOST,
        "environment_id": LAMNA_SALES,
        "created_by_us": True,
    }
    assert world.writes() == [f"POST {FINOPS_HOST}/data/LegalEntities"]
    (made,) = [each for each in finops(world).legal_entities() if each.id.upper() == "USMF"]
    assert (made.name, made.country) == ("Contoso Entertainment System USA", "USA")


def test_company_that_is_there_is_taken_as_it_is(world: World) -> None:
    has_usmf(world)
    outputs = created(world, NAMELESS)
    assert (outputs.code, outputs.name, outputs.country, outputs.created_by_us) == ("USMF", "Contoso", "DEU", False)
    assert world.said == ["there already as 'Contoso'; taken as it is"]
    assert world.writes() == []


def test_other_name_and_country_are_no_drift(world: World) -> None:
    has_usmf(world)
    outs = {**BAG, **created(world).model_dump(mode="json", exclude_none=True)}
    assert PROVIDER.diff("id", outs, BAG).changes is False
    assert PROVIDER.diff("id", outs, {**BAG, "name": "Another", "country": "FRA"}).changes is False
    assert "name" not in PROVIDER.managed(CompanyOutputs.model_validate(outs))


def test_company_is_done_when_it_is_read_back(world: World) -> None:
    answers(world, "GET", stale=True, count=4)
    assert created(world).created_by_us
    assert world.elapsed >= 3
    assert creations(world) == 1


def test_nameless_company_cannot_be_created(world: World) -> None:
    with pytest.raises(ResourceError) as caught:
        created(world, NAMELESS)
    assert str(caught.value) == (
        "the company USMF is not in F&O, and creating it needs `name` and `country` in its entry of "
        "`dualwrite:companies`. Nothing was created; then run `up` again."
    )
    assert world.writes() == []


def test_lost_create_is_looked_up(world: World) -> None:
    answers(world, "POST", drop="after")
    assert created(world).created_by_us
    assert creations(world) == 1


def test_create_that_never_arrived_is_sent_again_after_a_while(world: World) -> None:
    answers(world, "POST", drop="before")
    assert created(world).created_by_us
    assert world.elapsed >= POLLS.lost_answer
    assert creations(world) == 2


def test_refusal_says_what_to_correct(world: World) -> None:
    answers(world, "POST", status=400, body={"error": {"message": "Country/region 'US' does not exist"}})
    with pytest.raises(InvalidRequest) as caught:
        created(world)
    assert str(caught.value) == (
        f"Country/region 'US' does not exist (HTTP 400, correlation {caught.value.correlation_id}). "
        "Correct `name` and `country` of USMF in `dualwrite:companies` (countries by F&O's own ids, such as USA), "
        "or create the company in F&O; then run `up` again."
    )


def test_company_that_never_shows_is_a_timeout(world: World) -> None:
    answers(world, "GET", stale=True, count=0)
    with pytest.raises(OperationTimedOut, match="waiting for the company USMF"):
        created(world)
    assert creations(world) == 1


def test_finops_that_is_away_for_a_while_is_waited_for(world: World) -> None:
    answers(world, "GET", status=503, count=0)

    def comes_back(_request: str) -> None:
        if world.elapsed >= 60:
            world.tenant.faults.clear()

    world.answered = comes_back
    assert created(world).created_by_us
    assert world.elapsed >= 60


def test_environment_without_finops_has_no_companies(world: World) -> None:
    with pytest.raises(NotFound, match="has no Finance and Operations"):
        created(world, INPUTS.model_copy(update={"cds": "fabrikam-sales"}))


def test_preview_names_what_a_creation_would_need(world: World) -> None:
    assert live(world, NAMELESS.model_copy(update={"country": None})) == ["name", "country"]
    assert live(world, INPUTS) == []
    has_usmf(world)
    assert live(world, NAMELESS) == []


def test_preview_says_nothing_where_there_is_no_finops_yet(world: World) -> None:
    assert live(world, NAMELESS.model_copy(update={"cds": "not-yet-there"})) == []
    assert live(world, NAMELESS.model_copy(update={"cds": "fabrikam-sales"})) == []
    world.tenant.faults.add(Fault(service="finops", path="/data/", drop="before"))
    assert live(world, NAMELESS) == []
    assert world.said == []


def test_preview_asks_an_existing_finops_also_before_its_cds_is_there(world: World) -> None:
    assert live(world, NAMELESS.model_copy(update={"cds": "not-yet-there", "finops": URL})) == ["name"]


def test_closed_finops_is_said_in_preview(world: World) -> None:
    closed = {"action": "remove-application", "environment": FINOPS_HOST, "client_id": DEMO_CLIENT_ID}
    world.tenant.person.act(closed)
    assert live(world, NAMELESS) == []
    reason = "F&O answered 401 (the token is not accepted)"
    assert world.said == [f"DW-N05 not checked: whether the company exists ({reason})"]


def test_company_is_gone_only_when_finops_answers_without_it(world: World) -> None:
    stored = created(world)
    assert PROVIDER.on_read("id", stored, world.call()) == stored
    loses_usmf(world)
    assert PROVIDER.on_read("id", stored, world.call()) is None


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 403}, {"drop": "before"}], ids=str)
def test_company_that_cannot_be_seen_is_not_gone(world: World, fault: dict[str, Any]) -> None:
    stored = created(world)
    answers(world, "GET", count=0, **fault)
    with pytest.raises(NotRead):
        PROVIDER.on_read("id", stored, world.call())


def test_company_is_gone_with_the_environment_of_its_finops(world: World) -> None:
    stored = created(world)
    _, apart = PROVIDER.on_create(INPUTS.model_copy(update={"finops": URL}), world.call())
    deletes_cds(world)
    assert PROVIDER.on_read("id", stored, world.call()) is None
    assert PROVIDER.on_read("id", apart, world.call()) == apart


def test_another_finops_means_another_company(world: World) -> None:
    outs = {**BAG, "finops": URL, **created(world).model_dump(mode="json", exclude_none=True)}
    assert PROVIDER.diff("id", outs, {**BAG, "finops": f"{URL}/"}).changes is False
    assert PROVIDER.diff("id", outs, {**BAG, "finops": "https://x.operations.eu.dynamics.com"}).replaces == ["finops"]
    handed_over = PROVIDER.diff("id", outs, BAG)
    assert (handed_over.changes, handed_over.replaces) == (None, [])


def test_deletion_leaves_it_in_place(world: World) -> None:
    stored = created(world)
    assert PROVIDER.on_update("id", stored, INPUTS, world.call()) == stored
    PROVIDER.on_delete("id", stored, world.call())
    assert world.said == ["left in place: companies are never deleted from F&O"]
    assert companies(world) == {"DAT", "LAMN", "USMF"}
