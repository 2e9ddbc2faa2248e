"""Company: found or created by code, never doubled, never renamed, never deleted."""

from typing import Any

import pytest

from providers.api.finance_operations.client import LegalEntity
from providers.api.transport.errors import (
    InvalidRequest,
    NotFound,
    OperationTimedOut,
    PermissionDenied,
    ServiceUnavailable,
    TransportError,
)
from providers.company import CompanyInputs, CompanyOutputs, CompanyProvider
from providers.protocol.base import NotRead, ResourceError
from tests.unit.providers.fake_services import ENVIRONMENT_ID, FakePowerPlatform, FakeSession, a_call, an_environment

PROVIDER = CompanyProvider()
URL = "https://northwind-erp.sandbox.operations.eu.dynamics.com"
BAG: dict[str, Any] = {
    "cloud": "emulator",
    "cds": "contoso-uat",
    "code": "USMF",
    "name": "Contoso Entertainment System USA",
    "country": "USA",
    "timeout": "30m",
}
INPUTS = CompanyInputs.model_validate(BAG)
NAMELESS = INPUTS.model_copy(update={"name": None})
USMF = LegalEntity(id="usmf", name="Contoso", country="DEU")


def a_tenant(*companies: LegalEntity) -> FakeSession:
    session = FakeSession(FakePowerPlatform(an_environment()))
    session.link_in_bap()
    session.finops.open = True
    session.finops.companies += companies
    return session


def created(session: FakeSession, said: list[str] | None = None, inputs: CompanyInputs = INPUTS) -> CompanyOutputs:
    identifier, outputs = PROVIDER.on_create(inputs, a_call(session, said))
    assert identifier == "contoso-uat.operations.eu.dynamics.com/USMF"
    return outputs


def check(**changes: Any) -> list[tuple[str, str]]:
    return [
        (failure.property, said(failure.reason)) for failure in PROVIDER.check(BAG, {**BAG, **changes}).failures or []
    ]


def live(session: FakeSession, inputs: CompanyInputs, said: list[str] | None = None) -> list[str]:
    return [problem.path for problem in PROVIDER.live_problems(inputs, a_call(session, said))]


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


def test_missing_company_is_created() -> None:
    session = a_tenant()
    assert created(session).model_dump(exclude_none=True) == {
        "cloud": "emulator",
        "cds": "contoso-uat",
        "cds_url": "https://contoso-uat.crm4.dynamics.com",
        "confirm": (),
        "tenant_id": "",
        "code": "USMF",
        "name": "Contoso Entertainment System USA",
        "country": "USA",
        "finops_host": "contoso-uat.operations.eu.dynamics.com",
        "environment_id": ENVIRONMENT_ID,
        "created_by_us": True,
    }
    assert session.finops.sent == [("USMF", "Contoso Entertainment System USA", "USA")]


def test_company_that_is_there_is_taken_as_it_is() -> None:
    said: list[str] = []
    session = a_tenant(USMF)
    outputs = created(session, said, NAMELESS)
    assert (outputs.code, outputs.name, outputs.country, outputs.created_by_us) == ("USMF", "Contoso", "DEU", False)
    assert said == ["there already as 'Contoso'; taken as it is"]
    assert session.finops.sent == []


def test_other_name_and_country_are_no_drift() -> None:
    outs = {**BAG, **created(a_tenant(USMF)).model_dump(mode="json", exclude_none=True)}
    assert PROVIDER.diff("id", outs, BAG).changes is False
    assert PROVIDER.diff("id", outs, {**BAG, "name": "Another", "country": "FRA"}).changes is False
    assert "name" not in PROVIDER.managed(CompanyOutputs.model_validate(outs))


def test_company_is_done_when_it_is_read_back() -> None:
    session = a_tenant()
    session.finops.shown_after = 3
    assert created(session).created_by_us
    assert len(session.finops.sent) == 1


def test_nameless_company_cannot_be_created() -> None:
    with pytest.raises(ResourceError) as caught:
        created(a_tenant(), inputs=NAMELESS)
    assert str(caught.value) == (
        "the company USMF is not in F&O, and creating it needs `name` and `country` in its entry of "
        "`dualwrite:companies`. Nothing was created; then run `up` again."
    )


def test_lost_create_is_looked_up() -> None:
    session = a_tenant()
    session.finops.lost_creates = 1
    assert created(session).created_by_us
    assert len(session.finops.sent) == 1


def test_create_that_never_arrived_is_sent_again_after_a_while() -> None:
    session = a_tenant()
    session.finops.create_errors = [TransportError("the connection broke", may_have_happened=True)]
    assert created(session).created_by_us
    assert len(session.finops.sent) == 2


