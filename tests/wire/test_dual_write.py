"""E1 to E15 of the dual-write management service on the wire (dual-write-management-api.md section 4)."""

import threading
from copy import deepcopy
from typing import Any

import httpx
import pytest

from providers.api.dual_write.actions import ActionDetail, MapAction, MapState, Master, RequestState
from providers.api.dual_write.client import DualWriteManagement
from providers.api.session import Session
from providers.api.transport.clouds import CloudProfile
from providers.api.transport.errors import InvalidRequest, NotFound, TransportError, UnexpectedAnswer
from providers.api.transport.timing import Timing

from .scripted import Answering, FakeTime, FakeTokens, Script, answer, fixture, page

CID = "7a1c2c8e-0b9f-4b43-9a57-5f0f3f1f9d10"
TID = "11111111-aaaa-4aaa-8aaa-000000000002"
OTHER_TID = "11111111-aaaa-4aaa-8aaa-000000000009"
PID = "22222222-bbbb-4bbb-8bbb-000000000001"
OLD = "33333333-cccc-4ccc-8ccc-000000000001"
NEW = "33333333-cccc-4ccc-8ccc-000000000002"
DM = "https://projectmanagementservice.weu-il107.gateway.prod.island.powerapps.com/api/DualWriteManagement/1.0"
START = ActionDetail(tid=TID, pid=PID, skip_initial_sync=True)


@pytest.fixture
def service(session: Session) -> DualWriteManagement:
    return session.dual_write


def request_entry(request_id: str, action: object = "1", state: str = "1") -> dict[str, Any]:
    return {"requestId": request_id, "action": action, "state": state, "createdOn": "2025-02-01T10:05:00Z"}


def maps(*requests: dict[str, Any], tid: str = TID) -> httpx.Response:
    entry = deepcopy(fixture("dual_write/map"))
    entry["detail"]["tid"] = tid
    entry["detail"]["lastRequests"] = [*requests, *entry["detail"]["lastRequests"]]
    return answer(200, [entry])


@pytest.mark.parametrize(
    "given",
    [
        "acme-uat.operations.dynamics.com",
        "https://acme-uat.operations.dynamics.com/?cmp=DAT",
        "https://ACME-uat.operations.dynamics.com",
    ],
)
def test_link_is_asked_by_bare_host(
    service: DualWriteManagement, network: Script, dual_write_tokens: FakeTokens, given: str
) -> None:
    body = [{"cid": CID, "cname": "DWCS-7a1c2c8e", "detail": {"isSolutionAware": True}, "powerAppsEnvironment": "3f"}]
    network.expect("GET", f"{DM}/Environments", answer(200, body))
    found = service.environment(given)
    assert found is not None
    assert (found.cid, found.cname, found.power_apps_environment) == (CID, "DWCS-7a1c2c8e", "3f")
    assert network.query() == {"targetType": "AX", "identifier": "acme-uat.operations.dynamics.com"}
    assert dual_write_tokens.asked == [("https://IntegratorApp.com/.default", None)]


@pytest.mark.parametrize("body", [[], [{"cid": "", "cname": ""}], [{"cid": None}]])
def test_no_link_is_none(service: DualWriteManagement, network: Script, body: object) -> None:
    network.expect("GET", f"{DM}/Environments", answer(200, body))
    assert service.environment("x.operations.dynamics.com") is None


def test_maps_are_read_with_state_and_version(service: DualWriteManagement, network: Script) -> None:
    network.expect("GET", f"{DM}/Entities", maps())
    (found,) = service.maps(CID)
    assert found.name == "msdyn_vendorgroups - Vendor groups"
    assert found.state == MapState.STOPPED
    assert found.detail.actions is None
    assert str(found.detail.templates[0].version) == "1.2.0.0"
    request = found.request(OLD)
    assert request is not None
    assert request.state == RequestState.FAILED
    assert request.root_activity_id == "44444444-dddd-4ddd-8ddd-000000000001"


def test_empty_map_list_is_a_legal_answer_the_second_time(service: DualWriteManagement, network: Script) -> None:
    network.expect("GET", f"{DM}/Entities", answer(200, []), answer(200, []))
    assert service.maps(CID) == []
    assert len(network.requests) == 2


def test_empty_map_list_of_a_busy_service_is_not_believed(service: DualWriteManagement, network: Script) -> None:
    network.expect("GET", f"{DM}/Entities", answer(200, []), maps())
    assert len(service.maps(CID)) == 1


