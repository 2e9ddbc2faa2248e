"""Tenants that take a while to prepare: each is prepared once, and every test works on a copy of its own."""

from collections.abc import Callable, Hashable
from typing import Concatenate, ParamSpec

from emulator.app import first_day
from emulator.identity.tokens import SigningKey
from tests.support.in_process import World, a_world, copied

P = ParamSpec("P")


class PreparedTenants:
    """What was prepared in this session, by the function that prepares it and its arguments."""

    def __init__(self, key: SigningKey) -> None:
        """`key`: signs the tokens of all of them."""
        self.key = key
        self._prepared: dict[Hashable, World] = {}

    def copy(
        self, prepare: Callable[Concatenate["PreparedTenants", P], World], *arguments: P.args, **named: P.kwargs
    ) -> World:
        """The tenant as `prepare` leaves it, for the caller alone: what is done to it nobody else sees."""
        name = (prepare, arguments, tuple(named.items()))
        if name not in self._prepared:
            self._prepared[name] = prepare(self, *arguments, **named)
        return copied(self._prepared[name], self.key)


def as_seeded(tenants: PreparedTenants) -> World:
    """The tenant of the first day."""
    world = a_world(tenants.key)
    world.tenant.seeds.play(first_day())
    return world
