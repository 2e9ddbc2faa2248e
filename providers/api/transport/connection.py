"""What one exchange with a service looks like to its client: what goes out, what comes back, how an answer can fail.

Knows no HTTP library; `http` has the one that does the work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Address(NamedTuple):
    """A URL as it will be sent, with the host that it will be sent to."""

    url: str
    host: str
    path: str


@dataclass(frozen=True)
class Outgoing:
    """A request. `seconds` bounds the exchange as a whole, from the connection to the last byte of the answer."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 100.0


class Reply(NamedTuple):
    """An answer whose body has been read. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    text: str
    url: str


class NoReply(Exception):
    """No usable answer came; the text is the cause.

    `sent`: whether the request may have reached the service. `repeatable`: whether another try can end otherwise.
    `nobody_there`: whether nothing answers at the address, or at that of the proxy.
    """

    def __init__(self, cause: str, *, sent: bool, repeatable: bool = True, nobody_there: bool = False) -> None:
        super().__init__(cause)
        self.sent = sent
        self.repeatable = repeatable
        self.nobody_there = nobody_there


class Connection(Protocol):
    """The connections to one service; safe to share between threads."""

    def address(self, url: str) -> Address:
        """What will be sent for this text. Raises `ValueError` when it is no URL."""
        ...

    def exchange(self, outgoing: Outgoing) -> Reply:
        """Send a request and read the whole answer; redirects are not followed. Raises `NoReply`."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...
