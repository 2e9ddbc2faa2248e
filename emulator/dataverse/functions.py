"""Functions and actions of the Web API about the caller, the version and F&O (power-platform-api.md 14.8)."""

import json
from collections.abc import Mapping
from typing import Any

from emulator import power_platform
from emulator.core.wire import Call, Reply
from emulator.data.schemas import tables
from emulator.dataverse.access import require_user
from emulator.dataverse.errors import absent_segment, bad_query, refuse, unknown_segment
from emulator.dataverse.organization import Organization, organization, plain_host
from emulator.dataverse.reads import root
from emulator.tenant import Tenant

VERSION = "9.2.25101.00172"


def _organization(tenant: Tenant, call: Call) -> Organization:
    known = organization(tenant, call.host)
    if known is None:
        raise unknown_segment(call.path)
    return known


def _answer(call: Call, name: str, document: Mapping[str, Any]) -> Reply:
    context = f"{root(call)}$metadata#Microsoft.Dynamics.CRM.{name}"
    return Reply(json={"@odata.context": context, **document}, headers={"OData-Version": "4.0"})


def who_am_i(tenant: Tenant, call: Call) -> Reply:
    """Answer `WhoAmI`."""
    user_id = require_user(tenant, call)
    user = tenant.rows.get("dataverse", plain_host(call.host), "systemusers", user_id) or {}
    document = {
        "BusinessUnitId": user.get("_businessunitid_value"),
        "UserId": user_id,
        "OrganizationId": _organization(tenant, call).organization_id,
    }
    return _answer(call, "WhoAmIResponse", document)


def retrieve_version(_tenant: Tenant, call: Call) -> Reply:
    """Answer `RetrieveVersion`."""
    return _answer(call, "RetrieveVersionResponse", {"Version": VERSION})


def integration_details(tenant: Tenant, call: Call) -> Reply:
    """Answer `RetrieveFinanceAndOperationsIntegrationDetails`; 400 0x80048d0b when nothing is linked."""
    details = power_platform.integration_details(tenant, plain_host(call.host))
    if details is None:
        text = "Dataverse environment is not integrated with Finance and Operations."
        # Source: power-platform-api.md 14.8
        raise refuse(400, "0x80048d0b", text)
    return _answer(call, "RetrieveFinanceAndOperationsIntegrationDetailsResponse", details)


def finops_versions(tenant: Tenant, call: Call) -> Reply:
    """Answer `msprov_getfnoversiondetails`: a JSON array inside a string."""
    versions = [{"value": version} for version in power_platform.finops_versions(tenant)]
    text = json.dumps(versions, separators=(",", ":"))
    return _answer(call, "msprov_getfnoversiondetailsResponse", {"Response": text})


def queue_finops(tenant: Tenant, call: Call) -> Reply:
    """Answer `msprov_queuefnoinstallorupdate` with `{"payload": "ApplicationVersion=...|..."}`."""
    document = call.json_object() or {}
    payload = document.get("payload")
    if not isinstance(payload, str) or set(document) != {"payload"}:
        msg = "The parameter 'payload' is required and the only one."
        # Documented: OData 4.0 Part 1, Invoking an Action: the parameters are those of the action
        raise bad_query(msg)
    environment_id = _organization(tenant, call).environment_id
    operation = power_platform.queue_finops_install_or_update(tenant, environment_id, payload, call)
    return _answer(
        call, "msprov_queuefnoinstallorupdateResponse", {"queuefnoinstallorupdateresponse": f"Queued {operation}"}
    )


def finops_details(tenant: Tenant, call: Call) -> Reply:
    """Answer `msprov_getfinopsapplicationdetails`: a function of the Provisioning App, which comes with F&O (14.8)."""
    environment_id = _organization(tenant, call).environment_id
    details = power_platform.finops_application_details(tenant, environment_id)
    if details is None:
        raise absent_segment("msprov_getfinopsapplicationdetails")
    return _answer(call, "msprov_getfinopsapplicationdetailsResponse", details)


def operation_histories(tenant: Tenant, call: Call) -> Reply:
    """Answer `msprov_operationhistories`, newest first (14.8)."""
    environment_id = _organization(tenant, call).environment_id
    rows = power_platform.finops_operation_histories(tenant, environment_id)
    top = call.query.get("$top", "")
    shown = list(reversed(rows))[: int(top) if top.isdigit() else None]
    value = [
        {
            "msprov_operationhistoryid": row.id,
            "msprov_name": "Provisioning App",
            "msprov_description": "Install or update finance and operations apps",
            "msprov_correlationid": row.correlation_id,
            "msprov_startedon": row.started_on,
            "msprov_operationproperties": json.dumps({"UserId": row.user_id, "Payload": row.payload}),
        }
        for row in shown
    ]
    return Reply(json={"@odata.context": f"{root(call)}$metadata#msprov_operationhistories", "value": value})


def service_document(_tenant: Tenant, call: Call) -> Reply:
    """Answer the service root with the list of sets."""
    value = [{"name": name, "kind": "EntitySet", "url": name} for name in tables("dataverse")]
    return Reply(json={"@odata.context": f"{root(call)}$metadata", "value": value})
