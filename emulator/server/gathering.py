"""Joins the writes of one turn of the event loop: head and body of an answer travel as one TLS record."""

import asyncio
from collections.abc import Iterable
from typing import Any


class GatheringTransport(asyncio.Transport):
    """A transport that passes everything on, writes a little later than asked."""

    def __init__(self, inner: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Write to `inner`."""
        super().__init__()
        self._inner = inner
        self._loop = loop
        self._waiting: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep the data until this turn of the loop is over."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Keep all of it."""
        for data in list_of_data:
            self.write(data)

    def _flush(self) -> None:
        if self._waiting:
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._inner.write(data)

    def close(self) -> None:
        """Write what is waiting, then close."""
        self._flush()
        self._inner.close()

    def abort(self) -> None:
        """Close at once; what is waiting is lost."""
        self._waiting.clear()
        self._inner.abort()

    def is_closing(self) -> bool:
        """Return whether the connection is ending."""
        return self._inner.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the connection knows about itself."""
        return self._inner.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Take no more data."""
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        """Take data again."""
        self._inner.resume_reading()

    def is_reading(self) -> bool:
        """Return whether data is taken."""
        return self._inner.is_reading()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the connection's events to another protocol."""
        self._inner.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who gets the connection's events."""
        return self._inner.get_protocol()
