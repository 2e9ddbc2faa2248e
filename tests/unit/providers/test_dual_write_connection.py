"""DualWriteConnection: waiting for the link, its companies, its health and its map solutions."""

import dataclasses
from typing import Any

import pytest

from providers.api.dataverse.models import IntegrationDetails
from providers.api.transport.errors import (
    ApiError,
    AuthenticationError,
    Conflict,
    NotFound,
    OperationFailed,
    OperationTimedOut,
    PermissionDenied,
    ServiceUnavailable,
)
from providers.dual_write_connection import ConnectionInputs, ConnectionOutputs, DualWriteConnectionProvider
from providers.protocol.base import NotRead
from providers.protocol.consent import Consent
from tests.unit.providers.fake_link import FINOPS_HOST, FakeLink, LinkSession
from tests.unit.providers.fake_services import ENVIRONMENT_ID, FINOPS_URL, an_application

PROVIDER = DualWriteConnectionProvider()
IDENTIFIER = f"{FINOPS_HOST}/{ENVIRONMENT_ID}"
CORE, FINANCE = "msdyn_DualWriteAppCoreMaps", "msdyn_Dynamics365FinanceExtendedMaps"
CONSENT = {"action": "reset-link", "target": "contoso-uat", "until": "2099-12-31"}
CORE_MAP, FINANCE_MAP = "cdm_companies - Legal entities", "msdyn_customergroups - Customer groups"


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN", "of no use")


def declared(**changes: Any) -> ConnectionInputs:
    given = {"cloud": "emulator", "cds": "contoso-uat", "companies": ["DAT"], "solutions": [CORE, FINANCE]}
    return ConnectionInputs.model_validate({**given, **changes})


@pytest.fixture
def session() -> LinkSession:
    """A healthy pair that is linked, with two map solutions on offer."""
    made = LinkSession()
    made.dual_write.carries = {CORE: [CORE_MAP], FINANCE: [FINANCE_MAP]}
    return made


def created(session: LinkSession, said: list[str] | None = None, **changes: Any) -> ConnectionOutputs:
    identifier, outputs = PROVIDER.on_create(declared(**changes), session.call(said))
    assert identifier == IDENTIFIER
    return outputs


def test_linked_pair_is_reported_as_the_service_holds_it(session: LinkSession) -> None:
    held = created(session)
    assert (held.connection_id, held.connection_name, held.linked_companies) == ("cid-1", "cname-1", ["DAT"])
    assert (held.finops_url, held.cds_url) == (f"https://{FINOPS_HOST}", "https://contoso-uat.crm4.dynamics.com")


def test_link_is_waited_for_with_its_causes_on_the_row(session: LinkSession) -> None:
    session.dual_write.late = 3
    lines: list[str] = []
    PROVIDER.on_create(declared(), session.call(progress=lines.append))
    assert lines[0].startswith("dual-write link: not linked yet. Either the pair is not linked yet, or `gateway`")
    assert "dual-write link: done, 1 min" in lines


def test_link_that_never_comes_ends_at_the_deadline_with_the_same_text(session: LinkSession) -> None:
    session.dual_write.late = 10_000
    with pytest.raises(
        OperationTimedOut, match=r"are still not linked after 10 min\. Not linked yet\. Either the pair"
    ):
        created(session, timeout="10m")
    assert session.dual_write.applied == []


def test_late_link_is_read_once_and_nothing_is_asked_twice(session: LinkSession) -> None:
    session.dual_write.carries = {}
    created(session, solutions=[])
    assert (session.dual_write.read, session.dual_write.lists) == (1, 1)


def test_companies_do_not_differ_by_case_or_order(session: LinkSession) -> None:
    session.dual_write.companies = ["usmf", "dat"]
    session.organization.company_teams = {"dat": "t", "usmf": "t"}
    session.finops.companies = ["dat", "usmf"]
    assert created(session, companies=["USMF", "DAT"]).linked_companies == ["DAT", "USMF"]


def test_company_is_waited_for_until_its_team_is_there(session: LinkSession) -> None:
    session.organization.late_teams = 2
    lines: list[str] = []
    PROVIDER.on_create(declared(), session.call(progress=lines.append))
    assert "companies in CDS: waiting for DAT, 0 s" in lines


def test_solutions_are_applied_one_at_a_time_in_their_order(session: LinkSession) -> None:
    created(session)
    assert session.dual_write.applied == [CORE, FINANCE]


def test_solution_whose_maps_are_listed_is_not_applied_again(session: LinkSession) -> None:
    created(session)
    session.dual_write.applied.clear()
    stored = created(session)
    PROVIDER.on_update(IDENTIFIER, stored, declared(), session.call())
    assert session.dual_write.applied == []


