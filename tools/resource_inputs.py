"""The inputs of all resources, and the form of the pages that say something of each of them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from pydantic.fields import FieldInfo

from providers.application_package import ApplicationPackageProvider
from providers.cds_instance import CdsInstanceProvider
from providers.company import CompanyProvider
from providers.company_bootstrap import CompanyBootstrapProvider
from providers.dual_write_connection import DualWriteConnectionProvider
from providers.entity_map import EntityMapProvider
from providers.finops_instance import FinOpsInstanceProvider
from providers.live_sync import LiveSyncProvider
from providers.protocol.base import Provider

PROVIDERS: tuple[type[Provider[Any, Any]], ...] = (
    CdsInstanceProvider,
    FinOpsInstanceProvider,
    ApplicationPackageProvider,
    CompanyProvider,
    DualWriteConnectionProvider,
    CompanyBootstrapProvider,
    EntityMapProvider,
    LiveSyncProvider,
)


class Input(NamedTuple):
    """One input of one resource. `schema`: the JSON schema of its values."""

    resource: str
    name: str
    field: FieldInfo
    schema: dict[str, Any]


def inputs() -> Iterator[Input]:
    """Every input of every resource, in the order of the models."""
    for provider in PROVIDERS:
        schemas = provider.inputs.model_json_schema()["properties"]
        for name, field in provider.inputs.model_fields.items():
            yield Input(provider.resource, name, field, schemas[name])


def page(head: str, columns: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """A whole page: the head, then a table for each resource. `rows`: resource and cells, a resource's together."""
    text = head
    for resource, own in groupby(rows, key=lambda row: row[0]):
        text += f"\n## {resource}\n\n{_line(columns)}{_line(['---'] * len(columns))}"
        text += "".join(_line(cells) for _, cells in own)
    return text + "\nMade from the models by `python -m tools.generated`; `make check` compares it.\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
