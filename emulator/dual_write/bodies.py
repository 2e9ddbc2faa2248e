"""Case-blind, strict reading of request bodies of the dual-write management service.

Member names are matched without regard to case (dual-write-management-api.md 0.1 and 2.3). What the
service does with members, kinds of values and lists that no client sends is unknown: they are not modelled.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from emulator.core.routing import NotModelledError
from emulator.dual_write.errors import bad_request

Filled = TypeVar("Filled", str, list[Any])


def parse_json(raw: bytes) -> Any:
    """Parse a body as JSON.

    Raises:
        ServiceError: 400, the body is not JSON.
    """
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        # Documented: RFC 9110, 15.5.1: 400 for malformed syntax
        raise bad_request("The request body is not valid JSON.") from error


class Members:
    """One JSON object of a body, with a name for messages."""

    def __init__(self, value: Any, where: str, known: frozenset[str]) -> None:
        """Take the object `value`, standing at `where`, which may have the members `known` (as documented).

        Raises:
            NotModelledError: it is no object, or has another member.
        """
        if not isinstance(value, Mapping):
            raise NotModelledError(f"{where} that is no object")
        names = {name.casefold(): name for name in known}
        unknown = [name for name in value if name.casefold() not in names]
        if unknown:
            raise NotModelledError(f"the member '{unknown[0]}' of {where}")
        self.where = where
        self._values = {name.casefold(): item for name, item in value.items()}

    def get(self, name: str) -> Any:
        """Return a member's value, None when it is missing or null."""
        return self._values.get(name.casefold())

    def text(self, name: str) -> str:
        """Return a member that must be a non-empty text.

        Raises:
            NotModelledError: it is another.
        """
        return self._filled(name, str, "string")

    def texts(self, name: str) -> list[str]:
        """Return a member that must be a list of texts.

        Raises:
            NotModelledError: it is another.
        """
        return read_texts(self.get(name), f"{self.where}.{name}")

    def objects(self, name: str) -> list[Any]:
        """Return a member that must be a list with at least one element.

        Raises:
            NotModelledError: it is another.
        """
        return self._filled(name, list, "array")

    def _filled(self, name: str, kind: type[Filled], kind_name: str) -> Filled:
        value = self.get(name)
        if not isinstance(value, kind) or not value:
            raise NotModelledError(f"{self.where}.{name} that is no {kind_name}, or empty")
        return value


def read_texts(value: Any, where: str) -> list[str]:
    """Return `value` when it is a list of texts.

    Raises:
        NotModelledError: it is another.
    """
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise NotModelledError(f"{where} that is no array of strings")
    return value


def read_flag(value: Any, where: str, *, default: bool) -> bool:
    """Read a Boolean given as JSON value or as text in any case (`forceReset=True`, 2.4).

    Raises:
        NotModelledError: it is another.
    """
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.casefold() in {"true", "false"}:
        return value.casefold() == "true"
    raise NotModelledError(f"{where} that is no Boolean")