def test_solution_that_a_killed_run_applies_is_waited_for(session: LinkSession) -> None:
    session.dual_write.under_way = {CORE: 3}
    created(session)
    assert session.dual_write.applied == [FINANCE]


def test_solution_that_is_listed_late_is_waited_for(session: LinkSession) -> None:
    session.dual_write.listed_late = 2
    created(session, solutions=[CORE])
    assert session.dual_write.applied == [CORE]


def test_solution_that_nobody_offers_names_its_package(session: LinkSession) -> None:
    with pytest.raises(OperationTimedOut, match=r"map solution Nobody.* its application package has to be installed"):
        created(session, solutions=["Nobody"])


def test_refused_solution_gives_the_reason_of_the_service(session: LinkSession) -> None:
    session.dual_write.solution_failure = "the map uoms is broken"
    with pytest.raises(OperationFailed) as caught:
        created(session)
    assert str(caught.value) == (
        "map solution msdyn_DualWriteAppCoreMaps was not applied: the map uoms is broken (correlation root-2). "
        "Mend what it names, then run `up` again; it continues with this solution."
    )


def test_all_findings_before_linking_are_named_at_once(session: LinkSession) -> None:
    session.organization.users = dict.fromkeys(session.organization.users, True)
    session.finops.clients, session.finops.refusal = [], PermissionDenied("no administrator")
    session.app_management.held["DualWriteCoreAnchor"] = "None"
    said: list[str] = []
    with pytest.raises(ApiError, match=r"health check 'Core solution found'.*; 3 more findings are named above"):
        created(session, said)
    assert [line.split("'")[1] for line in said if "health check" in line] == [
        "Core solution found", "Packages of the maps", "CDS can connect to F&O", "F&O can connect to CDS",
    ]  # fmt: skip
    assert session.dual_write.applied == []


def test_unread_checks_are_listed_as_not_checked_and_never_as_passed(session: LinkSession) -> None:
    session.organization.failures = {"business_units": PermissionDenied("no right to read it", code="0x80040220")}
    held = created(session)
    assert "Default team of the root business unit: could not be read: no right to read it" in held.not_checked
    assert "App version" in held.health
    assert not {line.partition(":")[0] for line in held.health} & {line.partition(":")[0] for line in held.not_checked}
    assert "Plug-ins enabled: no known call reads it" in held.not_checked


def test_person_who_added_a_company_is_seen_by_a_refresh(session: LinkSession) -> None:
    stored = created(session)
    session.dual_write.companies = ["DAT", "USMF"]
    held = PROVIDER.on_read(IDENTIFIER, stored, session.call())
    assert held is not None
    assert held.companies == held.linked_companies == ["DAT", "USMF"]
    found = PROVIDER.diff(IDENTIFIER, held.model_dump(), declared().model_dump())
    assert (found.changes, found.replaces) == (None, [])


def test_refresh_of_an_unchanged_link_finds_nothing(session: LinkSession) -> None:
    stored = created(session)
    assert PROVIDER.on_read(IDENTIFIER, stored, session.call()) == stored


def test_connection_is_gone_with_its_environment(session: LinkSession) -> None:
    stored = created(session)
    session.delete_environment()
    assert PROVIDER.on_read(IDENTIFIER, stored, session.call()) is None


def test_unlisted_link_of_a_living_environment_is_an_error(session: LinkSession) -> None:
    stored = created(session)
    session.dual_write.late = 1
    session.dual_write.refusals = {"connection_set": NotFound("no such connection set", status=404)}
    with pytest.raises(NotFound, match="knows no link"):
        PROVIDER.on_read(IDENTIFIER, stored, session.call())


def test_solutions_whose_maps_a_reset_took_away_are_named_and_applied_again(session: LinkSession) -> None:
    stored = created(session)
    assert stored.applied_solutions == [CORE, FINANCE]
    session.dual_write.states.clear()
    said: list[str] = []
    held = PROVIDER.on_read(IDENTIFIER, stored, session.call(said))
    assert held is not None
    assert held.solutions == [f"{CORE} (not applied)", f"{FINANCE} (not applied)"]
    assert said == [
        f"warning: DW-W12 the link has no maps of {CORE}, {FINANCE} any more; `up` applies them and restores the maps"
    ]
    assert PROVIDER.on_read(IDENTIFIER, held, session.call()) == held
    session.dual_write.applied.clear()
    again = PROVIDER.on_update(IDENTIFIER, held, declared(), session.call())
    assert (session.dual_write.applied, PROVIDER.on_read(IDENTIFIER, again, session.call())) == ([CORE, FINANCE], again)


