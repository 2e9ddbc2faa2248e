"""What the tenant holds before anybody asks: sections of a seed document, each played by its package."""

from collections.abc import Callable, Mapping
from typing import Any

from emulator.core.handlers import NamedHandlers

SectionHandler = Callable[[Any], None]


class SeedError(Exception):
    """The seed document cannot be played; the text names the section."""


class Seeds(NamedHandlers[SectionHandler]):
    """Sections by name; they are played in the order in which the packages registered them.

    `handler(value)` gets the member of the seed document.
    """

    handled = "seed section"

    def play(self, document: Mapping[str, Any]) -> None:
        """Apply a seed document in one transaction; SeedError for a section that nobody knows."""
        unknown = sorted(set(document) - set(self._handlers))
        if unknown:
            msg = f"unknown seed section {', '.join(unknown)}; known: {', '.join(sorted(self._handlers))}"
            raise SeedError(msg)
        with self._store.transaction():
            for section, handler in self._handlers.items():
                if section in document:
                    handler(document[section])
