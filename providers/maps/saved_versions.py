"""What Dataverse has saved of map versions: their filters, by id of the version. No pulumi.

dual-write-management-api.md 10.1: the table `msdyn_dualwriteentitymap` has a row a saved version; that its id is the
template id of the service is inferred. One paged read for all maps, shared by everyone who asks in one refresh.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from providers.api.dataverse.client import Dataverse


class Filters(NamedTuple):
    """The texts that choose rows: an X++ range of F&O, and an OData condition of CDS; empty for all rows."""

    finops: str = ""
    cds: str = ""


def filters_of(dataverse: Dataverse, template_id: str) -> Filters | None:
    """The filters of a saved version; None where Dataverse has no such row, or one that cannot be read."""
    for row in dataverse.entity_maps():
        if str(row.get("msdyn_dualwriteentitymapid", "")).casefold() == template_id.casefold():
            return read_filters(row.get("msdyn_mapping"))
    return None


def read_filters(mapping: object) -> Filters | None:
    """The filters of `msdyn_mapping`, which can be JSON within JSON."""
    match _decoded(_decoded(mapping)):
        case {"legs": [Mapping() as leg, *_]}:
            return Filters(str(leg.get("sourceFilter") or ""), str(leg.get("reversedSourceFilter") or ""))
        case _:
            return None


def _decoded(value: object) -> Any:
    """What a JSON text holds; None for one that is none, anything else as it is."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None
