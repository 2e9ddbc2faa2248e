"""`EntityMap`: which version of one entity map is active, by number and author.

API: dual-write management service E1 to E8 (dual-write-management-api.md), and the Dataverse table of saved versions.
Natural key: the link and the map's name. Replaces: either environment, the map. A map without this resource runs on the
version it has. Not read back: column mappings; filters are reported and never compared. A switch takes seconds on a
stopped map, a stop and a start more (about half a minute, assumed) on one that runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Unpack

import pulumi

from providers.catalogue.companies import in_one_order
from providers.instances.on_cds import OnCds
from providers.instances.references import KnownNames
from providers.maps.map_model import EntityMapArguments, EntityMapInputs, EntityMapOutputs, EntityMapPrivate
from providers.maps.versions import LATEST, UNRESOLVED, is_number, same_number
from providers.protocol.base import Call, ManagedResource, Problem, Stored
from providers.protocol.diff import Meaning

if TYPE_CHECKING:
    from providers.maps.active_version import ActiveVersion

__all__ = ["EntityMap", "EntityMapInputs", "EntityMapOutputs", "EntityMapProvider"]


class EntityMapProvider(OnCds[EntityMapInputs, EntityMapOutputs]):
    """Switch the version where it differs; the run state stays as it was found."""

    resource = "EntityMap"
    inputs = EntityMapInputs
    outputs = EntityMapOutputs
    private_inputs = EntityMapPrivate

    def name_of(self, values: EntityMapInputs | EntityMapOutputs) -> str:
        """The name of the map."""
        return values.map

    def normalise(self, inputs: EntityMapInputs) -> EntityMapInputs:
        """Company codes in upper case, in one order."""
        return inputs.model_copy(update={"companies": in_one_order(inputs.companies)})

    def resolved(self, inputs: EntityMapInputs, old: EntityMapInputs | None, call: Call) -> EntityMapInputs:
        """`latest` becomes a number: once by looking, later by what the last refresh saw."""
        if inputs.version != LATEST:
            return inputs
        if old and _is_resolved(old, inputs):
            number = old.offered or old.version
        else:
            number = _active_version().newest(inputs, call) or UNRESOLVED
        known = number if is_number(number) else None
        return inputs.model_copy(update={"version": number, "latest": True, "offered": known})

    def meaning(self, name: str, was: Any, wanted: Any, stored: Stored) -> Meaning:
        """A number may be written shorter; without a pinned author any is right."""
        if name == "author" and wanted is None:
            return Meaning.SAME
        if name == "version" and was and wanted:
            return Meaning.SAME if same_number(was, wanted) else Meaning.OTHER
        return super().meaning(name, was, wanted, stored)

    def names(self, stored: Stored) -> KnownNames:
        """The host of the environment is stored by itself."""
        known, host = super().names(stored), stored.outputs.get("cds_host")
        return known._replace(url=known.url or (f"https://{host}" if host else ""))

    def problems(self, inputs: EntityMapInputs, old: EntityMapInputs | None) -> Iterable[Problem]:
        """`latest` without an author."""
        if inputs.latest and inputs.author is None:
            yield Problem("version", "`latest` needs an `author`: the highest number need not be the wanted one")

    def live_problems(self, inputs: EntityMapInputs, call: Call) -> Iterator[Problem]:
        """A pin that is not offered or not plain, and a paused map; silent while there is no link, token or map."""
        return _active_version().live_problems(inputs, call)

    def live_change_problems(self, inputs: EntityMapInputs, old: EntityMapInputs, call: Call) -> Iterator[Problem]:
        """The same for another pin."""
        if not same_number(inputs.version, old.version) or inputs.author != old.author:
            yield from self.live_problems(inputs, call)

    def on_create(self, inputs: EntityMapInputs, call: Call) -> tuple[str, EntityMapOutputs]:
        """Make the version active; safe to repeat."""
        return _active_version().create(inputs, call)

    def on_read(self, identifier: str, stored: EntityMapOutputs, call: Call) -> EntityMapOutputs | None:
        """The active version by the list that all maps share, filters by one read of Dataverse. Gone with its CDS."""
        return _active_version().read(stored, call)

    def on_update(
        self, identifier: str, stored: EntityMapOutputs, inputs: EntityMapInputs, call: Call
    ) -> EntityMapOutputs:
        """Make the version active where it is not."""
        return _active_version().update(stored, inputs, call)

    def on_delete(self, identifier: str, stored: EntityMapOutputs, call: Call) -> None:
        """The map keeps the version it has, and nobody watches it."""


class EntityMap(ManagedResource, module="dualwrite", name="EntityMap"):
    """The version of one entity map."""

    cloud: pulumi.Output[str]
    cds: pulumi.Output[str]
    map: pulumi.Output[str]
    version: pulumi.Output[str]
    publisher: pulumi.Output[str]
    finops_filter: pulumi.Output[str]
    cds_filter: pulumi.Output[str]

    def __init__(
        self, resource_name: str, *, opts: pulumi.ResourceOptions | None = None, **inputs: Unpack[EntityMapArguments]
    ) -> None:
        super().__init__(EntityMapProvider(), resource_name, inputs, opts)


def _is_resolved(old: EntityMapInputs, wanted: EntityMapInputs) -> bool:
    """Whether `latest` of that map and author became a number before."""
    same_map = (old.map, old.author) == (wanted.map, wanted.author)
    return bool(old.latest) and same_map and is_number(old.version)


def _active_version() -> ActiveVersion:
    """Loaded by the first operation that asks a service or changes something; most previews do neither."""
    from providers.maps.active_version import ActiveVersion

    return ActiveVersion()
