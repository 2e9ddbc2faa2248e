"""Compares the rows of both sides of a pair: what an initial sync or a bootstrap promised stands on both, and once.

Sets, keys and filters are those of the standard maps (dual-write mapping reference; filters: dual-write-semantics.md
7.5); the OData names of F&O are assumed. A row of Dataverse that its map's filter leaves out, or whose map goes the
other way only, stays where it is: such rows are counted.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple, Protocol

from providers.api.transport.errors import NotFound
from providers.api.transport.odata import equal
from tools.bags import entries, mapping
from tools.pulumi_cli import Deployment

NAMED_AT_MOST = 3
PARTY_TYPE = "PartyType eq Microsoft.Dynamics.DataEntities.DirPartyType"


class Compared(NamedTuple):
    """A company-specific map: set, key and filter (OData, empty for none) on each side, and the company's column.

    `one_way`: all its columns go from F&O to Dataverse.
    """

    map_name: str
    finops_set: str
    finops_key: str
    cds_set: str
    cds_key: str
    company: str = "msdyn_company"
    finops_filter: str = ""
    cds_filter: str = ""
    one_way: bool = False


COMPARED = (
    Compared(
        "msdyn_customergroups - Customer groups",
        "CustomerGroups",
        "CustomerGroupId",
        "msdyn_customergroups",
        "msdyn_groupid",
    ),
    Compared(
        "accounts - Customers V3",
        "CustomersV3",
        "CustomerAccount",
        "accounts",
        "accountnumber",
        finops_filter=f"{PARTY_TYPE}'Organization'",
        cds_filter="customertypecode eq 3",
    ),
    Compared(
        "contacts - Customers V3",
        "CustomersV3",
        "CustomerAccount",
        "contacts",
        "msdyn_contactpersonid",
        finops_filter=f"{PARTY_TYPE}'Person'",
        cds_filter="msdyn_sellable eq true and msdyn_contactpersonid ne null",
    ),
    Compared(
        "products - CDS released distinct products",
        "CDSReleasedDistinctProducts",
        "ProductNumber",
        "products",
        "msdyn_productnumber",
        company="msdyn_companyid",
        one_way=True,
    ),
    Compared(
        "msdyn_vendorgroups - Vendor groups",
        "VendorGroups",
        "VendorGroupId",
        "msdyn_vendorgroups",
        "msdyn_vendorgroup",
    ),
    Compared(
        "msdyn_vendors - Vendors V2",
        "VendorsV2",
        "VendorAccountNumber",
        "msdyn_vendors",
        "msdyn_vendoraccountnumber",
    ),
)


class Side(Protocol):
    """What a comparison needs of either side."""

    def rows(
        self,
        entity_set: str,
        *,
        filter: str | None = None,  # noqa: A002 - the OData word
        select: Sequence[str] = (),
    ) -> Iterator[dict[str, Any]]:
        """Rows of a set."""


class Promise(NamedTuple):
    """Rows of a company that a stack put on both sides.

    `stamped`: those of Dataverse must be in F&O (bootstrap); `synced`: each side's must be on the other (initial sync).
    """

    compared: Compared
    company: str
    stamped: bool
    synced: bool


class Comparison(NamedTuple):
    """How many rows of a company stand on each side; `outside`: rows of Dataverse that the map does not send."""

    promise: Promise
    finops: int
    cds: int
    outside: int
    example: str


@dataclass(frozen=True)
class Comparer:
    """Both sides of a pair."""

    finops: Side
    cds: Side

    def compare(self, promise: Promise) -> Comparison:
        """Count and match the keys; `NotFound` names rows that are missing on a side, or stand there twice."""
        compared, company = promise.compared, promise.company
        mine = equal("dataAreaId", company.lower())
        finops = self._keys(self.finops, compared.finops_set, compared.finops_key, mine, compared.finops_filter)
        carried = f"_{compared.company}_value eq {self._company_id(company)}"
        cds = self._keys(self.cds, compared.cds_set, compared.cds_key, carried, compared.cds_filter)
        carrying = cds
        if compared.cds_filter:
            carrying = self._keys(self.cds, compared.cds_set, compared.cds_key, carried)
        if compared.one_way:
            cds = Counter({key: count for key, count in cds.items() if key in finops})
        _same_keys(promise, finops, cds)
        example = min(finops.keys() & cds.keys(), default="")
        return Comparison(promise, finops.total(), cds.total(), carrying.total() - cds.total(), example.upper())

    def _company_id(self, code: str) -> str:
        found = next(self.cds.rows("cdm_companies", filter=equal("cdm_companycode", code)), None)
        if found is None:
            raise NotFound(f"Dataverse has no company {code}")
        return str(found["cdm_companyid"])

    @staticmethod
    def _keys(side: Side, entity_set: str, key: str, *filters: str) -> Counter[str]:
        wanted = " and ".join(each for each in filters if each)
        # Both services compare keys without regard to case.
        return Counter(str(row.get(key)).casefold() for row in side.rows(entity_set, filter=wanted, select=[key]))


def _none(what: str, keys: "Sequence[str] | set[str]", where: str) -> None:
    if keys:
        named = ", ".join(sorted(key.upper() for key in keys)[:NAMED_AT_MOST])
        raise NotFound(
            f"{what}: {len(keys):,} {'row' if len(keys) == 1 else 'rows'} {where}, such as {named}",
            next_step="Look at the map's errors on the dual-write page.",
        )


def _same_keys(promise: Promise, finops: Counter[str], cds: Counter[str]) -> None:
    """Refuse keys that stand twice on a side or are missing on one."""
    what = f"{promise.compared.map_name}, {promise.company}"
    for side, rows in (("Finance and Operations", finops), ("Dataverse", cds)):
        _none(what, [key for key, count in rows.items() if count > 1], f"twice in {side}")
    _none(what, cds.keys() - finops.keys(), "in Dataverse but not in Finance and Operations")
    if promise.synced:
        _none(what, finops.keys() - cds.keys(), "in Finance and Operations but not in Dataverse")


def promises(deployment: Deployment) -> list[Promise]:
    """What the stack's bootstraps and initial syncs put on both sides, as far as the maps run."""
    synced, stamped = _synced(deployment), _stamped(deployment)
    companies = sorted({company for _, company in synced | stamped})
    every = [
        Promise(compared, company, (compared.cds_set, company) in stamped, (compared.map_name, company) in synced)
        for company, compared in product(companies, _running(deployment))
    ]
    return [promise for promise in every if promise.stamped or promise.synced]


