"""The one object that every handler gets: the tenant with all its parts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Self

from emulator.core.clock import Clock
from emulator.core.events import Events
from emulator.core.faults import Faults
from emulator.core.ids import Ids
from emulator.core.journal import Journal
from emulator.core.person import Person
from emulator.core.routing import Route, Service
from emulator.core.seeds import Seeds
from emulator.core.signals import Signals
from emulator.core.store import Store
from emulator.core.switches import Switches
from emulator.core.wire import Call, Reply
from emulator.identity.directory import TENANT_ID
from emulator.identity.tokens import Identity, SigningKey
from emulator.tables import Rows, WriteLog


@dataclass(frozen=True)
class TenantReset:
    """Published when the tenant has forgotten everything, as on its first day."""


class Tenant:
    """State and behaviour of one emulated tenant; `emulator.app.assemble` adds the services."""

    def __init__(self, store: Store, clock: Clock, key: SigningKey, tenant_id: str = TENANT_ID) -> None:
        """Build the parts around a store, a clock and a signing key."""
        self.store = store
        self.clock = clock
        self.ids = Ids()
        self.switches = Switches(store)
        self.signals = Signals()
        self.events = Events(store, clock)
        self.person = Person(store)
        self.seeds = Seeds(store)
        self.faults = Faults(store)
        self.journal = Journal(store)
        self.identity = Identity(store, clock, key, tenant_id)
        self.rows = Rows(store, self.ids.new)
        self.write_log = WriteLog(store)
        self.rows.on_write(self.write_log.note)
        self.services: tuple[Service, ...] = ()

    def route(
        self, method: str, pattern: str, handler: Callable[[Self, Call], Reply], evidence: str, summary: str
    ) -> Route:
        """Return a route of this tenant; see `Route`."""
        return Route(method, pattern, partial(handler, self), evidence, summary)

    def service_of(self, host: str) -> Service | None:
        """Return the service that answers on `host` (lower case, no port), or None for a foreign host."""
        return next((service for service in self.services if service.hosts(host)), None)

    def reset(self) -> None:
        """Forget everything but the clock, the signing key and the journal's numbering, as on the first day."""
        with self.store.transaction():
            for table in self.store.tables():
                self.store.execute(f'DELETE FROM "{table}"')  # noqa: S608 - names come from the database itself
            self.clock.save()
            self.switches.clear()
            self.faults.clear()
            self.signals.publish(TenantReset())


Handler = Callable[[Tenant, Call], Reply]
"""What answers the calls of one route."""
