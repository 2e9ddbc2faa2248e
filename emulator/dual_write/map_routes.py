"""Handlers of maps: E2 to E8 and E12 to E15."""

from emulator.core.routing import NotModelledError
from emulator.core.wire import Call, Reply
from emulator.dual_write import connections, executions, maps, projects, requests, solutions, templates
from emulator.dual_write.bodies import Members, parse_json, read_texts
from emulator.dual_write.errors import not_found
from emulator.dual_write.link_routes import query, target_is_finance
from emulator.dual_write.start_call import read_start
from emulator.tenant import Tenant

_REFRESH = frozenset({"tokens"})
_APPLY = frozenset({"action", "solutions"})
_SOLUTION = frozenset({"criteria"})
_CRITERIA = frozenset({"uniquename"})


def entities(tenant: Tenant, call: Call) -> Reply:
    """Answer E2: all maps of a link."""
    target_is_finance(call)
    connection = connections.require(tenant, query(call, "cid"))
    if tenant.switches["fault_no_maps"]:
        return Reply(json=[])
    return Reply(json=[maps.wire(one) for one in maps.maps_of(tenant, connection.cid)])


def start(tenant: Tenant, call: Call) -> Reply:
    """Answer E3: start, stop, pause, resume or initialise maps."""
    action, asked = read_start(parse_json(call.body))
    return _request_id(tenant, requests.start(tenant, action, asked))


def _request_id(tenant: Tenant, request_id: str) -> Reply:
    return Reply(json=request_id if tenant.switches["start_answer_bare"] else {"requestId": request_id})


def status(tenant: Tenant, call: Call) -> Reply:
    """Answer E4: the maps of a request."""
    request_id = call.parameters["request_id"]
    table_maps = requests.maps_of_request(tenant, request_id)
    hidden = request_id if tenant.switches["fault_status_without_request"] else None
    never = tenant.switches["fault_status_never_ends"]
    return Reply(json=[maps.wire(one, never_ends=never, hide_request=hidden, only=request_id) for one in table_maps])


def prerequisites(tenant: Tenant, call: Call) -> Reply:
    """Answer E5: for each asked version the active versions to start, in order, itself last."""
    connection = connections.require(tenant, call.parameters["cid"])
    known = maps.maps_of(tenant, connection.cid)
    answer = []
    for tid in read_texts(parse_json(call.body), "request"):
        asked = maps.by_template(known, tid)
        if asked is None:
            raise NotModelledError(f"the prerequisites of the unknown version '{tid}'")
        answer.append(templates.sequence(known, asked, mutual=tenant.switches["prerequisites_mutual"]))
    return Reply(json=answer)


def switch_active(tenant: Tenant, call: Call) -> Reply:
    """Answer E6: make a version of a map the active one; the body is the id as bare text, quoted or not."""
    connection = connections.require(tenant, call.parameters["cid"])
    tid, pid = call.parameters["tid"], query(call, "pid")
    sent = call.body.decode("utf-8", "replace").strip().strip('"')
    if sent and sent.casefold() != tid.casefold():
        raise NotModelledError("another version in the body than in the path")
    if not pid:
        raise NotModelledError("a switch without pid")
    owner, table_map = projects.find(tenant, pid)
    if owner.cid != connection.cid or not table_map.has_template(tid):
        # Documented: RFC 9110, 15.5.5: 404 where what the address names is not there
        raise not_found(f"Template '{tid}' of project '{pid}'")
    templates.switch(tenant, table_map, tid)
    return Reply()


def field_mappings(tenant: Tenant, call: Call) -> Reply:
    """Answer E7: the whole project of a map."""
    return Reply(json=projects.wire(*projects.find(tenant, call.parameters["pid"])))


def refresh(tenant: Tenant, call: Call) -> Reply:
    """Answer E8: renew the table metadata of a project."""
    connection, table_map = projects.find_by_name(tenant, call.parameters["project"])
    if not isinstance(Members(parse_json(call.body), "request", _REFRESH).get("tokens"), list):
        raise NotModelledError("request.tokens that is no array")
    projects.refresh(tenant, connection, table_map)
    return Reply()


def list_solutions(tenant: Tenant, call: Call) -> Reply:
    """Answer E12: the solutions with maps that the Dataverse environment holds."""
    connection = connections.require(tenant, call.parameters["cid"])
    return Reply(
        json=[
            {
                "description": "",
                "friendlyname": one.friendly_name,
                "ismanaged": True,
                "solutionid": one.solution_id,
                "id": one.solution_id,
                "uniquename": one.unique_name,
                "version": str(tenant.switches["solution_version"]) or one.version,
            }
            for one in solutions.listed(tenant, connection)
        ]
    )


def apply_solutions(tenant: Tenant, call: Call) -> Reply:
    """Answer E13: let the maps of a solution appear."""
    connection = connections.require(tenant, call.parameters["cid"])
    body = Members(parse_json(call.body), "request", _APPLY)
    if str(body.get("action")) != solutions.APPLY:
        raise NotModelledError("another request.action than 2")
    names = []
    for place, one in enumerate(body.objects("solutions")):
        where = f"request.solutions[{place}]"
        criteria = Members(one, where, _SOLUTION).get("criteria")
        names.append(Members(criteria, f"{where}.criteria", _CRITERIA).text("uniquename"))
    return Reply(json={"requestId": solutions.begin_apply(tenant, connection, names)})


def solution_status(tenant: Tenant, call: Call) -> Reply:
    """Answer E14: the state of an E13 request."""
    connection = connections.require(tenant, call.parameters["cid"])
    return Reply(json=solutions.status(connection, call.parameters["request_id"]))


def initial_syncs(tenant: Tenant, call: Call) -> Reply:
    """Answer E15: the initial syncs of a map, newest first."""
    _, table_map = projects.find(tenant, call.parameters["pid"])
    return Reply(json=executions.answer(tenant, table_map))
