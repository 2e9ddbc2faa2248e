"""DualWriteConnection: waiting for the link, its companies, its health and its map solutions."""

from typing import Any

import pytest

from emulator.dual_write.states import MapState
from providers.api.transport.errors import ApiError, Conflict, NotFound, OperationFailed, OperationTimedOut
from providers.dual_write_connection import ConnectionInputs, ConnectionOutputs, DualWriteConnectionProvider
from providers.link.health_check import CDS_APPLICATION_USERS, FINOPS_CLIENTS
from providers.protocol.base import NotRead
from providers.protocol.consent import Consent
from tests.support.in_process import World, copied
from tests.support.linked_world import CDS, CDS_HOST, FINOPS, FINOPS_HOST
from tests.support.one_pair import CURRENCIES, ENTITIES, GROUPS, IDENTIFIER, OnePair, a_pair
from tests.support.prepared_tenants import PreparedTenants

PROVIDER = DualWriteConnectionProvider()
CORE, PARTY = "msdyn_DualWriteAppCoreMaps", "Dynamics365GABDualWriteEntityMaps"
CONSENT = {"action": "reset-link", "target": "lamna-sales", "until": "2099-12-31"}
BOTH = ["DAT", "USMF"]
APPLY = "*/RestoreTemplates"
LINK, LINKS = "*/ConnectionSet/*", "*/DualWriteManagement/1.0/Environments"
TAILSPIN, TAILSPIN_HOST = "https://tailspin-erp.sandbox.operations.eu.dynamics.com", "tailspin-sales.crm4.dynamics.com"


pytestmark = pytest.mark.usefixtures("token")


@pytest.fixture
def apart(tenants: PreparedTenants) -> OnePair:
    """Both sides of the pair, neither integrated nor linked."""
    return OnePair(tenants.copy(a_pair, linked=()))


@pytest.fixture
def unlinked(apart: OnePair) -> OnePair:
    """A pair that is integrated, and that nobody has linked."""
    apart.integrate()
    return apart


@pytest.fixture(scope="module")
def finished(tenants: PreparedTenants) -> tuple[World, ConnectionOutputs]:
    """The linked pair after a creation, and what the stack stores of it."""
    pair = OnePair(tenants.copy(a_pair))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUALWRITE_TOKEN", "of no use")
        return pair.world, created(pair)


@pytest.fixture
def done(finished: tuple[World, ConnectionOutputs], tenants: PreparedTenants) -> OnePair:
    """The same pair of the test's own."""
    return OnePair(copied(finished[0], tenants.key))


@pytest.fixture
def stored(finished: tuple[World, ConnectionOutputs]) -> ConnectionOutputs:
    """What the stack stores of it."""
    return finished[1]


def declared(**changes: Any) -> ConnectionInputs:
    given = {"cloud": "public", "cds": "lamna-sales", "companies": BOTH, "solutions": [CORE]}
    return ConnectionInputs.model_validate({**given, **changes})


def created(pair: OnePair, private: dict[str, Any] | None = None, **changes: Any) -> ConnectionOutputs:
    identifier, outputs = PROVIDER.on_create(declared(**changes), pair.call(**(private or {})))
    assert identifier == IDENTIFIER
    return outputs


def read(pair: OnePair, stored: ConnectionOutputs) -> ConnectionOutputs:
    found = PROVIDER.on_read(IDENTIFIER, stored, pair.call())
    assert found is not None
    return found


def link_after(pair: OnePair, looks: int) -> None:
    """A person links the pair after so many looks of the program."""
    pair.wire.meanwhile(LINKS, looks, lambda: pair.person("link", finops=FINOPS_HOST, companies=BOTH))


def hide_link(pair: OnePair) -> None:
    """The service shows no link once."""
    pair.fault("GET", LINKS, status=200, body=[])


def remove_cds(pair: OnePair) -> None:
    pair.person("delete-environment")


def test_linked_pair_is_reported_as_the_service_holds_it(linked: OnePair) -> None:
    outputs, link = created(linked), linked.connection
    assert (outputs.connection_id, outputs.connection_name, outputs.linked_companies) == (link.cid, link.cname, BOTH)
    assert (outputs.finops_url, outputs.cds_url) == (FINOPS, CDS)


