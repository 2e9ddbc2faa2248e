"""Which map waits for which: the order in which the service wants maps to be started (E5). No pulumi."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.api.dual_write.client import DualWriteManagement
    from providers.api.dual_write.models import EntityMapStatus


class StartOrder:
    """The prerequisites of the maps of one link, by name. Empty until the service was asked.

    `avoid`: maps that are nobody's prerequisite although the service names them, because the stack has dropped them.
    """

    def __init__(self, avoid: Iterable[str] = ()) -> None:
        self._avoid = frozenset(avoid)
        self._needs: dict[str, frozenset[str]] | None = None
        self._chains: dict[str, int] = {}

    @property
    def known(self) -> bool:
        """Whether the service was asked."""
        return self._needs is not None

    def ask(
        self, service: DualWriteManagement, cid: str, names: Iterable[str], statuses: Mapping[str, EntityMapStatus]
    ) -> set[str]:
        """Ask once for all these maps; returns every map that one of them needs."""
        name_of = {status.detail.tid: name for name, status in statuses.items()}
        asked = [statuses[name].detail.tid for name in names]
        sequences = needs_of(service.prerequisite_sequences(cid, asked), asked)
        by_name = {name_of[tid]: {name_of.get(need, "") for need in needs} for tid, needs in sequences.items()}
        self._needs = {name: frozenset(needs - {""} - self._avoid) for name, needs in by_name.items()}
        self._chains = chains(self._needs)
        return set().union(*self._needs.values())

    def needs(self, name: str) -> frozenset[str]:
        """The maps that have to run before this one."""
        return (self._needs or {}).get(name, frozenset())

    def ready(self, waiting: Sequence[str], running: Collection[str], *, busy: bool) -> list[str]:
        """The waiting maps whose prerequisites all run, those first on which the longest chain of others waits.

        All that wait when they wait only for each other; none of those while the service is `busy` with others, which
        may be what they wait for.
        """
        ready = [name for name in waiting if self.needs(name) <= set(running)]
        chosen = ready or ([] if busy else list(waiting))
        return sorted(chosen, key=self.rank)

    def rank(self, name: str) -> int:
        """The smaller, the longer the chain of maps that waits for this one: those of one request end in its order."""
        return -self._chains.get(name, 0)


def chains(needs: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """How many maps the longest chain has that waits for each map; `needs` holds prerequisites of prerequisites too."""
    lengths: dict[str, int] = {}
    for name in sorted(needs, key=lambda each: (-len(needs[each]), each)):
        for need in needs[name]:
            lengths[need] = max(lengths.get(need, 0), lengths.get(name, 0) + 1)
    return lengths


def needs_of(sequences: Iterable[Sequence[str]], asked: Sequence[str]) -> dict[str, frozenset[str]]:
    """Template id to the ids that stand before it in its sequence (E5: one sequence per asked id, in order)."""
    needs: dict[str, frozenset[str]] = {}
    for template, sequence in zip(asked, sequences, strict=False):
        before = sequence[: sequence.index(template)] if template in sequence else sequence
        needs[template] = frozenset(before) - {template}
    return needs
