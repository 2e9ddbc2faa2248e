"""One pair in a tenant of its own: its maps in any state at once, and all that the program asked of the services."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from emulator.core.faults import Fault
from emulator.dual_write import connections, maps, requests, solutions, sync
from emulator.dual_write.connections import Connection
from emulator.dual_write.definitions import SOLUTIONS, maps_in
from emulator.dual_write.maps import TableMap
from emulator.dual_write.states import MapState, RequestState
from emulator.power_platform import integrate_finops
from providers.api.dual_write.actions import ActionDetail, MapAction, Master
from providers.protocol.base import Call
from tests.support.environments import set_finops_version, set_package_state
from tests.support.in_process import World, a_world
from tests.support.linked_world import CDS_HOST, CORE, FINOPS_HOST, LinkedWorld
from tests.support.prepared_tenants import PreparedTenants
from tests.support.side_rows import SideRows
from tests.support.watched_wire import Wire

ENVIRONMENT_ID = "6ebf7081-92a3-44b5-9fc0-4b5c6d7e8f96"
# Under which the connection of the pair and its live sync are stored.
IDENTIFIER = f"{FINOPS_HOST}/{ENVIRONMENT_ID}"
RUNNING, PAUSED, STOPPED = MapState.RUNNING, MapState.PAUSED, MapState.STOPPED
# F&O has both companies, and groups of customers of the second one.
COMPANIES = ("DAT", "USMF")
GROUP_COUNT = 31
PAIR: dict[str, Any] = {
    "environments": [
        {
            "id": ENVIRONMENT_ID,
            "name": "Lamna Sales",
            "domain": "lamna-sales",
            "packages": [
                "DualWriteCoreAnchor",
                "msdyn_DualWriteAppCoreAnchor",
                "Dynamics365GABParty_Anchor",
            ],
        }
    ],
    "lifecycle_finops": [{"name": "lamna-erp", "host": FINOPS_HOST}],
}

# Maps of every company that need no other map, and some that need one another: a chain of three, and a chain of two.
ENTITIES, AFFIXES = "cdm_companies - Legal entities", "msdyn_nameaffixes - Name affixes"
CURRENCIES, RATE_TYPES = "transactioncurrencies - Currencies", "msdyn_exchangeratetypes - Exchange rate type"
RATE_PAIRS = "msdyn_currencyexchangeratepairs - Exchange rate currency pair"
RATES = "msdyn_currencyexchangerates - CDS Exchange Rates"
HIERARCHY_TYPES = "msdyn_internalorganizationhierarchytypes - Organization hierarchy type"
PURPOSES = "msdyn_internalorganizationhierarchypurposes - Organization hierarchy purposes"
# Two maps of one table.
LEGAL_ENTITIES = "msdyn_internalorganizations - Legal entities"
OPERATING_UNITS = "msdyn_internalorganizations - Operating unit"
HIERARCHIES = "msdyn_internalorganizationhierarchies - Organization hierarchy - published"
# Maps with rows of each company; vendors refer to each other, customers to groups and vendors.
GROUPS, VENDORS = "msdyn_customergroups - Customer groups", "msdyn_vendors - Vendors V2"
ACCOUNTS = "accounts - Customers V3"
# A standard map that the link does not have.
ABSENT = "msdyn_vendorgroups - Vendor groups"
MAPS = (*CORE.maps, GROUPS, VENDORS, ACCOUNTS)

_ROWS = {
    "LegalEntities": [
        {
            "LegalEntityId": "USMF",
            "Name": "Contoso Entertainment",
            "AddressCountryRegionId": "USA",
            "LanguageId": "en-US",
        }
    ],
    "CustomerGroups": [
        {"dataAreaId": "usmf", "CustomerGroupId": str(number), "Description": f"Group {number}"}
        for number in range(1, GROUP_COUNT + 1)
    ],
}
# Seconds, so that nearly every poll finds something new.
_QUICK = {
    "dual_write_init_duration": 1,
    "dual_write_start_duration": 1,
    "dual_write_change_duration": 1,
    "dual_write_stagger": 0,
    "dual_write_state_lag": 0.5,
    "dual_write_sync_base_duration": 1,
    "dual_write_rows_per_minute": 10_000,
    "dual_write_solution_duration": 10,
}
# Tries of one call that the service does not answer.
_ATTEMPTS = 6


class OnePair(LinkedWorld):
    """The pair of `PAIR`, its rows, and the wire to it.

    `shown`: every line of the program's row, those that stay too; `said`: those that stay.
    """

    def __init__(self, world: World) -> None:
        """`world`: a tenant with the pair."""
        super().__init__(world)
        self.wire = Wire(world)
        self.rows = SideRows(world)
        self.shown: list[str] = []

    @property
    def said(self) -> list[str]:
        """What stayed in the run's messages."""
        return self.world.said

    def call(self, **options: Any) -> Call:
        """A new provider process whose lines all are in `shown`."""
        call = super().call(**options)

        def write(row: object, text: str, **kind: bool) -> None:
            self.shown.append(text)
            call.write(row, text, **kind)

        return replace(call, write=write)

    @property
    def cid(self) -> str:
        """The id of the link."""
        return self.connection.cid

    def forget(self) -> None:
        """Count requests and messages anew."""
        self.wire.forget()
        self.shown.clear()

    @property
    def asked(self) -> list[tuple[str, list[str]]]:
        """What was asked of maps (E3), in order: the action and the names of the maps."""
        names = {template["id"]: one.name for one in self._maps() for template in one.templates}
        bodies = self.wire.bodies("*/Start")
        return [(MapAction(body["action"]).name, [names[one["tid"]] for one in body["details"]]) for body in bodies]

    @property
    def synced(self) -> list[tuple[str, str]]:
        """The maps that were asked to start with an initial sync, each with its master (AX or CRM)."""
        names = {template["id"]: one.name for one in self._maps() for template in one.templates}
        starts = [body for body in self.wire.bodies("*/Start") if body["action"] == MapAction.START]
        details = [one for body in starts for one in body["details"] if not one["parameters"]["skipInitialSync"]]
        return [(names[one["tid"]], one["parameters"]["conflictResolution"]["master"]) for one in details]

    @property
    def states(self) -> dict[str, str]:
        """The state of each map that has a project, as the service holds it."""
        return {one.name: str(one.state) for one in self._maps() if one.pid}

    def put(self, state: MapState, *names: str) -> None:
        """Let these maps be in a state now, each with a project."""
        connection = self.connection
        for name in names:
            table_map = self.stored(name)
            if table_map.pid is None:
                requests.make_project(connection, table_map)
            sync.enter(self.world.tenant, connection, [table_map], state)

    def start(self, name: str, **options: Any) -> str:
        """Ask for the start of a map as a run does that is killed then; the id of the request."""
        table_map, service = self.stored(name), self.call().session("public").dual_write
        detail = ActionDetail(tid=table_map.active, pid=table_map.pid, **options)
        return service.start_action(self.cid, MapAction.START, [detail])

    def sync(self, name: str, *, breaks: str = "") -> str:
        """An initial sync of a stopped map from F&O, to its end; `breaks`: the error in which it ends; its id."""
        if breaks:
            self.person("break-map", name, text=breaks)
        request_id = self.start(name, skip_initial_sync=False, master=Master.FINANCE_OPERATIONS)
        self.world.tenant.events.advance(120)
        self.person("mend-map", name)
        return request_id

    def stored(self, name: str) -> TableMap:
        """One map as the service holds it."""
        found = maps.find(self.world.tenant, self.cid, name)
        assert found is not None
        return found

    def remove_map(self, name: str) -> None:
        """The link has the map no more."""
        maps.remove(self.world.tenant, self.stored(name))

    def restore_maps(self, names: Collection[str] = MAPS) -> None:
        """The solutions of these maps are applied, so that the link has them as on the first day, and no others."""
        for carrier in SOLUTIONS:
            if any(one.name in names for one in maps_in(carrier)):
                solutions.restore(self.world.tenant, self.connection, carrier)
        for table_map in self._maps():
            if table_map.name not in names:
                maps.remove(self.world.tenant, table_map)

    def fault(self, method: str, path: str, **values: Any) -> None:
        """Such calls fail; see `Fault`."""
        self.world.tenant.faults.add(Fault(method=method, path=path, **values))

    def silence(self, method: str, path: str, calls: int = 1) -> None:
        """So many such calls of the program get no answer, however often it tries."""
        self.fault(method, path, status=503, count=calls * _ATTEMPTS, body="restarting")

    def spell_clients_in_capitals(self) -> None:
        """F&O shows the ids of registered applications in capitals."""
        self.wire.alter(
            "/data/SysAADClients", lambda page: {**page, "value": [_in_capitals(row) for row in page["value"]]}
        )

    @property
    def resets(self) -> list[tuple[list[str], bool]]:
        """The resets of the link that were asked for (E11): the companies, and whether it was forced."""
        asked = (each for each in self.wire.sent if each.path.endswith("/Reset"))
        return [(each.body["legalEntities"], "forceReset=True" in each.query) for each in asked]

    @property
    def applied(self) -> list[str]:
        """The map solutions that were to be applied (E13), in order."""
        bodies = self.wire.bodies("*/RestoreTemplates")
        return [one["criteria"]["uniquename"] for body in bodies for one in body["solutions"]]

    @property
    def under_way(self) -> int:
        """How many map solutions are being applied now."""
        return len([each for each in self.connection.solution_requests if each["state"] == RequestState.WAITING])

    @property
    def keys_set(self) -> list[dict[str, list[str]]]:
        """The integration keys that were to be set (E9), table to columns, in the order of the calls."""
        return [body["integrationKeys"] for body in self.wire.bodies("*/IntegrationKeys")]

    def set_key(self, table: str, *columns: str) -> None:
        """Let the link have this integration key of a table, none without columns."""
        connection = self.connection
        connection.integration_keys[table] = list(columns)
        connections.save(self.world.tenant, connection)

    def set_finops_version(self, version: str) -> None:
        """What both Power Platform and Dataverse say of the version of F&O."""
        set_finops_version(self.world, ENVIRONMENT_ID, version)

    def set_package_state(self, name: str, state: str) -> None:
        """What Power Platform says of a package of CDS."""
        set_package_state(self.world, ENVIRONMENT_ID, name, state)

    def integrate(self) -> None:
        """A person has integrated the two, and not linked them yet."""
        integrate_finops(self.world.tenant, ENVIRONMENT_ID, FINOPS_HOST)

    def add_company(self, code: str) -> None:
        """One more company that F&O has, and that a person links."""
        self.rows.add_legal_entity(code)
        self.person("add-company", company=code)

    @property
    def connection(self) -> Connection:
        """The link as the service holds it."""
        found = connections.by_dataverse_host(self.world.tenant, CDS_HOST)
        assert found is not None
        return found

    def _maps(self) -> list[TableMap]:
        return maps.maps_of(self.world.tenant, self.cid)


def _in_capitals(client: dict[str, Any]) -> dict[str, Any]:
    return {**client, "AADClientId": client["AADClientId"].upper()}


def a_pair(tenants: PreparedTenants, *, linked: Sequence[str] = COMPANIES) -> World:
    """The tenant with the pair, linked with these companies (none: not linked); no map solution is applied."""
    world = a_world(tenants.key)
    for name, seconds in _QUICK.items():
        world.tenant.switches.set(name, seconds)
    links = [{"environment": CDS_HOST, "finops": FINOPS_HOST, "companies": list(linked)}] if linked else []
    world.tenant.seeds.play(PAIR)
    world.tenant.seeds.play({"rows": {"finops": {FINOPS_HOST: _ROWS}}, "links": links})
    return world


def a_pair_with_maps(tenants: PreparedTenants, names: Collection[str] = MAPS) -> World:
    """The pair with these maps, none of which was ever started."""
    pair = OnePair(tenants.copy(a_pair))
    pair.restore_maps(names)
    return pair.world
