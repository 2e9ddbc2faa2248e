"""The HTTP library behind `Connection`: httpx, with the bounds of one exchange.

An exchange ends at its deadline whatever the service does with its answer, and at the signal to stop. Only `lazy`
imports this module, so that a run that makes no call does not pay for the library.
"""

import ssl
import time
import zlib
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

from providers.api.transport import stopping
from providers.api.transport.clouds import CloudProfile
from providers.api.transport.connection import Address, NoReply, Outgoing, Reply
from providers.api.transport.limits import CONNECT_SECONDS, LARGEST_ANSWER_BYTES, STOP_CHECK_SECONDS

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_USELESS_TO_REPEAT = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_UNPACKED = ("", "identity")
# zlib finds out itself whether it has gzip or deflate before it.
_GZIP_OR_DEFLATE = 47
# When the exchange of this thread has to be over, on the monotonic clock.
_DEADLINE: ContextVar[float | None] = ContextVar("exchange_deadline", default=None)


class HttpConnection:
    """See `Connection`. `transport` is injected by tests."""

    def __init__(self, profile: CloudProfile, transport: httpx.BaseTransport | None = None) -> None:
        self._client = _client(profile, transport)

    def address(self, url: str) -> Address:
        """See `Connection`."""
        try:
            parsed = httpx.URL(url)
            return Address(str(parsed), parsed.host, parsed.path)
        except (httpx.InvalidURL, UnicodeError, TypeError) as error:
            raise ValueError(str(error)) from None

    def exchange(self, outgoing: Outgoing) -> Reply:
        """See `Connection`."""
        stopping.check()
        url = httpx.URL(outgoing.url)
        try:
            request = self._client.build_request(
                outgoing.method,
                url.copy_merge_params(dict(outgoing.params)) if outgoing.params else url,
                headers={**outgoing.headers, "Accept-Encoding": "gzip, deflate"},
                content=outgoing.body,
                timeout=httpx.Timeout(outgoing.seconds, connect=min(CONNECT_SECONDS, outgoing.seconds)),
            )
        except UnicodeError as error:
            raise NoReply("a header of the request is not ASCII", sent=False, repeatable=False) from error
        deadline = _DEADLINE.set(time.monotonic() + outgoing.seconds)
        try:
            answer = self._client.send(request, stream=True)
            try:
                body = _unpacked(answer)
            finally:
                answer.close()
        except httpx.TransportError as error:
            raise _no_reply(error) from error
        finally:
            _DEADLINE.reset(deadline)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status_code, headers, _text(body, answer.charset_encoding), str(answer.url))

    def close(self) -> None:
        """See `Connection`."""
        self._client.close()


def _client(profile: CloudProfile, transport: httpx.BaseTransport | None) -> httpx.Client:
    """The pool of one service. Redirects are never followed: they would carry the token along."""
    if transport is not None:
        return httpx.Client(transport=transport, follow_redirects=False, trust_env=False)
    if profile.proxy is None:
        client = httpx.Client(follow_redirects=False)
    else:
        context = ssl.create_default_context(cafile=str(profile.ca) if profile.ca else None)
        client = httpx.Client(proxy=profile.proxy, verify=context, trust_env=False, follow_redirects=False)
    _bound(client)
    return client


def _bound(client: httpx.Client) -> None:
    """Put the deadline below the library, whose own limit is one of silence: each byte that trickles begins it anew.

    The library has no public place for that; tests with a lying server hold this one.
    """
    transports: list[Any] = [client._transport, *client._mounts.values()]
    for transport in transports:
        if transport is not None:
            transport._pool._network_backend = _Network()


class _Network(httpcore.SyncBackend):
    """Sockets that know the deadline of their exchange."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect within the limit and the deadline."""
        return _Stream(super().connect_tcp(host, port, _left(timeout), local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    """A connection whose reads end at the deadline of the exchange, and soon after the signal to stop."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        end = time.monotonic() + _left(timeout)
        while True:
            stopping.check()
            left = end - time.monotonic()
            if left <= 0:
                raise httpcore.ReadTimeout("the answer did not arrive in time")
            try:
                return self._inner.read(max_bytes, min(STOP_CHECK_SECONDS, left))
            except httpcore.ReadTimeout:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None) -> float:
    """Seconds until the deadline of this thread's exchange, at most `timeout`; a moment when there are none."""
    deadline = _DEADLINE.get()
    left = timeout if deadline is None else max(0.001, deadline - time.monotonic())
    return CONNECT_SECONDS if left is None else left if timeout is None else min(left, timeout)


def _unpacked(answer: httpx.Response) -> bytes:
    """The body without its compression. Raises `NoReply` when it is too long or not what its header says."""
    packing = answer.headers.get("content-encoding", "").strip().lower()
    if packing not in (*_UNPACKED, "gzip", "x-gzip", "deflate"):
        raise NoReply(f"the body is packed in an unknown way, {packing[:40]}", sent=True)
    if packing in _UNPACKED:
        return _joined(answer.iter_raw())
    unpack = zlib.decompressobj(_GZIP_OR_DEFLATE)
    try:
        # One byte more than what is taken, so that a longer body shows.
        body = _joined(unpack.decompress(chunk, LARGEST_ANSWER_BYTES + 1) for chunk in answer.iter_raw())
    except zlib.error as error:
        raise NoReply(f"the body is no {packing}", sent=True) from error
    if answer.num_bytes_downloaded and not unpack.eof:
        raise NoReply(f"the {packing} of the body is cut off", sent=True)
    return body


def _joined(parts: Iterable[bytes]) -> bytes:
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > LARGEST_ANSWER_BYTES:
            raise NoReply(f"the body has more than {LARGEST_ANSWER_BYTES // 1024**2} MB", sent=True)
    return bytes(body)


def _text(body: bytes, charset: str | None) -> str:
    try:
        return body.decode(charset or "utf-8", errors="replace").removeprefix("\ufeff")
    except (LookupError, ValueError):
        return body.decode("utf-8", errors="replace").removeprefix("\ufeff")


def _no_reply(error: httpx.TransportError) -> NoReply:
    text = str(error).strip()
    stranger = _of_tls(error)
    return NoReply(
        f"{type(error).__name__}: {text}" if text else type(error).__name__,
        sent=not isinstance(error, _NEVER_SENT),
        repeatable=not (stranger or isinstance(error, _USELESS_TO_REPEAT)),
        nobody_there=isinstance(error, httpx.ConnectError) and not stranger,
    )


def _of_tls(error: BaseException) -> bool:
    """Whether the certificate was refused or the handshake failed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return "CERTIFICATE_VERIFY_FAILED" in str(error)
