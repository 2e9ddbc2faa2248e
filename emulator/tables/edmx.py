"""`$metadata` of both planes: entity types with keys, columns and lookups."""

from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

from emulator.data.schemas import Table
from emulator.tables.values import edm_type

_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
    '<Schema Namespace={0} xmlns="http://docs.oasis-open.org/odata/ns/edm">'
)
_TAIL = "</Schema></edmx:DataServices></edmx:Edmx>"


def edmx(namespace: str, schemas: Iterable[Table]) -> str:
    """Return the document; enumerations of F&O are shown as text (simplified)."""
    schemas = list(schemas)
    by_set = {schema.set: schema for schema in schemas}
    types = "".join(_type(namespace, schema, by_set) for schema in schemas)
    sets = "".join(
        f"<EntitySet Name={quoteattr(schema.set)} EntityType={quoteattr(f'{namespace}.{schema.logical}')}/>"
        for schema in schemas
    )
    container = f'<EntityContainer Name="System">{sets}</EntityContainer>'
    return _HEAD.format(quoteattr(namespace)) + types + container + _TAIL


def _type(namespace: str, schema: Table, by_set: dict[str, Table]) -> str:
    keys = "".join(f"<PropertyRef Name={quoteattr(name)}/>" for name in schema.key)
    properties = "".join(
        f"<Property Name={quoteattr(column.property)} Type={quoteattr(edm_type(column))}/>"
        for column in schema.columns.values()
    )
    navigations = "".join(
        f"<NavigationProperty Name={quoteattr(name)} Type={quoteattr(f'{namespace}.{by_set[target].logical}')}/>"
        for name, (_, target) in schema.navigations().items()
    )
    return f"<EntityType Name={quoteattr(schema.logical)}><Key>{keys}</Key>{properties}{navigations}</EntityType>"
