"""Which tenant a domain is, as the login host says without a sign-in: its OpenID configuration names the id."""

import json
import re
from urllib.parse import quote

from providers.api.identity.failures import PASSING_STATUSES
from providers.api.identity.sign_in_host import reply_of
from providers.api.transport.clouds import CloudProfile
from providers.api.transport.connection import Connection, Outgoing
from providers.api.transport.errors import InvalidRequest, ServiceUnavailable, UnexpectedAnswer

_ID = re.compile(r"/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/", re.IGNORECASE)


def tenant_of(domain: str, profile: CloudProfile, connection: Connection) -> str:
    """Id of the tenant of a domain. Raises `InvalidRequest` for a domain that the login host does not know."""
    url = f"https://{profile.authority}/{quote(domain, safe='')}/v2.0/.well-known/openid-configuration"
    reply = reply_of(connection, Outgoing("GET", url, {"Accept": "application/json"}, b""), profile, "answer")
    if reply.status in PASSING_STATUSES:
        reason = f"no answer from {profile.authority}: it answered {reply.status}"
        raise ServiceUnavailable(reason, code=f"HTTP {reply.status}", status=reply.status, service="identity")
    issuer = _issuer(reply.text)
    found = _ID.search(issuer or "") if reply.status == 200 else None
    if reply.status == 200 and issuer is None:
        reason = f"no answer from {profile.authority}: it could not be read"
        raise UnexpectedAnswer(reason, code="HTTP 200", status=200, service="identity")
    if found is None:
        raise InvalidRequest(
            f"{profile.authority} knows no tenant '{domain}' ({reply.status})",
            next_step="Correct `dualwrite:tenant`; the id of the tenant can stand there as well.",
            service="identity",
        )
    return found.group(1).lower()


def _issuer(text: str) -> str | None:
    """The issuer that a configuration names; None for a text that is no configuration."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    issuer = body.get("issuer") if isinstance(body, dict) else None
    return f"{issuer}/" if isinstance(issuer, str) else None
