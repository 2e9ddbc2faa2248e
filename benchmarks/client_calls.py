"""Every call of the API clients, found from their classes, and the tenant on which the fault matrix uses them."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from emulator.identity.tokens import SigningKey
from providers.api.app_management.client import AppManagement
from providers.api.dataverse.access import Access
from providers.api.dataverse.client import Dataverse
from providers.api.dual_write.actions import ActionDetail, MapAction
from providers.api.dual_write.client import DualWriteManagement
from providers.api.dual_write.models import EntityMapStatus
from providers.api.finance_operations.client import FinanceOperations
from providers.api.power_platform.bap import BapPowerPlatform
from providers.api.session import Session
from providers.link.health_check import CDS_APPLICATION_USERS
from tests.support.in_process import World
from tests.support.linked_world import CDS, FINOPS, FINOPS_HOST, a_linked_world

# What a second acceptance of the same request does: nothing was changed at all, another effect, the same state again.
Effect = Literal["reads", "once", "same"]
T = TypeVar("T")
CLIENTS: dict[str, type[Any]] = {
    "Power Platform": BapPowerPlatform,
    "Application packages": AppManagement,
    "Dataverse": Dataverse,
    "Dataverse access": Access,
    "F&O": FinanceOperations,
    "Dual-write": DualWriteManagement,
}
# What is asked of the login host, by the session and by the source of delegated tokens.
LOGIN = ("tenant_of", "delegated_token")
DOMAIN_WITH_FINOPS = "contoso-live"
NOBODY = "00000000-1111-4222-8333-444444444444"
SYNCED = "cdm_companies - Legal entities"
WITH_FINOPS = {
    "id": "0a1b2c3d-4e5f-4061-8273-8495a6b7c8d9",
    "name": "Contoso Live",
    "domain": DOMAIN_WITH_FINOPS,
    "sku": "Sandbox",
    "finops": {},
}
GROUP = {"dataAreaId": "lamn", "CustomerGroupId": "10"}


@dataclass(frozen=True)
class Known:
    """A session on the tenant of `prepared`, and what of it the uses name."""

    session: Session
    cid: str
    cname: str
    stopped: EntityMapStatus
    new_map: EntityMapStatus
    project: str
    request_id: str
    solution_request: str
    environment_id: str
    finops_environment_id: str
    spare_environment_id: str
    package_operation: str
    operation_url: str
    account: str
    account_version: str
    team: str
    role: str
    user: str
    application: str
    unit: str

    @property
    def pid(self) -> str:
        """The project of a map that was synced and is stopped."""
        return self.stopped.detail.pid or ""

    @property
    def dataverse(self) -> Dataverse:
        """The Dataverse of the linked pair."""
        return self.session.dataverse(CDS)

    @property
    def with_finops(self) -> Dataverse:
        """The Dataverse of an environment that F&O is installed on."""
        return self.session.dataverse(f"https://{DOMAIN_WITH_FINOPS}.crm4.dynamics.com")

    @property
    def finops(self) -> FinanceOperations:
        """The F&O of the linked pair."""
        return self.session.finance_operations(FINOPS)


@dataclass(frozen=True)
class Use:
    """One call: the client, the method, a right use of it, and what another acceptance of the request would do.

    `nothing`: why an answer without the thing is the service's word that there is none, also where the fault made it.
    """

    client: str
    method: str
    run: Callable[[Known], Any]
    effect: Effect = "reads"
    nothing: str = ""


def prepared(key: SigningKey) -> World:
    """A linked pair; a map of it that was synced and is stopped; an environment with F&O; a package on its way."""
    pair = a_linked_world(key)
    pair.world.tenant.seeds.play({"environments": [WITH_FINOPS]})
    session = pair.world.call().session("public")
    pair.person("start-map", SYNCED)
    synced = ActionDetail(tid=pair.map(SYNCED).detail.tid, pid=pair.map(SYNCED).detail.pid, skip_initial_sync=False)
    pair.person("stop-map", SYNCED)
    session.dual_write.start_action(pair.cid, MapAction.START, [synced])
    pair.world.tenant.events.advance(3600)
    pair.person("stop-map", SYNCED)
    return pair.world


def present(value: T | None) -> T:
    """What has to be there."""
    if value is None:
        raise LookupError("the prepared tenant lacks what the uses name")
    return value


def known(session: Session) -> Known:
    """What the uses name, read from the tenant of `prepared`. Starts a package and a change of type, to name both."""
    link = present(session.dual_write.environment(FINOPS_HOST))
    environments = {each.domain: each.id for each in session.power_platform.environments(fresh=True)}
    maps = {each.name: each for each in session.dual_write.maps(link.cid, fresh=True)}
    dataverse, stopped = session.dataverse(CDS), maps[SYNCED]
    account = next(dataverse.rows("accounts", select=["accountid"], top=1))
    unit = next(each.id for each in dataverse.business_units() if not each.parent_id)
    user = present(dataverse.access.application_user(CDS_APPLICATION_USERS[0]))
    spare, new_map, *_ = (each for each in maps.values() if not each.detail.pid)
    here, there = environments["lamna-sales"], environments[DOMAIN_WITH_FINOPS]
    return Known(
        session=session,
        cid=link.cid,
        cname=link.cname,
        stopped=stopped,
        new_map=new_map,
        project=session.dual_write.field_mappings(stopped.detail.pid or "").name,
        request_id=session.dual_write.start_action(
            link.cid, MapAction.INITIALISE, [ActionDetail(tid=spare.detail.tid)]
        ),
        solution_request=session.dual_write.connection_set(link.cname).solution_requests[0].request_id,
        environment_id=here,
        finops_environment_id=there,
        spare_environment_id=environments["adventure-works"],
        package_operation=session.app_management.install(here, "msdyn_Dynamics365FinanceExtendedAnchor"),
        operation_url=session.power_platform.modify_sku(there, "Production").operation_url or "",
        account=str(account["accountid"]),
        account_version=str(account["@odata.etag"]),
        team=dataverse.access.teams(default_only=True)[0].id,
        role=dataverse.access.roles("System Administrator", unit)[0].id,
        user=user.id,
        application=user.application_id,
        unit=unit,
    )


def calls() -> Iterator[tuple[str, str]]:
    """Client and method of every public call, from the classes; and the two of the login host."""
    for client, kind in CLIENTS.items():
        for name, _ in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_"):
                yield client, name
    yield from (("Login", name) for name in LOGIN)
