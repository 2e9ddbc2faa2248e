"""Counts and lists of names as messages spell them, so that every message spells them alike. Pure."""

from collections.abc import Iterable, Sequence

# Names that a message shows before it only counts the rest: as examples, and where the reader has to pick one.
_FEW, CHOICES = 5, 20


def noun(count: int, word: str) -> str:
    """The word in the number that goes with a count: `map`, `maps`."""
    return word if count == 1 else f"{word}s"


def amount(count: int, word: str) -> str:
    """`1 map`, `2 maps`, `1,000 rows`."""
    return f"{count:,} {noun(count, word)}"


def amount_is(count: int, word: str) -> str:
    """`1 map is`, `2 maps are`."""
    return f"{amount(count, word)} {'is' if count == 1 else 'are'}"


def others_named(count: int, word: str = "") -> str:
    """What a message adds about those that lines above have named: `; 2 more are named above`; nothing for none."""
    if not count:
        return ""
    named = f" {noun(count, word)}" if word else ""
    return f"; {count} more{named} {'is' if count == 1 else 'are'} named above"


def first_names(names: Sequence[str], most: int = _FEW) -> str:
    """The first names as they are, and how many more there are; `none` without any."""
    shown = ", ".join(names[:most]) or "none"
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def quoted_names(names: Sequence[str], most: int = 2) -> str:
    """The first names in quotes, joined by `and`, and how many more there are."""
    shown = " and ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def all_names(names: Iterable[str]) -> str:
    """All names in alphabetical order; `none` without any."""
    return ", ".join(sorted(names)) or "none"
