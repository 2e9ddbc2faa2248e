"""What a refresh finds of the maps of a link, against what the stack declares: states, keys, maps that are gone.

One list call for all maps (E2), one for the keys (E10). No pulumi.
"""

from collections.abc import Collection, Mapping

from providers.api.dual_write.models import EntityMapStatus, LinkedEnvironment
from providers.api.session import Session
from providers.api.transport.errors import NotFound
from providers.link.pair import find_link
from providers.maps.integration_keys import key_drift, keys_of
from providers.maps.model import LiveSyncOutputs, states_of
from providers.protocol.base import Call
from providers.protocol.findings import KEY_DRIFT, MAP_MISSING, MAP_STATE
from providers.protocol.words import amount_is, first_names

_AFTER_A_RESET = "If the link was reset, apply its map solutions on the dual-write page, then refresh and run `up`."


def read_live(session: Session, stored: LiveSyncOutputs, call: Call) -> LiveSyncOutputs:
    """The outputs as they are now; every difference is named in a warning. Raises `NotFound` without a link."""
    statuses, link = _statuses(session, stored)
    declared = {**stored.maps, **stored.drifted}
    states = states_of(declared, statuses)
    drifted = {name: declared[name] for name, state in states.items() if state != declared[name]}
    for name, state in drifted.items():
        call.warn(f"map '{name}' is {states[name]}, not {state}", MAP_STATE)
    lost = _lost(declared, statuses, stored)
    if lost:
        absent = amount_is(len(lost), "map")
        call.warn(f"{absent} not installed any more: {first_names(lost)}. {_AFTER_A_RESET}", MAP_MISSING)
    keys, drifted_keys = _keys(session, stored, link, call)
    return stored.model_copy(
        update={
            "maps": states,
            "drifted": drifted,
            "integration_keys": keys,
            "drifted_keys": drifted_keys,
            "not_installed": sorted(name for name in declared if name not in statuses),
            "connection_id": link.cid,
            "connection_name": link.cname,
            "ready": not (drifted or drifted_keys or lost),
        }
    )


def _statuses(session: Session, stored: LiveSyncOutputs) -> tuple[dict[str, EntityMapStatus], LinkedEnvironment]:
    """All maps by the link's id; by its host again when a reset gave the link a new id."""
    link = LinkedEnvironment(cid=stored.connection_id, cname=stored.connection_name)
    try:
        listed = session.dual_write.maps(link.cid)
    except NotFound:
        link = find_link(session, stored.finops_host)
        listed = session.dual_write.maps(link.cid)
    return {status.name: status for status in listed}, link


def _keys(
    session: Session, stored: LiveSyncOutputs, link: LinkedEnvironment, call: Call
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The keys of the declared tables as the link has them, and what is declared of those that differ."""
    declared = {**stored.integration_keys, **stored.drifted_keys}
    if not declared:
        return {}, {}
    linked = keys_of(session.dual_write.connection_set(link.cname, fresh=False).dataverse, declared)
    drift = key_drift(declared, linked)
    for text in drift.values():
        call.warn(text, KEY_DRIFT)
    return linked, {table: declared[table] for table in drift}


def _lost(declared: Collection[str], statuses: Mapping[str, EntityMapStatus], stored: LiveSyncOutputs) -> list[str]:
    """Declared maps that were there: this stack started them, or no map at all is listed."""
    return sorted(name for name in declared if name not in statuses and (name in stored.started or not statuses))
