"""The one object that every handler gets: the tenant with all its parts."""

from typing import TYPE_CHECKING

from emulator.clock import Clock
from emulator.events import Events
from emulator.faults import Faults
from emulator.identity.tokens import Identity, SigningKey
from emulator.ids import Ids
from emulator.journal import Journal
from emulator.person import Person
from emulator.seed import Seeds
from emulator.signals import Signals
from emulator.store import Store
from emulator.switches import Switches

if TYPE_CHECKING:
    from emulator.http import Service
    from emulator.tables import Rows


class Tenant:
    """State and behaviour of one emulated tenant; `emulator.app.assemble` fills in rows and services."""

    rows: "Rows"
    services: "tuple[Service, ...]" = ()

    def __init__(self, store: Store, clock: Clock, key: SigningKey) -> None:
        """Build the core parts around a store, a clock and a signing key."""
        self.store = store
        self.clock = clock
        self.ids = Ids()
        self.switches = Switches(store)
        self.signals = Signals(self)
        self.events = Events(self)
        self.person = Person(self)
        self.seeds = Seeds(self)
        self.faults = Faults(store)
        self.journal = Journal(store)
        self.identity = Identity(store, clock, key)

    def service_of(self, host: str) -> "Service | None":
        """Return the service that answers on `host` (lower case, no port), or None for a foreign host."""
        return next((service for service in self.services if service.hosts(self, host)), None)

    def reset(self) -> None:
        """Forget everything but the clock, the signing key and the journal's numbering, as on the first day."""
        with self.store.transaction():
            for table in self.store.tables():
                self.store.execute(f'DELETE FROM "{table}"')  # noqa: S608 - names come from the database itself
            self.clock.save()
            self.switches.clear()
            self.faults.clear()
            self.signals.publish("reset")
