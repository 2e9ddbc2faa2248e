"""What the services say against declared maps while they are only planned: keys, and what has run before. No pulumi."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from providers.api.identity.dual_write_sources import dual_write_token_configured
from providers.link.pair import Pair, as_far_as_seen, find_link, find_pair
from providers.maps.integration_keys import KeyPlan
from providers.maps.key_columns import column_problems, company_problems
from providers.maps.model import LiveSyncInputs, LiveSyncOutputs, LiveSyncPrivate
from providers.maps.version_switch import STOPS_MEANWHILE
from providers.protocol.base import Call, Problem
from providers.protocol.findings import NOT_QUEUED
from providers.protocol.words import first_names

if TYPE_CHECKING:
    from providers.api.dual_write.models import ConnectionSet, EntityMapStatus
    from providers.api.session import Session


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
