"""GET of entity sets and entities (dual-write-semantics.md 12.1).

Company entities show the caller's own company unless `cross-company=true`; pages hold 10,000 rows.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from emulator.core.routing import not_modelled
from emulator.core.wire import Call, Reply
from emulator.data.schemas import Table, tables
from emulator.finance_operations.access import user_of
from emulator.finance_operations.addresses import Address, parse_address
from emulator.finance_operations.errors import (
    bad_request,
    not_found,
    of_filter_error,
    unknown_navigation,
    unknown_option,
    unknown_property,
)
from emulator.tables import ETAG, Condition
from emulator.tables.addresses import without_skip_token
from emulator.tables.edmx import edmx
from emulator.tables.filter_errors import FilterError
from emulator.tables.filters import compile_filter, order_by
from emulator.tables.keys import RowError, row_id_of
from emulator.tenant import Tenant

PAGE = 10_000
_OPTIONS = {"$select", "$filter", "$orderby", "$top", "$skip", "$count", "$expand", "$skiptoken", "cross-company"}


def read(tenant: Tenant, call: Call) -> Reply:
    """Answer a GET below `/data/`."""
    address = parse_address(call)
    _check_options(call, address.schema)
    if address.key is not None:
        if address.rest:
            raise not_modelled("GET", call.path)
        return entity_reply(call, address.schema, required_row(tenant, call, address), 200)
    if address.rest == "$count":
        number = tenant.rows.count("finops", call.host, address.schema.set, _condition(tenant, call, address.schema))
        return Reply(body=str(number), headers={"Content-Type": "text/plain"})
    if address.rest:
        raise not_modelled("GET", call.path)
    return _list(tenant, call, address.schema)


def root(_tenant: Tenant, call: Call) -> Reply:
    """Answer the service document."""
    value = [{"name": name, "kind": "EntitySet", "url": name} for name in sorted(tables("finops"))]
    return Reply(json={"@odata.context": f"{call.base_url}/data/$metadata", "value": value})


def csdl(_tenant: Tenant, _call: Call) -> Reply:
    """Answer `$metadata`."""
    text = edmx("Microsoft.Dynamics.DataEntities", tables("finops").values())
    return Reply(body=text, headers={"Content-Type": "application/xml"})


def _check_options(call: Call, schema: Table) -> None:
    for name in call.query:
        if name.startswith("$") and name not in _OPTIONS:
            raise unknown_option(name)
    if call.query.get("$expand"):
        name = call.query["$expand"].partition("(")[0].split(",")[0].strip()
        raise unknown_navigation(schema, name)


def required_row(tenant: Tenant, call: Call, address: Address) -> dict[str, Any]:
    """Return the addressed entity; ServiceError 404, also for one of another company without `cross-company=true`."""
    try:
        row_id = row_id_of(address.schema, address.key or {})
    except RowError:
        # An empty part of a key: no entity has that.
        # Documented: OData 4.0 Part 1, Requesting Individual Entities
        raise not_found(call.url) from None
    row = tenant.rows.get("finops", call.host, address.schema.set, row_id)
    if row is None or not _visible(tenant, call, address.schema, row):
        # Documented: OData 4.0 Part 1, Requesting Individual Entities; dual-write-semantics.md 12.1 (companies)
        raise not_found(call.url)
    return row


def _visible(tenant: Tenant, call: Call, schema: Table, row: Mapping[str, Any]) -> bool:
    if schema.company is None or _is_cross_company(call) or not tenant.switches["finops_keys_need_cross_company"]:
        return True
    return bool(row[schema.company] == own_company(tenant, call))


def _is_cross_company(call: Call) -> bool:
    return call.query.get("cross-company", "").lower() == "true"


def own_company(tenant: Tenant, call: Call) -> str:
    """Return the caller's default company in lower case."""
    return str(user_of(tenant, call)["Company"]).lower()


def _condition(tenant: Tenant, call: Call, schema: Table) -> Condition:
    where = Condition()
    text = call.query.get("$filter")
    if text is not None:
        try:
            where = compile_filter(schema, call.host, text)
        except FilterError as error:
            raise of_filter_error(error) from None
    if schema.company is None or _is_cross_company(call):
        return where
    return Condition(f"({where.sql}) AND r.company = ?", (*where.parameters, own_company(tenant, call)))


def _list(tenant: Tenant, call: Call, schema: Table) -> Reply:
    where = _condition(tenant, call, schema)
    top = _number(call, "$top")
    done = _done(call)
    offset = done + (_number(call, "$skip") or 0)
    size = PAGE if top is None else min(PAGE, max(0, top - done))
    rows = tenant.rows.ordered("finops", call.host, schema.set, where, _order(call, schema), offset, size + 1)
    document: dict[str, Any] = {"@odata.context": f"{call.base_url}/data/$metadata#{schema.set}"}
    if call.query.get("$count") == "true":
        document["@odata.count"] = tenant.rows.count("finops", call.host, schema.set, where)
    selected = _selected(call, schema)
    document["value"] = [represent(row, selected) for row in rows[:size]]
    if len(rows) > size and (top is None or done + size < top):
        document["@odata.nextLink"] = _next_link(call, done + size)
    return Reply(json=document, headers={"OData-Version": "4.0"})


def _order(call: Call, schema: Table) -> str:
    text = call.query.get("$orderby")
    if not text:
        return "r.space"
    try:
        return order_by(schema, call.host, text)
    except FilterError as error:
        raise of_filter_error(error) from None


def _done(call: Call) -> int:
    """Return how many entities the pages before this one held, which the token of a page tells."""
    token = call.query.get("$skiptoken", "0")
    if not token.isdigit():
        raise not_modelled("GET", call.path, "a $skiptoken that none of its pages gave")
    return int(token)


def _number(call: Call, option: str) -> int | None:
    text = call.query.get(option)
    if text is None:
        return None
    if not text.isdigit():
        needed = f"The {option} query option requires a non-negative integer value."
        msg = f"Invalid value '{text}' for {option} query option found. {needed}"
        # Documented: OData 4.0 Part 1, System Query Options $skip and $top; the text is OData.NET's
        raise bad_request(msg)
    return int(text)


def _next_link(call: Call, done: int) -> str:
    kept = without_skip_token(call.query_string)
    return f"{call.base_url}{quote(call.path)}?{'&'.join([*kept, f'$skiptoken={done}'])}"


def _selected(call: Call, schema: Table) -> tuple[str, ...]:
    text = call.query.get("$select")
    if not text:
        return tuple(schema.columns)
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = next((name for name in names if schema.property(name) is None), None)
    if unknown is not None:
        raise unknown_property(schema, unknown)
    return names


def represent(row: Mapping[str, Any], selected: tuple[str, ...]) -> dict[str, Any]:
    """Return the entity as OData shows it."""
    return {ETAG: row[ETAG], **{name: row.get(name) for name in selected}}


def entity_reply(call: Call, schema: Table, row: Mapping[str, Any], status: int) -> Reply:
    """Return one entity as an answer."""
    context = {"@odata.context": f"{call.base_url}/data/$metadata#{schema.set}/$entity"}
    headers = {"OData-Version": "4.0", "ETag": str(row[ETAG])}
    if status == 201:
        key = ",".join(f"{name}='{quote(str(row[name]))}'" for name in schema.key)
        headers["Location"] = f"{call.base_url}/data/{schema.set}({key})"
    return Reply(status, json=context | represent(row, _selected(call, schema)), headers=headers)
