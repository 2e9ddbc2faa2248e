"""One HTTP client per service: token, host rule, expected statuses, retry by error code, waits, ids, log lines."""

import json as json_module
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel

from providers.api.transport import lazy, retry, wire
from providers.api.transport.answers import CORRELATION_HEADERS, Response, parse_retry_after
from providers.api.transport.clouds import CloudProfile, emulator_not_running
from providers.api.transport.connection import Address, Connection, NoReply, Outgoing, Reply
from providers.api.transport.errors import ApiError, ForeignHost, ServiceUnavailable, Throttled, TransportError
from providers.api.transport.failures import failure, lost, unreadable
from providers.api.transport.hosts import HostRule
from providers.api.transport.limits import ATTEMPTS, MOST_PAGES, READ_SECONDS
from providers.api.transport.retry import Verdict
from providers.api.transport.timing import Attempt, Replay, Timing
from providers.api.transport.tokens import TokenSource

LOG = logging.getLogger("providers.api")
SESSION_ID = str(uuid.uuid4())
# A credential that was just renewed and refused again is not renewed for each further call (seconds).
RENEWAL_PAUSE = 300.0

Answer = Literal["json", "maybe", "none"]
M = TypeVar("M", bound=BaseModel)
Explain = Callable[[ApiError], ApiError]


def as_it_is(error: ApiError) -> ApiError:
    """An error that needs no further words."""
    return error


class _Call(NamedTuple):
    method: str
    address: Address
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None
    expected: frozenset[int]
    replay: Replay
    answer: Answer
    timeout: float
    attempts: int
    wait_busy: bool
    correlation_id: str


class Page(NamedTuple):
    """One page of a list as its answer brings it; `last` when the service names no page behind it."""

    items: list[Any]
    response: Response
    last: bool