def test_only_a_declared_map_that_is_gone_has_its_solution_applied_again(session: LinkSession) -> None:
    other = "transactioncurrencies - Currencies"
    session.dual_write.carries[CORE].append(other)
    watching = dataclasses.replace(session.call(), private={"maps": [CORE_MAP]})
    stored = PROVIDER.on_create(declared(), watching)[1]
    del session.dual_write.states[other]
    assert PROVIDER.on_read(IDENTIFIER, stored, session.call()) == stored
    session.dual_write.states[other] = "none"
    del session.dual_write.states[CORE_MAP]
    held = PROVIDER.on_read(IDENTIFIER, stored, session.call())
    assert held is not None
    assert held.solutions == [f"{CORE} (1 map gone)", FINANCE]
    session.dual_write.applied.clear()
    PROVIDER.on_update(IDENTIFIER, held, declared(), watching)
    assert session.dual_write.applied == [CORE]


def test_without_token_nothing_is_read(session: LinkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = created(session)
    monkeypatch.delenv("DUALWRITE_TOKEN")
    with pytest.raises(NotRead, match="DUALWRITE_TOKEN"):
        PROVIDER.on_read(IDENTIFIER, stored, session.call())


def test_environment_without_finops_says_what_to_do(session: LinkSession) -> None:
    held = session.power_platform.held
    held[ENVIRONMENT_ID] = held[ENVIRONMENT_ID].model_copy(update={"finops": None})
    with pytest.raises(NotFound, match="has no Finance and Operations"):
        created(session)


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        ({"cds": "other"}, ["cds"]),
        ({"finops": "https://other"}, ["finops"]),
        ({"gateway": "https://eu.example"}, []),
        ({"solutions": [CORE]}, []),
        ({"companies": ["USMF"]}, []),
        ({"companies": "as-linked"}, []),
    ],
)
def test_only_another_environment_is_another_link(change: dict[str, Any], replaces: list[str]) -> None:
    stored = {**declared().model_dump(), "finops_url": "https://contoso-uat.operations.eu.dynamics.com"}
    found = PROVIDER.diff(IDENTIFIER, stored, declared(**change).model_dump())
    assert (found.changes, found.replaces) == (None, replaces)


def test_delete_says_that_the_link_stays(session: LinkSession) -> None:
    said: list[str] = []
    stored = created(session)
    PROVIDER.on_delete(IDENTIFIER, stored, session.call(said))
    assert said == ["the link itself stays: the service has no unlink; it ends with its environments"]


@pytest.mark.parametrize(
    "change", [{"company_change": "reset"}, {"live_companies_limit": 40}, {"confirm": [CONSENT]}, {"timeout": "1h"}]
)
def test_how_to_work_is_no_difference(session: LinkSession, change: dict[str, Any]) -> None:
    stored = created(session).model_dump()
    assert PROVIDER.diff(IDENTIFIER, stored, declared(**change).model_dump()).changes is False


def test_as_linked_records_what_is_linked_and_later_changes_are_no_drift(session: LinkSession) -> None:
    stored = created(session, companies="as-linked")
    session.dual_write.companies = ["DAT", "USMF"]
    held = PROVIDER.on_read(IDENTIFIER, stored, session.call())
    assert held is not None
    assert (held.companies, held.linked_companies) == ("as-linked", ["DAT", "USMF"])
    found = PROVIDER.diff(IDENTIFIER, held.model_dump(), declared(companies="as-linked").model_dump())
    assert found.changes is False
    assert session.dual_write.resets == []


def test_as_linked_has_the_limit_of_live_sync(session: LinkSession) -> None:
    session.dual_write.companies = ["A", "B", "C"]
    with pytest.raises(ApiError, match="the link has 3 companies, but a link syncs at most 2 live"):
        created(session, companies="as-linked", live_companies_limit=2)


def test_list_over_the_limit_is_refused_when_planned() -> None:
    (problem,) = PROVIDER.problems(declared(companies=["A", "B"], live_companies_limit=1), None)
    assert problem.path == "companies"
    assert problem.text.startswith("the list has 2 companies, but a link syncs at most 1 live; link fewer")


def test_maps_that_ran_before_are_recorded_at_creation_and_kept(session: LinkSession) -> None:
    session.dual_write = FakeLink({CORE_MAP: "4", FINANCE_MAP: "5"})
    stored = created(session)
    assert stored.running_before == [CORE_MAP]
    session.dual_write.states[FINANCE_MAP] = "4"
    assert PROVIDER.on_update(IDENTIFIER, stored, declared(), session.call()).running_before == [CORE_MAP]
    held = PROVIDER.on_read(IDENTIFIER, stored, session.call())
    assert held is not None
    assert held.running_before == [CORE_MAP]


