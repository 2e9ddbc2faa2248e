"""The persistent queue of work that becomes due at a virtual time."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from emulator.core.clock import Clock
from emulator.core.handlers import NamedHandlers
from emulator.core.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, due TEXT NOT NULL, name TEXT NOT NULL, arguments TEXT NOT NULL, failed TEXT
);
CREATE INDEX IF NOT EXISTS events_due ON events (due, seq) WHERE failed IS NULL;
"""

Handler = Callable[..., None]


class Queued(NamedTuple):
    """An event that waits for its virtual time."""

    due: datetime
    name: str
    arguments: dict[str, Any]


class Events(NamedHandlers[Handler]):
    """Work to do later by `handler(**arguments)`.

    Each event runs in a transaction of its own, with the clock at its due time.
    """

    handled = "event"

    def __init__(self, store: Store, clock: Clock) -> None:
        """Create the table in the store."""
        super().__init__(store)
        self._clock = clock
        store.create(SCHEMA)

    def schedule(self, delay: float, name: str, **arguments: Any) -> None:
        """Queue an event `delay` virtual seconds from now; arguments are JSON values."""
        due = self._clock.now() + timedelta(seconds=max(0.0, delay))
        self._store.execute(
            "INSERT INTO events (due, name, arguments) VALUES (?, ?, ?)", (_text(due), name, json.dumps(arguments))
        )

    def next_due(self) -> datetime | None:
        """Return when the next event is due, or None when the queue is empty."""
        row = self._store.execute("SELECT min(due) FROM events WHERE failed IS NULL").fetchone()
        return datetime.fromisoformat(row[0]) if row[0] else None

    def queued(self) -> list[Queued]:
        """Return what is not done yet, in due order."""
        rows = self._store.execute("SELECT due, name, arguments FROM events WHERE failed IS NULL ORDER BY due, seq")
        return [Queued(datetime.fromisoformat(due), name, json.loads(text)) for due, name, text in rows.fetchall()]

    def run_due(self) -> int:
        """Run all that is due by now, in due order, and return how many events that were."""
        return self._run_until(self._clock.running())

    def advance(self, seconds: float) -> int:
        """Put the clock forward and play everything that becomes due on the way, in order."""
        target = self._clock.running() + timedelta(seconds=seconds)
        count = self._run_until(target)
        self._clock.move(seconds)
        return count

    def _run_until(self, target: datetime) -> int:
        count = 0
        while (row := self._next(target)) is not None:
            self._run(*row)
            count += 1
        if count:
            self._clock.save()
        return count

    def _next(self, target: datetime) -> tuple[int, str, str, str] | None:
        row: tuple[int, str, str, str] | None = self._store.execute(
            "SELECT seq, due, name, arguments FROM events WHERE failed IS NULL AND due <= ? ORDER BY due, seq LIMIT 1",
            (_text(target),),
        ).fetchone()
        return row

    def _run(self, seq: int, due: str, name: str, arguments: str) -> None:
        try:
            with self._clock.at(datetime.fromisoformat(due)), self._store.transaction():
                self._store.execute("DELETE FROM events WHERE seq = ?", (seq,))
                self._handlers[name](**json.loads(arguments))
        except Exception as error:
            # Kept for inspection but never tried again, or it would fail every later request as well.
            self._store.execute("UPDATE events SET failed = ? WHERE seq = ?", (repr(error), seq))
            raise


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
