"""GET of sets, rows and navigation properties (dual-write-semantics.md 12.2).

`$skip` is unknown, `$count` stops at 5,000. How a set is cut into pages stands in `pages`.
"""

from collections.abc import Mapping
from typing import Any

from emulator.core.routing import NotModelledError, not_modelled
from emulator.core.wire import Call, Reply
from emulator.data.schemas import Table, table
from emulator.dataverse import pages
from emulator.dataverse.addresses import Address, find_row, missing, parse_address
from emulator.dataverse.errors import bad_query, of_filter_error, unknown_option, unknown_property, unknown_segment
from emulator.dataverse.organization import plain_host
from emulator.tables import ETAG, Condition
from emulator.tables.filter_errors import FilterError
from emulator.tables.filters import Order, compile_filter, order_clause
from emulator.tables.keys import equality
from emulator.tenant import Tenant

MAX_COUNT = 5000
_OPTIONS = {"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken"}
_NOT_MODELLED = {"$apply", "$search", "fetchxml", "savedquery", "sql", "userquery"}
# Intersect tables behind the many-to-many navigation properties.
ASSOCIATIONS = {
    ("systemusers", "systemuserroles_association"): ("systemuserrolescollection", "systemuserid", "roleid", "roles"),
    ("teams", "teamroles_association"): ("teamrolescollection", "teamid", "roleid", "roles"),
    ("teams", "teammembership_association"): ("teammemberships", "teamid", "systemuserid", "systemusers"),
    ("systemusers", "teammembership_association"): ("teammemberships", "systemuserid", "teamid", "teams"),
    ("roles", "systemuserroles_association"): ("systemuserrolescollection", "roleid", "systemuserid", "systemusers"),
}


def read(tenant: Tenant, call: Call) -> Reply:
    """Answer a GET below the service root."""
    path = call.parameters["resource"]
    check_options(call.query)
    address = parse_address(path)
    if not address.rest:
        _check_expansions(address.schema, call.query)
    if address.key is None:
        if address.rest == ("$count",):
            return _count(tenant, call, address.schema)
        if address.rest:
            raise unknown_segment(address.rest[0], address.schema)
        return _list(tenant, call, address.schema)
    row = required_row(tenant, call, address)
    if not address.rest:
        return _single(tenant, call, address.schema, row)
    return _navigate(tenant, call, address, row)


def check_options(query: Mapping[str, str]) -> None:
    """Refuse what the Web API does not know (`$skip`), and what the emulator does not model."""
    for name in query:
        if name.lower() in _NOT_MODELLED:
            raise NotModelledError(name)
        if name == "$skip":
            text = "The query parameter $skip is not supported."
            # Source: dual-write-semantics.md 12.2
            raise bad_query(text)
        if name.startswith("$") and name not in _OPTIONS:
            raise unknown_option(name)


def required_row(tenant: Tenant, call: Call, address: Address) -> dict[str, Any]:
    """Return the addressed row; ServiceError 404."""
    row = find_row(tenant, plain_host(call.host), address)
    if row is None:
        raise missing(address)
    return row


def condition_of(schema: Table, host: str, query: Mapping[str, str]) -> Condition:
    """Return the WHERE clause of `$filter`; ServiceError 400."""
    text = query.get("$filter")
    if text is None:
        return Condition()
    try:
        return compile_filter(schema, host, text)
    except FilterError as error:
        raise of_filter_error(error) from None


def _count(tenant: Tenant, call: Call, schema: Table) -> Reply:
    host = plain_host(call.host)
    number = tenant.rows.count("dataverse", host, schema.set, condition_of(schema, host, call.query), MAX_COUNT)
    return Reply(body=str(number), headers={"Content-Type": "text/plain"})


def _list(tenant: Tenant, call: Call, schema: Table) -> Reply:
    host = plain_host(call.host)
    where = condition_of(schema, host, call.query)
    order = pages.orders_of(schema, host, call.query)
    page, last = pages.place_of(call, len(order))
    size, preferred = pages.size_of(call)
    rows = _rows(tenant, host, schema, pages.behind_last(where, order, last), order, size + 1)
    shown = rows[:size]
    selected = select_of(schema, call.query)
    document: dict[str, Any] = {"@odata.context": _context(call, schema, call.query)}
    if call.query.get("$count") == "true":
        document |= _counted(tenant, call, schema, where)
    document["value"] = [represent(tenant, call, schema, row, selected, call.query) for row in shown]
    if len(rows) > size and "$top" not in call.query:
        place = tenant.rows.position("dataverse", host, schema.set, shown[-1][schema.key[0]])
        last = [*(shown[-1].get(part.name) for part in order), place]
        document["@odata.nextLink"] = pages.next_link(call, page + 1, last)
    headers = {"OData-Version": "4.0"}
    if preferred:
        headers["Preference-Applied"] = f"odata.maxpagesize={preferred}"
    return Reply(json=document, headers=headers)