def test_nothing_is_written_before_the_partner_is_known(session: LinkSession) -> None:
    session.dual_write.partner = "fabrikam.crm4.dynamics.com"
    session.finops.clients = []
    with pytest.raises(Conflict, match=f"{FINOPS_HOST} is linked with fabrikam.* not with contoso-uat"):
        created(session)
    assert (session.finops.registered, session.organization.written) == ([], [])


def test_integration_with_another_finops_names_both(session: LinkSession) -> None:
    session.organization.integration = IntegrationDetails(url="https://other.operations.eu.dynamics.com/")
    with pytest.raises(Conflict, match=f"integrated with the F&O other.* not with {FINOPS_HOST}"):
        created(session)


def test_pair_that_a_person_links_shows_the_steps_and_goes_on_by_itself(session: LinkSession) -> None:
    session.dual_write.late, session.organization.integration = 3, None
    lines: list[str] = []
    PROVIDER.on_create(declared(finops=FINOPS_URL), session.call(progress=lines.append))
    steps, waits, *later = lines
    assert waits == "dual-write link: waiting for the person in LCS, 0 s (usually 1.5 to 2 h for all steps)"
    assert steps not in later
    assert steps == (
        f"DW-P02 A person has to link the two. In LCS open the environment details of {FINOPS_HOST}: "
        "(1) Power Platform Integration > Setup > use a different Power Platform environment: "
        "contoso-uat.crm4.dynamics.com; (2) Dual-write application > Configure; "
        "(3) Link to Power Platform environment"
    )


def test_steps_of_a_person_end_with_the_deadline_and_the_code(session: LinkSession) -> None:
    session.dual_write.late, session.organization.integration = 10_000, None
    with pytest.raises(OperationTimedOut) as caught:
        created(session, finops=FINOPS_URL, timeout="10m")
    text = str(caught.value)
    assert text.startswith(f"{FINOPS_HOST} and contoso-uat.crm4.dynamics.com are still not linked after 10 min (0x8004")
    assert text.endswith("(3) Link to Power Platform environment. Then run `up` again, it continues.")


def test_integration_that_is_made_is_no_step_any_more(session: LinkSession) -> None:
    session.dual_write.late = 2
    session.organization.integration = IntegrationDetails(url=FINOPS_URL)
    lines: list[str] = []
    PROVIDER.on_create(declared(finops=FINOPS_URL), session.call(progress=lines.append))
    assert "Setup" not in lines[0]
    assert "(1) Dual-write application > Configure; (2) Link to" in lines[0]


def test_team_that_never_comes_is_a_finding_with_code_and_cure(session: LinkSession) -> None:
    session.organization.company_teams = {"DAT": None}
    with pytest.raises(ApiError, match=r"no default owning team: DAT \(DWDVEV1007\)\. Set its default owning team"):
        created(session)


REFUSALS = [
    ("environment", NotFound("dual-write answered 404 (not found)", status=404), "has to consent to the application"),
    ("environment", PermissionDenied("403 (tokenexchange)", status=403), "System Administrator on both sides"),
    ("maps", ServiceUnavailable("x not found in the MetadataCache", status=500), "Install DualWriteCoreAnchor"),
    ("connection_set", ServiceUnavailable("Failed to setup dual write environment. 403 (Forbidden)"), "licence"),
    ("apply_solution", AuthenticationError("dual-write answered 401", status=401), "that user's token"),
]


@pytest.mark.parametrize(("call", "error", "cure"), REFUSALS, ids=[f"{name}-{cure}" for name, _, cure in REFUSALS])
def test_refusal_of_the_service_carries_the_documented_cure(
    session: LinkSession, call: str, error: ApiError, cure: str
) -> None:
    session.dual_write.refusals = {call: error}
    with pytest.raises(ApiError, match=cure):
        created(session)


def problems(session: LinkSession, said: list[str] | None = None, **changes: Any) -> list[tuple[str, str]]:
    """What a preview before the creation says."""
    return [(each.path, each.text) for each in PROVIDER.live_problems(declared(**changes), session.call(said))]


def test_preview_of_a_healthy_or_unlinked_pair_is_silent(session: LinkSession) -> None:
    assert problems(session) == []
    session.dual_write.late = 1
    assert problems(session, companies=["DAT"]) == []
    session.power_platform.held.clear()
    assert problems(session) == []


