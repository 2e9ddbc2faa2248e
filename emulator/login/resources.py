"""Which resource a token request is about, and whether the tenant has it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from emulator.core.wire import Call
from emulator.identity.directory import DUAL_WRITE_AUDIENCE
from emulator.login.errors import bad_scope, missing_parameter, refusal, unknown_resource
from emulator.tenant import Tenant

DEFAULT = ".default"
# Scopes about the sign-in itself, not about a resource.
OPENID = {"openid", "profile", "email", "offline_access"}
# Audience that is no service's host name (power-platform-api.md 1).
POWER_APPS = "https://service.powerapps.com"


@dataclass(frozen=True)
class Wanted:
    """Resource and scope names of a request: `https://service.powerapps.com` and [".default"]."""

    resource: str
    names: tuple[str, ...]
    openid: frozenset[str]

    @property
    def dual_write(self) -> bool:
        """Return whether this is the delegated-only resource of the dual-write service."""
        return bare(self.resource) == bare(DUAL_WRITE_AUDIENCE)


def bare(resource: str) -> str:
    """Return a resource for comparison: case and a trailing slash make no difference."""
    return resource.rstrip("/").lower()


def of_scope(tenant: Tenant, call: Call, form: dict[str, str]) -> Wanted:
    """Read the v2 parameter `scope`; raises AADSTS900144, 70011, 28000 or 500011."""
    if "scope" not in form:
        raise missing_parameter(tenant, call, "scope")
    names = form["scope"].split()
    resource, scopes = _one_resource(tenant, call, form["scope"], [name for name in names if name not in OPENID])
    return _known(tenant, call, Wanted(resource, scopes, frozenset(OPENID.intersection(names))))


def _one_resource(tenant: Tenant, call: Call, sent: str, names: list[str]) -> tuple[str, tuple[str, ...]]:
    """Return the resource of `<resource>/<scope>` names and their scopes; the resource must be the same in all."""
    pairs = [name.rpartition("/")[::2] for name in names]
    if not pairs or not all(resource and scope for resource, scope in pairs):
        raise bad_scope(tenant, call, sent)
    if len({bare(resource) for resource, _ in pairs}) > 1:
        text = (
            "Provided value for the input parameter scope is not valid because it contains more than one resource."
            f" Scope {sent} is not valid."
        )
        raise refusal(tenant, call, "invalid_request", 28000, text)
    return pairs[0][0], tuple(scope for _, scope in pairs)


def of_resource(tenant: Tenant, call: Call, form: dict[str, str]) -> Wanted:
    """Read the v1 parameter `resource`; a v1 answer to a user always brings a refresh token."""
    if not form.get("resource"):
        raise missing_parameter(tenant, call, "resource")
    openid = OPENID.intersection(form.get("scope", "").split()) | {"offline_access"}
    return _known(tenant, call, Wanted(form["resource"], (DEFAULT,), frozenset(openid)))


def _known(tenant: Tenant, call: Call, wanted: Wanted) -> Wanted:
    host = urlsplit(wanted.resource).hostname or ""
    service = tenant.service_of(host)
    accepted = service.audiences(host) if service else set()
    if bare(wanted.resource) in {bare(item) for item in (*accepted, POWER_APPS, DUAL_WRITE_AUDIENCE)}:
        return wanted
    if host.endswith(".dynamics.com") and tenant.switches["tokens_for_unknown_instances"]:
        return wanted
    raise unknown_resource(tenant, call, wanted.resource)
