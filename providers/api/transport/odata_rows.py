"""Rows of an OData service: pages, one row, writes. What Dataverse and F&O have in common."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypedDict, TypeVar, Unpack

from pydantic import BaseModel

from providers.api.transport import odata, wire
from providers.api.transport.answers import Response
from providers.api.transport.client import ServiceClient
from providers.api.transport.errors import NotFound

M = TypeVar("M", bound=BaseModel)
Row = dict[str, Any]
Key = str | Mapping[str, str | int | bool]
NO_HEADERS: Mapping[str, str] = {}


class Query(TypedDict, total=False):
    """Which rows of a set and which columns of them; `expand` follows lookups, `top` ends after so many rows."""

    filter: str | None
    select: Sequence[str]
    orderby: str | None
    expand: str | None
    top: int | None


class RowPage(NamedTuple):
    """Rows as one answer brings them; `last` when the service names no page behind it."""

    rows: list[Row]
    last: bool


@dataclass(frozen=True)
class ODataRows:
    """The rows below one root path. `headers` and `params` go with every call, extra headers with one."""

    client: ServiceClient
    root: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)

    def pages(
        self, entity_set: str, extra: Mapping[str, str] = NO_HEADERS, **query: Unpack[Query]
    ) -> Iterator[RowPage]:
        """Rows as the pages in which they come; the next one is asked for when it is wanted."""
        params = {**self.params, **_params(query)}
        for page in self.client.pages(f"{self.root}/{entity_set}", params=params, headers={**self.headers, **extra}):
            if not all(isinstance(row, dict) for row in page.items):
                raise wire.unexpected("value: a row is no object", page.response, self.client.service)
            yield RowPage(page.items, page.last)

    def read(
        self, model: type[M], entity_set: str, extra: Mapping[str, str] = NO_HEADERS, **query: Unpack[Query]
    ) -> list[M]:
        """All the rows as models."""
        path, params = f"{self.root}/{entity_set}", {**self.params, **_params(query)}
        return self.client.read_pages(model, path, params=params, headers={**self.headers, **extra})

    def counted(self, entity_set: str, extra: Mapping[str, str] = NO_HEADERS, **query: Unpack[Query]) -> Row:
        """The body of a GET that asks for the number of rows (`@odata.count`)."""
        params = {**self.params, "$count": "true", **_params(query)}
        return wire.mapping(self.get(entity_set, params, extra), self.client.service)

    def row(self, entity_set: str, key: Key, select: Sequence[str] = ()) -> Row | None:
        """One row by its key; None when absent."""
        params = {**self.params, **_params({"select": select})}
        try:
            response = self.get(f"{entity_set}{odata.key_segment(key)}", params)
        except NotFound:
            return None
        row = wire.mapping(response, self.client.service)
        if not row:
            raise wire.unexpected("a row without columns", response, self.client.service)
        return row

    def get(
        self, path: str, params: Mapping[str, str] | None = None, extra: Mapping[str, str] = NO_HEADERS
    ) -> Response:
        """GET what stands below the root."""
        return self.client.request("GET", f"{self.root}/{path}", params=params, headers={**self.headers, **extra})

    def create(self, entity_set: str, values: Mapping[str, object], extra: Mapping[str, str] = NO_HEADERS) -> Response:
        """Create a row. Never re-sent blindly."""
        return self.client.request(
            "POST",
            f"{self.root}/{entity_set}",
            json=values,
            headers={**self.headers, **extra},
            expected={200, 201, 204},
            answer="maybe",
        )

    def update(
        self, entity_set: str, key: Key, values: Mapping[str, object], extra: Mapping[str, str] = NO_HEADERS
    ) -> None:
        """Change a row. Raises `NotFound`."""
        self._write("PATCH", f"{entity_set}{odata.key_segment(key)}", json=values, headers={**self.headers, **extra})

    def delete(self, entity_set: str, key: Key) -> None:
        """Delete a row; an absent one is a success."""
        try:
            self._write("DELETE", f"{entity_set}{odata.key_segment(key)}", headers=self.headers)
        except NotFound:
            return

    def _write(self, method: str, path: str, **options: Any) -> None:
        self.client.request(
            method,
            f"{self.root}/{path}",
            params=self.params,
            expected={200, 204},
            replay="safe",
            answer="maybe",
            **options,
        )


def _params(query: Query) -> dict[str, str]:
    """The query of the URL; what is not asked for is left out."""
    top = query.get("top")
    options = {
        "$filter": query.get("filter"),
        "$select": ",".join(query.get("select", ())) or None,
        "$orderby": query.get("orderby"),
        "$expand": query.get("expand"),
        "$top": str(top) if top is not None else None,
    }
    return {name: value for name, value in options.items() if value is not None}
