"""How Dataverse refuses: `{"error": {"code", "message"}}` with the codes of the public error list.

Codes and texts: dual-write-semantics.md 12.2 and 11.5, power-platform-api.md 14.8, and what stands at each.
"""

from collections.abc import Mapping, Sequence

from emulator.core.microsoft_names import Name
from emulator.core.wire import ServiceError, UnknownNameError
from emulator.data.schemas import Table, tables
from emulator.tables import RowError, SyncError
from emulator.tables.filter_errors import FilterError, has_in_other_case

NAMESPACE = "Microsoft.Dynamics.CRM"
_BOUNDS = {"too-long": "0x80044331", "outside-choice": "0x8004431a"}


def refuse(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> ServiceError:
    """Return an error answer."""
    return ServiceError(status, {"error": {"code": code, "message": message}}, headers)


def unauthorized(reason: str) -> ServiceError:
    """Return 401 as the gateway says it: no body, the authority in a header."""
    challenge = f'Bearer authorization_uri="https://login.microsoftonline.com/common", error_description="{reason}"'
    # Documented: RFC 6750, 3; PowerPlatform-DataverseServiceClient, AuthorityResolver.cs, reads authorization_uri of it
    return ServiceError(401, None, {"WWW-Authenticate": challenge})


def no_member() -> ServiceError:
    """Return the refusal of a caller who is no user of the organization (11.5)."""
    return refuse(403, "0x80072560", "The user is not a member of the organization.")


def no_role(user_id: str) -> ServiceError:
    """Return the refusal of a user without a role."""
    # Source: Microsoft Learn, Web service error codes: UserNotAssignedRoles; 403 is that of privileges (12.2)
    return refuse(403, "0x80042f09", f"The user (Id = {user_id}) has not been assigned any roles.")


def disabled(user_id: str) -> ServiceError:
    """Return the refusal of a disabled user."""
    text = f"The specified user(Id = {user_id}) is disabled. Consider enabling this user."
    # Source: microsoft/coe-starter-kit#8177 (403 with this code), #9040 (the text)
    return refuse(403, "0x80040225", text)


def absent_segment(segment: str) -> ServiceError:
    """Return 404 for a set or function that this organization lacks, whatever others have."""
    # Source: Microsoft Learn, Troubleshoot Dataverse Web API client errors: GET Account
    return refuse(404, "0x8006088a", f"Resource not found for the segment '{segment}'.")


def unknown_segment(segment: str, schema: Table | None = None) -> ServiceError:
    """Return 404 for a set, function or navigation property (of a table) that does not exist."""
    refusal = absent_segment(segment)
    if (schema is not None and has_in_other_case(schema, segment)) or segment.lower() in tables("dataverse"):
        return refusal
    return UnknownNameError(Name("dataverse segment", segment, schema.logical if schema else ""), refusal)


def unknown_property(schema: Table, name: str) -> ServiceError:
    """Return 400 for a property that the table does not have."""
    text = f"Could not find a property named '{name}' on type '{NAMESPACE}.{schema.logical}'."
    # Source: Microsoft Learn, Troubleshoot Dataverse Web API client errors: code 0x0, clients report 0x80060888
    return _unknown_property(schema, name, refuse(400, "0x80060888", text))


def no_row(schema: Table, row_id: str) -> ServiceError:
    """Return 404 for a row that does not exist (12.2; code and text: Microsoft Learn, Web service error codes)."""
    return refuse(404, "0x80040217", f"Entity '{schema.logical}' With Id = {row_id} Does Not Exist")


def no_row_by_key(schema: Table) -> ServiceError:
    """Return 404 for an alternate key that no row carries (12.2)."""
    text = f"A record with the specified key values does not exist in {schema.logical} entity"
    return refuse(404, "0x80060891", text)


def bad_key(schema: Table) -> ServiceError:
    """Return 400 for key columns that are no key of the table (12.2)."""
    text = (
        f"The key in the request URI is not valid for resource '{NAMESPACE}.{schema.logical}'. Ensure that the names "
        f"and number of key properties match the declared or alternate key properties for the resource "
        f"'{schema.logical}'."
    )
    return refuse(400, "0x80060888", text)


def bad_query(text: str) -> ServiceError:
    """Return 400 for a query option."""
    return refuse(400, "0x80060888", text)


def unknown_option(name: str) -> ServiceError:
    """Return 400 for a query option of OData's form that the Web API does not have."""
    # Documented: OData 4.0 Part 2, Custom Query Options: none begins with $
    refusal = bad_query(f"The query parameter '{name}' is not supported.")
    return UnknownNameError(Name("query option", name), refusal)


def of_filter_error(error: FilterError) -> ServiceError:
    """Return 400 for a `$filter` or `$orderby`."""
    # Documented: Microsoft Learn, Compose HTTP requests and handle errors: 400 when an argument is invalid
    refusal = bad_query(str(error))
    return refusal if error.name is None else UnknownNameError(error.name, refusal)


def unknown_member(schema: Table, name: str) -> ServiceError:
    """Return 400 for a member of a body that the table does not have."""
    text = (
        f"Invalid property '{name}' was found in entity '{NAMESPACE}.{schema.logical}'. ---> "
        "Microsoft.OData.ODataException: Does not support untyped value in non-open type."
    )
    # Source: MarcusRisanger/Dataverse-API#30; Microsoft Learn, Troubleshoot Dataverse Web API client errors (then 0x0)
    return _unknown_property(schema, name, bad_payload(schema, text, "Microsoft.Crm.CrmException"))


def unknown_reference(schema: Table, name: str) -> ServiceError:
    """Return 400 for `<name>@odata.bind` of a navigation property that the table does not have."""
    text = (
        f"An undeclared property '{name}' which only has property annotations in the payload but no property value "
        "was found in the payload. In OData, only declared navigation properties and declared named streams can be "
        "represented as properties without values."
    )
    # Source: Microsoft Learn, Troubleshoot Dataverse Web API client errors: parentcustomerid@odata.bind
    return _unknown_property(schema, name, bad_payload(schema, text))


def _unknown_property(schema: Table, name: str, refusal: ServiceError) -> ServiceError:
    if has_in_other_case(schema, name):
        return refusal
    return UnknownNameError(Name("dataverse property", name, schema.logical), refusal)


def bad_payload(schema: Table, text: str, kind: str = "Microsoft.OData.ODataException") -> ServiceError:
    """Return 400 for a body that does not fit the table (Microsoft Learn, Web service error codes)."""
    start = (
        f"Error identified in Payload provided by the user for Entity :'{schema.set}', For more information on this "
        "error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293"
    )
    return refuse(400, "0x80048d19", f"{start}  ---->  InnerException : {kind}: {text}")


def version_mismatch() -> ServiceError:
    """Return 412 for an If-Match that is out of date (12.2)."""
    text = "The version of the existing record doesn't match the RowVersion property provided."
    return refuse(412, "0x80060882", text)


def exists_already() -> ServiceError:
    """Return 412 for a create-only request whose row is there (12.2, power-platform-api.md 2)."""
    return refuse(412, "0x80040237", "A record with matching key values already exists.")


def of_row_error(schema: Table, error: RowError) -> ServiceError:
    """Return what Dataverse answers when the tables refuse a write."""
    if error.kind == "duplicate" and set(error.columns) == set(schema.key):
        return exists_already()
    if error.kind == "duplicate":
        return duplicate_key(schema, error.columns)
    if error.kind in _BOUNDS:
        # Source: Microsoft Learn, Execute batch operations using the Web API (length); Project Operations (choice)
        return refuse(400, _BOUNDS[error.kind], str(error))
    # Documented: Microsoft Learn, Web service error codes: ODataClientPayloadError
    return bad_payload(schema, str(error))


def duplicate_key(schema: Table, columns: Sequence[str]) -> ServiceError:
    """Return 412 for the values of an alternate key that another row has."""
    name = next(label for label, parts in schema.keys.items() if tuple(parts) == tuple(columns))
    text = (
        f"Entity Key {name.removeprefix('unique ')} violated. A record with the same value for {', '.join(columns)} "
        "already exists. A duplicate record cannot be created. Select one or more unique values and try again."
    )
    # Source: Microsoft Learn, Web service error codes: DuplicateRecordEntityKey; 412 is that of duplicates
    return refuse(412, "0x80060892", text)


def of_sync_error(error: SyncError) -> ServiceError:
    """Return the failed write of a row whose other side refused it."""
    # Source: dual-write-semantics.md 11.5 (0x80040265 with the text); Microsoft Learn, Compose HTTP requests (400)
    return refuse(400, "0x80040265", str(error))
