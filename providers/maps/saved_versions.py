"""What Dataverse has saved of map versions: their filters, by id of the version. No pulumi.

dual-write-management-api.md 10.1: the table `msdyn_dualwriteentitymap` has a row a saved version; that its id is the
template id of the service is inferred. One paged read for all maps, shared by everyone who asks in one refresh.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

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
    document: Any = mapping
    for _ in range(2):
        if isinstance(document, str):
            try:
                document = json.loads(document)
            except ValueError:
                return None
    legs = document.get("legs") if isinstance(document, Mapping) else None
    leg = legs[0] if isinstance(legs, list) and legs and isinstance(legs[0], Mapping) else None
    if leg is None:
        return None
    return Filters(str(leg.get("sourceFilter") or ""), str(leg.get("reversedSourceFilter") or ""))
