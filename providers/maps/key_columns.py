"""Whether the columns of an integration key are there, and one of them is that of the company. Reads Dataverse only.

A path such as `msdyn_company.cdm_companycode` goes through a lookup (dual-write-management-api.md E9); a table of
company-specific rows has the company in its key (dual-write-semantics.md 7.6). No pulumi.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from providers.protocol.problems import Problem
from providers.protocol.words import first_names
from providers.stamping.tables import COMPANY_TABLE, company_lookup

if TYPE_CHECKING:
    from providers.api.dataverse.client import Dataverse
    from providers.api.dataverse.models import EntityDefinition

_COMPANY_CODE = "cdm_companycode"


def column_problems(dataverse: Dataverse, keys: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    """One for each column that a table of Dataverse lacks. `keys`: table set to columns."""
    for name, table in _definitions(dataverse, keys).items():
        for column in keys[name]:
            text = _unknown(dataverse, table, column)
            if text:
                yield Problem(_path(name), text)


def company_problems(
    dataverse: Dataverse, keys: Mapping[str, Sequence[str]], companies: Sequence[str]
) -> Iterator[Problem]:
    """One for each key that does not tell companies apart, where several are linked and the rows have one."""
    if len(companies) < 2:
        return
    for name, table in _definitions(dataverse, keys).items():
        lookup = company_lookup(table)
        if lookup and not _has_company(table, keys[name]):
            yield Problem(_path(name), _without_company(f"{lookup.column}.{_COMPANY_CODE}", companies))


def _definitions(dataverse: Dataverse, keys: Mapping[str, Sequence[str]]) -> dict[str, EntityDefinition]:
    return dataverse.table_definitions(list(keys)) if keys else {}


def _path(table: str) -> str:
    return f"integration_keys[{table!r}]"


def _unknown(dataverse: Dataverse, table: EntityDefinition, column: str) -> str | None:
    """Against a column, or the first step of a path through a lookup, that is not there; further steps are not read."""
    first, _, rest = column.casefold().partition(".")
    columns = _columns(table)
    if first not in columns:
        return _missing(first, table.set_name, columns)
    targets = [each.refers_to for each in table.lookups if each.column == first]
    if rest and not targets:
        return f"`{first}` of {table.set_name} is no lookup, so `{column}` leads nowhere"
    return _unknown_there(dataverse, targets[0], rest) if rest and len(targets) == 1 else None


def _unknown_there(dataverse: Dataverse, name: str, path: str) -> str | None:
    """The same for the table of that logical name, to which a lookup leads."""
    table, column = dataverse.entity_definition(name), path.partition(".")[0]
    return _missing(column, name, _columns(table)) if table and column not in _columns(table) else None


def _columns(table: EntityDefinition) -> set[str]:
    return {each.logical_name for each in table.attributes} | {each.column for each in table.lookups}


def _missing(column: str, table: str, columns: Iterable[str]) -> str:
    close = difflib.get_close_matches(column, columns, n=1)
    advice = f"; did you mean `{close[0]}`?" if close else ""
    return f"{table} has no column `{column}`{advice}"


def _has_company(table: EntityDefinition, columns: Iterable[str]) -> bool:
    lookups = {each.column for each in table.lookups if each.refers_to == COMPANY_TABLE}
    return any(column.casefold().partition(".")[0] in lookups for column in columns)


def _without_company(column: str, companies: Sequence[str]) -> str:
    return (
        f"has no company in the key, and the link has {first_names(sorted(companies))}: rows of two companies with one "
        f"number would be one row. Add `{column}`"
    )
