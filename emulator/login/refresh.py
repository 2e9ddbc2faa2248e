"""Refresh tokens: signed, so that they outlive restarts and resets without a table."""

from dataclasses import dataclass
from datetime import UTC, datetime

import jwt

from emulator.identity.directory import DATA_INTEGRATION_APP_ID, User
from emulator.tenant import Tenant

# No access token has this issuer, so neither kind passes for the other.
ISSUER = "refresh"
PREFIX = "1."


@dataclass(frozen=True)
class Grant:
    """What a refresh token stands for.

    `single_page`: it came from the web app, lives a fixed time from sign-in (rotation does not prolong it) and is
    redeemed only with an `Origin` header (management API 1.2).
    """

    user: User
    client_id: str
    issued: datetime
    single_page: bool


def issue(tenant: Tenant, grant: Grant) -> str:
    """Return the token for a grant."""
    key = tenant.identity.key
    claims = {"iss": ISSUER, "upn": grant.user.upn, "client": grant.client_id, "page": grant.single_page}
    signed = {**claims, "since": grant.issued.timestamp()}
    return PREFIX + jwt.encode(signed, key.private_key, "RS256", headers={"kid": key.key_id})


def read(tenant: Tenant, token: str) -> Grant | None:
    """Return the grant, or None when the token was never issued here.

    A person's own token of the directory counts as just issued: the person has signed in at the web app.
    """
    directory = tenant.identity.directory
    owner = next((user for user in directory.users() if token and user.refresh_token == token), None)
    if owner is not None:
        return Grant(owner, DATA_INTEGRATION_APP_ID, tenant.clock.real_now(), single_page=True)
    if not token.startswith(PREFIX):
        return None
    try:
        claims = jwt.decode(token[len(PREFIX) :], tenant.identity.key.public_key, algorithms=["RS256"], issuer=ISSUER)
    except jwt.PyJWTError:
        return None
    found = directory.user(claims["upn"])
    if found is None:
        return None
    return Grant(found, claims["client"], datetime.fromtimestamp(claims["since"], UTC), claims["page"])
