"""How often a user may call an organization: the service protection limits (dual-write-semantics.md 12.2)."""

from collections import deque
from datetime import datetime, timedelta

from emulator.core.wire import Call, ServiceError
from emulator.dataverse.errors import refuse
from emulator.dataverse.organization import plain_host
from emulator.tenant import Tenant, TenantReset

READ_COST, WRITE_COST = 0.005, 0.03
_Window = deque[tuple[datetime, float]]


def cost_of(method: str) -> float:
    """Return the execution seconds of one operation (assumed)."""
    return READ_COST if method == "GET" else WRITE_COST


class ServiceProtection:
    """Requests of the last minutes with their execution seconds, by organization and caller.

    They are kept in memory: a restart and a reset forget them.
    """

    def __init__(self, tenant: Tenant) -> None:
        """Count the requests of this tenant."""
        self._tenant = tenant
        self._windows: dict[tuple[str, str], _Window] = {}
        tenant.signals.subscribe(TenantReset, lambda _reset: self._windows.clear())

    def count(self, call: Call) -> None:
        """Count the request in its user's sliding window; 429 over a limit.

        Each batch is one request, its operations count with their time (`spend`).
        """
        window = self._window(call)
        if window is None:
            return
        switches = self._tenant.switches
        requests, seconds = len(window), sum(cost for _, cost in window)
        if requests >= (most := switches["service_protection_requests"]):
            text = f"Number of requests exceeded the limit of {most} over time window of 300 seconds."
            raise self._too_many(window, "0x80072322", text)
        if seconds >= (most := switches["service_protection_seconds"]):
            text = f"Combined execution time of incoming requests exceeded limit of {most * 1000:.0f} milliseconds."
            raise self._too_many(window, "0x80072321", text)
        window.append((self._tenant.clock.now(), cost_of(call.method)))

    def spend(self, call: Call, seconds: float) -> None:
        """Add execution time to the request that was counted last."""
        window = self._window(call)
        if window:
            moment, cost = window.pop()
            window.append((moment, cost + seconds))

    def _window(self, call: Call) -> _Window | None:
        """Return the caller's requests that still count, None when nothing is counted."""
        if not self._tenant.switches["service_protection"] or call.caller is None:
            return None
        window = self._windows.setdefault((plain_host(call.host), call.caller.identity), deque())
        start = self._tenant.clock.now() - timedelta(seconds=self._tenant.switches["service_protection_window"])
        while window and window[0][0] <= start:
            window.popleft()
        return window

    def _too_many(self, window: _Window, code: str, text: str) -> ServiceError:
        now = self._tenant.clock.now()
        oldest = window[0][0] if window else now
        wait = self._tenant.switches["service_protection_window"] - (now - oldest).total_seconds()
        # Source: dual-write-semantics.md 12.2
        return refuse(429, code, text, {"Retry-After": str(self._tenant.clock.retry_after(max(1.0, wait)))})
