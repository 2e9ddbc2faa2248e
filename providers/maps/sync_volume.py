"""Whether the pair's rows and companies allow the initial syncs that a stack plans; asked before they are begun.

dual-write-semantics.md 1.8 and 10. Reads only. Counts the side that exists while the other one is still to be made,
and says nothing about maps that will not be synced because they run already or were synced before. No pulumi.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from providers.api.identity.dual_write_sources import dual_write_token_configured
from providers.api.transport.errors import ApiError, NotFound
from providers.catalogue.companies import AS_LINKED
from providers.instances.references import resolve
from providers.maps.initial_sync import newest_run
from providers.maps.model import LiveSyncInputs
from providers.maps.row_counts import FEWER_COMPANIES, RowCounts, Volumes, too_many_companies
from providers.maps.sync_plan import LIVE
from providers.protocol.addresses import host_of
from providers.protocol.base import Call, Problem

if TYPE_CHECKING:
    from providers.api.dual_write.models import EntityMapStatus, LinkedEnvironment
    from providers.api.session import Session


def volume_problems(
    inputs: LiveSyncInputs, sides: Mapping[str, str], call: Call, again: Collection[str] = ()
) -> Iterable[Problem]:
    """One problem for each map of `sides` with too many rows, and for too many companies as linked.

    `again`: maps that are synced although they run. How many cannot be counted stands on the row.
    """
    if not sides:
        return
    pair = _PairNow.read(call.session(inputs.cloud, gateway=inputs.gateway), inputs)
    yield from _company_problems(inputs, pair)
    maps = [name for name in sides if name in again or not pair.runs(name)]
    volumes = pair.volumes(maps, inputs)
    if volumes.not_checked and pair.is_whole:
        call.progress(f"rows of {len(maps) - len(volumes.not_checked)} of {len(maps)} maps counted beforehand")
    for excess in volumes.excesses:
        if excess.map in again or not pair.was_synced(excess.map):
            yield Problem(f"initial_sync[{excess.map!r}]", f"'{excess.map}' {excess.text}")


def _company_problems(inputs: LiveSyncInputs, pair: _PairNow) -> Iterator[Problem]:
    """A declared list is judged where it is declared."""
    count = len(pair.companies)
    if inputs.companies == AS_LINKED and count > inputs.companies_limit:
        yield Problem("companies", f"{too_many_companies(count, inputs.companies_limit)}. {FEWER_COMPANIES}")


class _PairNow(NamedTuple):
    """What can be read of the pair at the moment: hosts as far as they are there, companies, maps of the link."""

    session: Session
    cds_host: str | None
    finops_host: str | None
    companies: list[str]
    statuses: Mapping[str, EntityMapStatus]

    @classmethod
    def read(cls, session: Session, inputs: LiveSyncInputs) -> _PairNow:
        """Read it; without a link, or a token to see it with, there are no maps and the companies are the declared."""
        cds_host, finops_host = _hosts(session, inputs)
        link = _link(session, finops_host)
        companies = _companies(session, link) if inputs.companies == AS_LINKED else inputs.listed_companies
        listed = session.dual_write.maps(link.cid) if link else []
        return cls(session, cds_host, finops_host, companies, {status.name: status for status in listed})

    @property
    def is_whole(self) -> bool:
        """Whether both sides are there."""
        return bool(self.cds_host and self.finops_host)

    def volumes(self, maps: Collection[str], inputs: LiveSyncInputs) -> Volumes:
        """Rows of these maps against the limits."""
        return RowCounts(
            self.session.dataverse(self.cds_host) if self.cds_host else None,
            self.session.finance_operations(self.finops_host) if self.finops_host else None,
            self.companies,
            inputs.limits,
        ).volumes(maps)

    def runs(self, name: str) -> bool:
        """Whether the map is live."""
        return name in self.statuses and self.statuses[name].state in LIVE

    def was_synced(self, name: str) -> bool:
        """Whether the newest initial sync of the map ended clean; False where nothing shows it."""
        pid = self.statuses[name].detail.pid if name in self.statuses else None
        if not pid:
            return False
        try:
            run = newest_run(self.session.dual_write.executions(pid))
        except ApiError:
            return False
        return run is not None and run.clean


def _hosts(session: Session, inputs: LiveSyncInputs) -> tuple[str | None, str | None]:
    """The hosts of CDS and F&O, as far as they are there."""
    try:
        environment = resolve(session.power_platform.environments(fresh=True), inputs.cds)
    except NotFound:
        return None, host_of(inputs.finops)
    installed = environment.finops.url if environment.finops else None
    return host_of(environment.url), host_of(inputs.finops or installed)


def _link(session: Session, finops_host: str | None) -> LinkedEnvironment | None:
    """The link; None when there is none yet, or no token to see it with (`preview` needs none)."""
    return session.dual_write.environment(finops_host) if finops_host and dual_write_token_configured() else None


def _companies(session: Session, link: LinkedEnvironment | None) -> list[str]:
    return session.dual_write.connection_set(link.cname).companies if link else []
