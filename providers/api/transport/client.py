"""One HTTP client per service: token, host rule, expected statuses, retry by error code, waits, ids, log lines."""

import json as json_module
import logging
import ssl
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import httpx

from providers.api.transport import retry
from providers.api.transport.answers import CORRELATION_HEADERS, Response, parse_retry_after
from providers.api.transport.clouds import CloudProfile, emulator_not_running
from providers.api.transport.errors import ApiError, ForeignHost, TransportError
from providers.api.transport.failures import failure, lost, unreadable
from providers.api.transport.hosts import HostRule
from providers.api.transport.retry import Verdict
from providers.api.transport.retrying import Attempt, Replay, Timing, retrying
from providers.api.transport.tokens import TokenSource

LOG = logging.getLogger("providers.api")
SESSION_ID = str(uuid.uuid4())
READ_TIMEOUT = 100.0
CONNECT_TIMEOUT = 15.0
# A credential that was just renewed and refused again is not renewed for each further call (seconds).
RENEWAL_PAUSE = 300.0

Answer = Literal["json", "maybe", "none"]


@dataclass(frozen=True)
class _Call:
    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    body: bytes | None
    expected: frozenset[int]
    replay: Replay
    answer: Answer
    timeout: float
    attempts: int
    wait_busy: bool
    correlation_id: str


def http_client(profile: CloudProfile, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """The connection pool of one service. Redirects are never followed: they would carry the token along."""
    timeout = httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT)
    if transport is not None:
        return httpx.Client(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)
    if profile.proxy is None:
        return httpx.Client(timeout=timeout, follow_redirects=False)
    context = ssl.create_default_context(cafile=str(profile.ca) if profile.ca else None)
    return httpx.Client(proxy=profile.proxy, verify=context, trust_env=False, timeout=timeout, follow_redirects=False)


class ServiceClient:
    """Sends the requests of one service. Safe to share between threads."""

    def __init__(
        self,
        service: str,
        base_url: str,
        scope: str,
        *,
        profile: CloudProfile,
        tokens: TokenSource,
        rule: HostRule,
        http: httpx.Client,
        timing: Timing | None = None,
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
        timeout: float = READ_TIMEOUT,
        attempts: int = retry.ATTEMPTS,
        wait_busy: bool = True,
    ) -> Response:
        """Send one call until it has an answer that counts, and return that.

        `expected` are the statuses of the contract (default 200). `replay` says whether the call may be sent again
        when its answer is lost (default: `safe` for GET, else `never`, which ends in `TransportError` with
        `may_have_happened`). `answer`: `json` must parse, `maybe` may also be empty, `none` is not read.
        `wait_busy=False` leaves it to the caller to wait while another operation runs.
        Raises an `ApiError` otherwise; `ForeignHost` before anything is sent.
        """
        url = self._checked(path_or_url if "://" in path_or_url else f"{self.base_url}{path_or_url}", params)
        body, extra = content, dict(headers or {})
        if json is not None:
            body = json_module.dumps(json).encode()
            extra = {"Content-Type": "application/json", **extra}
        call = _Call(
            method=method,
            url=url,
            headers={"Accept": "application/json", **extra},
            body=body,
            expected=frozenset(expected or {200}),
            replay=replay or ("safe" if method == "GET" else "never"),
            answer=answer,
            timeout=timeout,
            attempts=attempts,
            wait_busy=wait_busy,
            correlation_id=str(uuid.uuid4()),
        )
        last = retrying(call.replay, call.attempts, call.wait_busy, self.timing)(self._attempt, call)
        if last.error is not None:
            raise self._final(last, call)
        if last.response is None:
            raise AssertionError("an attempt ended with neither a response nor an error")
        return last.response

    def _checked(self, text: str, params: Mapping[str, str] | None) -> httpx.URL:
        """The URL as it will be sent; the host rule is applied to that, not to the text it was made of."""
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL:
            raise ForeignHost("what should be called is not a valid URL", service=self.service) from None
        self._rule.check(str(url))
        return url.copy_merge_params(dict(params)) if params else url

    def _final(self, attempt: Attempt, call: _Call) -> ApiError:
        error = attempt.error
        if error is None:
            raise AssertionError("no error to raise")
        unclear = attempt.verdict is Verdict.UNCLEAR and call.method != "GET"
        if unclear and (call.replay == "never" or isinstance(error, TransportError)):
            return lost(error)
        return error

    def _attempt(self, call: _Call) -> Attempt:
        challenge: str | None = None
        response: Response | None = None
        for _ in range(2):
            try:
                response = self._send(call, challenge)
            except httpx.TransportError as error:
                return self._no_answer(error, call)
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

    def _send(self, call: _Call, challenge: str | None) -> Response:
        token = self._tokens.token(self._scope, challenge)
        headers = {
            **call.headers,
            "Authorization": f"Bearer {token}",
            "x-ms-client-session-id": SESSION_ID,
            "x-ms-correlation-id": call.correlation_id,
            "x-ms-client-request-id": str(uuid.uuid4()),
        }
        began = time.perf_counter()
        answer = self._http.request(
            call.method,
            call.url,
            headers=headers,
            content=call.body,
            timeout=httpx.Timeout(call.timeout, connect=CONNECT_TIMEOUT),
        )
        response = self._response(answer, call)
        LOG.debug(
            "%s %s %s%s -> %d in %d ms (correlation %s)",
            self.service,
            call.method,
            call.url.host,
            call.url.path,
            response.status,
            (time.perf_counter() - began) * 1000,
            response.correlation_id,
        )
        return response

    def _response(self, answer: httpx.Response, call: _Call) -> Response:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        given = next((headers[name] for name in CORRELATION_HEADERS if headers.get(name)), call.correlation_id)
        return Response(
            status=answer.status_code,
            headers=headers,
            text=answer.text,
            url=str(answer.url),
            correlation_id=given,
            retry_after=parse_retry_after(headers.get("retry-after"), self.timing.now()),
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
        return Attempt(None, error, retry.verdict(response, problem, call.method), response.retry_after)

    def _redirected(self, response: Response) -> ForeignHost:
        target = httpx.URL(response.headers.get("location", "")).host or "elsewhere"
        return ForeignHost(
            f"{self.service} redirects to {target}; redirects are not followed, they would carry the token along",
            code=f"HTTP {response.status}",
            correlation_id=response.correlation_id,
            status=response.status,
            service=self.service,
        )

    def _no_answer(self, error: httpx.TransportError, call: _Call) -> Attempt:
        host = call.url.host
        never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError)
        if self.profile.proxy and isinstance(error, httpx.ConnectError) and not _tls(error):
            return Attempt(None, emulator_not_running(f"nothing answers at {self.profile.proxy}"))
        words = "no connection to" if never_sent else "the answer was lost of"
        reported = TransportError(
            f"{words} {host}: {_cause(error)}",
            correlation_id=call.correlation_id,
            service=self.service,
        )
        LOG.debug("%s %s %s -> %s (%s)", self.service, call.method, host, _cause(error), call.correlation_id)
        if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError) or _tls(error):
            return Attempt(None, reported)
        return Attempt(None, reported, Verdict.REFUSED if never_sent else Verdict.UNCLEAR)


def _unreadable(response: Response, answer: Answer) -> str | None:
    """Why an answer with the right status is none; None when it is fine."""
    if not response.empty and response.html:
        return response.problem.message
    if answer == "none" or (answer == "maybe" and response.empty):
        return None
    if response.empty:
        return "the body is empty"
    try:
        response.json()
    except ValueError:
        return "the body is not JSON"
    return None


def _tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def _cause(error: httpx.TransportError) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
