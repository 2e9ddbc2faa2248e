"""Maps that a link had and has no more: their map solutions are applied again. No pulumi.

`DualWriteConnection` does this for the maps that were declared at its last update; those declared since come here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from providers.catalogue.selection import carrying_solution
from providers.link.pair import read_link
from providers.link.solutions import apply_solutions
from providers.protocol.base import Call
from providers.protocol.waiting import Waiting

if TYPE_CHECKING:
    from providers.api.dual_write.models import EntityMapStatus, LinkedEnvironment
    from providers.api.session import Session


def brought_back(
    session: Session,
    link: LinkedEnvironment,
    statuses: Mapping[str, EntityMapStatus],
    seen: Collection[str],
    call: Call,
    seconds: float,
) -> Mapping[str, EntityMapStatus]:
    """The maps of the link, once the standard solutions of those of `seen` that are gone are applied again.

    A solution that CDS does not have any more is left out: its maps cannot come back.
    """
    service = session.dual_write
    carriers = {carrying_solution(name) for name in set(seen) - statuses.keys()} - {None}
    if not carriers:
        return statuses
    due = [each.unique_name for each in service.solutions(link.cid) if each.unique_name in carriers]
    waiting = Waiting(call, seconds)
    known = read_link(service, link)
    apply_solutions(service, known, due, waiting, interval=session.profile.polls.solution, known=seen)
    return {status.name: status for status in service.maps(link.cid, fresh=True)}