@pytest.mark.parametrize("bad", [answer(200), page(), answer(200, "[{"), answer(429), httpx.ReadError("reset")])
def test_empty_or_garbled_map_list_is_asked_again(
    service: DualWriteManagement, network: Script, bad: httpx.Response
) -> None:
    network.expect("GET", f"{DM}/Entities", bad, maps())
    assert len(service.maps(CID)) == 1


def test_map_list_of_another_shape_is_an_error(service: DualWriteManagement, network: Script) -> None:
    network.expect("GET", f"{DM}/Entities", answer(200, {"value": []}))
    with pytest.raises(UnexpectedAnswer, match="no list"):
        service.maps(CID)


def test_pollers_of_one_link_share_a_list(service: DualWriteManagement, network: Script, time: FakeTime) -> None:
    network.expect("GET", f"{DM}/Entities", maps(), maps(), maps())
    service.maps(CID)
    service.maps(CID)
    assert len(network.requests) == 1
    service.maps("another-link")
    assert len(network.requests) == 2
    time.sleep(1)
    service.maps(CID)
    assert len(network.requests) == 3


def test_concurrent_fresh_pollers_cost_few_lists(public: CloudProfile, timing: Timing, time: FakeTime) -> None:
    calls: list[str] = []
    entered, go = threading.Event(), threading.Event()

    def respond(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        entered.set()
        assert go.wait(30)
        return maps()

    session = Session(
        public,
        gateway=DM.split("/api")[0],
        tokens=FakeTokens(),
        dual_write_tokens=FakeTokens(),
        transport=Answering(respond),
        timing=timing,
    )
    threads = [threading.Thread(target=lambda: session.dual_write.maps(CID)) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert entered.wait(30)
    go.set()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def start(*, skip_initial_sync: bool, master: str) -> dict[str, Any]:
    """The body that starts one map."""
    parameters = {"skipInitialSync": skip_initial_sync, "conflictResolution": {"option": "1", "master": master}}
    return {"action": "1", "details": [{"tid": TID, "cid": CID, "pid": PID, "parameters": parameters}]}


@pytest.mark.parametrize(
    ("action", "details", "sent"),
    [
        pytest.param(
            MapAction.START,
            [START],
            start(skip_initial_sync=True, master="CRM"),
            id="start",
        ),
        pytest.param(
            "1",
            [ActionDetail(tid=TID, pid=PID, skip_initial_sync=False, master=Master.FINANCE_OPERATIONS)],
            start(skip_initial_sync=False, master="AX"),
            id="start with initial sync, F&O wins",
        ),
        pytest.param(
            MapAction.PAUSE,
            [ActionDetail(tid=TID, pid=PID), ActionDetail(tid=OTHER_TID, pid="p9")],
            {
                "action": "5",
                "details": [{"tid": TID, "cid": CID, "pid": PID}, {"tid": OTHER_TID, "cid": CID, "pid": "p9"}],
            },
            id="pause in bulk",
        ),
        pytest.param(
            MapAction.RESUME,
            [ActionDetail(tid=TID, pid=PID)],
            {"action": "6", "details": [{"tid": TID, "cid": CID, "pid": PID}]},
            id="resume, replay",
        ),
        pytest.param(
            MapAction.RESUME,
            [ActionDetail(tid=TID, pid=PID, keep_queue=False)],
            {
                "action": "6",
                "details": [
                    {
                        "tid": TID,
                        "cid": CID,
                        "pid": PID,
                        "parameters": {"dualWriteSkipCatchUpSyncParameters": {"skipCatchUpSyncPreserveData": False}},
                    }
                ],
            },
            id="resume, discard",
        ),
        pytest.param(
            MapAction.INITIALISE,
            [ActionDetail(tid=TID)],
            {"action": "8", "details": [{"tid": TID, "cid": CID}]},
            id="initialise",
        ),
    ],
)
def test_actions_are_sent_as_documented(
    service: DualWriteManagement, network: Script, action: str, details: list[ActionDetail], sent: object
) -> None:
    network.expect("GET", f"{DM}/Entities", maps())
    network.expect("POST", f"{DM}/Start", answer(200, {"requestId": NEW}))
    assert service.start_action(CID, action, details) == NEW
    assert network.sent() == sent


@pytest.mark.parametrize(
    "taken",
    [
        pytest.param(answer(200, {"requestId": NEW}), id="object"),
        pytest.param(answer(200, {"RequestID": NEW}), id="object in other case"),
        pytest.param(answer(200, f'"{NEW}"'), id="quoted"),
        pytest.param(answer(202, NEW), id="bare"),
    ],
)
def test_request_id_is_read_in_all_forms(service: DualWriteManagement, network: Script, taken: httpx.Response) -> None:
    network.expect("GET", f"{DM}/Entities", maps())
    network.expect("POST", f"{DM}/Start", taken)
    assert service.start_action(CID, MapAction.START, [START]) == NEW


LOST = [
    pytest.param(httpx.ReadTimeout("no answer"), id="timed out"),
    pytest.param(httpx.RemoteProtocolError("closed"), id="closed"),
    pytest.param(answer(500, "NullReferenceException"), id="500"),
    pytest.param(answer(502), id="502"),
    pytest.param(page(), id="page"),
    pytest.param(answer(202), id="202 without a body"),
    pytest.param(answer(200, {"nothing": "known"}), id="no id"),
]


@pytest.mark.parametrize("lost", LOST)
def test_lost_start_is_found_in_last_requests(
    service: DualWriteManagement, network: Script, lost: httpx.Response
) -> None:
    network.expect("GET", f"{DM}/Entities", maps())
    network.expect("POST", f"{DM}/Start", lost)
    network.expect("GET", f"{DM}/Entities", maps(), maps(request_entry(NEW, action=1)))
    assert service.start_action(CID, MapAction.START, [START]) == NEW
    assert network.calls.count("POST /api/DualWriteManagement/1.0/Start") == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(maps(), id="only the old request of the same action"),
        pytest.param(maps(request_entry(NEW, action="4")), id="another action"),
        pytest.param(maps(request_entry(NEW), tid=OTHER_TID), id="another map"),
    ],
)
def test_lost_start_that_never_arrived_is_not_sent_again(
    service: DualWriteManagement, network: Script, time: FakeTime, other: httpx.Response
) -> None:
    body = other.json()
    network.expect("GET", f"{DM}/Entities", maps())
    network.expect("POST", f"{DM}/Start", httpx.ReadTimeout("no answer"))
    network.expect("GET", f"{DM}/Entities", *[answer(200, body) for _ in range(7)])
    with pytest.raises(TransportError) as caught:
        service.start_action(CID, MapAction.START, [START])
    assert caught.value.may_have_happened
    assert time.elapsed == 30
    assert network.calls.count("POST /api/DualWriteManagement/1.0/Start") == 1


