"""A CDS instance, of the stack new-new or an existing one, and its F&O: what was asked for, and how far it is."""

from typing import Any

from emulator.core.faults import Fault
from emulator.power_platform import integrate_finops
from emulator.power_platform.records import Environment, FinOps
from providers.api.power_platform.models import Environment as Shown
from providers.finops_instance import FinOpsInstanceProvider
from providers.instances.finops_model import FinOpsInputs
from tests.support.environments import FABRIKAM_ID, change_environment, environment_of, finops_of, set_finops_version
from tests.support.in_process import World
from tests.support.prepared_tenants import PreparedTenants, as_seeded
from tests.support.seen_instances import MARK
from tests.support.watched_wire import Wire

# Fabrikam Sales.
CDS = "fabrikam-sales"
CDS_URL = f"https://{CDS}.crm4.dynamics.com/"
FINOPS_URL = f"https://{CDS}.operations.eu.dynamics.com/"
PLATFORM_TOOLS = "msprov_fnouploadersolution"
DETAILS = "*/RetrieveFinanceAndOperationsIntegrationDetails*"
_QUEUE = "*/msprov_queuefnoinstallorupdate"


class CdsAndFinOps:
    """The environment, and the wire to the services."""

    def __init__(self, world: World, environment_id: str = FABRIKAM_ID, description: str = MARK) -> None:
        """The environment carries the mark of the stack from now on, or another description."""
        self.world = world
        self.wire = Wire(world)
        self._environment_id = environment_id
        self.change(description=description)

    def install(self) -> None:
        """An earlier run of the stack installed F&O."""
        inputs = FinOpsInputs(cloud="public", cds=CDS, data="empty", developer_tools=False)
        FinOpsInstanceProvider().on_create(inputs, self.world.call())
        self.wire.forget()

    @property
    def record(self) -> Environment:
        """The environment as the tenant remembers it."""
        return environment_of(self.world, self._environment_id)

    @property
    def finops(self) -> FinOps:
        """Its F&O."""
        return finops_of(self.world, self._environment_id)

    def change(self, **members: Any) -> None:
        """A person changes members of the environment."""
        change_environment(self.world, self._environment_id, **members)

    def has_version(self, version: str) -> None:
        """F&O is at this version, whoever brought it there."""
        set_finops_version(self.world, self._environment_id, version)

    def links_elsewhere(self, url: str) -> None:
        """The Power Platform shows another address than Dataverse."""

        def change(shown: Any) -> Any:
            linked = shown["properties"].get("linkedAppMetadata")
            if linked:
                linked["url"] = url
            return shown

        self.wire.alter(f"*/scopes/admin/environments/{self._environment_id}", change)

    def press_link(self, host: str) -> None:
        """A person integrates it with an F&O of Lifecycle Services."""
        integrate_finops(self.world.tenant, self._environment_id, host)

    def hide_link(self) -> None:
        """Neither side shows the link yet."""
        self.change(finops=self.finops.model_copy(update={"linked_from": None}))
        self.hide_link_in_dataverse()

    def hide_link_in_dataverse(self) -> None:
        """Dataverse answers as without a link."""
        body = {"error": {"code": "0x80048d0b", "message": "The organization is not linked."}}
        self.world.tenant.faults.add(Fault(service="dataverse", path=DETAILS, status=400, body=body, count=0))

    def shown(self) -> Shown:
        """The environment as the service shows it."""
        return self.world.call().session("public").power_platform.environment(self._environment_id)

    def installations(self) -> list[tuple[str, str | None]]:
        """The packages that were asked for, with their choices."""
        asked = [each for each in self.wire.sent if each.path.endswith("/install")]
        return [(each.path.split("/")[-2], (each.body or {}).get("payloadValue")) for each in asked]

    def updates(self) -> list[str]:
        """The updates of F&O that were queued."""
        return [each["payload"] for each in self.wire.bodies(_QUEUE)]

    def descriptions(self) -> list[str]:
        """The descriptions that were written to the environment; nothing else of it may have been."""
        asked = [each for each in self.wire.sent if "/Microsoft.BusinessAppPlatform/" in each.path]
        written = [each for each in asked if each.method != "GET"]
        assert {each.method for each in written} <= {"PATCH"}
        return [each.body["properties"]["description"] for each in written]

    def registrations(self) -> list[str]:
        """The applications that were registered in F&O, and as whom."""
        return [
            f"{each['AADClientId']} as {each['UserId']}" for each in self.wire.bodies("/data/SysAADClients") if each
        ]


def with_finops(tenants: PreparedTenants) -> World:
    """The tenant of the first day after an earlier run of the stack installed F&O on Fabrikam Sales."""
    unified = CdsAndFinOps(tenants.copy(as_seeded))
    unified.install()
    return unified.world
