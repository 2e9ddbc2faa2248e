"""Whether the pair's rows and companies allow the initial syncs that a stack plans; asked before they are begun.

dual-write-semantics.md 1.8 and 10. Reads only. Counts the side that exists while the other one is still to be made,
and says nothing about maps that will not be synced because they run already or were synced before. No pulumi.
"""

from collections.abc import Collection, Iterable, Mapping

from providers.api.dual_write.models import EntityMapStatus, LinkedEnvironment
from providers.api.identity.dual_write_tokens import dual_write_token_configured
from providers.api.session import Session
from providers.api.transport.errors import ApiError, NotFound
from providers.catalogue.companies import AS_LINKED
from providers.instances.references import host_of, resolve
from providers.maps.initial_sync import newest_run
from providers.maps.live_sync_model import LiveSyncInputs
from providers.maps.row_counts import FEWER_COMPANIES, RowCounts, too_many_companies
from providers.maps.sync_plan import LIVE
from providers.protocol.base import Call, Problem


def volume_problems(
    inputs: LiveSyncInputs, sides: Mapping[str, str], call: Call, again: Collection[str] = ()
) -> Iterable[Problem]:
    """One problem for each map of `sides` with too many rows, and for too many companies as linked.

    `again`: maps that are synced although they run. How many cannot be counted stands on the row.
    """
    if not sides:
        return
    session = call.session(inputs.cloud, gateway=inputs.gateway)
    cds_host, finops_host = _hosts(session, inputs)
    link = _link(session, finops_host)
    linked = _companies(session, link) if inputs.companies == AS_LINKED else inputs.listed_companies
    if inputs.companies == AS_LINKED and len(linked) > inputs.companies_limit:
        yield Problem("companies", f"{too_many_companies(len(linked), inputs.companies_limit)}. {FEWER_COMPANIES}")
    statuses = _statuses(session, link)
    maps = [name for name in sides if name in again or not _runs(statuses.get(name))]
    counts = RowCounts(
        session.dataverse(cds_host) if cds_host else None,
        session.finance_operations(finops_host) if finops_host else None,
        linked,
        inputs.limits,
    )
    found = counts.volumes(maps)
    if found.not_checked and cds_host and finops_host:
        call.progress(f"rows of {len(maps) - len(found.not_checked)} of {len(maps)} maps counted beforehand")
    for excess in found.excesses:
        if excess.map in again or not _was_synced(session, statuses.get(excess.map)):
            yield Problem(f"initial_sync[{excess.map!r}]", f"'{excess.map}' {excess.text}")


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


def _statuses(session: Session, link: LinkedEnvironment | None) -> dict[str, EntityMapStatus]:
    return {status.name: status for status in session.dual_write.maps(link.cid)} if link else {}


def _runs(status: EntityMapStatus | None) -> bool:
    return status is not None and status.state in LIVE


def _was_synced(session: Session, status: EntityMapStatus | None) -> bool:
    if status is None or not status.detail.pid:
        return False
    try:
        run = newest_run(session.dual_write.executions(status.detail.pid))
    except ApiError:
        return False
    return run is not None and run.clean