def test_lost_start_is_not_found_in_empty_lists(service: DualWriteManagement, network: Script, time: FakeTime) -> None:
    network.expect("GET", f"{DM}/Entities", maps())
    network.expect("POST", f"{DM}/Start", httpx.ReadTimeout("no answer"))
    network.expect("GET", f"{DM}/Entities", *[answer(200, []) for _ in range(8)])
    with pytest.raises(TransportError) as caught:
        service.start_action(CID, MapAction.START, [START])
    assert caught.value.may_have_happened
    assert network.calls.count("POST /api/DualWriteManagement/1.0/Start") == 1


def test_look_up_survives_a_failing_list(service: DualWriteManagement, network: Script) -> None:
    network.expect("GET", f"{DM}/Entities", maps())
    network.expect("POST", f"{DM}/Start", httpx.ReadTimeout("no answer"))
    network.expect("GET", f"{DM}/Entities", *[httpx.ReadError("reset") for _ in range(6)], maps(request_entry(NEW)))
    assert service.start_action(CID, MapAction.START, [START]) == NEW


def test_own_earlier_request_is_not_taken_for_the_lost_one(service: DualWriteManagement, network: Script) -> None:
    mine = "33333333-cccc-4ccc-8ccc-000000000009"
    network.expect("GET", f"{DM}/Entities", maps())
    network.expect("POST", f"{DM}/Start", answer(200, {"requestId": mine}), httpx.ReadTimeout("no answer"))
    network.expect("GET", f"{DM}/Entities", maps(request_entry(mine)), maps(request_entry(NEW), request_entry(mine)))
    service.start_action(CID, MapAction.START, [START])
    assert service.start_action(CID, MapAction.START, [START]) == NEW


