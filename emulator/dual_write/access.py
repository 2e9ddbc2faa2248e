"""Who may call the management service: people only (dual-write-management-api.md 1.2).

That a token without a user is answered 401 is inferred: the resource is said to be delegated-only, no answer is shown.
"""

from emulator.core.wire import Call, Reply
from emulator.dual_write.errors import unauthorized
from emulator.tenant import Handler, Tenant


def people_only(handler: Handler) -> Handler:
    """Return the handler behind a check that the bearer stands for a person."""

    def guarded(tenant: Tenant, call: Call) -> Reply:
        if call.caller is None or call.caller.user is None:
            raise unauthorized("The token has no user; the service takes delegated tokens only.")
        return handler(tenant, call)

    return guarded
