"""The delegated token of the dual-write service: ready, refreshed, or from a command (management API section 1)."""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from providers.api.identity.dual_write_sources import HOW_TO_GET_ONE, REFRESH_TOKEN, TOKEN, TOKEN_COMMAND
from providers.api.identity.failures import PASSING_STATUSES, SharedFailures
from providers.api.identity.sign_in_host import reply_of
from providers.api.identity.token_command import cleaned_token, command_words, printed_by, token_of
from providers.api.transport.answers import read_problem
from providers.api.transport.clouds import CloudProfile
from providers.api.transport.connection import Connection, Outgoing
from providers.api.transport.errors import (
    ApiError,
    AuthenticationError,
    ServiceUnavailable,
    TokenMissing,
    UnexpectedAnswer,
)
from providers.api.transport.tokens import claim

CLIENT_ID = "2e49aa60-1bd3-43b6-8ab6-03ada3d9f08b"
REDIRECT_URI = "https://dataintegrator.trafficmanager.net/dualWrite"
ORIGIN = "https://dataintegrator.trafficmanager.net/"
_FORM_HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
    "origin": ORIGIN,
}
# Renew this long before the end of a token (seconds), but never more than a tenth of a short life.
MARGIN = 300.0
# A failure is shared for so long: a wrong secret or a hanging command is not tried again by each resource (seconds).
FAILURE_SECONDS = 60.0


class _Held(NamedTuple):
    token: str
    renew_at: float
    source: str


class DualWriteTokens:
    """The delegated token, from DUALWRITE_TOKEN, DUALWRITE_REFRESH_TOKEN or DUALWRITE_TOKEN_COMMAND, in that order.

    An expired ready token makes way for the next source. One token at a time, kept until shortly before its end;
    a rotated refresh token is kept in memory only. `now` is in seconds since 1970.
    """

    def __init__(
        self,
        profile: CloudProfile,
        http: Callable[[], Connection],
        now: Callable[[], float] = time.time,
        run: Callable[[list[str]], str] | None = None,
    ) -> None:
        self._profile = profile
        self._http = http
        self._now = now
        self._run = run or printed_by
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._failures = SharedFailures(FAILURE_SECONDS, now)
        self._refused: set[str] = set()
        self._rotated: str | None = None

    def token(self, _scope: str, /, claims: str | None = None) -> str:
        """See `TokenSource`; the audience is fixed. Raises `TokenMissing` when nothing is configured."""
        asked = self._now()
        with self._lock:
            if self._held is None or claims is not None or asked >= self._held.renew_at:
                self._held = self._failures.shared(lambda: self._obtain(claims), asked)
            return self._held.token

    def forget(self, _scope: str, /) -> None:
        """See `TokenSource`. A ready token that was refused is not used again."""
        with self._lock:
            if self._held is not None and self._held.source == TOKEN:
                self._refused.add(self._held.token)
            self._held = None

    def _obtain(self, claims: str | None) -> _Held:
        ready = _ready()
        if claims is None and self._is_usable(ready):
            return self._keep(ready, None, TOKEN)
        if os.environ.get(REFRESH_TOKEN):
            return self._refresh(claims)
        if os.environ.get(TOKEN_COMMAND):
            return self._command()
        if ready:
            raise AuthenticationError(
                f"the token in {TOKEN} has expired or was refused", next_step=HOW_TO_GET_ONE, service="identity"
            )
        raise TokenMissing(
            "no delegated token for the dual-write service is configured", next_step=HOW_TO_GET_ONE, service="identity"
        )

    def _is_usable(self, ready: str) -> bool:
        """Whether the ready token is there, was not refused and has not ended; an opaque one does not tell its end."""
        if not ready or ready in self._refused:
            return False
        expiry = _expiry(ready)
        return expiry is None or expiry > self._now()

    def _keep(self, token: str, lifetime: float | None, source: str) -> _Held:
        now = self._now()
        end = now + lifetime if lifetime is not None else _expiry(token)
        if end is None:
            # An opaque token without a stated life: ask its source again now and then.
            return _Held(token, now + MARGIN, source)
        return _Held(token, end - min(MARGIN, (end - now) / 10), source)

    def _refresh(self, claims: str | None) -> _Held:
        audience = self._profile.dual_write_audience
        form = {
            "client_id": CLIENT_ID,
            "scope": f"{audience}/.default openid profile offline_access",
            "redirect_uri": REDIRECT_URI,
            "grant_type": "refresh_token",
            "refresh_token": self._rotated or os.environ[REFRESH_TOKEN].strip().strip("\"'").strip(),
        }
        if claims is not None:
            form["claims"] = claims
        url = f"https://{self._profile.authority}/common/oauth2/v2.0/token"
        request = Outgoing("POST", url, _FORM_HEADERS, urlencode(form).encode())
        reply = reply_of(self._http(), request, self._profile, "token")
        body = _object(reply.text)
        token = body.get("access_token")
        if reply.status != 200 or not isinstance(token, str):
            raise self._no_token(reply.status, body)
        rotated = body.get("refresh_token")
        self._rotated = rotated if isinstance(rotated, str) else self._rotated
        return self._keep(token, _seconds(body.get("expires_in")), REFRESH_TOKEN)

    def _no_token(self, status: int, body: Mapping[str, object]) -> ApiError:
        """Why an answer brought no token: one that passes, one that cannot be read, or a refusal."""
        if status in PASSING_STATUSES:
            reason = f"no token from {self._profile.authority}: it answered {status}"
            return ServiceUnavailable(reason, code=f"HTTP {status}", status=status, service="identity")
        if status == 200:
            reason = f"no token from {self._profile.authority}: the answer could not be read"
            return UnexpectedAnswer(reason, code="HTTP 200", status=200, service="identity")
        problem = read_problem(body)
        return AuthenticationError(
            f"the refresh token was refused: {problem.message or status}",
            code=problem.code or None,
            correlation_id=problem.correlation_id,
            next_step=HOW_TO_GET_ONE,
            service="identity",
        )

    def _command(self) -> _Held:
        token, body = token_of(self._run(command_words(os.environ[TOKEN_COMMAND])))
        return self._keep(token, _seconds(body.get("expires_in")), TOKEN_COMMAND)


def _ready() -> str:
    """The token in the environment, "" without one."""
    text = os.environ.get(TOKEN, "")
    token = cleaned_token(text)
    if text.strip() and token is None:
        raise AuthenticationError(f"what {TOKEN} holds is no token", next_step=HOW_TO_GET_ONE, service="identity")
    return token or ""


def _expiry(token: str) -> float | None:
    return _seconds(claim(token, "exp"))


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _object(text: str) -> Mapping[str, object]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