def test_preview_names_another_partner(session: LinkSession) -> None:
    session.dual_write.partner = "fabrikam.crm4.dynamics.com"
    ((path, text),) = problems(session, finops=FINOPS_URL)
    assert path == "finops"
    assert "is linked with fabrikam.crm4.dynamics.com" in text


def test_preview_of_a_new_cds_names_the_one_that_finops_is_linked_with(session: LinkSession) -> None:
    session.power_platform.held.clear()
    ((path, text),) = problems(session, finops=FINOPS_URL)
    assert path == "finops"
    assert f"{FINOPS_HOST} is linked with contoso-uat.crm4.dynamics.com already" in text
    session.dual_write.late = 1
    assert problems(session, finops=FINOPS_URL) == []


def test_preview_names_every_finding_that_no_up_can_cure(session: LinkSession) -> None:
    session.organization.application = an_application("10.0.8.1")
    session.organization.company_teams = {"DAT": None}
    session.app_management.held["DualWriteCoreAnchor"] = "None"
    texts = [text for _, text in problems(session)]
    assert [text.split("'")[1] for text in texts] == ["App version", "Default owning teams"]
    assert "(DWDVEV1007)" in texts[1]


def test_preview_of_a_reset_names_the_missing_consent_and_a_harmless_one_needs_none(session: LinkSession) -> None:
    said: list[str] = []
    session.finops.companies.append("usmf")
    assert problems(session, said, companies=["DAT", "USMF"], company_change="reset") == []
    assert said == [
        "DW-I02 the link will be reset with the companies DAT, USMF; no map ever ran on it, nothing is lost"
    ]
    session.dual_write = FakeLink({CORE_MAP: "4"})
    wanted = declared(companies=["DAT", "USMF"], company_change="reset")
    for found in (
        PROVIDER.live_problems(wanted, session.call()),
        PROVIDER.live_change_problems(wanted, declared(), session.call()),
    ):
        ((path, text),) = found
        assert path == "companies"
        assert "{action: reset-link, target: contoso-uat, until: <date>}" in text
    agreed = wanted.model_copy(update={"confirm": (Consent(**CONSENT),)})
    assert list(PROVIDER.live_change_problems(agreed, declared(), session.call(said))) == []
    assert said[-2].startswith("DW-I01 the link will be reset with the companies DAT, USMF: 1 map of it")
    assert said[-1] == (
        "DW-I03 for the reset 1 running map is stopped until restored, and changes made in that time are not queued"
    )


def test_preview_of_a_change_by_hand_shows_the_steps(session: LinkSession) -> None:
    session.dual_write = FakeLink({CORE_MAP: "4"})
    session.finops.companies.append("usmf")
    said: list[str] = []
    wanted = declared(companies=["DAT", "USMF"])
    assert list(PROVIDER.live_change_problems(wanted, declared(), session.call(said))) == []
    assert "Environment details > Legal entities, add USMF, Save" in said[0]


def test_preview_of_an_unlinked_pair_refuses_a_company_that_finops_lacks(session: LinkSession) -> None:
    session.dual_write.late = 1
    ((path, text),) = problems(session, companies=["DAT", "USMF"])
    assert (path, text.startswith("F&O has no legal entity USMF, so")) == ("companies", True)
    session.power_platform.held.clear()
    assert problems(session, companies=["DAT", "USMF"], finops=FINOPS_URL)[-1] == (path, text)
    assert problems(session, companies=["DAT", "USMF"]) == []


def test_preview_refuses_a_company_that_finops_lacks_and_nobody_creates(session: LinkSession) -> None:
    wanted = declared(companies=["DAT", "USMF"])
    for found in (
        PROVIDER.live_problems(wanted, session.call()),
        PROVIDER.live_change_problems(wanted, declared(), session.call()),
    ):
        ((path, text),) = found
        assert (path, text.startswith("F&O has no legal entity USMF, so the link cannot have it")) == (
            "companies",
            True,
        )
    created_too = dataclasses.replace(session.call(), private={"created_companies": ["usmf"]})
    assert list(PROVIDER.live_change_problems(wanted, declared(), created_too)) == []


def test_preview_of_a_change_without_token_says_what_it_does_not_know(
    session: LinkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DUALWRITE_TOKEN")
    said: list[str] = []
    wanted = declared(companies=["DAT", "USMF"], company_change="reset")
    assert list(PROVIDER.live_change_problems(wanted, declared(), session.call(said))) == []
    assert said[0].startswith("DW-N06 not checked: whether the link has these companies. ")
