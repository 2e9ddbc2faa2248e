"""What the state of a stack says about its maps: their states now, those declared, and whether the pair is ready.

A refresh renews the outputs of resources, not those of the stack, so the resources are read.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tools.bags import entries, mapping
from tools.pulumi_cli import Deployment

NOT_INSTALLED = "not installed"
_NAMED_AT_MOST = 3


def map_states(deployment: Deployment) -> dict[str, str]:
    """Map to its state as last read, `not installed` where the environment lacks it."""
    live_sync = _live_sync(deployment)
    return {**mapping(live_sync, "maps"), **dict.fromkeys(entries(live_sync, "not_installed"), NOT_INSTALLED)}


def declared_states(deployment: Deployment) -> dict[str, str]:
    """Map to the state that the stack file declared at the last `up`."""
    live_sync = _live_sync(deployment)
    return {**mapping(live_sync, "maps"), **mapping(live_sync, "drifted")}


def readiness(deployment: Deployment) -> tuple[bool, str]:
    """Whether all is as declared, and why not; or, where it is, what that does not mean. The text may be empty."""
    missing = "; ".join(_missing(deployment))
    return (False, missing) if missing else (True, _remark(map_states(deployment)))


def _live_sync(deployment: Deployment) -> Mapping[str, Any]:
    return next(iter(deployment.of_type("LiveSync")), {})


def _missing(deployment: Deployment) -> Iterator[str]:
    """Reasons for `no`, in the order of the set-up."""
    if not deployment.of_type("LiveSync"):
        yield "live sync is not in the stack; `make up` brings it"
        return
    yield from _not_stamped(deployment)
    live_sync = _live_sync(deployment)
    yield from _other_states(map_states(deployment), mapping(live_sync, "drifted"))
    tables = sorted(mapping(live_sync, "drifted_keys"))
    if tables:
        yield f"other integration keys than declared: {', '.join(tables)}"


def _not_stamped(deployment: Deployment) -> Iterator[str]:
    for bootstrap in deployment.of_type("CompanyBootstrap"):
        if not bootstrap.get("complete"):
            yield f"rows of {bootstrap['company']} are not stamped yet"


def _other_states(states: Mapping[str, str], drifted: Mapping[str, str]) -> Iterator[str]:
    """Maps that are not as declared: all in one word where none is installed, else the first by name."""
    if states and set(states.values()) == {NOT_INSTALLED}:
        yield f"none of the {len(states)} maps is installed"
    elif drifted:
        named = [f"{name} is {states[name]}, not {state}" for name, state in sorted(drifted.items())]
        more = f", and {len(named) - _NAMED_AT_MOST} more" if len(named) > _NAMED_AT_MOST else ""
        yield f"{', '.join(named[:_NAMED_AT_MOST])}{more}"


def _remark(states: Mapping[str, str]) -> str:
    """What `ready` does not mean: that rows cross on every map."""
    running = sum(state == "running" for state in states.values())
    if not running:
        return "as declared, and no map runs: no row crosses"
    resting = len(states) - running
    return f"as declared, and {resting} of {len(states)} maps do not run" if resting else ""
