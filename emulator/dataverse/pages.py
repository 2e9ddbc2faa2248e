"""Pages of a set: at most 5,000 rows each (dual-write-semantics.md 12.2).

A page goes on behind the last row of the one before it (the paging cookie holds that row's values), so that rows which
leave the filter meanwhile move no others.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from emulator.core.routing import not_modelled
from emulator.core.wire import Call
from emulator.data.schemas import Table
from emulator.dataverse.errors import bad_query, of_filter_error
from emulator.tables import Condition
from emulator.tables.addresses import without_skip_token
from emulator.tables.filter_errors import FilterError
from emulator.tables.filters import Order, behind, orders

LARGEST_PAGE = 5000
_COOKIE = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([^"]+)"')


def orders_of(schema: Table, host: str, query: Mapping[str, str]) -> list[Order]:
    """Return the parts of `$orderby`, none without one; ServiceError 400."""
    text = query.get("$orderby")
    if not text:
        return []
    try:
        return orders(schema, host, text)
    except FilterError as error:
        raise of_filter_error(error) from None


def behind_last(where: Condition, order: list[Order], last: list[Any]) -> Condition:
    """Return the condition for the rows behind the last one shown, wherever the others went meanwhile."""
    if not last:
        return where
    rest = behind(order, last[:-1], last[-1])
    return Condition(f"({where.sql}) AND ({rest.sql})", (*where.parameters, *rest.parameters))


def size_of(call: Call) -> tuple[int, int]:
    """Return rows a page and the preference that was honoured; `$top` makes the preference be ignored."""
    if "$top" in call.query:
        return min(_number(call.query["$top"], "$top"), LARGEST_PAGE), 0
    match = re.search(r"odata\.maxpagesize\s*=\s*(\d+)", call.headers.get("prefer", ""))
    if match is None or int(match.group(1)) == 0:
        return LARGEST_PAGE, 0
    size = min(int(match.group(1)), LARGEST_PAGE)
    return size, size


def _number(text: str, option: str) -> int:
    if not text.isdigit():
        needed = f"The {option} query option requires a non-negative integer value."
        msg = f"Invalid value '{text}' for {option} query option found. {needed}"
        # Documented: OData 4.0 Part 1, System Query Option $top; the text is OData.NET's
        raise bad_query(msg)
    return int(text)


def place_of(call: Call, parts: int) -> tuple[int, list[Any]]:
    """Return the page's number and what the row before it holds: a value for each part of the order, and its place.

    The first page has number 1 and no row before it. ServiceError 501 for a cookie that is not of this order.
    """
    token = call.query.get("$skiptoken")
    if token is None:
        return 1, []
    match = _COOKIE.match(token)
    last = _decoded(match[2], parts) if match else None
    if match is None or last is None:
        raise not_modelled("GET", call.path, "a $skiptoken that none of its pages gave")
    return int(match[1]), last


def _decoded(cookie: str, parts: int) -> list[Any] | None:
    """What a cookie holds; None when it is not of an order of so many parts."""
    try:
        last = json.loads(unquote(cookie))
    except (ValueError, RecursionError):
        return None
    fits = isinstance(last, list) and len(last) == parts + 1 and isinstance(last[-1], int)
    return last if fits else None


def next_link(call: Call, page: int, last: list[Any]) -> str:
    """Return the address of the page with this number, which begins behind the row that holds `last`."""
    kept = without_skip_token(call.query_string)
    cookie = quote(json.dumps(last, separators=(",", ":")), safe="")
    token = quote(f'<cookie pagenumber="{page}" pagingcookie="{cookie}" istracking="False" />', safe="")
    return f"{call.base_url}{quote(call.path, safe='/(),=$')}?{'&'.join([*kept, f'$skiptoken={token}'])}"