def test_link_is_waited_for_with_its_causes_on_the_row(unlinked: OnePair) -> None:
    link_after(unlinked, 3)
    created(unlinked)
    lines = unlinked.shown
    assert lines[0].startswith("dual-write link: not linked yet. Either the pair is not linked yet, or `gateway`")
    assert "dual-write link: done, 1 min" in lines


def test_link_that_never_comes_ends_at_the_deadline_with_the_same_text(unlinked: OnePair) -> None:
    with pytest.raises(
        OperationTimedOut, match=r"are still not linked after 10 min\. Not linked yet\. Either the pair"
    ):
        created(unlinked, timeout="10m")
    assert unlinked.applied == []


def test_late_link_is_read_once_and_nothing_is_asked_twice(pair: OnePair) -> None:
    created(pair, solutions=[])
    assert (pair.wire.count(LINK), pair.wire.count("*/Entities")) == (1, 1)


def test_companies_do_not_differ_by_case_or_order(linked: OnePair) -> None:
    for code in BOTH:
        linked.rows.change("dataverse", "cdm_companies", {"cdm_companycode": code.lower()}, cdm_companycode=code)

    def in_lower_case(link: dict[str, Any]) -> dict[str, Any]:
        mappings = link["dualWriteDetail"]["legalEntityMappings"]["mappings"]
        for mapping in mappings:
            mapping["left"]["name"] = mapping["left"]["name"].lower()
        mappings.reverse()
        return link

    linked.wire.alter(LINK, in_lower_case)
    linked.wire.alter(
        "/data/LegalEntities", lambda page: {**page, "value": [{"LegalEntityId": code.lower()} for code in BOTH]}
    )
    assert created(linked, companies=["USMF", "DAT"]).linked_companies == BOTH
    assert linked.resets == []


def test_company_is_waited_for_until_its_team_is_there(linked: OnePair) -> None:
    (company,) = linked.rows.find("dataverse", "cdm_companies", cdm_companycode="DAT")
    team = {"_cdm_defaultowningteam_value": company["_cdm_defaultowningteam_value"]}

    def back() -> None:
        linked.rows.change("dataverse", "cdm_companies", team, cdm_companycode="DAT")

    linked.person("clear-owning-team", company="DAT")
    linked.wire.meanwhile("*/cdm_companies", 3, back)
    created(linked)
    assert "companies in CDS: waiting for DAT, 0 s" in linked.shown


def test_solutions_are_applied_one_at_a_time_in_their_order(linked: OnePair) -> None:
    together: list[int] = []
    for number in (1, 2):
        linked.wire.meanwhile(APPLY, number, lambda: together.append(linked.under_way))
    created(linked, solutions=[CORE, PARTY])
    assert linked.applied == [CORE, PARTY]
    assert (linked.wire.count(APPLY), together) == (2, [1, 1])


def test_solution_whose_maps_are_listed_is_not_applied_again(linked: OnePair) -> None:
    created(linked)
    linked.forget()
    stored = created(linked)
    PROVIDER.on_update(IDENTIFIER, stored, declared(), linked.call())
    assert linked.applied == []


def test_solution_that_a_killed_run_applies_is_waited_for(linked: OnePair) -> None:
    linked.world.tenant.switches.set("dual_write_solution_duration", 100)
    linked.call().session("public").dual_write.apply_solution(linked.connection.cid, CORE)
    linked.forget()
    together: list[int] = []
    linked.wire.meanwhile(APPLY, 1, lambda: together.append(linked.under_way))
    created(linked, solutions=[CORE, PARTY])
    assert (linked.applied, together) == ([PARTY], [1])


def test_solution_that_is_listed_late_is_waited_for(linked: OnePair) -> None:
    linked.fault("GET", "*/Solutions", count=2, status=200, body=[])
    created(linked, solutions=[CORE])
    assert linked.applied == [CORE]


def test_solution_that_nobody_offers_names_its_package(linked: OnePair) -> None:
    with pytest.raises(OperationTimedOut, match=r"map solution Nobody.* its application package has to be installed"):
        created(linked, solutions=["Nobody"])