def test_start_that_never_left_is_sent_again(service: DualWriteManagement, network: Script) -> None:
    network.expect("GET", f"{DM}/Entities", maps())
    network.expect("POST", f"{DM}/Start", httpx.ConnectError("no route"), answer(429), answer(200, {"requestId": NEW}))
    assert service.start_action(CID, MapAction.START, [START]) == NEW


def test_refused_start_is_an_error_with_the_trace(service: DualWriteManagement, network: Script) -> None:
    network.expect("GET", f"{DM}/Entities", maps())
    refusal = {"message": "Exceeds the maximum partitions allowed", "rootActivityId": "44444444-dddd"}
    network.expect("POST", f"{DM}/Start", answer(400, refusal))
    with pytest.raises(InvalidRequest) as caught:
        service.start_action(CID, MapAction.START, [START])
    assert str(caught.value) == "Exceeds the maximum partitions allowed (HTTP 400, correlation 44444444-dddd)"


@pytest.mark.parametrize("detail", [ActionDetail(tid=TID), ActionDetail(tid="", pid=PID)])
def test_what_the_service_would_crash_on_is_not_sent(
    service: DualWriteManagement, network: Script, detail: ActionDetail
) -> None:
    network.expect("GET", f"{DM}/Entities", maps())
    with pytest.raises(InvalidRequest):
        service.start_action(CID, MapAction.START, [detail])


def test_list_is_read_anew_after_an_action(service: DualWriteManagement, network: Script) -> None:
    network.expect("GET", f"{DM}/Entities", maps())
    network.expect("POST", f"{DM}/Start", answer(200, {"requestId": NEW}))
    network.expect("GET", f"{DM}/Entities", maps(request_entry(NEW)))
    service.start_action(CID, MapAction.START, [START])
    assert service.maps(CID)[0].request(NEW) is not None


def test_request_status_is_a_list_of_maps(service: DualWriteManagement, network: Script) -> None:
    network.expect("GET", f"{DM}/Status/{NEW}", maps(request_entry(NEW, state="2")))
    request = service.request_status(NEW)[0].request(NEW)
    assert request is not None
    assert request.state == RequestState.COMPLETED


def test_prerequisites_are_asked_for_all_at_once(service: DualWriteManagement, network: Script) -> None:
    network.expect("POST", f"/GetTemplatePrerequisiteSequences/{CID}", answer(503), answer(200, [["a", TID], ["b"]]))
    assert service.prerequisite_sequences(CID, [TID, "b"]) == [["a", TID], ["b"]]
    assert network.sent() == [TID, "b"]


def test_prerequisites_in_another_shape_are_an_error(service: DualWriteManagement, network: Script) -> None:
    network.expect("POST", f"/GetTemplatePrerequisiteSequences/{CID}", answer(200, ["a"]))
    with pytest.raises(UnexpectedAnswer):
        service.prerequisite_sequences(CID, [TID])


def test_version_switch_sends_the_bare_id(service: DualWriteManagement, network: Script) -> None:
    network.expect("POST", f"{DM}/SolutionAware/{CID}/SwitchActive/{TID}", answer(200))
    service.switch_active(CID, TID, PID)
    request = network.requests[0]
    assert request.content == TID.encode()
    assert request.headers["content-type"].startswith("application/json")
    assert network.query() == {"pid": PID}


def test_project_gives_the_name_for_refresh(service: DualWriteManagement, network: Script) -> None:
    mapping = {"syncDirection": 3, "sourceField": "VENDORGROUPID", "destinationField": "msdyn_vendorgroup"}
    project = {"id": PID, "name": "DWM-1", "entityMappingTasks": [{"legs": [{"fieldMappings": [mapping]}]}]}
    network.expect("GET", f"{DM}/{PID}/FieldMappings", answer(200, project))
    found = service.field_mappings(PID)
    network.expect("POST", "/api/Project/DWM-1/Refresh", answer(204))
    service.refresh_tables(found.name)
    assert network.sent() == {"tokens": [""]}
    assert found.entity_mapping_tasks[0].legs[0].field_mappings[0].sync_direction == "3"


def test_integration_keys_are_set_per_dataset(service: DualWriteManagement, network: Script) -> None:
    network.expect("POST", "/api/dataset/acme-uat.crm4.dynamics.com/IntegrationKeys", answer(200))
    service.set_integration_keys("acme-uat.crm4.dynamics.com", {"accounts": ("accountnumber",)})
    assert network.sent() == {
        "integrationKeys": {"accounts": ["accountnumber"]},
        "datasetName": "acme-uat.crm4.dynamics.com",
    }


