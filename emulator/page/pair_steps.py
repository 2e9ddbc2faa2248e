"""The steps on a pair's way to live sync, as `make up` takes them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from emulator.dual_write.connections import Connection
from emulator.dual_write.definitions import CORE_PACKAGE
from emulator.page.conditions import Condition, Count
from emulator.page.pair_sides import Side, Stage
from emulator.power_platform.packages import BUSY
from emulator.power_platform.records import Environment


@dataclass(frozen=True)
class Step:
    """One step on the way to live sync, with what there is to say about it."""

    title: str
    stage: Stage
    text: str


def steps_of(
    environment: Environment, dataverse: Side, finance: Side, link: Connection | None, counts: Sequence[Count]
) -> tuple[Step, ...]:
    """Return the steps in their order. `counts`: the maps of the link by condition."""
    return (
        Step("Dataverse", dataverse.stage, dataverse.state),
        _packages(environment),
        Step("F&O", finance.stage, finance.state),
        _link(link),
        _maps(counts),
        _live_sync(counts),
    )


def _packages(environment: Environment) -> Step:
    states = Counter(package.state for package in environment.packages.values())
    busy, failed = sum(states[state] for state in BUSY), states["InstallFailed"]
    installed = f"{states['Installed']} installed"
    if busy:
        return Step("Packages", Stage.UNDERWAY, f"{installed}, {busy} under way")
    if failed:
        return Step("Packages", Stage.FAILED, f"{installed}, {failed} failed")
    if CORE_PACKAGE not in environment.packages:
        return Step("Packages", Stage.WAITING, "core package missing")
    return Step("Packages", Stage.DONE, installed)


def _link(link: Connection | None) -> Step:
    if link is None:
        return Step("Link", Stage.WAITING, "not linked yet")
    return Step("Link", Stage.DONE, f"companies {', '.join(link.company_codes())}")


def _maps(counts: Sequence[Count]) -> Step:
    total = sum(count.number for count in counts)
    return Step("Maps", Stage.DONE, f"{total} there") if total else Step("Maps", Stage.WAITING, "none yet")


def _live_sync(counts: Sequence[Count]) -> Step:
    numbers = Counter({count.condition: count.number for count in counts})
    if not numbers:
        return Step("Live sync", Stage.WAITING, "no maps yet")
    odd = [f"{numbers[each]} {each}" for each in (Condition.FAILED, Condition.PAUSED) if numbers[each]]
    text = ", ".join([f"{numbers[Condition.RUNNING]} of {numbers.total()} maps running", *odd])
    return Step("Live sync", _sync_stage(numbers), text)


def _sync_stage(numbers: Counter[Condition]) -> Stage:
    if numbers[Condition.FAILED]:
        return Stage.FAILED
    if numbers[Condition.CHANGING] or numbers[Condition.SYNCING]:
        return Stage.UNDERWAY
    return Stage.DONE if numbers[Condition.RUNNING] and not numbers[Condition.PAUSED] else Stage.WAITING