def test_refused_solution_gives_the_reason_of_the_service(linked: OnePair) -> None:
    linked.world.tenant.switches.set("apply_solution_error", "the map uoms is broken")
    with pytest.raises(OperationFailed) as caught:
        created(linked)
    activity = linked.connection.solution_requests[0]["rootActivityId"]
    assert str(caught.value) == (
        f"map solution {CORE} was not applied: the map uoms is broken (correlation {activity}). "
        "Mend what it names, then run `up` again; it continues with this solution."
    )


def test_all_findings_before_linking_are_named_at_once(linked: OnePair) -> None:
    for user in CDS_APPLICATION_USERS:
        linked.rows.change("dataverse", "systemusers", {"isdisabled": True}, applicationid=user)
    for client in FINOPS_CLIENTS:
        linked.person("remove-application", client_id=client, environment=FINOPS_HOST)
    linked.fault("POST", "*/SysAADClients", count=0, status=403, body={"error": {"message": "no administrator"}})
    linked.set_package_state("DualWriteCoreAnchor", "None")
    with pytest.raises(ApiError, match=r"health check 'Core solution found'.*; 3 more findings are named above"):
        created(linked)
    assert [line.split("'")[1] for line in linked.said if "health check" in line] == [
        "Core solution found", "Packages of the maps", "CDS can connect to F&O", "F&O can connect to CDS",
    ]  # fmt: skip
    assert linked.applied == []


def test_unread_checks_are_listed_as_not_checked_and_never_as_passed(linked: OnePair) -> None:
    denied = {"error": {"code": "0x80040220", "message": "no right to read it"}}
    linked.fault("GET", "*/businessunits", count=0, status=403, body=denied)
    outputs = created(linked)
    assert "Default team of the root business unit: could not be read: no right to read it" in outputs.not_checked
    assert "App version" in outputs.health
    unread = {line.partition(":")[0] for line in outputs.not_checked}
    assert not {line.partition(":")[0] for line in outputs.health} & unread
    assert "Plug-ins enabled: no known call reads it" in outputs.not_checked


def test_person_who_added_a_company_is_seen_by_a_refresh(done: OnePair, stored: ConnectionOutputs) -> None:
    done.add_company("DEMF")
    found = read(done, stored)
    assert found.companies == found.linked_companies == ["DAT", "DEMF", "USMF"]
    verdict = PROVIDER.diff(IDENTIFIER, found.model_dump(), declared().model_dump())
    assert (verdict.changes, verdict.replaces) == (None, [])


def test_refresh_of_an_unchanged_link_finds_nothing(done: OnePair, stored: ConnectionOutputs) -> None:
    assert read(done, stored) == stored


def test_connection_is_gone_with_its_environment(done: OnePair, stored: ConnectionOutputs) -> None:
    remove_cds(done)
    assert PROVIDER.on_read(IDENTIFIER, stored, done.call()) is None


def test_unlisted_link_of_a_living_environment_is_an_error(done: OnePair, stored: ConnectionOutputs) -> None:
    hide_link(done)
    done.fault("GET", LINK, status=404, body={"message": "Connection set was not found."})
    with pytest.raises(NotFound, match="knows no link"):
        read(done, stored)


def test_solutions_whose_maps_a_reset_took_away_are_named_and_applied_again(linked: OnePair) -> None:
    stored = created(linked, solutions=[CORE, PARTY])
    assert stored.applied_solutions == [CORE, PARTY]
    linked.person("reset-link")
    linked.forget()
    found = read(linked, stored)
    assert found.solutions == [f"{CORE} (not applied)", f"{PARTY} (not applied)"]
    assert linked.said == [
        f"warning: DW-W12 the link has no maps of {PARTY}, {CORE} any more; `up` applies them and restores the maps"
    ]
    assert read(linked, found) == found
    linked.forget()
    again = PROVIDER.on_update(IDENTIFIER, found, declared(solutions=[CORE, PARTY]), linked.call())
    assert (linked.applied, read(linked, again)) == ([CORE, PARTY], again)


