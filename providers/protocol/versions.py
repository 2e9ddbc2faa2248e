"""Dotted version numbers of F&O and of packages (`10.0.45`, `10.0.45.10`): compared as numbers, never as text. Pure."""

from collections.abc import Iterable


def parts(version: str) -> tuple[int, ...]:
    """The numbers of a dotted version without trailing zeros; ValueError for anything else."""
    numbers = [int(piece) for piece in version.strip().split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def at_least(version: str | None, minimum: str | None) -> bool:
    """Whether `version` satisfies `minimum`; no minimum is always satisfied, an unreadable version never."""
    if not minimum:
        return True
    try:
        return parts(version or "") >= parts(minimum)
    except ValueError:
        return False


def newest(offered: Iterable[str]) -> str | None:
    """The highest of some versions."""
    return max(offered, key=parts, default=None)


def fitting(offered: Iterable[str], minimum: str | None) -> str | None:
    """The version to install: the newest build of the lowest release that satisfies the minimum.

    Without a minimum the newest on offer. A release is the first three numbers: who asks for
    10.0.45 gets its latest build rather than 10.0.46. None: nothing on offer is new enough.
    """
    enough = [version for version in offered if at_least(version, minimum)]
    if not minimum or not enough:
        return newest(enough)
    release = min(parts(version)[:3] for version in enough)
    return newest(version for version in enough if parts(version)[:3] == release)
