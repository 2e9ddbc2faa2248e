"""The HTTP library behind `Connection`: httpx, with the bounds of one exchange.

Only `lazy` imports this module, so that a run that makes no call does not pay for the library.
"""

import ssl

import httpx

from providers.api.transport.clouds import CloudProfile
from providers.api.transport.connection import Address, NoReply, Outgoing, Reply
from providers.api.transport.limits import CONNECT_SECONDS

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_USELESS_TO_REPEAT = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


class HttpConnection:
    """See `Connection`. `transport` is injected by tests."""

    def __init__(self, profile: CloudProfile, transport: httpx.BaseTransport | None = None) -> None:
        self._client = _client(profile, transport)

    def address(self, url: str) -> Address:
        """See `Connection`."""
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ValueError(str(error)) from None
        return Address(str(parsed), parsed.host, parsed.path)

    def exchange(self, outgoing: Outgoing) -> Reply:
        """See `Connection`."""
        url = httpx.URL(outgoing.url)
        try:
            answer = self._client.request(
                outgoing.method,
                url.copy_merge_params(dict(outgoing.params)) if outgoing.params else url,
                headers=dict(outgoing.headers),
                content=outgoing.body,
                timeout=httpx.Timeout(outgoing.seconds, connect=CONNECT_SECONDS),
            )
        except httpx.TransportError as error:
            raise _no_reply(error) from error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status_code, headers, answer.text, str(answer.url))

    def close(self) -> None:
        """See `Connection`."""
        self._client.close()


def _client(profile: CloudProfile, transport: httpx.BaseTransport | None) -> httpx.Client:
    """The pool of one service. Redirects are never followed: they would carry the token along."""
    if transport is not None:
        return httpx.Client(transport=transport, follow_redirects=False, trust_env=False)
    if profile.proxy is None:
        return httpx.Client(follow_redirects=False)
    context = ssl.create_default_context(cafile=str(profile.ca) if profile.ca else None)
    return httpx.Client(proxy=profile.proxy, verify=context, trust_env=False, follow_redirects=False)


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
