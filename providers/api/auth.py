"""Token sources: azure-identity for service principals, and the delegated token of the dual-write service.

Credentials come from the environment only. A delegated refresh token lives 24 hours at most
(dual-write-management-api.md 1.2), so pipelines use DUALWRITE_TOKEN_COMMAND.
"""

from typing import Protocol

from .clouds import CloudProfile


class TokenSource(Protocol):
    """Gives bearer tokens; safe to share between threads."""

    def token(self, scope: str, claims: str | None = None) -> str:
        """A token for `scope`; with `claims` (a CAE challenge) a new one that answers the challenge."""
        ...

    def forget(self, scope: str) -> None:
        """The last token for `scope` was refused: the next call has to get a new one."""
        ...


class AzureIdentityTokens:
    """Tokens of the azure-identity credential that the environment describes."""

    def __init__(self, profile: CloudProfile, identity: str = "default") -> None:
        self._profile = profile
        self._identity = identity

    def token(self, scope: str, claims: str | None = None) -> str:
        """See `TokenSource`. Raises `AuthenticationError`."""
        raise NotImplementedError

    def forget(self, scope: str) -> None:
        """See `TokenSource`."""
        raise NotImplementedError


class DualWriteTokens:
    """The delegated token, from DUALWRITE_TOKEN, DUALWRITE_REFRESH_TOKEN or DUALWRITE_TOKEN_COMMAND."""

    def __init__(self, profile: CloudProfile) -> None:
        self._profile = profile

    def token(self, scope: str, claims: str | None = None) -> str:
        """See `TokenSource`. Raises `TokenMissing` when nothing is configured, else `AuthenticationError`."""
        raise NotImplementedError

    def forget(self, scope: str) -> None:
        """See `TokenSource`."""
        raise NotImplementedError


def dual_write_token_configured() -> bool:
    """Whether the environment names any source of a delegated dual-write token."""
    raise NotImplementedError
