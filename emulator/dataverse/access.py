"""Who may call an organization (dual-write-semantics.md 12.2); every call that may is counted."""

from collections.abc import Callable

from emulator.core.wire import Call, Reply
from emulator.data.schemas import table
from emulator.dataverse.errors import disabled, no_member, no_role
from emulator.dataverse.organization import plain_host
from emulator.dataverse.plugins import user_id_of
from emulator.dataverse.protection import ServiceProtection
from emulator.tables.keys import equality
from emulator.tenant import Handler, Tenant


class Access:
    """Puts checks in front of handlers."""

    def __init__(self, protection: ServiceProtection) -> None:
        """Count what passes with `protection`."""
        self._protection = protection

    def member(self, handler: Handler) -> Handler:
        """Return the handler behind a check that the caller is a user of the organization; roles do not matter."""
        return self._guarded(require_user, handler)

    def privileged(self, handler: Handler) -> Handler:
        """Return the handler behind a check that the caller is a user with at least one role."""
        return self._guarded(require_role, handler)

    def _guarded(self, check: Callable[[Tenant, Call], object], handler: Handler) -> Handler:
        def guarded(tenant: Tenant, call: Call) -> Reply:
            check(tenant, call)
            self._protection.count(call)
            return handler(tenant, call)

        return guarded


def require_user(tenant: Tenant, call: Call) -> str:
    """Return the caller's systemuserid; 403 when the caller is no user, or a disabled one."""
    host = plain_host(call.host)
    user_id = user_id_of(tenant, host, call.caller)
    if user_id is None:
        raise no_member()
    user = tenant.rows.get("dataverse", host, "systemusers", user_id)
    if user is not None and user.get("isdisabled"):
        raise disabled(user_id)
    return user_id


def require_role(tenant: Tenant, call: Call) -> str:
    """Return the caller's systemuserid; 403 when the caller has no role (every role grants everything: assumed)."""
    user_id = require_user(tenant, call)
    wanted = equality(table("dataverse", "systemuserrolescollection"), {"systemuserid": user_id})
    if not tenant.rows.count("dataverse", plain_host(call.host), "systemuserrolescollection", wanted, limit=1):
        raise no_role(user_id)
    return user_id