def _running(deployment: Deployment) -> list[Compared]:
    states = mapping(deployment.outputs, "maps")
    return [compared for compared in COMPARED if states.get(compared.map_name) == "running"]


def _synced(deployment: Deployment) -> set[tuple[str, str]]:
    """Map and company of every initial sync."""
    syncs = (mapping(live_sync, "initial_syncs") for live_sync in deployment.of_type("LiveSync"))
    return {(name, company.upper()) for each in syncs for name, companies in each.items() for company in companies}


def _stamped(deployment: Deployment) -> set[tuple[str, str]]:
    """Table and company of every bootstrap that wrote."""
    wrote = [each for each in deployment.of_type("CompanyBootstrap") if not each.get("simulate")]
    return {(table, str(each["company"]).upper()) for each in wrote for table in entries(each, "tables")}


def line(found: Comparison) -> str | None:
    """`accounts - Customers V3, USMF: 30 on both sides, none twice, such as US-001`; None without rows."""
    if not (found.finops or found.cds or found.outside):
        return None
    example = [f"none twice, such as {found.example}"] if found.example else []
    parts = [*_counts(found), *example, *_outside(found)]
    return f"{found.promise.compared.map_name}, {found.promise.company}: {', '.join(parts)}"


def _counts(found: Comparison) -> list[str]:
    if found.finops == found.cds:
        return [f"{found.cds:,} on both sides"]
    return [f"{found.finops:,} in Finance and Operations", f"{found.cds:,} in Dataverse"]


def _outside(found: Comparison) -> list[str]:
    """Rows that the map does not carry to F&O."""
    reason = "the map goes the other way only" if found.promise.compared.one_way else "outside the map's filter"
    return [f"{found.outside:,} more in Dataverse alone ({reason})"] if found.outside else []
