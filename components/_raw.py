"""The values of a stack file before anything is known of their types: every reader passes over what it does not expect.

Pure.
"""

from collections.abc import Mapping
from typing import Any

Raw = Mapping[str, Any]


def section(raw: Raw, name: str) -> Raw:
    """A section's values; empty when it is absent or no map."""
    value = raw.get(name)
    return value if isinstance(value, Mapping) else {}


def entries(raw: Raw, name: str) -> dict[int, Raw]:
    """The maps of a list by their place in it."""
    values = raw.get(name)
    return (
        {n: value for n, value in enumerate(values) if isinstance(value, Mapping)} if isinstance(values, list) else {}
    )


def texts(raw: Raw, name: str) -> dict[int, str]:
    """The texts of a list by their place in it."""
    values = raw.get(name)
    return {n: value for n, value in enumerate(values) if isinstance(value, str)} if isinstance(values, list) else {}


def text(raw: Raw, name: str) -> str | None:
    """A text; None when it is absent, empty or something else."""
    value = raw.get(name)
    return value if isinstance(value, str) and value.strip() else None


def whole(raw: Raw, name: str, default: int) -> int:
    """A whole number, or the default."""
    value = raw.get(name)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else default