def _counted(tenant: Tenant, call: Call, schema: Table, where: Condition) -> dict[str, Any]:
    number = tenant.rows.count("dataverse", plain_host(call.host), schema.set, where, MAX_COUNT + 1)
    document: dict[str, Any] = {"@odata.count": min(number, MAX_COUNT)}
    if "include-annotations" in call.headers.get("prefer", ""):
        document["@Microsoft.Dynamics.CRM.totalrecordcount"] = min(number, MAX_COUNT)
        document["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] = number > MAX_COUNT
    return document


def _rows(
    tenant: Tenant, host: str, schema: Table, where: Condition, order: list[Order], limit: int
) -> list[dict[str, Any]]:
    if not order:
        return list(tenant.rows.scan("dataverse", host, schema.set, where, limit=limit))
    return tenant.rows.ordered("dataverse", host, schema.set, where, order_clause(order), limit=limit)


def select_of(schema: Table, query: Mapping[str, str]) -> tuple[str, ...]:
    """Return the properties of `$select`, all of them without one; ServiceError 400 for an unknown one."""
    text = query.get("$select")
    if not text:
        return tuple(schema.properties())
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return tuple(dict.fromkeys((*(_known_property(schema, name) for name in names), schema.key[0])))


def _known_property(schema: Table, name: str) -> str:
    # The Web API takes the plain name of a lookup in $select as well.
    if schema.property(name) is None and name not in schema.columns:
        raise unknown_property(schema, name)
    return _as_property(schema, name)


def _as_property(schema: Table, name: str) -> str:
    return name if schema.property(name) else schema.columns[name].property


def _annotation(tenant: Tenant, call: Call, schema: Table, name: str, value: Any) -> dict[str, Any]:
    """The table that a lookup points to; nothing for any other column."""
    column = schema.property(name)
    if column is None or column.type != "lookup":
        return {}
    return {f"{name}@Microsoft.Dynamics.CRM.lookuplogicalname": _target(tenant, call, column.targets, value)}


def represent(
    tenant: Tenant,
    call: Call,
    schema: Table,
    row: Mapping[str, Any],
    selected: tuple[str, ...],
    query: Mapping[str, str],
) -> dict[str, Any]:
    """Return the row as the Web API shows it, with `$expand`."""
    document: dict[str, Any] = {ETAG: row[ETAG]}
    annotated = "include-annotations" in call.headers.get("prefer", "")
    for name in selected:
        value = row.get(name)
        document[name] = value
        if annotated and value is not None:
            document |= _annotation(tenant, call, schema, name, value)
    for item in _split(query.get("$expand", "")):
        _expand(tenant, call, schema, row, item, document)
    return document


def _target(tenant: Tenant, call: Call, targets: tuple[str, ...], row_id: str) -> str:
    host = plain_host(call.host)
    holding = [name for name in targets if tenant.rows.get("dataverse", host, name, row_id) is not None]
    return table("dataverse", (holding or list(targets))[0]).logical


def _check_expansions(schema: Table, query: Mapping[str, str]) -> None:
    """Refuse an `$expand` that names what is not there, whether or not there are rows to show."""
    for item in _split(query.get("$expand", "")):
        name, _, options = item.partition("(")
        target, nested = _expanded(schema, name.strip()), _nested(options.removesuffix(")"))
        select_of(target, nested)
        _check_expansions(target, nested)


def _expanded(schema: Table, name: str) -> Table:
    """Return the table that a navigation property leads to; ServiceError 400."""
    navigation = schema.navigation(name)
    target = navigation[1] if navigation else ASSOCIATIONS.get((schema.set, name), ("",))[-1]
    if not target:
        raise unknown_property(schema, name)
    return table("dataverse", target)


def _expand(
    tenant: Tenant, call: Call, schema: Table, row: Mapping[str, Any], item: str, document: dict[str, Any]
) -> None:
    name, _, options = item.partition("(")
    name = name.strip()
    query = _nested(options.removesuffix(")"))
    navigation = schema.navigation(name)
    if navigation is not None:
        column, target_set = navigation
        other_schema = table("dataverse", target_set)
        other = _row_of(tenant, call, target_set, row.get(column.property))
        selected = select_of(other_schema, query)
        document[name] = other and represent(tenant, call, other_schema, other, selected, query)
        return
    target, others = associated(tenant, call, schema, row, name)
    selected = select_of(target, query)
    document[name] = [represent(tenant, call, target, other, selected, query) for other in others]


def _nested(text: str) -> dict[str, str]:
    query = dict(part.strip().partition("=")[::2] for part in text.split(";") if part.strip())
    unknown = set(query) - {"$select", "$expand"}
    if unknown:
        msg = f"$expand with {', '.join(sorted(unknown))}"
        raise NotModelledError(msg)
    return query


def _split(text: str) -> list[str]:
    """Split at the commas outside of parentheses."""
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [part for part in (*parts, text[start:]) if part.strip()]


def associated(
    tenant: Tenant, call: Call, schema: Table, row: Mapping[str, Any], name: str
) -> tuple[Table, list[dict[str, Any]]]:
    """Return target table and rows of a many-to-many navigation property."""
    intersect, own, other, target = ASSOCIATIONS[schema.set, name]
    host = plain_host(call.host)
    where = equality(table("dataverse", intersect), {own: row[schema.key[0]]})
    links = list(tenant.rows.scan("dataverse", host, intersect, where))
    found = (tenant.rows.get("dataverse", host, target, link[other]) for link in links)
    return table("dataverse", target), [one for one in found if one is not None]


def _single(tenant: Tenant, call: Call, schema: Table, row: dict[str, Any]) -> Reply:
    plain = "$expand" not in call.query and "include-annotations" not in call.headers.get("prefer", "")
    if plain and call.headers.get("if-none-match") == row[ETAG]:
        return Reply(304)
    selected = select_of(schema, call.query)
    context = {"@odata.context": f"{_context(call, schema, call.query)}/$entity"}
    document = represent(tenant, call, schema, row, selected, call.query)
    return Reply(json=context | document, headers={"OData-Version": "4.0", "ETag": row[ETAG]})


def _associated(tenant: Tenant, call: Call, schema: Table, row: dict[str, Any], name: str) -> Reply:
    target, others = associated(tenant, call, schema, row, name)
    selected = select_of(target, call.query)
    value = [represent(tenant, call, target, other, selected, call.query) for other in others]
    return Reply(json={"@odata.context": _context(call, target, call.query), "value": value})


def _referred(tenant: Tenant, call: Call, target_set: str, row_id: Any) -> Reply:
    """The row that a lookup points to; 204 where it points to none."""
    other = _row_of(tenant, call, target_set, row_id)
    return _single(tenant, call, table("dataverse", target_set), other) if other else Reply(204)


def _row_of(tenant: Tenant, call: Call, entity_set: str, row_id: Any) -> dict[str, Any] | None:
    """The row with that id; None without an id."""
    return tenant.rows.get("dataverse", plain_host(call.host), entity_set, row_id) if row_id else None


def _navigate(tenant: Tenant, call: Call, address: Address, row: dict[str, Any]) -> Reply:
    name, schema = address.rest[0], address.schema
    if len(address.rest) > 1:
        raise not_modelled(call.method, call.path)
    if (schema.set, name) in ASSOCIATIONS:
        return _associated(tenant, call, schema, row, name)
    navigation = schema.navigation(name)
    if navigation is not None:
        column, target_set = navigation
        return _referred(tenant, call, target_set, row.get(column.property))
    if schema.property(name) is None:
        raise unknown_segment(name, schema)
    context = f"{root(call)}$metadata#{schema.set}({row[schema.key[0]]})/{name}"
    return Reply(204) if row.get(name) is None else Reply(json={"@odata.context": context, "value": row[name]})


def root(call: Call) -> str:
    """Return the service root as the client addressed it."""
    return f"{call.base_url}/api/data/v{call.parameters['version']}/"


def _context(call: Call, schema: Table, query: Mapping[str, str]) -> str:
    selected = query.get("$select")
    return f"{root(call)}$metadata#{schema.set}" + (f"({selected})" if selected else "")


def representation(tenant: Tenant, call: Call, schema: Table, row: dict[str, Any], status: int) -> Reply:
    """Return the answer to a write with `Prefer: return=representation`."""
    document = represent(tenant, call, schema, row, select_of(schema, call.query), call.query)
    headers = {"OData-Version": "4.0", "Preference-Applied": "return=representation", "ETag": row[ETAG]}
    headers["OData-EntityId"] = entity_id(call, schema, row)
    return Reply(
        status, json={"@odata.context": f"{_context(call, schema, call.query)}/$entity"} | document, headers=headers
    )


def entity_id(call: Call, schema: Table, row: Mapping[str, Any]) -> str:
    """Return the address of a row, as in the header OData-EntityId."""
    return f"{root(call)}{schema.set}({row[schema.key[0]]})"
