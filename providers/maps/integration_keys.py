"""Integration keys: the columns by which dual-write finds the Dataverse row of an F&O row.

They belong to the table, not to a map (dual-write-management-api.md E9). Most are generated when the pair is linked;
those of the party solution are not (dual-write-semantics.md 7.6). They are read with the link (E10), compared as sets
without regard to case, set for all tables in one call (that the call takes several is inferred, so a refused one is
sent table by table), read back, and the tables of their maps are refreshed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from providers.api.dual_write.actions import MapState
from providers.api.transport.errors import ApiError
from providers.api.transport.operations import PASSING
from providers.maps.declaration import Keys, same_key
from providers.maps.table_refresh import NO_USE, refresh_tables
from providers.protocol.call import ResourceError

if TYPE_CHECKING:
    from providers.api.dual_write.client import DualWriteManagement
    from providers.api.dual_write.models import ConnectionSet, EntityMapStatus, LinkSide

_LIVE_OR_BUSY = (MapState.RUNNING, MapState.INITIAL_SYNC, MapState.CATCH_UP)


def keys_of(side: LinkSide | None, declared: Keys) -> dict[str, list[str]]:
    """The keys of the declared tables as the link has them, in the declared form where that means the same.

    A table that the link does not list keeps its declared key: no map uses it there. One without a key has none.
    """
    keys = {}
    for table, columns in declared.items():
        linked = _columns(side, table)
        keys[table] = list(columns) if linked is None or same_key(linked, columns) else linked
    return keys


class KeyPlan(NamedTuple):
    """What has to happen to the keys of a link: `changes`, table set to columns, while no map of those tables runs.

    `link`: the link as it was read, None where no key is declared; `affected`: the maps of those tables; `goal`: the
    declared run states, by which a paused map that shall run is resumed first.
    """

    link: ConnectionSet | None
    declared: Keys
    changes: dict[str, list[str]]
    affected: Sequence[EntityMapStatus]
    goal: Mapping[str, str]

    @classmethod
    def of(
        cls,
        declared: Keys,
        link: ConnectionSet | None,
        statuses: Iterable[EntityMapStatus],
        goal: Mapping[str, str],
    ) -> KeyPlan:
        """Compare what is declared with what the link has. Pure."""
        listed = list(statuses)
        changes = changed_keys(declared, link.dataverse if link else None, listed)
        return cls(link, declared, changes, maps_on(changes, listed), goal)

    @property
    def interrupted(self) -> list[str]:
        """The maps that have to be stopped for it; a paused one is resumed on its way."""
        return [status.name for status in self.affected if status.state in _LIVE_OR_BUSY or self._is_resumed(status)]

    @property
    def paused(self) -> list[EntityMapStatus]:
        """The maps for whose sake it cannot be done: nothing shows that a paused map can be stopped as it is."""
        return [each for each in self.affected if each.state == MapState.PAUSED and not self._is_resumed(each)]

    def _is_resumed(self, status: EntityMapStatus) -> bool:
        return status.state == MapState.PAUSED and self.goal.get(status.name) == "running"

    @property
    def afterwards(self) -> dict[str, list[str]]:
        """The keys of the declared tables once the changes are made."""
        return {**keys_of(self.link.dataverse if self.link else None, self.declared), **self.changes}

    def require_possible(self) -> None:
        """Raise `ResourceError` when the link shows no Dataverse side to set keys on, or a map stays paused."""
        if self.link and self.changes:
            keyed_side(self.link)
        for status in self.paused:
            raise ResourceError(self.refusal(status))

    def refusal(self, status: EntityMapStatus) -> str:
        """Against the change, for the sake of a paused map."""
        what = f"the integration key of '{status.right_entity.name}'"
        return refused_while_paused(status.name, what, declared=status.name in self.goal)


def changed_keys(declared: Keys, side: LinkSide | None, statuses: Iterable[EntityMapStatus]) -> dict[str, list[str]]:
    """The declared keys that the link has otherwise, of tables that a map of the link uses."""
    used = {status.right_entity.name.casefold() for status in statuses}
    return {
        table: list(columns)
        for table, columns in declared.items()
        if table.casefold() in used and not same_key(_columns(side, table) or (), columns)
    }


def maps_on(tables: Iterable[str], statuses: Iterable[EntityMapStatus]) -> list[EntityMapStatus]:
    """The maps of these table sets, declared or not."""
    wanted = {table.casefold() for table in tables}
    return [status for status in statuses if status.right_entity.name.casefold() in wanted]


def keyed_side(link: ConnectionSet) -> LinkSide:
    """The side of the link that keys belong to. Raises `ResourceError` when the service does not show it."""
    if link.dataverse is None:
        raise ResourceError(f"the link '{link.name}' does not show its Dataverse side, so no key can be set")
    return link.dataverse


def refused_while_paused(name: str, what: str, *, declared: bool = True) -> str:
    """Against changing a paused map: nothing shows that one can be stopped. `declared`: the stack file has the map."""
    where = "in the stack file first (`state: running`)" if declared else "on the dual-write page first"
    return f"'{name}' is paused, so {what} cannot change: resume it {where}"


def set_keys(
    service: DualWriteManagement,
    link: ConnectionSet,
    changes: Keys,
    statuses: Iterable[EntityMapStatus],
    progress: Callable[[str], None],
) -> None:
    """Set these keys while no map of their tables runs, read them back, and refresh the tables of those maps.

    Raises `ResourceError` when the link does not show its Dataverse side, or has another key afterwards.
    """
    dataset = keyed_side(link).name
    progress(f"setting the integration keys of {', '.join(changes)}")
    _write(service, dataset, changes)
    side = service.connection_set(link.name).dataverse
    for table, columns in changes.items():
        afterwards = _columns(side, table) or []
        if not same_key(afterwards, columns):
            raise ResourceError(
                f"the integration key of '{table}' is {_spelled(afterwards)} after it was set to {_spelled(columns)}",
                next_step="Check that the table has an alternate key of these columns, then run `up` again.",
            )
    for status in maps_on(changes, statuses):
        refresh_tables(service, status, progress)


def key_drift(declared: Keys, linked: Keys) -> dict[str, str]:
    """A sentence for each table whose key is not the declared one."""
    return {
        table: f"integration key of '{table}' is {_spelled(linked[table])}, not {_spelled(columns)}"
        for table, columns in declared.items()
        if not same_key(linked.get(table, columns), columns)
    }


def _write(service: DualWriteManagement, dataset: str, changes: Keys) -> None:
    try:
        service.set_integration_keys(dataset, changes)
    except (*NO_USE, *PASSING):
        raise
    except ApiError:
        if len(changes) == 1:
            raise
        for table, columns in changes.items():
            service.set_integration_keys(dataset, {table: columns})


def _columns(side: LinkSide | None, table: str) -> list[str] | None:
    """The key columns of a table set; None when the link does not list the table, empty when it has no key."""
    listed = side is not None and any(each.name.casefold() == table.casefold() for each in side.schemas)
    return (side.integration_key(table) or []) if side is not None and listed else None


def _spelled(columns: Iterable[str]) -> str:
    return f"[{', '.join(columns)}]"
