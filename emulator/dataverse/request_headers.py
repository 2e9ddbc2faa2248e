"""Headers that change what a request does, and that the emulator does not play: 501 rather than another answer.

Sources: Microsoft Learn, "Impersonate another user using the Web API" and "Use change tracking to synchronize data".
"""

from emulator.core.routing import not_modelled
from emulator.core.wire import Call

_IMPERSONATION = ("mscrmcallerid", "callerobjectid")
_TRACKING = "odata.track-changes"


def check(call: Call) -> None:
    """Refuse impersonation and change tracking."""
    for name in _IMPERSONATION:
        if name in call.headers:
            raise not_modelled(call.method, f"{call.path} with the header {name}")
    if _TRACKING in call.headers.get("prefer", ""):
        raise not_modelled(call.method, f"{call.path} with Prefer: {_TRACKING}")
