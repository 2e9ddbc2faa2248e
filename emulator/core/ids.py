"""Ids of what the tenant creates: random, but on the first day the same on every machine.

A test that fails on a seeded row can be repeated with the same row; what comes later never meets an id twice, not even
that of a row which is deleted and made again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from uuid import UUID, uuid4


class Ids:
    """Makes GUIDs (version 4, lower case)."""

    def __init__(self) -> None:
        """Make random ones."""
        self._first_day: Random | None = None

    def new(self) -> str:
        """Return the next id."""
        if self._first_day is None:
            return str(uuid4())
        return str(UUID(int=self._first_day.getrandbits(128), version=4))

    @contextmanager
    def repeatable(self) -> Iterator[None]:
        """Make the same ids in the same order each time this context is entered."""
        self._first_day = Random("first day")  # noqa: S311 - ids of demo data are no secrets
        try:
            yield
        finally:
            self._first_day = None
