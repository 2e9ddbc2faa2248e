"""Finding the request whose answer was lost: what E2 lists now and did not list before (client rule 5).

The rule says `createdOn` after the send. Clocks of client and service differ, so "not seen before the send" is used,
which says the same without comparing clocks.
"""

import re
import threading
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from providers.api.dual_write.models import ActionRequest, EntityMapStatus
from providers.api.transport.answers import Response

_BARE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{7,127}")


class SeenRequests:
    """The request ids that each link was seen to have; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: dict[str, set[str]] = {}

    def listed(self, cid: str, maps: Iterable[EntityMapStatus]) -> None:
        """A list of maps was read."""
        self.add(cid, (request.request_id for each in maps for request in _requests(each)))

    def add(self, cid: str, request_ids: Iterable[str]) -> None:
        """These requests of a link are known."""
        with self._lock:
            self._ids.setdefault(cid, set()).update(request_ids)

    def knows(self, cid: str) -> bool:
        """Whether a list of this link was read at all."""
        with self._lock:
            return cid in self._ids

    def ids(self, cid: str) -> frozenset[str]:
        """All ids known now."""
        with self._lock:
            return frozenset(self._ids.get(cid, ()))

    @staticmethod
    def new_request(
        maps: Iterable[EntityMapStatus], template_ids: AbstractSet[str], action: str, before: AbstractSet[str]
    ) -> str | None:
        """The id of a request with this action on one of these maps that was not known before."""
        requests = (request for each in maps if each.detail.tid in template_ids for request in _requests(each))
        ids = (request.request_id for request in requests if request.action == action)
        return next((identifier for identifier in ids if identifier and identifier not in before), None)


def requested_id(response: Response) -> str | None:
    """The request id of an answer: `{"requestId": ...}`, a quoted id or a bare one; None when it has none (E3)."""
    try:
        body = response.json()
    except ValueError:
        text = response.text.strip()
        return text if _BARE_ID.fullmatch(text) else None
    identifier = _member(body) if isinstance(body, dict) else body
    return identifier if isinstance(identifier, str) and identifier else None


def _member(body: Mapping[str, object]) -> object:
    return next((value for name, value in body.items() if str(name).lower() == "requestid"), None)


def _requests(status: EntityMapStatus) -> list[ActionRequest]:
    last = [status.detail.last_request] if status.detail.last_request else []
    return [*status.detail.last_requests, *last]
