"""The filters of a map on rows: Dataverse's are OData, F&O's are query range expressions (dual-write-semantics.md 7.5).

A range expression is translated to OData, so that one compiler serves both sides.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from emulator.data.maps import Map
from emulator.data.schemas import Column, Plane, Table, table
from emulator.tables import ETAG, Condition
from emulator.tables.filters import compile_filter
from emulator.tenant import Tenant

_TOKEN = re.compile(r'\s*(?:"(?P<text>[^"]*)"|(?P<word>\w+(?:\.\d+)?)|(?P<sign>&&|\|\||==|!=|<=|>=|[=<>!()]))')
_SIGNS = {"&&": "and", "||": "or", "==": "eq", "=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def set_of(mapped: Map, plane: Plane) -> str:
    """Return the entity set of a map on one side."""
    return mapped.finops_set if plane == "finops" else mapped.dataverse_set


def condition(mapped: Map, plane: Plane, host: str) -> Condition:
    """Return a map's filter on one side; every row satisfies an empty one."""
    text = mapped.finops_filter if plane == "finops" else mapped.dataverse_filter
    return _compiled(plane, set_of(mapped, plane), host, text) if text else Condition()


def matches(tenant: Tenant, mapped: Map, plane: Plane, host: str, row: Mapping[str, Any]) -> bool:
    """Return whether a row, stored or not, passes the map's filter on its side."""
    wanted = condition(mapped, plane, host)
    if wanted == Condition():
        return True
    schema = table(plane, set_of(mapped, plane))
    company = row.get(schema.company) if schema.company else None
    data = json.dumps({name: value for name, value in row.items() if name != ETAG})
    cursor = tenant.store.execute(
        f"SELECT 1 FROM (SELECT ? AS data, ? AS company) r WHERE {wanted.sql}",  # noqa: S608 - compiled, values apart
        (data, company.casefold() if isinstance(company, str) else None, *wanted.parameters),
    )
    return cursor.fetchone() is not None


@lru_cache(maxsize=256)
def _compiled(plane: Plane, entity_set: str, host: str, text: str) -> Condition:
    schema = table(plane, entity_set)
    return compile_filter(schema, host, odata_of_range(schema, text) if plane == "finops" else text)


def odata_of_range(schema: Table, text: str) -> str:
    """Return a query range expression as OData: `(Type == "Person") || (Kind = 1)`; enum numbers become members.

    Raises:
        ValueError: it holds something else than names, values, comparisons, `&&`, `||`, `!` and parentheses.
    """
    columns = {column.name.casefold(): column for column in schema.columns.values()}
    parts: list[str] = []
    compared: Column | None = None
    for token in _tokens(text):
        sign, word = token["sign"], token["word"]
        if sign is not None:
            parts.append("not " if sign == "!" else _SIGNS.get(sign, sign))
        elif word is None:
            parts.append(_quoted(token["text"]))
        elif word.casefold() in columns:
            compared = columns[word.casefold()]
            parts.append(compared.name)
        else:
            parts.append(_member(compared, word))
    return " ".join(parts)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    position, stripped = 0, text.rstrip()
    while position < len(stripped):
        token = _TOKEN.match(stripped, position)
        if token is None:
            msg = f"'{text}' is no query range expression"
            raise ValueError(msg)
        position = token.end()
        yield token


def _member(compared: Column | None, word: str) -> str:
    """Return the enum member that a number stands for, any other word as it is."""
    if compared is not None and compared.type == "enum" and word.isdigit():
        return _quoted(compared.members[int(word)])
    return word


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