def test_link_shows_companies_sides_and_keys(service: DualWriteManagement, network: Script) -> None:
    network.expect("GET", "/api/ConnectionSet/DWCS-7a1c2c8e", answer(200, fixture("dual_write/connection_set")))
    link = service.connection_set("DWCS-7a1c2c8e")
    assert link.companies == ["USMF", "DEMF"]
    assert link.dataverse is not None
    assert link.dataverse.integration_key("msdyn_vendorgroups") == [
        "msdyn_vendorgroup",
        "msdyn_company.cdm_companycode",
    ]
    assert link.finance_operations is not None
    assert link.finance_operations.target_type == "AX"


def test_reset_sends_dataverse_first_and_only_once(service: DualWriteManagement, network: Script) -> None:
    network.expect("GET", "/api/ConnectionSet/DWCS-7a1c2c8e", answer(200, fixture("dual_write/connection_set")))
    link = service.connection_set("DWCS-7a1c2c8e")
    network.expect("POST", f"/api/ConnectionSet/{CID}/Reset", httpx.ReadTimeout("300 s"))
    with pytest.raises(TransportError) as caught:
        service.reset(CID, link, ["USMF", "CONT"], force=True)
    assert caught.value.may_have_happened
    assert network.query() == {"targetType": "AX", "forceReset": "True"}
    body = network.sent()
    assert [side["targetType"] for side in body["environments"]] == ["CRM", "AX"]
    assert body["legalEntities"] == ["USMF", "CONT"]
    assert body["powerAppsEnvironmentName"] == body["environments"][0]["id"]


def test_solutions_with_maps_are_listed(service: DualWriteManagement, network: Script) -> None:
    body = [
        {"uniquename": "acme_maps", "friendlyname": "Acme maps", "ismanaged": True, "version": "1.0.0.7", "id": "6"}
    ]
    network.expect("GET", f"{DM}/SolutionAware/{CID}/Solutions/", answer(200, body))
    (found,) = service.solutions(CID)
    assert (found.unique_name, found.friendly_name, found.version, found.is_managed) == (
        "acme_maps",
        "Acme maps",
        "1.0.0.7",
        True,
    )


def test_solution_is_applied_and_followed(service: DualWriteManagement, network: Script) -> None:
    network.expect("POST", f"{DM}/SolutionAware/{CID}/RestoreTemplates", answer(200, {"requestId": NEW}))
    assert service.apply_solution(CID, "acme_maps") == NEW
    assert network.sent() == {"action": "2", "solutions": [{"criteria": {"uniquename": "acme_maps"}}]}
    body = {"requestId": NEW, "state": 3, "result": {"message": "no such solution", "status": "Failed"}}
    network.expect("GET", f"{DM}/SolutionAware/{CID}/Status/{NEW}", answer(200, body))
    found = service.solution_status(CID, NEW)
    assert found.state == RequestState.FAILED
    assert found.result is not None
    assert found.result.message == "no such solution"


def test_lost_apply_is_found_in_the_link(service: DualWriteManagement, network: Script) -> None:
    before, after = fixture("dual_write/connection_set"), fixture("dual_write/connection_set")
    before["dualWriteDetail"]["solutionAwareRequests"] = [{"requestId": OLD}]
    after["dualWriteDetail"]["solutionAwareRequests"] = [{"requestId": NEW}, {"requestId": OLD}]
    network.expect("GET", "/api/ConnectionSet/DWCS-7a1c2c8e", answer(200, before))
    network.expect("POST", f"{DM}/SolutionAware/{CID}/RestoreTemplates", httpx.ReadTimeout("late"))
    network.expect("GET", "/api/ConnectionSet/DWCS-7a1c2c8e", answer(200, after))
    assert service.apply_solution(CID, "acme_maps", cname="DWCS-7a1c2c8e") == NEW


@pytest.mark.parametrize("lost", [httpx.ReadTimeout("late"), answer(202)])
def test_lost_apply_that_cannot_be_found_is_not_sent_again(
    service: DualWriteManagement, network: Script, lost: httpx.Response
) -> None:
    network.expect("POST", f"{DM}/SolutionAware/{CID}/RestoreTemplates", lost)
    with pytest.raises(TransportError) as caught:
        service.apply_solution(CID, "acme_maps")
    assert caught.value.may_have_happened


