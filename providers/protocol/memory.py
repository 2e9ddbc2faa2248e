"""What one call of this provider process keeps for a later one of the same run: bounded, never stored.

The engine runs `check`, then perhaps `create` or `update`, then the deletions, all in one process; the preview has a
process of its own. State would be the wrong place: it is shown in previews and outlives the run.
"""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")
# More resources than any stack of this kind has; what is beyond it is forgotten, oldest first.
_MOST = 4096


class Memory(Generic[T]):
    """Values by key, for threads to share."""

    def __init__(self) -> None:
        self._values: dict[str, T] = {}
        self._lock = threading.Lock()

    def put(self, key: str, value: T) -> None:
        """Keep a value in place of the one before."""
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = value
            if len(self._values) > _MOST:
                del self._values[next(iter(self._values))]

    def add(self, key: str, value: T) -> bool:
        """Keep a value unless there is one under the key; whether it was kept."""
        with self._lock:
            return self._values.setdefault(key, value) is value

    def take(self, key: str) -> T | None:
        """The value of a key, which is forgotten with it."""
        with self._lock:
            return self._values.pop(key, None)

    def has(self, key: str) -> bool:
        """Whether a value is kept under the key."""
        with self._lock:
            return key in self._values

    def values(self) -> list[T]:
        """All values, oldest first; they stay."""
        with self._lock:
            return list(self._values.values())

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
