"""How F&O OData refuses: a general message, the real text in `innererror` (dual-write-semantics.md 12.1, FOFIX)."""

from emulator.core.microsoft_names import Name
from emulator.core.routing import not_modelled
from emulator.core.wire import Call, ServiceError, UnknownNameError
from emulator.data.schemas import Table
from emulator.tables import RowError, SyncError
from emulator.tables.filter_errors import FilterError, has_in_other_case

NAMESPACE = "Microsoft.Dynamics.DataEntities"
_STACK = "   at Microsoft.Dynamics.Platform.Integration.Services.OData.Update.UpdateManager.CommitChanges()"


def refuse(status: int, text: str, kind: str = "System.InvalidOperationException") -> ServiceError:
    """Return an error answer; `text` is the inner message."""
    inner = {"message": text, "type": kind, "stacktrace": _STACK}
    return ServiceError(status, {"error": {"code": "", "message": "An error has occurred.", "innererror": inner}})


def unauthorized(reason: str) -> ServiceError:
    """Return 401 as F&O says it: no body."""
    challenge = f'Bearer authorization_uri="https://login.microsoftonline.com/common", error_description="{reason}"'
    # Documented: RFC 6750, 3
    return ServiceError(401, None, {"WWW-Authenticate": challenge})


def not_there() -> ServiceError:
    """Return 404 of a host whose F&O is not up yet (power-platform-api.md 22: connection refused or 404)."""
    # Documented: power-platform-api.md 22
    return ServiceError(404, "The resource you are looking for has been removed or is temporarily unavailable.")


def bad_request(text: str) -> ServiceError:
    """Return 400 for an address or a query option."""
    return refuse(400, text, "Microsoft.OData.ODataException")


def not_found(url: str) -> ServiceError:
    """Return 404 for the address of an entity that does not exist."""
    message = f"No HTTP resource was found that matches the request URI '{url}'."
    # Documented: OData 4.0 Part 1, Requesting Individual Entities
    return ServiceError(404, {"error": {"code": "", "message": message}})


def no_route(url: str) -> ServiceError:
    """Return 404 for an address that leads to nothing that F&O has: an unknown set, a key that lacks a part."""
    text = f"No HTTP resource was found that matches the request URI '{url}'. No route data was found for this request."
    # Source: MicrosoftDocs/dynamics-365-unified-operations-public#2063 (a key without dataAreaId); clients report 404
    return ServiceError(404, {"Message": text})


def unknown_set(url: str, name: str) -> ServiceError:
    """Return 404 for an entity set that does not exist."""
    return UnknownNameError(Name("finops set", name), no_route(url))


def unknown_option(name: str) -> ServiceError:
    """Return 400 for a query option of OData's form that F&O does not have."""
    # Documented: OData 4.0 Part 2, Custom Query Options: none begins with $
    refusal = bad_request(f"The query parameter '{name}' is not supported.")
    return UnknownNameError(Name("query option", name), refusal)


def unknown_navigation(schema: Table, name: str) -> ServiceError:
    """Return 400 for a navigation property that the entity does not have."""
    text = f"Could not find a property named '{name}' on type '{NAMESPACE}.{schema.logical}'."
    # Documented: OData 4.0 Part 1, System Query Option $expand; the text is OData.NET's
    return UnknownNameError(Name("finops property", name, schema.set), bad_request(text))


def of_filter_error(error: FilterError) -> ServiceError:
    """Return 400 for a `$filter` or `$orderby`."""
    # Documented: dual-write-semantics.md 12.1 (operators and options that F&O has)
    refusal = bad_request(str(error))
    return refusal if error.name is None else UnknownNameError(error.name, refusal)


def invalid(schema: Table, infolog: str) -> ServiceError:
    """Return 400 of a write that validation refuses; the text follows the word Infolog."""
    return refuse(400, f"Write failed for table row of type '{schema.logical}Entity'. Infolog: Error: {infolog}")


def of_row_error(schema: Table, error: RowError, call: Call) -> ServiceError:
    """Return what F&O answers when the tables refuse a write; a duplicate was seen as 500."""
    if error.kind == "not-modelled":
        return not_modelled(call.method, call.path, str(error))
    if error.kind == "duplicate":
        text = f"Cannot create a record in {schema.logical}. The record already exists."
        # Source: dual-write-semantics.md 12.1
        return refuse(500, f"Write failed for table row of type '{schema.logical}Entity'. Infolog: Error: {text}")
    if error.kind == "incomplete":
        # Source: dual-write-semantics.md 12.1 (validation 400, the text follows Infolog)
        return invalid(schema, "; ".join(f"Field '{name}' must be filled in." for name in error.columns))
    # Source: dual-write-semantics.md 12.1 (validation 400, the text follows Infolog)
    return invalid(schema, str(error))


def of_sync_error(schema: Table, error: SyncError) -> ServiceError:
    """Return the failed write of a row whose other side refused it."""
    # Documented: dual-write-semantics.md 11.5
    return invalid(schema, str(error))


def unknown_property(schema: Table, name: str) -> ServiceError:
    """Return 400 for a property that the entity does not have."""
    text = (
        f"The property '{name}' does not exist on type '{NAMESPACE}.{schema.logical}'. Make sure to only use property "
        "names that are defined by the type."
    )
    # Documented: OData 4.0 Part 1, Create an Entity; the text is OData.NET's
    refusal = bad_request(text)
    if has_in_other_case(schema, name):
        return refusal
    return UnknownNameError(Name("finops property", name, schema.set), refusal)
