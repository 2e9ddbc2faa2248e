"""What a refresh finds of the maps of a link, against what the stack declares: states, keys, maps that are gone.

One list call for all maps (E2), one for keys and companies (E10). No pulumi.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from providers.api.transport.errors import NotFound
from providers.link.companies import as_read
from providers.link.pair import find_link, remembered, stored_link
from providers.maps.catch_up import old_queues
from providers.maps.integration_keys import key_drift, keys_of
from providers.maps.model import LiveSyncOutputs, states_of
from providers.maps.versions import NOT_INSTALLED, active, version_line
from providers.protocol.base import Call
from providers.protocol.findings import KEY_DRIFT, MAP_MISSING, MAP_STATE, QUEUE_AGE
from providers.protocol.words import amount_is, first_names

if TYPE_CHECKING:
    from providers.api.dual_write.models import ConnectionSet, EntityMapStatus, LinkedEnvironment
    from providers.api.session import Session

BROUGHT_BACK = (
    "`up` applies the map solutions of the stack again, which restores what they carry; others are left to a person"
)


def read_live(session: Session, stored: LiveSyncOutputs, call: Call) -> LiveSyncOutputs:
    """The outputs as they are now; every difference is named in a warning. Raises `NotFound` without a link."""
    known, details = _known_link(session, stored)
    statuses, link = _statuses(session, stored, known)
    declared = {**stored.maps, **stored.drifted}
    lost = _lost(declared, statuses, stored)
    states = {**states_of(declared, statuses), **dict.fromkeys(lost, NOT_INSTALLED)}
    drifted = {name: declared[name] for name, state in states.items() if state != declared[name]}
    _tell(states, {name: state for name, state in drifted.items() if name not in lost}, lost, call)
    for sentence in old_queues(statuses.values(), session.dual_write.listed_at(link.cid)):
        call.warn(sentence, QUEUE_AGE)
    keys, drifted_keys = _keys(stored, details, call)
    return stored.model_copy(
        update={
            "companies": as_read(stored.companies, details.companies) if details else stored.companies,
            "maps": states,
            "drifted": drifted,
            "integration_keys": keys,
            "drifted_keys": drifted_keys,
            "not_installed": _never_seen(declared, statuses, lost),
            "versions": _versions(stored, statuses, call),
            "connection_id": link.cid,
            "connection_name": link.cname,
            "ready": not (drifted or drifted_keys),
        }
    )


def _tell(states: Mapping[str, str], drifted: Mapping[str, str], lost: list[str], call: Call) -> None:
    """Name the maps with another state than declared, and those that are gone."""
    for name, state in drifted.items():
        call.warn(f"map '{name}' is {states[name]}, not {state}", MAP_STATE)
    if lost:
        absent = amount_is(len(lost), "map")
        call.warn(f"{absent} not installed any more: {first_names(lost)}. {BROUGHT_BACK}", MAP_MISSING)


def _statuses(
    session: Session, stored: LiveSyncOutputs, link: LinkedEnvironment
) -> tuple[dict[str, EntityMapStatus], LinkedEnvironment]:
    """All maps by the link's id; by its host again when a reset gave the link a new id."""
    try:
        listed = session.dual_write.maps(link.cid, refresh=True)
    except NotFound:
        link = find_link(session, stored.finops_host)
        listed = session.dual_write.maps(link.cid, refresh=True)
    return {status.name: status for status in listed}, link


def _known_link(session: Session, stored: LiveSyncOutputs) -> tuple[LinkedEnvironment, ConnectionSet | None]:
    """The link with its keys and companies, which are read only where one of them is declared."""
    known = remembered(stored.connection_id, stored.connection_name)
    if isinstance(stored.companies, str) and not (stored.integration_keys or stored.drifted_keys):
        return known, None
    return stored_link(session, stored.finops_host, known)


def _keys(
    stored: LiveSyncOutputs, details: ConnectionSet | None, call: Call
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The keys of the declared tables as the link has them, and what is declared of those that differ."""
    declared = {**stored.integration_keys, **stored.drifted_keys}
    linked = keys_of(details.dataverse if details else None, declared)
    drift = key_drift(declared, linked)
    for text in drift.values():
        call.warn(text, KEY_DRIFT)
    return linked, {table: declared[table] for table in drift}


def _lost(declared: Collection[str], statuses: Mapping[str, EntityMapStatus], stored: LiveSyncOutputs) -> list[str]:
    """Declared maps that were there and are not: one that was never seen is not missed."""
    return sorted(name for name in declared if name not in statuses and name not in stored.not_installed)


def _never_seen(declared: Collection[str], statuses: Mapping[str, EntityMapStatus], lost: Collection[str]) -> list[str]:
    """Declared maps that are not there and never were."""
    return sorted(name for name in declared if name not in statuses and name not in lost)


def unpinned_versions(
    names: Collection[str], statuses: Mapping[str, EntityMapStatus], pinned: Collection[str]
) -> dict[str, str]:
    """Map to its active version, for those whose version nobody declares."""
    return {
        name: version_line(active(statuses[name])) for name in sorted(names) if name in statuses and name not in pinned
    }


def _versions(stored: LiveSyncOutputs, statuses: Mapping[str, EntityMapStatus], call: Call) -> dict[str, str] | None:
    """The active versions now; another one is named and accepted. Older state does not know them and stays so."""
    if stored.versions is None:
        return None
    now = {**stored.versions, **unpinned_versions(stored.maps, statuses, stored.pinned)}
    for name, version in now.items():
        if version != stored.versions.get(name, version):
            call.warn(
                f"map '{name}' runs on version {version} now, not {stored.versions[name]}; no version is declared"
            )
    return now
