"""Bodies of requests, read up to a bound."""

from typing import Any

from starlette.types import Receive


class BodyTooLargeError(Exception):
    """A body is longer than its reader takes."""


async def read_body(receive: Receive, largest: int) -> bytes | None:
    """Return the whole body, None when the client went away; raises BodyTooLargeError past `largest` bytes."""
    parts: list[bytes] = []
    length = 0
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > largest:
            raise BodyTooLargeError
        if not message.get("more_body", False):
            return b"".join(parts)