def test_initial_syncs_are_read_per_company(service: DualWriteManagement, network: Script) -> None:
    leg = {"status": "ERROR", "importErrors": [{"errorMessage": "The lookup value was not found: 10."}]}
    run = {
        "initialSyncRequestId": "i1",
        "legalEntityName": "USMF",
        "upsertCount": 3,
        "errorCount": 1,
        "taskExecutionStatuses": [{"legs": [leg]}],
    }
    body = {"projectName": "DWM-1", "projectExecutionResponses": [run]}
    network.expect(
        "GET",
        f"/api/ProjectExecutionWithCompanies/{PID}",
        answer(200, body),
        answer(404, {"message": "it was not found."}),
    )
    (found,) = service.executions(PID)
    assert (found.initial_sync_request_id, found.upsert_count, found.error_count) == ("i1", 3, 1)
    error = found.task_execution_statuses[0].legs[0].import_errors[0]
    assert error.error_message == "The lookup value was not found: 10."
    assert service.executions(PID) == []


def test_empty_ids_are_never_sent(service: DualWriteManagement) -> None:
    for call in (service.field_mappings, service.executions, service.request_status, service.solutions):
        with pytest.raises(InvalidRequest):
            call("")


def test_unknown_link_is_not_found(service: DualWriteManagement, network: Script) -> None:
    network.expect("GET", "/api/ConnectionSet/nowhere", answer(404, {"message": "it was not found."}))
    with pytest.raises(NotFound):
        service.connection_set("nowhere")


def connection(*requests: str, companies: tuple[str, ...] = ("DAT",)) -> httpx.Response:
    """E10 with these solution requests and companies."""
    mappings = {"mappings": [{"left": {"name": name}} for name in companies]}
    listed = [{"requestId": each, "state": "1"} for each in requests]
    sides = fixture("dual_write/connection_set")["environments"]
    detail = {"legalEntityMappings": mappings, "solutionAwareRequests": listed}
    return answer(200, {"name": "n", "environments": sides, "dualWriteDetail": detail})


def test_apply_that_met_a_service_that_is_down_is_looked_up_and_sent_again(
    service: DualWriteManagement, network: Script, time: FakeTime
) -> None:
    path = f"{DM}/SolutionAware/{CID}/RestoreTemplates"
    network.expect("GET", "/api/ConnectionSet/n", connection("old"))
    network.expect("POST", path, answer(503))
    network.expect("GET", "/api/ConnectionSet/n", *[connection("old") for _ in range(7)])
    network.expect("POST", path, answer(200, {"requestId": "new"}))
    assert service.apply_solution(CID, "u", cname="n") == "new"
    assert time.elapsed == 30


def test_apply_that_was_taken_behind_a_503_is_not_sent_again(
    service: DualWriteManagement, network: Script, time: FakeTime
) -> None:
    network.expect("GET", "/api/ConnectionSet/n", connection("old"))
    network.expect("POST", f"{DM}/SolutionAware/{CID}/RestoreTemplates", answer(503))
    network.expect("GET", "/api/ConnectionSet/n", connection("old"), connection("old", "new"))
    assert service.apply_solution(CID, "u", cname="n") == "new"


def test_reset_that_met_a_service_that_is_down_is_looked_up_and_sent_again(
    service: DualWriteManagement, network: Script
) -> None:
    path = f"/api/ConnectionSet/{CID}/Reset"
    network.expect("GET", "/api/ConnectionSet/n", connection())
    link = service.connection_set("n")
    network.expect("POST", path, answer(503))
    network.expect("GET", "/api/ConnectionSet/n", *[connection() for _ in range(7)])
    network.expect("POST", path, answer(503))
    network.expect("GET", "/api/ConnectionSet/n", connection(), connection(companies=("USMF", "DAT")))
    service.reset(CID, link, ["DAT", "USMF"], force=True)


def test_reset_of_a_service_that_stays_down_ends(service: DualWriteManagement, network: Script) -> None:
    network.expect("GET", "/api/ConnectionSet/n", connection())
    link = service.connection_set("n")
    for _ in range(3):
        network.expect("POST", f"/api/ConnectionSet/{CID}/Reset", answer(503))
        network.expect("GET", "/api/ConnectionSet/n", *[connection() for _ in range(7)])
    with pytest.raises(TransportError) as caught:
        service.reset(CID, link, ["DAT", "USMF"], force=True)
    assert caught.value.may_have_happened