def test_refusal_says_what_to_correct() -> None:
    session = a_tenant()
    session.finops.create_errors = [InvalidRequest("Country/region 'US' does not exist", code="HTTP 400", status=400)]
    with pytest.raises(InvalidRequest) as caught:
        created(session)
    assert str(caught.value) == (
        "Country/region 'US' does not exist (HTTP 400). Correct `name` and `country` of USMF in `dualwrite:companies` "
        "(countries by F&O's own ids, such as USA), or create the company in F&O; then run `up` again."
    )


def test_company_that_never_shows_is_a_timeout() -> None:
    session = a_tenant()
    session.finops.shown_after = 10_000
    with pytest.raises(OperationTimedOut, match="waiting for the company USMF"):
        created(session)
    assert len(session.finops.sent) == 1


def test_finops_that_is_away_for_a_while_is_waited_for() -> None:
    session = a_tenant()
    failing = ServiceUnavailable("F&O answered 503")
    session.finops.reads_failing = failing
    call = a_call(session)
    slept = call.sleep

    def sleep(seconds: float) -> None:
        slept(seconds)
        session.finops.reads_failing = failing if call.clock() < 60 else None

    object.__setattr__(call, "sleep", sleep)
    assert PROVIDER.on_create(INPUTS, call)[1].created_by_us


def test_environment_without_finops_has_no_companies() -> None:
    with pytest.raises(NotFound, match="has no Finance and Operations"):
        created(FakeSession(FakePowerPlatform(an_environment())))


def test_preview_names_what_a_creation_would_need() -> None:
    assert live(a_tenant(), NAMELESS.model_copy(update={"country": None})) == ["name", "country"]
    assert live(a_tenant(), INPUTS) == []
    assert live(a_tenant(USMF), NAMELESS) == []


def test_preview_says_nothing_where_there_is_no_finops_yet() -> None:
    assert live(FakeSession(), NAMELESS) == []
    assert live(FakeSession(FakePowerPlatform(an_environment())), NAMELESS) == []
    silent = a_tenant()
    silent.finops.silent = 1
    assert live(silent, NAMELESS) == []


def test_preview_asks_an_existing_finops_also_before_its_cds_is_there() -> None:
    session = a_tenant()
    session.power_platform.held.clear()
    assert live(session, NAMELESS.model_copy(update={"finops": URL})) == ["name"]


def test_closed_finops_is_said_in_preview() -> None:
    said: list[str] = []
    session = a_tenant()
    session.finops.open = False
    assert live(session, NAMELESS, said) == []
    assert said == ["DW-N05 not checked: whether the company exists (The application is not registered.)"]


def test_company_is_gone_only_when_finops_answers_without_it() -> None:
    session = a_tenant()
    stored = created(session)
    assert PROVIDER.on_read("id", stored, a_call(session)) == stored
    session.finops.companies.pop()
    assert PROVIDER.on_read("id", stored, a_call(session)) is None


@pytest.mark.parametrize("error", [ServiceUnavailable("503"), PermissionDenied("403"), TransportError("no connection")])
def test_company_that_cannot_be_seen_is_not_gone(error: Any) -> None:
    session = a_tenant()
    stored = created(session)
    session.finops.reads_failing = error
    with pytest.raises(NotRead):
        PROVIDER.on_read("id", stored, a_call(session))


def test_company_is_gone_with_the_environment_of_its_finops() -> None:
    session = a_tenant()
    stored = created(session)
    apart = stored.model_copy(update={"finops": URL})
    session.power_platform.held.clear()
    assert PROVIDER.on_read("id", stored, a_call(session)) is None
    assert PROVIDER.on_read("id", apart, a_call(session)) == apart


def test_another_finops_means_another_company() -> None:
    outs = {**BAG, "finops": URL, **created(a_tenant()).model_dump(mode="json", exclude_none=True)}
    assert PROVIDER.diff("id", outs, {**BAG, "finops": f"{URL}/"}).changes is False
    assert PROVIDER.diff("id", outs, {**BAG, "finops": "https://x.operations.eu.dynamics.com"}).replaces == ["finops"]
    handed_over = PROVIDER.diff("id", outs, BAG)
    assert (handed_over.changes, handed_over.replaces) == (None, [])


def test_deletion_leaves_it_in_place() -> None:
    said: list[str] = []
    session = a_tenant()
    stored = created(session)
    assert PROVIDER.on_update("id", stored, INPUTS, a_call(session)) == stored
    PROVIDER.on_delete("id", stored, a_call(session, said))
    assert said == ["left in place: companies are never deleted from F&O"]
    assert len(session.finops.companies) == 2


def said(reason: str) -> str:
    """The sentence after its code, which tests/unit/providers/test_findings.py is about."""
    code, _, sentence = reason.partition(" ")
    assert code.startswith("DW-C")
    return sentence