def test_only_a_declared_map_that_is_gone_has_its_solution_applied_again(linked: OnePair) -> None:
    watching = {"maps": [ENTITIES]}
    stored = created(linked, watching, solutions=[CORE, PARTY])
    linked.person("delete-map", CURRENCIES)
    assert read(linked, stored) == stored
    linked.person("delete-map", ENTITIES)
    found = read(linked, stored)
    assert found.solutions == [f"{CORE} (1 map gone)", PARTY]
    linked.forget()
    PROVIDER.on_update(IDENTIFIER, found, declared(solutions=[CORE, PARTY]), linked.call(**watching))
    assert linked.applied == [CORE]


def test_without_token_nothing_is_read(
    done: OnePair, stored: ConnectionOutputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DUALWRITE_TOKEN")
    with pytest.raises(NotRead, match="DUALWRITE_TOKEN"):
        read(done, stored)


def test_environment_without_finops_says_what_to_do(apart: OnePair) -> None:
    with pytest.raises(NotFound, match="has no Finance and Operations"):
        created(apart)


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        ({"cds": "other"}, ["cds"]),
        ({"finops": "https://other"}, ["finops"]),
        ({"gateway": "https://eu.example"}, []),
        ({"solutions": [PARTY]}, []),
        ({"companies": ["USMF"]}, []),
        ({"companies": "as-linked"}, []),
    ],
)
def test_only_another_environment_is_another_link(change: dict[str, Any], replaces: list[str]) -> None:
    stored = {**declared().model_dump(), "finops_url": FINOPS}
    found = PROVIDER.diff(IDENTIFIER, stored, declared(**change).model_dump())
    assert (found.changes, found.replaces) == (None, replaces)


def test_delete_says_that_the_link_stays(done: OnePair, stored: ConnectionOutputs) -> None:
    PROVIDER.on_delete(IDENTIFIER, stored, done.call())
    assert done.said == ["the link itself stays: the service has no unlink; it ends with its environments"]
    assert done.wire.sent == []


@pytest.mark.parametrize(
    "change", [{"company_change": "reset"}, {"live_companies_limit": 40}, {"confirm": [CONSENT]}, {"timeout": "1h"}]
)
def test_how_to_work_is_no_difference(stored: ConnectionOutputs, change: dict[str, Any]) -> None:
    assert PROVIDER.diff(IDENTIFIER, stored.model_dump(), declared(**change).model_dump()).changes is False


def test_as_linked_records_what_is_linked_and_later_changes_are_no_drift(linked: OnePair) -> None:
    stored = created(linked, companies="as-linked")
    linked.add_company("DEMF")
    found = read(linked, stored)
    assert (found.companies, found.linked_companies) == ("as-linked", ["DAT", "DEMF", "USMF"])
    verdict = PROVIDER.diff(IDENTIFIER, found.model_dump(), declared(companies="as-linked").model_dump())
    assert verdict.changes is False
    assert linked.resets == []


def test_as_linked_has_the_limit_of_live_sync(linked: OnePair) -> None:
    linked.add_company("DEMF")
    with pytest.raises(ApiError, match="the link has 3 companies, but a link syncs at most 2 live"):
        created(linked, companies="as-linked", live_companies_limit=2)


def test_list_over_the_limit_is_refused_when_planned() -> None:
    (problem,) = PROVIDER.problems(declared(companies=["A", "B"], live_companies_limit=1), None)
    assert problem.path == "companies"
    assert problem.text.startswith("the list has 2 companies, but a link syncs at most 1 live; link fewer")


def test_maps_that_ran_before_are_recorded_at_creation_and_kept(pair: OnePair) -> None:
    pair.put(MapState.RUNNING, ENTITIES)
    pair.put(MapState.PAUSED, GROUPS)
    stored = created(pair)
    assert stored.running_before == [ENTITIES]
    pair.put(MapState.RUNNING, GROUPS)
    assert PROVIDER.on_update(IDENTIFIER, stored, declared(), pair.call()).running_before == [ENTITIES]
    assert read(pair, stored).running_before == [ENTITIES]


