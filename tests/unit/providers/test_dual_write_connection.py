"""DualWriteConnection: waiting for the link, its companies, its health and its map solutions."""

from typing import Any

import pytest

from providers._base import NotRead
from providers.api.errors import ApiError, NotFound, OperationFailed, OperationTimedOut, PermissionDenied
from providers.dual_write_connection import ConnectionInputs, ConnectionOutputs, DualWriteConnectionProvider
from tests.unit.providers.fake_link import FINOPS_HOST, LinkSession
from tests.unit.providers.fake_services import ENVIRONMENT_ID

PROVIDER = DualWriteConnectionProvider()
IDENTIFIER = f"{FINOPS_HOST}/{ENVIRONMENT_ID}"
CORE, FINANCE = "msdyn_DualWriteAppCoreMaps", "msdyn_Dynamics365FinanceExtendedMaps"
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
    with pytest.raises(OperationTimedOut, match=r"did not finish within 10m; last status: not linked yet\. Either the"):
        created(session, timeout="10m")
    assert session.dual_write.applied == []


def test_other_companies_than_declared_name_both_lists_and_the_steps(session: LinkSession) -> None:
    session.dual_write.companies = ["DAT", "DEMF"]
    with pytest.raises(ApiError) as caught:
        created(session, companies=["DAT", "USMF"])
    assert str(caught.value).startswith(
        "the link has other companies than declared (not linked: USMF; linked but not declared: DEMF). "
        "On the dual-write page open Environment details > Legal entities"
    )


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
    session.organization.users = {}
    session.finops.clients = []
    session.app_management.held["DualWriteCoreAnchor"] = "None"
    said: list[str] = []
    with pytest.raises(ApiError, match=r"health check 'Core solution found'.*; 2 more findings are named above"):
        created(session, said)
    assert [line.split("'")[1] for line in said] == [
        "Core solution found", "CDS can connect to F&O", "F&O can connect to CDS",
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
    with pytest.raises(NotFound, match="knows no link"):
        PROVIDER.on_read(IDENTIFIER, stored, session.call())


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
    ],
)
def test_only_another_environment_is_another_link(change: dict[str, Any], replaces: list[str]) -> None:
    found = PROVIDER.diff(IDENTIFIER, declared().model_dump(), declared(**change).model_dump())
    assert (found.changes, found.replaces) == (None, replaces)


def test_delete_says_that_the_link_stays(session: LinkSession) -> None:
    said: list[str] = []
    stored = created(session)
    PROVIDER.on_delete(IDENTIFIER, stored, session.call(said))
    assert said == ["the link itself stays: the service has no unlink; it ends with its environments"]
