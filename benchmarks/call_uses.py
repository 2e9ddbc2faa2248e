"""One right use of each call of the API clients, for the fault matrix. A call without its use ends the matrix."""

import os
from unittest import mock

from benchmarks.client_calls import GROUP, NOBODY, Known, Use, calls
from providers.api.dataverse.updates import RowUpdate
from providers.api.dual_write.actions import ActionDetail, MapAction
from providers.api.identity.dual_write_sources import REFRESH_TOKEN
from providers.api.identity.dual_write_tokens import DualWriteTokens
from providers.api.power_platform.request import EnvironmentRequest
from tests.support.linked_world import CDS_HOST, CORE, FINOPS_HOST


def followed(known: Known, url: str | None) -> object:
    """What the operation says that an answer names; nothing where it names none."""
    return known.session.power_platform.operation(url) if url else None


def created(known: Known) -> object:
    """A new environment, and one poll of its operation."""
    request = EnvironmentRequest(
        display_name="Contoso new",
        domain="contoso-new",
        location="europe",
        currency="EUR",
        language=1033,
        templates=("D365_DeveloperEdition",),
    )
    started = known.session.power_platform.create_environment(request)
    return started, followed(known, started.operation_url)


def delegated_token(known: Known) -> str:
    """A token from a refresh token."""
    session = known.session
    with mock.patch.dict(os.environ, {"DUALWRITE_TOKEN": "", REFRESH_TOKEN: "a refresh token"}):
        return DualWriteTokens(session.profile, lambda: session._connection("identity")).token("any")


