"""One stack, one tenant: its id is stored with every resource and compared before anything is asked or done.

Another tenant answers that nothing of the stack exists, which must never be believed. Offline (`check`, `diff`) what is
known is compared: the id of `dualwrite:tenant`, `AZURE_TENANT_ID`, and what is stored. An operation compares the tenant
that the tokens were issued for, after sign-in and before its first call.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from itertools import product
from typing import TYPE_CHECKING
from uuid import UUID

from providers.api.transport.errors import ApiError
from providers.protocol.call import Call, ResourceError
from providers.protocol.memory import Memory

if TYPE_CHECKING:
    from providers.api.session import Session

_VARIABLE = "AZURE_TENANT_ID"
# Tenants, by cloud and id, in which this process has read an object of the stack.
proven: Memory[bool] = Memory()
# Other reads of the same refresh may still be under way, and prove the tenant (seconds).
_PATIENCE = 20


def _id(text: str | None) -> str | None:
    """The id that a text is, in one form; None for a domain and for nothing."""
    try:
        return str(UUID(text)) if text else None
    except ValueError:
        return None


def known_conflict(named: str | None, stored: str | None) -> str | None:
    """Against what is known without asking: two of the key, the variable and the stored id differ; None otherwise."""
    places = {
        "`dualwrite:tenant`": _id(named),
        _VARIABLE: _id(os.environ.get(_VARIABLE)),
        "the state of this stack": _id(stored),
    }
    known = [(place, value) for place, value in places.items() if value]
    for place, value in known[1:]:
        if value != known[0][1]:
            return f"{known[0][0]} names the tenant {known[0][1]}, {place} the tenant {value}"
    return None


def verified(session: Session, named: str | None, stored: str | None, *, dual_write: bool) -> str:
    """Id of the tenant that the tokens are for; empty where they do not tell.

    Raises `ResourceError` with both ids when it is another one than that of the key or of the stored id. `dual_write`:
    the dual-write token is used as well.
    """
    actual = {"the program signs in to": _id(session.tenant_id)}
    if dual_write:
        actual["the dual-write token is for"] = _id(session.dual_write_tenant_id)
    wanted = {"this stack belongs to": _id(stored)}
    if named:
        wanted["`dualwrite:tenant` names"] = _id(named) or session.tenant_of(named)
    _refuse_others(actual, wanted)
    return _one_of(actual.values())


def _refuse_others(actual: Mapping[str, str | None], wanted: Mapping[str, str | None]) -> None:
    """Refuse where two tenants differ; one that is empty is not known."""
    for (what, tenant), (whose, other) in product(actual.items(), wanted.items()):
        if tenant and other and tenant != other:
            raise ResourceError(
                f"{what} the tenant {tenant}, but {whose} the tenant {other}",
                next_step="Nothing was asked and nothing changed. Sign in to that tenant (AZURE_TENANT_ID and its "
                "credentials, and the dual-write token), or use the stack of this one.",
            )


def _one_of(tenants: Iterable[str | None]) -> str:
    """The tenant of both tokens; empty where neither tells."""
    first, *others = [tenant for tenant in tenants if tenant] or [""]
    if any(other != first for other in others):
        raise ResourceError(
            f"the program signs in to the tenant {first}, but the dual-write token is for the tenant {others[0]}",
            next_step="Nothing was asked and nothing changed. Take both tokens from one tenant.",
        )
    return first


def prove(cloud: str, tenant: str) -> None:
    """An object of the stack was read in this tenant."""
    proven.put(f"{cloud} {tenant}", True)


def require_proof(cloud: str, tenant: str, call: Call) -> None:
    """An object is gone, and its state names no tenant: believed only where another object of the stack was read.

    Raises `ApiError` otherwise, so that a refresh with the wrong credentials removes nothing.
    """
    for waited in range(_PATIENCE + 1):
        if proven.has(f"{cloud} {tenant}"):
            return
        if waited < _PATIENCE:
            call.sleep(1.0)
    raise ApiError(
        f"it is not in the tenant {tenant or 'of the credentials'}, and neither is anything else of this stack",
        next_step="Nothing was changed: the state of older code does not name its tenant. Sign in to the tenant of "
        "this stack and refresh again.",
    )
