"""A tenant in this process with a linked pair whose maps are applied and were never started."""

from dataclasses import replace
from typing import Any

from emulator.app import first_day
from emulator.identity.tokens import SigningKey
from providers.api.dual_write.models import EntityMapStatus
from providers.application_package import ApplicationPackageProvider, PackageInputs
from providers.catalogue.selection import Selection, choose_maps
from providers.dual_write_connection import ConnectionInputs, DualWriteConnectionProvider
from providers.protocol.base import Call
from tests.support.in_process import World, a_world

CDS, FINOPS = "https://lamna-sales.crm4.dynamics.com", "https://lamna-erp.sandbox.operations.eu.dynamics.com"
CDS_HOST, FINOPS_HOST = "lamna-sales.crm4.dynamics.com", "lamna-erp.sandbox.operations.eu.dynamics.com"
CORE = choose_maps(["application-core"])


class LinkedWorld:
    """The pair and what a test does with it: the program's calls, and a person's."""

    def __init__(self, world: World) -> None:
        """`world`: a tenant that is linked."""
        self.world = world

    def call(self, *, kill_after: int | None = None, **private: Any) -> Call:
        """A new provider process; `private`: hidden inputs of the resource."""
        return replace(self.world.call(kill_after=kill_after), private=private)

    @property
    def cid(self) -> str:
        """The id of the link."""
        link = self.world.call().session("public").dual_write.environment(FINOPS_HOST)
        assert link is not None
        return link.cid

    def map(self, name: str) -> EntityMapStatus:
        """One map as the service lists it."""
        listed = self.world.call().session("public").dual_write.maps(self.cid, fresh=True)
        return next(each for each in listed if each.name == name)

    def person(self, action: str, name: str = "", /, **values: Any) -> None:
        """Somebody does something on the dual-write page, and it has ended."""
        self.world.catch_up()
        named = {"map": name} if name else {}
        self.world.tenant.person.act({"action": action, "environment": CDS_HOST, **named, **values})
        self.world.tenant.events.advance(120)

    def said_since(self, mark: int) -> list[str]:
        """What stayed in the run's messages after the first `mark` lines."""
        return self.world.said[mark:]


def a_linked_world(key: SigningKey, maps: Selection = CORE, **switches: str) -> LinkedWorld:
    """Packages and map solutions of these maps, on a pair of the seed; `switches` are the emulator's."""
    world = a_world(key)
    for name, value in switches.items():
        world.tenant.switches.set(name, value)
    world.tenant.seeds.play(first_day())
    for package in maps.packages:
        inputs = PackageInputs(cloud="public", cds=CDS, package=package)
        ApplicationPackageProvider().on_create(inputs, world.call())
    connection = ConnectionInputs(
        cloud="public", cds=CDS, finops=FINOPS, companies="as-linked", solutions=list(maps.solutions)
    )
    DualWriteConnectionProvider().on_create(connection, world.call())
    world.said.clear()
    world.requests.clear()
    return LinkedWorld(world)
