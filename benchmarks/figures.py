"""What a benchmark gives."""

from typing import NamedTuple


class Figure(NamedTuple):
    """One measurement: what, the value as text, and what it is compared with."""

    what: str
    measured: str
    compared: str