class ServiceClient:
    """Sends the requests of one service. Safe to share between threads.

    `explain` turns an error of the service into the one that its callers get, with the advice that fits.
    """

    def __init__(
        self,
        service: str,
        base_url: str,
        scope: str,
        *,
        profile: CloudProfile,
        tokens: TokenSource,
        rule: HostRule,
        http: Connection,
        timing: Timing | None = None,
        explain: Explain = as_it_is,
    ) -> None:
        rule.check(base_url)
        self.service = service
        self.base_url = base_url.rstrip("/")
        self.profile = profile
        self.timing = timing or Timing()
        self._scope = scope
        self._tokens = tokens
        self._rule = rule
        self._http = http
        self._explain = explain
        self._renewed = float("-inf")

    def request(
        self,
        method: str,
        path_or_url: str,
        *,
        json: object = None,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        expected: set[int] | None = None,
        replay: Replay | None = None,
        answer: Answer = "json",
        timeout: float = READ_SECONDS,
        attempts: int = ATTEMPTS,
        wait_busy: bool = True,
    ) -> Response:
        """Send one call until it has an answer that counts, and return that.

        `expected` are the statuses of the contract (default 200). `replay` says whether the call may be sent again
        when its answer is lost (default: `safe` for GET, else `never`, which ends in `TransportError` with
        `may_have_happened`). `answer`: `json` must parse, `maybe` may also be empty, `none` is not read.
        `wait_busy=False` leaves it to the caller to wait while another operation runs.
        Raises an `ApiError` otherwise; `ForeignHost` before anything is sent.
        """
        typed = {"Content-Type": "application/json"} if json is not None else {}
        call = _Call(
            method=method,
            address=self._checked(path_or_url if "://" in path_or_url else f"{self.base_url}{path_or_url}"),
            params=params or {},
            headers={"Accept": "application/json", **typed, **(headers or {})},
            body=content if json is None else json_module.dumps(json).encode(),
            expected=frozenset(expected or {200}),
            replay=replay or ("safe" if method == "GET" else "never"),
            answer=answer,
            timeout=timeout,
            attempts=attempts,
            wait_busy=wait_busy,
            correlation_id=str(uuid.uuid4()),
        )
        return self._answered(call)

    def _answered(self, call: _Call) -> Response:
        """The answer that counts, after as many attempts as the call may have."""
        last = lazy.repeated(
            lambda: self._attempt(call),
            replay=call.replay,
            attempts=call.attempts,
            wait_busy=call.wait_busy,
            timing=self.timing,
        )
        if last.error is not None:
            raise self._explain(_final(last, last.error, call))
        if last.response is None:
            raise AssertionError("an attempt ended with neither a response nor an error")
        return last.response

    def read(
        self,
        model: type[M],
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> M:
        """GET one object as a model. Raises `UnexpectedAnswer` for another shape."""
        response = self.request("GET", path, params=params, headers=headers)
        return wire.read(model, response.json(), response, self.service)

    def read_list(
        self,
        model: type[M],
        path: str,
        *,
        member: str | None = "value",
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> list[M]:
        """GET one list as models: what stands in `member` of the body, or the body itself when that is None."""
        response = self.request("GET", path, params=params, headers=headers)
        listed = response.json() if member is None else wire.member(response, member, list, self.service)
        return wire.read_list(model, listed, response, self.service)

    def read_pages(
        self,
        model: type[M],
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> list[M]:
        """GET a list that comes in pages, all of them, as models."""
        pages = self.pages(path, params=params, headers=headers)
        return [each for page in pages for each in wire.read_list(model, page.items, page.response, self.service)]

    def pages(
        self, path: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[Page]:
        """The pages of a list in `value`, each asked for when it is wanted; every link passes the host rule."""
        url: str | None = path
        seen: set[str] = set()
        while url:
            seen.add(url)
            response = self.request("GET", url, params=params, headers=headers)
            body = wire.member(response, "value", list, self.service)
            url, params = wire.next_link(response, self.service), {}
            if url in seen or (url and len(seen) >= MOST_PAGES):
                raise wire.unexpected("the pages of the list have no end", response, self.service)
            yield Page(body, response, last=not url)

    def _checked(self, text: str) -> Address:
        """The URL as it will be sent; the host rule is applied to that, not to the text it was made of."""
        try:
            address = self._http.address(text)
        except ValueError:
            raise ForeignHost("what should be called is not a valid URL", service=self.service) from None
        self._rule.check(address.url)
        return address

    def _attempt(self, call: _Call) -> Attempt:
        challenge: str | None = None
        response: Response | None = None
        for _ in range(2):
            try:
                token = self._tokens.token(self._scope, challenge)
            except (TransportError, ServiceUnavailable, Throttled) as error:
                # The token service is busy or down: nothing was sent, so anything may be sent again.
                return Attempt(None, error, Verdict.REFUSED)
            try:
                response = self._send(call, token)
            except NoReply as error:
                return self._no_reply(error, call)
            if response.status != 401:
                break
            challenge = response.claims_challenge
            if challenge is None and not self._renew():
                break
        if response is None:
            raise AssertionError("no attempt was made")
        return self._judge(response, call)

    def _renew(self) -> bool:
        """Drop a refused token, at most once in a while."""
        now = self.timing.clock()
        if now - self._renewed < RENEWAL_PAUSE:
            return False
        self._renewed = now
        self._tokens.forget(self._scope)
        return True

    def _send(self, call: _Call, token: str) -> Response:
        headers = {
            **call.headers,
            "Authorization": f"Bearer {token}",
            "x-ms-client-session-id": SESSION_ID,
            "x-ms-correlation-id": call.correlation_id,
            "x-ms-client-request-id": str(uuid.uuid4()),
        }
        began = time.perf_counter()
        reply = self._http.exchange(
            Outgoing(call.method, call.address.url, headers, call.body, call.params, call.timeout)
        )
        response = self._response(reply, call)
        LOG.debug(
            "%s %s %s%s -> %d in %d ms (correlation %s)",
            self.service,
            call.method,
            call.address.host,
            call.address.path,
            response.status,
            (time.perf_counter() - began) * 1000,
            response.correlation_id,
        )
        return response

    def _response(self, reply: Reply, call: _Call) -> Response:
        given = next((reply.headers[name] for name in CORRELATION_HEADERS if reply.headers.get(name)), None)
        return Response(
            status=reply.status,
            headers=reply.headers,
            text=reply.text,
            url=reply.url,
            correlation_id=given or call.correlation_id,
            retry_after=parse_retry_after(reply.headers.get("retry-after"), self.timing.now()),
        )

    def _judge(self, response: Response, call: _Call) -> Attempt:
        if response.status in call.expected:
            reason = _unreadable(response, call.answer)
            if reason is None:
                return Attempt(response)
            return Attempt(None, unreadable(response, reason, self.service), Verdict.UNCLEAR, response.retry_after)
        if 300 <= response.status < 400:
            return Attempt(None, self._redirected(response))
        problem = response.problem
        error = failure(response, problem, self.service)
        return Attempt(None, error, retry.verdict(response, problem), response.retry_after)

    def _redirected(self, response: Response) -> ForeignHost:
        return ForeignHost(
            f"{self.service} redirects to {_host(response.headers.get('location', '')) or 'elsewhere'}; "
            "redirects are not followed, they would carry the token along",
            code=f"HTTP {response.status}",
            correlation_id=response.correlation_id,
            status=response.status,
            service=self.service,
        )

    def _no_reply(self, error: NoReply, call: _Call) -> Attempt:
        if self.profile.proxy and error.nobody_there:
            return Attempt(None, emulator_not_running(f"nothing answers at {self.profile.proxy}"))
        words = "the answer was lost of" if error.sent else "no connection to"
        reported = TransportError(
            f"{words} {call.address.host}: {error}", correlation_id=call.correlation_id, service=self.service
        )
        LOG.debug("%s %s %s -> %s (%s)", self.service, call.method, call.address.host, error, call.correlation_id)
        if not error.repeatable:
            return Attempt(None, reported)
        return Attempt(None, reported, Verdict.UNCLEAR if error.sent else Verdict.REFUSED)


def _final(attempt: Attempt, error: ApiError, call: _Call) -> ApiError:
    """What the caller gets: a write whose answer is unclear may have had its effect."""
    unclear = attempt.verdict is Verdict.UNCLEAR and call.method != "GET"
    if unclear and (call.replay == "never" or isinstance(error, TransportError)):
        return lost(error)
    return error


def _unreadable(response: Response, answer: Answer) -> str | None:
    """Why an answer with the right status is none; None when it is fine."""
    if response.empty:
        return "the body is empty" if answer == "json" else None
    if response.html:
        return response.problem.message
    if answer == "none":
        return None
    try:
        response.json()
    except ValueError:
        return "the body is not JSON"
    return None


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
