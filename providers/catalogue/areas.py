"""The areas of standard maps, and the packages and map solutions that carry them.

Package names: power-platform-api.md 14.3 and 14.7; what an area needs before it: dual-write-semantics.md 7.9;
solution names: dual-write-management-api.md E13. No source pairs areas with packages and solutions one by one:
the pairing below is *assumed* for all areas but application-core and party. Pure.
"""

from collections.abc import Iterable
from typing import NamedTuple

# Found only in the catalogue; nobody can include it by name.
NOT_STATED = "not stated"

ORCHESTRATION_PACKAGE = "Dynamics365FinanceAndOperationsAnchor"
ORCHESTRATION_MAPS = "Dynamics365FinanceAndOperationsDualWriteMaps"

# Every order of installation follows this one: what a package needs stands before it.
PACKAGE_ORDER = (
    "DualWriteCoreAnchor",
    "msdyn_DualWriteAppCoreAnchor",
    "msdyn_Dynamics365FinanceExtendedAnchor",
    "HCMCommonAnchor",
    "msdyn_Dynamics365HCMAnchor",
    "msdyn_DualWriteAssetManagementAnchor",
    ORCHESTRATION_PACKAGE,
    "msdyn_Dynamics365SupplyChainExtendedAnchor",
    "ProjectOperations_Anchor",
    "Dynamics365GABParty_Anchor",
)


class Area(NamedTuple):
    """One area: its spelling in the list of standard maps, its packages, its map solution, the areas it needs."""

    name: str
    listed_as: str
    packages: tuple[str, ...]
    solution: str
    needs: tuple[str, ...] = ()


AREAS = (
    Area(
        "application-core",
        "Dual-write Application Core",
        ("DualWriteCoreAnchor", "msdyn_DualWriteAppCoreAnchor"),
        "msdyn_DualWriteAppCoreMaps",
    ),
    Area(
        "finance",
        "Dual-write Finance",
        ("msdyn_Dynamics365FinanceExtendedAnchor",),
        "msdyn_Dynamics365FinanceExtendedMaps",
        ("application-core",),
    ),
    Area(
        "human-resources",
        "Dual-write Human Resources",
        ("HCMCommonAnchor", "msdyn_Dynamics365HCMAnchor", ORCHESTRATION_PACKAGE),
        ORCHESTRATION_MAPS,
        ("application-core",),
    ),
    Area(
        "supply-chain",
        "Dual-write Supply Chain",
        ("msdyn_Dynamics365SupplyChainExtendedAnchor",),
        "msdyn_Dynamics365SupplyChainExtendedMaps",
        ("application-core", "finance", "human-resources"),
    ),
    Area(
        "notes",
        "Dual-write Notes",
        (ORCHESTRATION_PACKAGE,),
        ORCHESTRATION_MAPS,
        ("application-core", "finance"),
    ),
    Area(
        "asset-management",
        "Dual-write Asset Management",
        ("msdyn_DualWriteAssetManagementAnchor", ORCHESTRATION_PACKAGE),
        ORCHESTRATION_MAPS,
        ("application-core",),
    ),
    Area(
        NOT_STATED,
        "not stated",
        (ORCHESTRATION_PACKAGE,),
        ORCHESTRATION_MAPS,
        ("application-core",),
    ),
    Area(
        "project-operations",
        "Project Operations",
        (ORCHESTRATION_PACKAGE, "ProjectOperations_Anchor"),
        ORCHESTRATION_MAPS,
        ("application-core", "finance", "supply-chain", "asset-management", "human-resources"),
    ),
    Area(
        "party",
        "Dual-write party and global address book",
        ("Dynamics365GABParty_Anchor",),
        "Dynamics365GABDualWriteEntityMaps",
        ("application-core", "finance", "supply-chain"),
    ),
)
AREA_NAMES = tuple(area.name for area in AREAS if area.name != NOT_STATED)

_BY_NAME = {area.name: area for area in AREAS}


def listed_area(text: str) -> str:
    """The area name of one spelling in the list of standard maps; KeyError when the list knows another one."""
    return {area.listed_as: area.name for area in AREAS}[text.strip()]


def packages_for(areas: Iterable[str]) -> tuple[str, ...]:
    """The application packages that maps of these areas need, those of needed areas included, in documented order."""
    wanted = {package for area in _closed(areas) for package in _BY_NAME[area].packages}
    return tuple(package for package in PACKAGE_ORDER if package in wanted)


def solutions_for(areas: Iterable[str]) -> tuple[str, ...]:
    """The map solutions that carry maps of these areas, in documented order."""
    wanted = set(areas)
    return tuple(dict.fromkeys(area.solution for area in AREAS if area.name in wanted))


def _closed(areas: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(areas)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _BY_NAME[name].needs
    return found
