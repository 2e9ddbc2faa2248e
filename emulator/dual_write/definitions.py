"""What the link's maps map: the standard maps, and which Dataverse solution carries which of them.

The pairing of area, package and solution is assumed; names of packages and solutions are those of
dual-write-semantics.md 7.9, power-platform-api.md 14.3 and dual-write-management-api.md E13.
"""

import uuid
from dataclasses import dataclass
from functools import cache

from emulator.data.maps import MAPS, Map, map_by_name
from emulator.data.schemas import logical_name

MapDefinition = Map

_NAMESPACE = uuid.UUID("5b3e6f0a-0d5b-4c61-9d0c-7d0f6c1f2a11")
PUBLISHER_PREFIX = "msdyn"
AUTHOR = "Microsoft Corporation"


@dataclass(frozen=True)
class MapSolution:
    """A solution with maps (E12). `package`: the application package that brings it; `areas`: whose maps it carries."""

    unique_name: str
    friendly_name: str
    package: str
    areas: tuple[str, ...]
    version: str = "1.0.0.0"

    @property
    def solution_id(self) -> str:
        """Return the same id in every environment, as managed solutions have."""
        return str(uuid.uuid5(_NAMESPACE, self.unique_name))


CORE_PACKAGE = "DualWriteCoreAnchor"
CORE_AREA = "application-core"

SOLUTIONS = (
    MapSolution(
        "msdyn_DualWriteAppCoreMaps",
        "Dual-write Application Core Maps",
        "msdyn_DualWriteAppCoreAnchor",
        (CORE_AREA,),
    ),
    MapSolution(
        "msdyn_Dynamics365FinanceExtendedMaps",
        "Dynamics 365 Finance Extended Maps",
        "msdyn_Dynamics365FinanceExtendedAnchor",
        ("finance",),
    ),
    MapSolution(
        "msdyn_Dynamics365SupplyChainExtendedMaps",
        "Dynamics 365 Supply Chain Extended Maps",
        "msdyn_Dynamics365SupplyChainExtendedAnchor",
        ("supply-chain",),
    ),
    MapSolution(
        "Dynamics365FinanceAndOperationsDualWriteMaps",
        "Dynamics 365 Finance and Operations Dual-write Maps",
        "Dynamics365FinanceAndOperationsAnchor",
        ("human-resources", "notes", "project-operations", "asset-management", ""),
    ),
    MapSolution(
        "Dynamics365GABDualWriteEntityMaps",
        "Dynamics 365 Party and Global Address Book Maps",
        "Dynamics365GABParty_Anchor",
        ("party",),
    ),
)


def definition(name: str) -> MapDefinition:
    """Return a standard map by its name; KeyError when there is none."""
    mapped = map_by_name(name)
    if mapped is None:
        raise KeyError(name)
    return mapped


def dataverse_table(mapped: MapDefinition) -> str:
    """Return the logical name of the Dataverse table."""
    return logical_name(mapped.dataverse_set)


def solution(unique_name: str) -> MapSolution | None:
    """Return a map solution by its unique name, without regard to case, or None."""
    wanted = unique_name.casefold()
    return next((one for one in SOLUTIONS if one.unique_name.casefold() == wanted), None)


@cache
def maps_in(carrier: MapSolution) -> tuple[MapDefinition, ...]:
    """Return the maps that a solution carries; a map of two areas belongs to the solution of the first."""
    return tuple(one for one in MAPS if (one.areas[0] if one.areas else "") in carrier.areas)


def template_id(name: str, version: str, copy: int = 0, author: str = AUTHOR) -> str:
    """Return the id of one version of a map; duplicates (E13 with several solutions) have ids of their own."""
    other = "" if author == AUTHOR else f"/{author}"
    return str(uuid.uuid5(_NAMESPACE, f"{name}/{version}/{copy}{other}"))