USES: tuple[Use, ...] = (
    Use("Power Platform", "environments", lambda it: it.session.power_platform.environments(fresh=True)),
    Use("Power Platform", "environment", lambda it: it.session.power_platform.environment(it.environment_id)),
    Use("Power Platform", "find_by_domain", lambda it: it.session.power_platform.find_by_domain("lamna-sales")),
    Use("Power Platform", "create_environment", created, "once"),
    Use(
        "Power Platform",
        "operation",
        lambda it: it.session.power_platform.operation(it.operation_url),
        nothing="an answer without a state leaves the operation running, and it is asked again within the time limit",
    ),
    Use(
        "Power Platform", "operations_of", lambda it: it.session.power_platform.operations_of(it.finops_environment_id)
    ),
    Use(
        "Power Platform",
        "update_environment",
        lambda it: followed(
            it, it.session.power_platform.update_environment(it.environment_id, display_name="New").operation_url
        ),
        "same",
    ),
    Use(
        "Power Platform",
        "modify_sku",
        lambda it: followed(it, it.session.power_platform.modify_sku(it.environment_id, "Production").operation_url),
        "once",
    ),
    Use(
        "Power Platform",
        "delete_environment",
        lambda it: followed(it, it.session.power_platform.delete_environment(it.spare_environment_id).operation_url),
        "same",
    ),
    Use("Power Platform", "locations", lambda it: it.session.power_platform.locations()),
    Use("Power Platform", "templates", lambda it: it.session.power_platform.templates("europe")),
    Use("Power Platform", "currencies", lambda it: it.session.power_platform.currencies("europe")),
    Use("Power Platform", "languages", lambda it: it.session.power_platform.languages("europe")),
    Use("Power Platform", "validate_domain", lambda it: it.session.power_platform.validate_domain("free", "europe")),
    Use("Power Platform", "tenant_capacity", lambda it: it.session.power_platform.tenant_capacity()),
    Use(
        "Power Platform",
        "finops_properties",
        lambda it: it.session.power_platform.finops_properties(it.finops_environment_id),
    ),
    Use(
        "Power Platform",
        "operation_errors",
        lambda it: it.session.power_platform.operation_errors(it.finops_environment_id),
    ),
    Use("Application packages", "packages", lambda it: it.session.app_management.packages(it.environment_id)),
    Use(
        "Application packages",
        "install",
        lambda it: it.session.app_management.install(it.environment_id, "msdyn_Dynamics365HCMAnchor"),
        "once",
    ),
    Use(
        "Application packages",
        "operation",
        lambda it: it.session.app_management.operation(it.environment_id, it.package_operation),
    ),
    Use("Dataverse", "who_am_i", lambda it: it.dataverse.who_am_i()),
    Use("Dataverse", "integration_details", lambda it: it.dataverse.integration_details()),
    Use(
        "Dataverse",
        "finops_versions",
        lambda it: it.with_finops.finops_versions(),
        nothing="an answer without versions has none on offer, and nothing of a stack stands on it",
    ),
    Use(
        "Dataverse",
        "queue_finops_install_or_update",
        lambda it: it.with_finops.queue_finops_install_or_update("ApplicationVersion=10.0.46.3"),
        "once",
    ),
    Use("Dataverse", "finops_application_details", lambda it: it.with_finops.finops_application_details()),
    Use("Dataverse", "operation_histories", lambda it: it.with_finops.operation_histories()),
    Use("Dataverse", "organization", lambda it: it.dataverse.organization()),
    Use("Dataverse", "solutions", lambda it: it.dataverse.solutions(["CRMPrime"])),
    Use("Dataverse", "entity_definition", lambda it: it.dataverse.entity_definition("account")),
    Use("Dataverse", "table_definitions", lambda it: it.dataverse.table_definitions(["accounts"])),
    Use("Dataverse", "entity_set_names", lambda it: it.dataverse.entity_set_names()),
    Use("Dataverse", "companies", lambda it: it.dataverse.companies()),
    Use("Dataverse", "business_units", lambda it: it.dataverse.business_units()),
    Use("Dataverse", "entity_maps", lambda it: it.dataverse.entity_maps()),
    Use("Dataverse", "rows", lambda it: list(it.dataverse.rows("accounts", select=["accountid"]))),
    Use("Dataverse", "pages", lambda it: [page.rows for page in it.dataverse.pages("accounts", select=["name"])]),
    Use("Dataverse", "row", lambda it: it.dataverse.row("accounts", it.account, select=["name"])),
    Use("Dataverse", "count", lambda it: it.dataverse.count("accounts")),
    Use("Dataverse", "create_row", lambda it: it.dataverse.create_row("accounts", {"name": "New"}), "once"),
    Use("Dataverse", "update_row", lambda it: it.dataverse.update_row("accounts", it.account, {"name": "New"}), "same"),
    Use(
        "Dataverse",
        "update_rows",
        lambda it: it.dataverse.update_rows("accounts", [RowUpdate(it.account, {"name": "New"}, it.account_version)]),
        "same",
    ),
    Use("Dataverse", "delete_row", lambda it: it.dataverse.delete_row("accounts", it.account), "same"),
    Use("Dataverse access", "application_user", lambda it: it.dataverse.access.application_user(it.application)),
    Use(
        "Dataverse access",
        "add_application_user",
        lambda it: it.dataverse.access.add_application_user(NOBODY, it.unit),
        "once",
    ),
    Use("Dataverse access", "roles", lambda it: it.dataverse.access.roles("System Administrator", it.unit)),
    Use("Dataverse access", "roles_of_user", lambda it: it.dataverse.access.roles_of_user(it.user)),
    Use("Dataverse access", "roles_of_team", lambda it: it.dataverse.access.roles_of_team(it.team)),
    Use(
        "Dataverse access",
        "assign_role_to_user",
        lambda it: it.dataverse.access.assign_role_to_user(it.user, it.role),
        "same",
    ),
    Use(
        "Dataverse access",
        "assign_role_to_team",
        lambda it: it.dataverse.access.assign_role_to_team(it.team, it.role),
        "same",
    ),
    Use("Dataverse access", "teams", lambda it: it.dataverse.access.teams(default_only=True)),
    Use("Dataverse access", "teams_by_id", lambda it: it.dataverse.access.teams_by_id([it.team])),
    Use("F&O", "reachable", lambda it: it.finops.reachable()),
    Use("F&O", "legal_entities", lambda it: it.finops.legal_entities()),
    Use("F&O", "create_legal_entity", lambda it: it.finops.create_legal_entity("NEWC", "New", "USA"), "once"),
    Use("F&O", "registered_applications", lambda it: it.finops.registered_applications()),
    Use("F&O", "register_application", lambda it: it.finops.register_application(NOBODY, "Admin", "New"), "once"),
    Use("F&O", "rows", lambda it: list(it.finops.rows("CustomerGroups"))),
    Use("F&O", "count", lambda it: it.finops.count("CustomerGroups")),
    Use("F&O", "row", lambda it: it.finops.row("CustomerGroups", GROUP)),
    Use(
        "F&O",
        "create_row",
        lambda it: it.finops.create_row("CustomerGroups", {**GROUP, "CustomerGroupId": "N1", "Description": "New"}),
        "once",
    ),
    Use("F&O", "update_row", lambda it: it.finops.update_row("CustomerGroups", GROUP, {"Description": "New"}), "same"),
    Use("F&O", "delete_row", lambda it: it.finops.delete_row("CustomerGroups", GROUP), "same"),
    Use(
        "Dual-write",
        "environment",
        lambda it: it.session.dual_write.environment(FINOPS_HOST),
        nothing="an element with an empty `cid` is how the service says that there is no link (E1)",
    ),
    Use("Dual-write", "maps", lambda it: it.session.dual_write.maps(it.cid, fresh=True)),
    Use(
        "Dual-write",
        "listed_at",
        lambda it: (it.session.dual_write.maps(it.cid, fresh=True), it.session.dual_write.listed_at(it.cid))[1],
    ),
    Use(
        "Dual-write",
        "start_action",
        lambda it: it.session.dual_write.start_action(
            it.cid, MapAction.INITIALISE, [ActionDetail(tid=it.new_map.detail.tid, pid=None)]
        ),
        "once",
    ),
    Use("Dual-write", "request_status", lambda it: it.session.dual_write.request_status(it.request_id)),
    Use(
        "Dual-write",
        "prerequisite_sequences",
        lambda it: it.session.dual_write.prerequisite_sequences(it.cid, [it.stopped.detail.tid]),
    ),
    Use(
        "Dual-write",
        "switch_active",
        lambda it: it.session.dual_write.switch_active(it.cid, it.stopped.detail.tid, it.pid),
        "same",
    ),
    Use("Dual-write", "field_mappings", lambda it: it.session.dual_write.field_mappings(it.pid)),
    Use("Dual-write", "refresh_tables", lambda it: it.session.dual_write.refresh_tables(it.project), "same"),
    Use(
        "Dual-write",
        "set_integration_keys",
        lambda it: it.session.dual_write.set_integration_keys(CDS_HOST, {"accounts": ["accountnumber"]}),
        "same",
    ),
    Use("Dual-write", "connection_set", lambda it: it.session.dual_write.connection_set(it.cname)),
    Use(
        "Dual-write",
        "reset",
        lambda it: it.session.dual_write.reset(
            it.cid, it.session.dual_write.connection_set(it.cname), ["DAT"], force=True
        ),
        "once",
    ),
    Use("Dual-write", "solutions", lambda it: it.session.dual_write.solutions(it.cid)),
    Use(
        "Dual-write",
        "apply_solution",
        lambda it: it.session.dual_write.apply_solution(it.cid, CORE.solutions[0], cname=it.cname),
        "once",
    ),
    Use(
        "Dual-write",
        "solution_status",
        lambda it: it.session.dual_write.solution_status(it.cid, it.solution_request),
    ),
    Use("Dual-write", "executions", lambda it: it.session.dual_write.executions(it.pid)),
    Use("Login", "tenant_of", lambda it: it.session.tenant_of("contoso.onmicrosoft.com")),
    Use("Login", "delegated_token", delegated_token),
)


def uses() -> tuple[Use, ...]:
    """One use of each call. Raises `ValueError` where one is missing, or is of no call."""
    wanted, there = set(calls()), {(use.client, use.method) for use in USES}
    if wanted != there:
        raise ValueError(f"without a use: {sorted(wanted - there)}; without a call: {sorted(there - wanted)}")
    return USES
