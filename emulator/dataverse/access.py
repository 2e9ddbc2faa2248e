"""Who may call an organization, and how often (dual-write-semantics.md 12.2, service protection limits)."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from emulator.data.schemas import table
from emulator.dataverse.errors import missing_privilege, no_member, refuse
from emulator.dataverse.organization import plain_host
from emulator.dataverse.plugins import user_id_of
from emulator.http import Call, Handler, Reply
from emulator.tables.keys import equality

if TYPE_CHECKING:
    from emulator.tenant import Tenant

READ_COST, WRITE_COST = 0.005, 0.03
_Window = deque[tuple[datetime, float]]
_windows: "WeakKeyDictionary[Tenant, dict[tuple[str, str], _Window]]" = WeakKeyDictionary()


def member(handler: Handler) -> Handler:
    """Let a handler see only calls of users of the organization; roles do not matter."""

    def guarded(tenant: "Tenant", call: Call) -> Reply:
        require_user(tenant, call)
        protect(tenant, call)
        return handler(tenant, call)

    return guarded


def privileged(handler: Callable[["Tenant", Call], Reply]) -> Handler:
    """Let a handler see only calls of users who have at least one role."""

    def guarded(tenant: "Tenant", call: Call) -> Reply:
        require_role(tenant, call)
        protect(tenant, call)
        return handler(tenant, call)

    return guarded


def require_user(tenant: "Tenant", call: Call) -> str:
    """Return the caller's systemuserid; 403 when the caller is no user, or a disabled one."""
    host = plain_host(call.host)
    user_id = user_id_of(tenant, host, call.caller)
    if user_id is None:
        raise no_member()
    user = tenant.rows.get("dataverse", host, "systemusers", user_id)
    if user is not None and user.get("isdisabled"):
        text = f"The specified user(Id = {user_id}) is disabled. Consider enabling this user."
        raise refuse(403, "0x80040225", text)
    return user_id


def require_role(tenant: "Tenant", call: Call) -> str:
    """Return the caller's systemuserid; 403 when the caller has no role (every role grants everything: assumed)."""
    user_id = require_user(tenant, call)
    wanted = equality(table("dataverse", "systemuserrolescollection"), {"systemuserid": user_id})
    if not tenant.rows.count("dataverse", plain_host(call.host), "systemuserrolescollection", wanted, limit=1):
        raise missing_privilege(user_id, "prvRead" if call.method == "GET" else "prvWrite")
    return user_id


def protect(tenant: "Tenant", call: Call) -> None:
    """Count the request in its user's sliding window; 429 over a limit.

    Each batch is one request, its operations count with their time (`spend`). The windows are forgotten at a restart.
    """
    if not tenant.switches["service_protection"] or call.caller is None:
        return
    window = _window(tenant, call)
    requests, seconds = len(window), sum(cost for _, cost in window)
    if requests >= tenant.switches["service_protection_requests"]:
        limit = tenant.switches["service_protection_requests"]
        text = f"Number of requests exceeded the limit of {limit} over time window of 300 seconds."
        raise _too_many(tenant, window, "0x80072322", text)
    if seconds >= tenant.switches["service_protection_seconds"]:
        limit = tenant.switches["service_protection_seconds"]
        text = f"Combined execution time of incoming requests exceeded limit of {limit * 1000:.0f} milliseconds."
        raise _too_many(tenant, window, "0x80072321", text)
    window.append((tenant.clock.now(), READ_COST if call.method == "GET" else WRITE_COST))


def spend(tenant: "Tenant", call: Call, seconds: float) -> None:
    """Add execution time to the request that was counted last."""
    if not tenant.switches["service_protection"] or call.caller is None:
        return
    window = _window(tenant, call)
    if window:
        moment, cost = window.pop()
        window.append((moment, cost + seconds))


def forget(tenant: "Tenant") -> None:
    """Start counting anew, as after a restart."""
    _windows.pop(tenant, None)


def _window(tenant: "Tenant", call: Call) -> _Window:
    identity = call.caller.identity if call.caller else ""
    window = _windows.setdefault(tenant, {}).setdefault((plain_host(call.host), identity), deque())
    start = tenant.clock.now() - timedelta(seconds=tenant.switches["service_protection_window"])
    while window and window[0][0] <= start:
        window.popleft()
    return window


def _too_many(tenant: "Tenant", window: _Window, code: str, text: str) -> Exception:
    width = tenant.switches["service_protection_window"]
    oldest = window[0][0] if window else tenant.clock.now()
    wait = width - (tenant.clock.now() - oldest).total_seconds()
    return refuse(429, code, text, {"Retry-After": str(tenant.clock.retry_after(max(1.0, wait)))})
