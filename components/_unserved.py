"""Keys of the stack file that no code serves yet: refused by name, never ignored. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from components._findings import Finding, key

NOT_YET = "is not served yet"
# Key, and the values of it that are served; any other allowed value is refused.
_ONLY = (
    (("maps", "initialSync"), ("finops", "cds"), "none"),
    (("maps", "catchUp"), ("keep-as-errors", "discard"), "replay"),
    (("connection", "companyChange"), ("reset",), "manual"),
    (("connection", "companies"), ("as-linked",), "[DAT]"),
)
_ABSENT: tuple[tuple[str, ...], ...] = (
    ("companies",),
    ("bootstrap",),
    ("connection", "solutions"),
    ("maps", "custom"),
    ("maps", "integrationKeys"),
    ("maps", "resync"),
)
_EXISTING = {"cds": ("url", "environmentId"), "finops": ("url",)}
_ACTIONS = ("reset-link", "discard-queue")


def not_served(raw: Mapping[str, Any], today: date) -> Iterator[Finding]:
    """Every key whose value asks for something that does not exist yet."""
    for path, refused, served in _ONLY:
        value = _at(raw, path)
        if isinstance(value, str) and value in refused:
            yield Finding(key(*path), f"`{value}` {NOT_YET}; use {served} or leave it out")
    for unused in _ABSENT:
        if _at(raw, unused):
            yield Finding(key(*unused), f"{NOT_YET}; leave it out")
    yield from _instances(raw)
    yield from _companies(raw)
    yield from _overrides(raw)
    yield from _confirmations(raw, today)


def _instances(raw: Mapping[str, Any]) -> Iterator[Finding]:
    for name, addresses in _EXISTING.items():
        if _at(raw, (name, "instance")) == "existing":
            yield Finding(key(name, "instance"), f"`existing` {NOT_YET}; use new")
            for address in addresses:
                if _at(raw, (name, address)) is not None:
                    yield Finding(key(name, address), f"{NOT_YET}; leave it out")


def _companies(raw: Mapping[str, Any]) -> Iterator[Finding]:
    companies = _at(raw, ("connection", "companies"))
    if not isinstance(companies, list):
        return
    others = [code for code in companies if isinstance(code, str) and code.upper() != "DAT"]
    if others:
        shown = ", ".join(others)
        yield Finding(key("connection", "companies"), f"any other list than [DAT] {NOT_YET}: leave out {shown}")
    elif len(companies) != 1 and all(isinstance(code, str) for code in companies):
        yield Finding(key("connection", "companies"), "names DAT exactly once, or is left out")


def _overrides(raw: Mapping[str, Any]) -> Iterator[Finding]:
    overrides = _at(raw, ("maps", "overrides"))
    for name, values in overrides.items() if isinstance(overrides, Mapping) else ():
        for member in ("initialSync", "version", "author", "catchUp", "resync"):
            if isinstance(values, Mapping) and values.get(member) is not None:
                yield Finding(key("maps", "overrides", name, member), f"{NOT_YET}; leave it out")


def _confirmations(raw: Mapping[str, Any], today: date) -> Iterator[Finding]:
    entries = raw.get("confirm")
    for place, entry in enumerate(entries if isinstance(entries, list) else ()):
        action = entry.get("action") if isinstance(entry, Mapping) else None
        if action in _ACTIONS and not _ended(entry.get("until"), today):
            yield Finding(key("confirm", place, "action"), f"`{action}` {NOT_YET}; leave the entry out")


def _ended(until: Any, today: date) -> bool:
    """Whether an entry counts as absent."""
    try:
        return isinstance(until, str) and date.fromisoformat(until[:10]) < today
    except ValueError:
        return False


def _at(raw: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = raw
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