def test_nothing_is_written_before_the_partner_is_known(world: World) -> None:
    """Tailspin's CDS lacks the application users of dual-write."""
    wanted = declared(cds="tailspin-sales", finops=FINOPS)
    with pytest.raises(Conflict, match=f"{FINOPS_HOST} is linked with {CDS_HOST}, not with {TAILSPIN_HOST}"):
        PROVIDER.on_create(wanted, world.call())
    assert world.writes() == []


def test_integration_with_another_finops_names_both(linked: OnePair) -> None:
    with pytest.raises(Conflict, match=f"{CDS_HOST} is integrated with the F&O {FINOPS_HOST}, not with tailspin-erp"):
        created(linked, finops=TAILSPIN)


def test_pair_that_a_person_links_shows_the_steps_and_goes_on_by_itself(apart: OnePair) -> None:
    link_after(apart, 3)
    created(apart, finops=FINOPS)
    steps, waits, *later = apart.shown
    assert waits == "dual-write link: waiting for the person in LCS, 0 s (usually 1.5 to 2 h for all steps)"
    assert steps not in later
    assert steps == (
        f"DW-P02 A person has to link the two. In LCS open the environment details of {FINOPS_HOST}: "
        "(1) Power Platform Integration > Setup > use a different Power Platform environment: "
        f"{CDS_HOST}; (2) Dual-write application > Configure; "
        "(3) Link to Power Platform environment"
    )


def test_steps_of_a_person_end_with_the_deadline_and_the_code(apart: OnePair) -> None:
    with pytest.raises(OperationTimedOut) as caught:
        created(apart, finops=FINOPS, timeout="10m")
    text = str(caught.value)
    assert text.startswith(f"{FINOPS_HOST} and {CDS_HOST} are still not linked after 10 min (0x8004")
    assert text.endswith("(3) Link to Power Platform environment. Then run `up` again, it continues.")


def test_integration_that_is_made_is_no_step_any_more(unlinked: OnePair) -> None:
    link_after(unlinked, 2)
    created(unlinked, finops=FINOPS)
    steps = unlinked.shown[0]
    assert "Setup" not in steps
    assert "(1) Dual-write application > Configure; (2) Link to" in steps


def test_team_that_never_comes_is_a_finding_with_code_and_cure(linked: OnePair) -> None:
    linked.person("clear-owning-team", company="DAT")
    with pytest.raises(ApiError, match=r"no default owning team: DAT \(DWDVEV1007\)\. Set its default owning team"):
        created(linked)


REFUSALS = [
    ("GET", LINKS, 404, "dual-write answered 404 (not found)", "has to consent to the application"),
    ("GET", LINKS, 403, "403 (tokenexchange)", "System Administrator on both sides"),
    ("GET", "*/Entities", 500, "x not found in the MetadataCache", "Install DualWriteCoreAnchor"),
    ("GET", LINK, 503, "Failed to setup dual write environment. 403 (Forbidden)", "licence"),
    ("POST", APPLY, 401, "dual-write answered 401", "that user's token"),
]


@pytest.mark.parametrize(
    ("method", "path", "status", "text", "cure"), REFUSALS, ids=[f"{path}-{cure}" for _, path, _, _, cure in REFUSALS]
)
def test_refusal_of_the_service_carries_the_documented_cure(
    linked: OnePair, method: str, path: str, status: int, text: str, cure: str
) -> None:
    linked.fault(method, path, count=0, status=status, body={"message": text})
    with pytest.raises(ApiError, match=cure):
        created(linked)


def problems(pair: OnePair, **changes: Any) -> list[tuple[str, str]]:
    """What a preview before the creation says."""
    return [(each.path, each.text) for each in PROVIDER.live_problems(declared(**changes), pair.call())]


def changed(pair: OnePair, wanted: ConnectionInputs, **private: Any) -> list[tuple[str, str]]:
    """What a preview of a change says."""
    found = PROVIDER.live_change_problems(wanted, declared(), pair.call(**private))
    return [(each.path, each.text) for each in found]


def test_preview_of_a_healthy_or_unlinked_pair_is_silent(linked: OnePair) -> None:
    assert problems(linked) == []
    hide_link(linked)
    assert problems(linked, companies=["DAT"]) == []
    assert linked.wire.count(LINK) == 1
    remove_cds(linked)
    assert problems(linked) == []


