"""Who may call an F&O instance: registered applications and enabled users (power-platform-api.md 14.9)."""

from typing import Any

from emulator.core.wire import Call, Caller, Reply
from emulator.finance_operations.errors import not_there, unauthorized
from emulator.finance_operations.instance import ADMINISTRATOR_USER, Instance, instance
from emulator.tables.values import same_text
from emulator.tenant import Handler, Tenant

_OPEN_TO_THE_INSTALLER = {"sysaadclients", "systemusers"}


def known(handler: Handler) -> Handler:
    """Let a handler see only calls of known callers; the rest is 401, a host without F&O 404."""

    def guarded(tenant: Tenant, call: Call) -> Reply:
        user_of(tenant, call)
        reply = handler(tenant, call)
        reply.headers.setdefault("ms-dyn-aid", call.correlation_id)
        return reply

    return guarded


def user_of(tenant: Tenant, call: Call) -> dict[str, Any]:
    """Return the SystemUsers row the caller acts as."""
    finops = instance(tenant, call.host)
    if finops is None:
        raise not_there()
    user_id = _user_id(tenant, call, finops)
    user = tenant.rows.get("finops", call.host, "SystemUsers", user_id) if user_id else None
    if user is None or not user["Enabled"]:
        reason = "The caller is not registered in finance and operations."
        raise unauthorized(reason)
    return user


def _user_id(tenant: Tenant, call: Call, found: Instance) -> str | None:
    caller = call.caller
    if caller is None:
        return None
    if caller.user is not None:
        people = tenant.rows.scan("finops", call.host, "SystemUsers")
        return next((str(row["UserID"]) for row in people if same_text(row["Alias"], caller.user)), None)
    client = tenant.rows.get("finops", call.host, "SysAADClients", caller.app_id or "")
    if client is not None:
        return str(client["UserId"])
    return ADMINISTRATOR_USER if _may_register(tenant, call, caller, found) else None


def _may_register(tenant: Tenant, call: Call, caller: Caller, found: Instance) -> bool:
    """Return whether the caller installed this F&O and asks for what a registration needs.

    Who may register the first application is open in the sources.
    """
    entity_set = call.parameters.get("resource", "").partition("(")[0].lower()
    is_installer = caller.app_id is not None and caller.app_id == found.installed_by
    may_register = is_installer and entity_set in _OPEN_TO_THE_INSTALLER
    return may_register and bool(tenant.switches["finops_creator_is_administrator"])
