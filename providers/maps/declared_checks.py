"""What speaks against declared maps before anything is done: prerequisites that shall not run, keys of paused maps.

dual-write-semantics.md 7.2: a map whose prerequisites are off fails when its plug-ins are registered. No pulumi.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from providers.api.identity.dual_write_sources import dual_write_token_configured
from providers.catalogue.selection import standard
from providers.link.pair import Pair, as_far_as_seen, find_link, find_pair
from providers.maps.integration_keys import KeyPlan
from providers.maps.key_columns import column_problems, company_problems
from providers.maps.model import LiveSyncInputs, LiveSyncOutputs, LiveSyncPrivate
from providers.maps.version_switch import STOPS_MEANWHILE
from providers.protocol.base import Call, Problem
from providers.protocol.findings import NOT_QUEUED, PAUSED_NEED
from providers.protocol.problems import Fixed
from providers.protocol.words import first_names

if TYPE_CHECKING:
    from providers.api.dual_write.models import ConnectionSet, EntityMapStatus
    from providers.api.session import Session


def stopped_prerequisites(inputs: LiveSyncInputs) -> Iterator[Problem]:
    """A map that shall be live and needs one that is declared stopped."""
    for name, need in _needs(inputs, "stopped"):
        yield Problem(f"maps[{need!r}]", f"is declared stopped, and '{name}' needs it to run: stop both, or neither")


def late_initial_syncs(inputs: LiveSyncInputs, old: LiveSyncInputs) -> Iterator[Problem]:
    """Initial syncs that come new to maps that run already: they would never begin, for one precedes the start."""
    late = [
        name
        for name in inputs.live_syncs
        if name not in old.masters
        and old.maps.get(name, "stopped") != "stopped"
        and inputs.resync.get(name) in (None, old.resync.get(name))
    ]
    if late:
        yield Fixed(
            "initial_sync",
            f"comes too late for maps that run already: {first_names([repr(name) for name in late])}. Give "
            "`maps.resync` (or that of an override) a new text to run it now, or leave `initialSync` out",
        )


def warn_of_paused_prerequisites(inputs: LiveSyncInputs, call: Call) -> None:
    """Prerequisites of running maps that are paused: what waits in their queues is missing on the other side."""
    needed = dict.fromkeys(need for name, need in _needs(inputs, "paused") if inputs.maps[name] == "running")
    if needed:
        call.warn(f"declared paused, and running maps need their rows: {first_names(sorted(needed))}", PAUSED_NEED)


def key_problems(inputs: LiveSyncInputs, call: Call) -> Iterable[Problem]:
    """Keys that cannot change because a map of the table is paused; which running maps stop meanwhile is announced."""
    if not (inputs.integration_keys and dual_write_token_configured()):
        return
    seen = as_far_as_seen(lambda: _key_plan(inputs, call))
    if seen is None:
        return
    wrong, plan = seen
    yield from wrong
    for status in plan.paused:
        yield Problem(f"integration_keys[{status.right_entity.name!r}]", plan.refusal(status))
    running = [f"'{name}'" for name in plan.interrupted]
    if running:
        tables = ", ".join(plan.changes)
        call.announce(
            f"for the integration key of {tables} each of these maps {STOPS_MEANWHILE}: {first_names(running)}",
            NOT_QUEUED,
        )


def _key_plan(inputs: LiveSyncInputs, call: Call) -> tuple[list[Problem], KeyPlan]:
    """What is wrong with the keys, and what they change on the link."""
    session = call.session(inputs.cloud, gateway=inputs.gateway)
    pair = find_pair(session, inputs.cds, inputs.finops, fresh=False)
    link = find_link(session, pair.finops_host)
    details = session.dual_write.connection_set(link.cname, fresh=False)
    statuses: list[EntityMapStatus] = session.dual_write.maps(link.cid)
    wrong = _wrong_keys(session, pair, inputs, details, statuses, call)
    return wrong, KeyPlan.of(inputs.integration_keys, details, statuses, inputs.maps)


def _wrong_keys(
    session: Session,
    pair: Pair,
    inputs: LiveSyncInputs,
    details: ConnectionSet,
    statuses: Iterable[EntityMapStatus],
    call: Call,
) -> list[Problem]:
    """Keys of tables with a map on the link that name what is not there, or no company.

    A column that is missing may still come with a package that this run installs.
    """
    dataverse = session.dataverse(pair.cds_host)
    used = {status.right_entity.name.casefold() for status in statuses}
    keys = {table: columns for table, columns in inputs.integration_keys.items() if table.casefold() in used}
    missing = list(column_problems(dataverse, keys))
    if missing and _has_all_packages(session, pair, call):
        return missing
    return list(company_problems(dataverse, keys, inputs.listed_companies or details.companies))


def _has_all_packages(session: Session, pair: Pair, call: Call) -> bool:
    packages = LiveSyncPrivate.of(call.private).packages
    return packages is not None and _all_installed(session, pair.environment_id, packages)


def _all_installed(session: Session, environment_id: str, packages: Collection[str]) -> bool:
    """Whether nothing of these is still to be installed on the environment."""
    listed = session.app_management.packages(environment_id)
    there = {name.casefold() for name, package in listed.items() if package.installed}
    return {package.casefold() for package in packages} <= there


def announce_resyncs(names: Collection[str], old: LiveSyncInputs, call: Call) -> None:
    """Running maps are stopped for another initial sync."""
    running = sorted(name for name in names if old.maps.get(name) == "running")
    if running:
        text = f"for another initial sync each of these maps {STOPS_MEANWHILE}: {first_names(running)}"
        call.announce(text, NOT_QUEUED)


def warn_of_late_companies(
    stored: LiveSyncOutputs, inputs: LiveSyncInputs, synced: Collection[str], call: Call
) -> None:
    """An initial sync runs once a map, so it does not know companies that a person added to the link afterwards."""
    before = set(inputs.listed_companies if isinstance(stored.companies, str) else stored.companies)
    late = sorted(set(inputs.listed_companies) - before)
    if late and any(name not in synced for name in inputs.live_syncs):
        call.warn(
            f"rows that {', '.join(late)} had before are not copied: an initial sync runs once, and that was before. "
            "Give `maps.resync` a new text to run it again"
        )


def _needs(inputs: LiveSyncInputs, state: str) -> Iterator[tuple[str, str]]:
    """Every live map with each of its prerequisites that has this declared state."""
    known = standard().maps
    for name, declared in inputs.maps.items():
        if declared == "stopped" or name not in known:
            continue
        yield from ((name, need) for need in known[name].needs if inputs.maps.get(need) == state)