def test_preview_names_another_partner(world: World) -> None:
    wanted = declared(cds="tailspin-sales", finops=FINOPS)
    (problem,) = PROVIDER.live_problems(wanted, world.call())
    assert problem.path == "finops"
    assert f"is linked with {CDS_HOST}" in problem.text


def test_preview_of_a_new_cds_names_the_one_that_finops_is_linked_with(linked: OnePair) -> None:
    ((path, text),) = problems(linked, cds="contoso-new", finops=FINOPS)
    assert path == "finops"
    assert f"{FINOPS_HOST} is linked with {CDS_HOST} already" in text
    hide_link(linked)
    assert problems(linked, cds="contoso-new", finops=FINOPS) == []


def test_preview_names_every_finding_that_no_up_can_cure(linked: OnePair) -> None:
    linked.set_finops_version("10.0.8.1")
    linked.person("clear-owning-team", company="DAT")
    linked.set_package_state("DualWriteCoreAnchor", "None")
    texts = [text for _, text in problems(linked)]
    assert [text.split("'")[1] for text in texts] == ["App version", "Default owning teams"]
    assert "(DWDVEV1007)" in texts[1]


def three(**values: Any) -> ConnectionInputs:
    """A third company, which F&O has once a test has added it."""
    return declared(companies=[*BOTH, "DEMF"], **values)


def test_preview_of_a_reset_names_the_missing_consent_and_a_harmless_one_needs_none(pair: OnePair) -> None:
    pair.rows.add_legal_entity("DEMF")
    wanted = three(company_change="reset")
    assert list(PROVIDER.live_problems(wanted, pair.call())) == []
    assert pair.said == [
        "DW-I02 the link will be reset with the companies DAT, DEMF, USMF; no map ever ran on it, nothing is lost"
    ]
    pair.put(MapState.RUNNING, ENTITIES)
    for found in (
        PROVIDER.live_problems(wanted, pair.call()),
        PROVIDER.live_change_problems(wanted, declared(), pair.call()),
    ):
        ((path, text),) = found
        assert path == "companies"
        assert "{action: reset-link, target: lamna-sales, until: <date>}" in text
    agreed = wanted.model_copy(update={"confirm": (Consent.model_validate(CONSENT),)})
    assert changed(pair, agreed) == []
    assert pair.said[-2].startswith("DW-I01 the link will be reset with the companies DAT, DEMF, USMF: 1 map of it")
    assert pair.said[-1] == (
        "DW-I03 for the reset 1 running map is stopped until restored, and changes made in that time are not queued"
    )


def test_preview_of_a_change_by_hand_shows_the_steps(pair: OnePair) -> None:
    pair.put(MapState.RUNNING, ENTITIES)
    pair.rows.add_legal_entity("DEMF")
    assert changed(pair, three()) == []
    assert "Environment details > Legal entities, add DEMF, Save" in pair.said[0]


def test_preview_of_an_unlinked_pair_refuses_a_company_that_finops_lacks(linked: OnePair) -> None:
    hide_link(linked)
    companies = ["DAT", "DEMF"]
    ((path, text),) = problems(linked, companies=companies)
    assert (path, text.startswith("F&O has no legal entity DEMF, so")) == ("companies", True)
    assert problems(linked, cds="contoso-new", companies=companies, finops=FINOPS)[-1] == (path, text)
    assert problems(linked, cds="contoso-new", companies=companies) == []


def test_preview_refuses_a_company_that_finops_lacks_and_nobody_creates(linked: OnePair) -> None:
    for found in (
        PROVIDER.live_problems(three(), linked.call()),
        PROVIDER.live_change_problems(three(), declared(), linked.call()),
    ):
        ((path, text),) = found
        assert (path, text.startswith("F&O has no legal entity DEMF, so the link cannot have it")) == (
            "companies",
            True,
        )
    assert changed(linked, three(), created_companies=["demf"]) == []


def test_preview_of_a_change_without_token_says_what_it_does_not_know(
    linked: OnePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DUALWRITE_TOKEN")
    assert changed(linked, three(company_change="reset")) == []
    assert linked.said[0].startswith("DW-N06 not checked: whether the link has these companies. ")
