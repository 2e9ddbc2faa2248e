"""What a declaration of maps says by itself, and against the one before: prerequisites, initial syncs, queues, keys.

dual-write-semantics.md 7.2: a map whose prerequisites are off fails when its plug-ins are registered. No service is
asked. No pulumi.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from providers.catalogue.selection import standard
from providers.maps.model import LiveSyncInputs, LiveSyncOutputs, Master
from providers.protocol.call import Call
from providers.protocol.consent import missing_consent
from providers.protocol.findings import PAUSED_NEED
from providers.protocol.problems import Fixed, NoConsent, Problem
from providers.protocol.words import first_names

Keys = Mapping[str, Sequence[str]]
_KEEPS_QUEUE = {"keep-as-errors": True, "discard": False}


def stopped_prerequisites(inputs: LiveSyncInputs) -> Iterator[Problem]:
    """A map that shall be live and needs one that is declared stopped."""
    for name, need in _needs(inputs, "stopped"):
        yield Problem(f"maps[{need!r}]", f"is declared stopped, and '{name}' needs it to run: stop both, or neither")


def late_initial_syncs(inputs: LiveSyncInputs, old: LiveSyncInputs) -> Iterator[Problem]:
    """Initial syncs that maps which run already get, or get from the other side: one precedes the start, once."""
    late = [
        name
        for name, side in inputs.live_syncs.items()
        if _is_asked_for(name, side, inputs, old)
        and old.maps.get(name, "stopped") != "stopped"
        and inputs.resync.get(name) in (None, old.resync.get(name))
    ]
    if late:
        yield Fixed(
            "initial_sync",
            f"comes too late for maps that run already: {first_names([repr(name) for name in late])}. Give "
            "`maps.resync` (or that of an override) a new text to run it now, or leave `initialSync` as it was",
        )


def warn_of_paused_prerequisites(inputs: LiveSyncInputs, call: Call) -> None:
    """Prerequisites of running maps that are paused: what waits in their queues is missing on the other side."""
    needed = dict.fromkeys(need for name, need in _needs(inputs, "paused") if inputs.maps[name] == "running")
    if needed:
        call.warn(f"declared paused, and running maps need their rows: {first_names(sorted(needed))}", PAUSED_NEED)


def declared_before(known: LiveSyncInputs | LiveSyncOutputs) -> dict[str, str]:
    """The run states that the last `up` declared, whatever people have done since."""
    return {**known.maps, **known.drifted}


def skipped_queues(inputs: LiveSyncInputs, before: Mapping[str, str]) -> dict[str, bool]:
    """Map to whether its queue is kept as errors (True) or discarded (False), for maps whose queue is not played back.

    A queue is discarded only for a change of the file from paused to running: a map that an alert or a person paused
    must not lose rows when that is put right.
    """
    return {
        name: _KEEPS_QUEUE[option]
        for name, option in sorted(inputs.catch_up.items())
        if option in _KEEPS_QUEUE and inputs.maps.get(name) == "running" and _may_skip(option, before.get(name))
    }


def unconsented(inputs: LiveSyncInputs, options: Mapping[str, bool], today: date) -> Iterator[Problem]:
    """One for each queue that would be discarded without consent; `options` as `skipped_queues` gives them."""
    for name, keeps in options.items():
        missing = None if keeps else missing_consent(inputs.confirm, "discard-queue", name, today)
        if missing:
            yield NoConsent(f"catch_up[{name!r}]", f"the queue of '{name}' would be discarded; {missing}")


def same_key(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether two keys are of the same columns; order and case mean nothing."""
    return {column.casefold() for column in one} == {column.casefold() for column in other}


def same_keys(one: Keys, other: Keys) -> bool:
    """Whether two declarations mean the same keys of the same tables."""
    first, second = ({table.casefold(): columns for table, columns in keys.items()} for keys in (one, other))
    return first.keys() == second.keys() and all(same_key(columns, second[table]) for table, columns in first.items())


def _is_asked_for(name: str, side: Master, inputs: LiveSyncInputs, old: LiveSyncInputs) -> bool:
    """Whether a map gets an initial sync, or another side for its one; a reset or other companies run it again."""
    if name not in old.masters:
        return True
    runs_again = inputs.companies != old.companies or inputs.reset != old.reset
    return old.masters[name] != side and not runs_again


def _needs(inputs: LiveSyncInputs, state: str) -> Iterator[tuple[str, str]]:
    """Every live map with each of its prerequisites that has this declared state."""
    known = standard().maps
    for name, declared in inputs.maps.items():
        if declared == "stopped" or name not in known:
            continue
        yield from ((name, need) for need in known[name].needs if inputs.maps.get(need) == state)


def _may_skip(option: str, before: str | None) -> bool:
    return option == "keep-as-errors" or before == "paused"
