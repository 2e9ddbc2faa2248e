"""Token sources: azure-identity for service principals, and the delegated token of the dual-write service.

Credentials come from the environment only. A delegated refresh token lives 24 hours at most
(dual-write-management-api.md 1.2), so pipelines use DUALWRITE_TOKEN_COMMAND.
"""

import base64
import binascii
import os
import re
import threading
import time
from collections.abc import Callable
from json import JSONDecodeError
from typing import Any, Protocol

from providers.api.identity.dual_write_sources import dual_write_token_configured
from providers.api.identity.dual_write_tokens import FAILURE_SECONDS, DualWriteTokens
from providers.api.identity.failures import PASSING_STATUSES, SharedFailures
from providers.api.transport.clouds import CloudProfile, emulator_not_running
from providers.api.transport.errors import (
    ApiError,
    AuthenticationError,
    ServiceUnavailable,
    TransportError,
    UnexpectedAnswer,
)
from providers.api.transport.quiet import quieten
from providers.api.transport.tokens import TokenSource

__all__ = [
    "AzureIdentityTokens",
    "Credential",
    "DualWriteTokens",
    "TokenSource",
    "dual_write_token_configured",
]

_AADSTS = re.compile(r"AADSTS\d+")
_CORRELATION = re.compile(r"(?i)correlation[ _]id:\s*([0-9a-f-]{36})")
# Seconds without a word from the token service.
_TIMEOUTS = {"connection_timeout": 15, "read_timeout": 30}
_STATUS = re.compile(r"\b(?:HTTP|status|code|Unexpected response)\D{0,12}(4\d\d|5\d\d)\b", re.IGNORECASE)
IDENTITIES = {
    "default": ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
    "prove": ("DUALWRITE_PROVE_CLIENT_ID", "DUALWRITE_PROVE_CLIENT_SECRET"),
}


class Credential(Protocol):
    """The part of an azure-identity credential that is used here."""

    def get_token(self, *scopes: str, claims: str | None = None, enable_cae: bool = False) -> Any:
        """An access token with `.token` and `.expires_on`."""
        ...


class AzureIdentityTokens:
    """Tokens of the azure-identity credential that the environment describes.

    `identity="prove"` takes the client of DUALWRITE_PROVE_CLIENT_ID instead. `build` makes the credential; tests
    inject it.
    """

    def __init__(
        self,
        profile: CloudProfile,
        identity: str = "default",
        build: Callable[[], Credential] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._profile = profile
        self._identity = identity
        self._build = build or (lambda: _credential(profile, identity))
        self._credential: Credential | None = None
        self._lock = threading.Lock()
        self._clock = clock
        self._failures = SharedFailures(FAILURE_SECONDS, clock)

    def token(self, scope: str, claims: str | None = None) -> str:
        """See `TokenSource`. Raises `AuthenticationError`."""
        asked = self._clock()
        with self._lock:
            return self._failures.shared(lambda: self._obtain(scope, claims), asked)

    def _obtain(self, scope: str, claims: str | None) -> str:
        # azure-core is slow to import, and a preview without changes needs none of it.
        from azure.core.exceptions import AzureError, ClientAuthenticationError

        if self._credential is None:
            self._credential = self._build()
        try:
            answer = self._credential.get_token(scope, claims=_claims(claims), enable_cae=True)
        except AzureError as error:
            refused = isinstance(error, ClientAuthenticationError)
            raise _failure(error, self._profile, refused=refused) from None
        except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, RecursionError) as error:
            # What the library makes of an answer that is none. Its text may quote the answer, so it is not shown.
            kind = UnexpectedAnswer if isinstance(error, JSONDecodeError) else TransportError
            raise kind(
                f"no token from {self._profile.authority}: the answer could not be read ({type(error).__name__})",
                service="identity",
            ) from None
        return str(answer.token)

    def forget(self, _scope: str, /) -> None:
        """See `TokenSource`. The credential holds the cache, so a new one is made for the next token."""
        with self._lock:
            self._credential = None


def _failure(error: BaseException, profile: CloudProfile, *, refused: bool) -> ApiError:
    """What an error of the library means; `refused`: it is its error for a refused sign-in."""
    # azure-identity reports an unreachable proxy as a failed authentication.
    if profile.proxy and "Connection refused" in str(error):
        return emulator_not_running(f"nothing answers at {profile.proxy}")
    status = _status(error)
    if status in PASSING_STATUSES:
        return ServiceUnavailable(
            f"no token from {profile.authority}: it answered {status}",
            code=f"HTTP {status}",
            status=status,
            service="identity",
        )
    if refused:
        return _refused(str(error))
    return TransportError(f"no token from {profile.authority}: {error}", service="identity")


def _status(error: BaseException) -> int | None:
    """The HTTP status behind an error of the library; None when it does not show."""
    cause: BaseException | None = error
    while cause is not None:
        status = getattr(getattr(cause, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
        cause = cause.__cause__ or cause.__context__
    found = _STATUS.search(str(error))
    return int(found.group(1)) if found else None


def _claims(challenge: str | None) -> str | None:
    if challenge is None:
        return None
    try:
        return base64.b64decode(challenge + "=" * (-len(challenge) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return challenge


def _credential(profile: CloudProfile, identity: str) -> Credential:
    from azure.identity import ClientSecretCredential, DefaultAzureCredential, EnvironmentCredential

    quieten()
    # retry_total: the callers repeat what is worth repeating, and their waits can be stopped.
    options: dict[str, Any] = {"authority": profile.authority, "retry_total": 0, **_TIMEOUTS}
    if profile.proxy is not None:
        options["proxies"] = {"https": profile.proxy}
        options["connection_verify"] = str(profile.ca)
    id_variable, secret_variable = IDENTITIES[identity]
    if identity != "default":
        values = [os.environ.get(name, "") for name in ("AZURE_TENANT_ID", id_variable, secret_variable)]
        if not all(values):
            raise _refused(f"AZURE_TENANT_ID, {id_variable} or {secret_variable} is not set")
        return ClientSecretCredential(*values, **options)
    if profile.proxy is not None:
        # Behind the proxy there are only token endpoints: no managed identity, no developer tools.
        return EnvironmentCredential(**options)
    return DefaultAzureCredential(**options)


def _refused(text: str) -> ApiError:
    code = _AADSTS.search(text)
    correlation = _CORRELATION.search(text)
    reason = text.split("Trace ID:", 1)[0].split("To mitigate this issue", 1)[0].strip() or "no credential"
    return AuthenticationError(
        f"no token: {reason}",
        code=code.group() if code else None,
        correlation_id=correlation.group(1) if correlation else None,
        next_step="Check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or the identity of the machine).",
        service="identity",
    )
