"""Assumed behaviours and durations, each under a name with its default, description and evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.core.store import Store

KIND = "switch"


@dataclass(frozen=True)
class Switch:
    """One choice the emulator makes where no source decides. `evidence`: "assumed" or "inferred: ..."."""

    name: str
    default: Any
    description: str
    evidence: str


class Switches(Mapping[str, Any]):
    """`switches["name"]` is the present value: what was set, else the default."""

    def __init__(self, store: Store) -> None:
        """Read what was set before a restart."""
        self._store = store
        self._registered: dict[str, Switch] = {}
        self._set: dict[str, Any] = {key: document["value"] for key, document in store.items(KIND)}

    def register(self, name: str, default: Any, description: str, evidence: str = "assumed") -> None:
        """Declare a switch; the type of `default` is the type of its values."""
        if name in self._registered:
            msg = f"switch '{name}' is registered already"
            raise ValueError(msg)
        self._registered[name] = Switch(name, default, description, evidence)

    def __getitem__(self, name: str) -> Any:
        switch = self._registered[name]
        return self._set.get(name, switch.default)

    def __iter__(self) -> Any:
        return iter(sorted(self._registered))

    def __len__(self) -> int:
        return len(self._registered)

    def set(self, name: str, value: Any) -> None:
        """Change a switch; KeyError for an unknown name, ValueError for a value of another type."""
        self.check(name, value)
        self._store.put(KIND, name, {"value": value})
        self._set[name] = value

    def check(self, name: str, value: Any) -> None:
        """Raise what `set` would raise, and change nothing."""
        switch = self._registered[name]
        if not _same_type(value, switch.default):
            msg = f"switch '{name}' takes {type(switch.default).__name__}, not {type(value).__name__}"
            raise ValueError(msg)

    def clear(self) -> None:
        """Return every switch to its default."""
        for name in self._set:
            self._store.delete(KIND, name)
        self._set = {}

    def describe(self) -> list[Switch]:
        """Return all registered switches, ordered by name."""
        return [self._registered[name] for name in sorted(self._registered)]


def _same_type(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float)
    return isinstance(value, type(default))
