"""What every source of bearer tokens offers, and reading a token's claims."""

import base64
import binascii
import json
from typing import Any, Protocol


class TokenSource(Protocol):
    """Gives bearer tokens; safe to share between threads."""

    def token(self, scope: str, /, claims: str | None = None) -> str:
        """A token for `scope`; with `claims` (base64, a CAE challenge) a new one that answers the challenge."""
        ...

    def forget(self, scope: str, /) -> None:
        """The last token for `scope` was refused: the next call has to get a new one."""
        ...


def claim(token: str, name: str) -> Any:
    """One claim of a JWT, unverified (the services verify); None when it is not a JWT or has no such claim."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        body = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return body.get(name) if isinstance(body, dict) else None
