"""The routes of `dualwrite`, each with its evidence."""

import re
from collections.abc import Callable
from functools import partial

from emulator.core.routing import Route, Service
from emulator.dual_write import link_routes, map_routes
from emulator.dual_write.access import people_only
from emulator.dual_write.errors import unauthorized
from emulator.identity.directory import DUAL_WRITE_AUDIENCE
from emulator.tenant import Handler, Tenant

_HOST = re.compile(r"projectmanagementservice\.[a-z]+-il\d+\.gateway\.prod\.island\.powerapps\.com")
_MANAGEMENT = "/api/DualWriteManagement/1.0"
_SOLUTIONS = f"{_MANAGEMENT}/SolutionAware/{{cid}}"

_MakeRoute = Callable[[str, str, Handler, str, str], Route]


def service(tenant: Tenant) -> Service:
    """Return the management service; it answers on every island."""
    return Service(
        name="dualwrite",
        hosts=lambda host: _HOST.fullmatch(host) is not None,
        routes=(*_link_routes(partial(_route, tenant)), *_map_routes(partial(_route, tenant))),
        audiences=_audiences,
        unauthorized=unauthorized,
    )


def _audiences(_host: str) -> set[str]:
    return {DUAL_WRITE_AUDIENCE}


def _route(tenant: Tenant, method: str, pattern: str, handler: Handler, section: str, summary: str) -> Route:
    return tenant.route(method, pattern, people_only(handler), f"dual-write-management-api.md {section}", summary)


def _link_routes(route: _MakeRoute) -> tuple[Route, ...]:
    return (
        route("GET", f"{_MANAGEMENT}/Environments", link_routes.environments, "E1", "the link of an F&O host"),
        route("GET", f"{_MANAGEMENT}/Version", link_routes.version, "E16 (answer assumed)", "handshake of the portal"),
        route(
            "GET", "/api/ClusterDiscovery", link_routes.cluster_discovery, "E17 (answer assumed)", "regional gateway"
        ),
        route(
            "POST", "/api/dataset/{dataset}/IntegrationKeys", link_routes.set_integration_keys, "E9", "set keys"
        ),
        route("GET", "/api/ConnectionSet/{cname}", link_routes.connection_set, "E10", "the link and its companies"),
        route("POST", "/api/ConnectionSet/{cid}/Reset", link_routes.reset, "E11", "reset the link"),
    )  # fmt: skip


def _map_routes(route: _MakeRoute) -> tuple[Route, ...]:
    status = f"{_SOLUTIONS}/Status/{{request_id}}"
    sequences = f"{_MANAGEMENT}/GetTemplatePrerequisiteSequences/{{cid}}"
    return (
        route("GET", f"{_MANAGEMENT}/Entities", map_routes.entities, "E2", "all maps of a link"),
        route("POST", f"{_MANAGEMENT}/Start", map_routes.start, "E3", "start, stop, pause, resume, initialise maps"),
        route("GET", f"{_MANAGEMENT}/Status/{{request_id}}", map_routes.status, "E4", "the maps of a request"),
        route("POST", sequences, map_routes.prerequisites, "E5", "what to start before a map"),
        route(
            "POST", f"{_SOLUTIONS}/SwitchActive/{{tid}}", map_routes.switch_active, "E6", "choose a version"
        ),
        route("GET", f"{_MANAGEMENT}/{{pid}}/FieldMappings", map_routes.field_mappings, "E7", "the project of a map"),
        route("POST", "/api/Project/{project}/Refresh", map_routes.refresh, "E8", "refresh tables"),
        route("GET", f"{_SOLUTIONS}/Solutions", map_routes.list_solutions, "E12", "solutions that hold maps"),
        route("POST", f"{_SOLUTIONS}/RestoreTemplates", map_routes.apply_solutions, "E13", "apply a solution"),
        route("GET", status, map_routes.solution_status, "E14", "state of an applied solution"),
        route(
            "GET", "/api/ProjectExecutionWithCompanies/{pid}", map_routes.initial_syncs, "E15", "initial syncs of a map"
        ),
    )  # fmt: skip
