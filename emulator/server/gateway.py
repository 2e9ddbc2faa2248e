"""The tenant as an ASGI application: what came through a tunnel goes to the dispatcher, under the tunnel's host."""

import asyncio
import logging
from typing import Protocol, cast

from starlette.types import Receive, Scope, Send

from emulator.core.routing import Service
from emulator.core.wire import Call, Reply, parse
from emulator.dispatch import dispatch, find_fault, record
from emulator.server.bodies import BodyTooLargeError, read_body
from emulator.tenant import Tenant

LOG = logging.getLogger("emulator")
BODILESS = {204, 304}
# What IIS and Kestrel take by default. Read before anyone is asked who they are, so it must have a bound.
LARGEST_BODY = 30_000_000


class Transport(Protocol):
    """The part of a connection that a dropped answer needs."""

    def abort(self) -> None:
        """Close at once."""


class Gateway:
    """Expects the tunnel's `host` and its `transport` in the scope's state."""

    def __init__(self, tenant: Tenant) -> None:
        """Serve this tenant."""
        self._tenant = tenant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or cut the connection when the tenant says so."""
        try:
            body = await read_body(receive, LARGEST_BODY)
        except BodyTooLargeError:
            await self._send(self._too_large(_call(scope, b"")), send)
            return
        if body is None:
            return
        reply = await self._answer(_call(scope, body))
        if reply is None:
            cast("Transport", scope["state"]["transport"]).abort()
            # Returning before the server knows of it would make it send an answer of its own.
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await self._send(reply, send)

    async def _send(self, reply: Reply, send: Send) -> None:
        content = reply.content()
        await send({"type": "http.response.start", "status": reply.status, "headers": _headers(reply, len(content))})
        await send({"type": "http.response.body", "body": b"" if reply.status in BODILESS else content})

    def _too_large(self, call: Call) -> Reply:
        reply = Reply(413, body="Request Entity Too Large", headers={"Connection": "close"})
        service = self._tenant.service_of(call.host)
        if service is not None:
            record(self._tenant, service, call, reply)
        return reply

    async def _answer(self, call: Call) -> Reply | None:
        service = self._tenant.service_of(call.host)
        if service is None:
            text = f"{call.host} is no host of this tenant any more.\n"
            return Reply(403, body=text, headers={"Connection": "close"})
        fault = find_fault(self._tenant, service, call)
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        try:
            return dispatch(self._tenant, service, call, fault)
        except Exception as error:
            LOG.exception("%s https://%s%s", call.method, call.host, call.path)
            return self._failed(service, call, error)

    def _failed(self, service: Service, call: Call, error: Exception) -> Reply:
        text = f"The emulator itself failed: {type(error).__name__}. Its log has the details."
        reply = Reply(500, json={"error": {"code": "EmulatorFailed", "message": text}})
        record(self._tenant, service, call, reply)
        return reply


def _call(scope: Scope, body: bytes) -> Call:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"].decode("latin-1")
    return parse(scope["method"], scope["state"]["host"], scope["raw_path"].decode("latin-1"), query, headers, body)


def _headers(reply: Reply, length: int) -> list[tuple[bytes, bytes]]:
    """The names as Microsoft spells them: clients that compare them by case exist."""
    headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    if (kind := reply.content_type()) is not None:
        headers.append((b"Content-Type", kind.encode()))
    if reply.status not in BODILESS:
        headers.append((b"Content-Length", str(length).encode()))
    return headers
