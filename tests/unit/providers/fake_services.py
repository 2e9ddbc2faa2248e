"""A small scripted tenant behind the interfaces that providers use: no HTTP, no waiting, everything recorded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from providers.api.app_management.models import ApplicationPackage, PackageOperation
from providers.api.dataverse.models import FinOpsApplication, IntegrationDetails, Organization, Solution, WhoAmI
from providers.api.power_platform.interface import PowerPlatform
from providers.api.power_platform.models import (
    Capacity,
    CreateStarted,
    Currency,
    Environment,
    EnvironmentRequest,
    FinOpsProperties,
    Language,
    LifecycleOperation,
    LinkedFinOps,
    Location,
    Locations,
    OperationError,
    OperationStarted,
    Template,
    TenantCapacity,
)
from providers.api.session import Session
from providers.api.transport.clouds import PollIntervals
from providers.api.transport.errors import (
    ApiError,
    Conflict,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    TransportError,
)
from providers.protocol.base import Call
from providers.protocol.row import Row
from tests.support.seen_instances import (
    ENVIRONMENT_ID,
    FINOPS_ID,
    FINOPS_URL,
    TENANT_ID,
    a_template,
    an_application,
    an_environment,
)
from tests.support.talk import FakeTime

PROVISIONING_APP = "msdyn_FinanceAndOperationsProvisioningAppAnchor"
PLATFORM_TOOLS = "msprov_fnouploadersolution"


class FakePowerPlatform(PowerPlatform):
    """A tenant. `create_errors` come one by one before creates work; `lost_creates` work without an answer."""

    def __init__(self, *environments: Environment) -> None:
        self.held = {environment.id: environment for environment in environments}
        self.calls: list[str] = []
        self.create_errors: list[ApiError] = []
        self.lost_creates = 0
        self.lost_visible_after = 0
        self.operation_states = ["Running", "Succeeded"]
        self.delete_states: list[str] = ["Succeeded"]
        self.late_metadata = 0
        self.renames_needed = 1
        self.update_operation: str | None = None
        self.given_domain: str | None = None
        self.domain_objection: str | None = None
        self.macro_regions: list[str] = []
        self.template_list = [a_template("D365_DeveloperEdition"), a_template("D365_FinOps_Finance")]
        self.capacities = {"Database": 20480.0, "FinOpsDatabase": 20480.0}
        self.capacity_error: ApiError | None = None
        self.finops: FinOpsProperties | None = None
        self.errors: list[OperationError] = []
        self.started_operations: list[LifecycleOperation] = []

    def writes(self) -> list[str]:
        """The calls that change the tenant."""
        return [call for call in self.calls if call.split()[0] in ("create", "update", "delete", "sku")]

    def environments(self, *, fresh: bool = False) -> list[Environment]:
        self.calls.append("list")
        if self.lost_visible_after > 0:
            self.lost_visible_after -= 1
            return []
        return list(self.held.values())

    def environment(self, environment_id: str, *, shared: bool = False) -> Environment:
        self.calls.append("get")
        if environment_id not in self.held:
            raise NotFound("The environment could not be found in the tenant.", code="EnvironmentNotFound", status=404)
        held = self.held[environment_id]
        if self.late_metadata > 0:
            self.late_metadata -= 1
            return held.model_copy(update={"url": None, "domain": None})
        return held

    def find_by_domain(self, domain: str, *, fresh: bool = False) -> Environment | None:
        return next((each for each in self.environments() if each.domain == domain), None)

    def create_environment(self, request: EnvironmentRequest) -> CreateStarted:
        self.calls.append(f"create {request.domain}")
        if self.create_errors:
            raise self.create_errors.pop(0)
        self.held[ENVIRONMENT_ID] = an_environment(
            display_name=request.display_name,
            description=request.description,
            domain=self.given_domain or request.domain,
            sku=request.sku,
            location=request.location or "europe",
        )
        if self.lost_creates:
            self.lost_creates -= 1
            raise TransportError("the connection broke", may_have_happened=True)
        return CreateStarted(operation_url="https://api.bap.microsoft.com/operations/1")

    def _state(self, states: list[str]) -> str:
        return states.pop(0) if len(states) > 1 else states[0]

    def operation(self, url: str) -> LifecycleOperation:
        self.calls.append("poll")
        deleting = url.endswith("/delete")
        state = self._state(self.delete_states if deleting else self.operation_states)
        if state == "gone":
            raise NotFound("The operation could not be found.", status=404)
        if deleting and state == "Succeeded":
            self.held.clear()
        path = "" if state == "Failed" else f"/environments/{ENVIRONMENT_ID}"
        stages = [{"id": "Run", "state": {"id": state}}]
        return LifecycleOperation(
            id="op-1", type="Delete" if deleting else "Create", state=state, environment_path=path, stages=stages
        )

    def operations_of(self, environment_id: str) -> list[LifecycleOperation]:
        self.calls.append("operations")
        if len(self.started_operations) > 1:
            return [self.started_operations.pop(0)]
        return self.started_operations

    def update_environment(
        self, environment_id: str, *, display_name: str | None = None, description: str | None = None
    ) -> OperationStarted:
        self.calls.append(f"update {display_name or description}")
        self.renames_needed -= 1
        changes = {"display_name": display_name, "description": description}
        if self.renames_needed <= 0:
            known = {key: value for key, value in changes.items() if value is not None}
            self.held[environment_id] = self.held[environment_id].model_copy(update=known)
        return OperationStarted(operation_url=self.update_operation)

    def modify_sku(self, environment_id: str, sku: str) -> OperationStarted:
        self.calls.append(f"sku {sku}")
        self.held[environment_id] = self.held[environment_id].model_copy(update={"sku": sku})
        return OperationStarted()

    def delete_environment(self, environment_id: str) -> OperationStarted:
        self.calls.append("delete")
        if self.delete_states[0] == "busy":
            self.delete_states.pop(0)
            raise Conflict("an active lifecycle operation", code="HTTP 409", status=409)
        return OperationStarted(operation_url="https://api.bap.microsoft.com/operations/delete")

    def locations(self) -> Locations:
        return Locations(
            locations=[Location(name="europe", display_name="Europe"), Location(name="asia", disabled=True)],
            provisioning_mode="macroRegion" if self.macro_regions else "location",
            macro_regions=[{"macroRegionId": name} for name in self.macro_regions],
        )

    def templates(self, location: str) -> list[Template]:
        return self.template_list

    def currencies(self, location: str) -> list[Currency]:
        return [Currency(code="EUR"), Currency(code="USD")]

    def languages(self, location: str) -> list[Language]:
        return [Language(lcid=1033), Language(lcid=1031)]

    def validate_domain(self, domain: str, location: str) -> str | None:
        return self.domain_objection

    def tenant_capacity(self) -> TenantCapacity:
        if self.capacity_error:
            raise self.capacity_error
        return TenantCapacity(capacities=[Capacity(type=name, total=free) for name, free in self.capacities.items()])

    def finops_properties(self, environment_id: str) -> FinOpsProperties | None:
        return self.finops

    def operation_errors(self, environment_id: str, limit: int = 20) -> list[OperationError]:
        return self.errors


class FakePackages:
    """Application packages of one environment; `states` are what each poll after a request sees."""

    def __init__(self, **states: str) -> None:
        self.held = {
            name: states.get(name, "None") for name in ("DualWriteCoreAnchor", PLATFORM_TOOLS, PROVISIONING_APP)
        }
        self.after_request = ["InstallRequested", "Installing", "Installed"]
        self.queues: dict[str, list[str]] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.request_errors: list[ApiError] = []
        self.operation_failure: str | None = None
        self.on_installed: Callable[[str], None] = lambda _name: None

    def packages(self, environment_id: str, *, fresh: bool = False) -> dict[str, ApplicationPackage]:
        for name, queue in self.queues.items():
            if queue:
                self.held[name] = queue.pop(0)
                if self.held[name] == "Installed":
                    self.on_installed(name)
        return {
            name: ApplicationPackage(unique_name=name, name=f"{name} title", version="2.4.1", state=state)
            for name, state in self.held.items()
        }

    def install(self, environment_id: str, unique_name: str, payload: str | None = None) -> str:
        self.requests.append((unique_name, payload))
        if self.request_errors:
            error = self.request_errors.pop(0)
            if error.may_have_happened or error.code == "OperationNotStartable":
                self.queues[unique_name] = list(self.after_request)
            raise error
        self.queues[unique_name] = list(self.after_request)
        return "operation-1"

    def operation(self, environment_id: str, operation_id: str) -> PackageOperation:
        if self.operation_failure:
            return PackageOperation(status="Failed", error_name="InstallError", error_message=self.operation_failure)
        return PackageOperation(status="Running")


class FakeDataverse:
    """One organization: lets its creator in after some refusals, knows the F&O side when `link` is called."""

    def __init__(self) -> None:
        self.refusals = 0
        self.currency: str | None = "EUR"
        self.prime: str | None = "1.0.0.0"
        self.integration: IntegrationDetails | None = None
        self.application: FinOpsApplication | None = None
        self.versions = ["10.0.44.9", "10.0.45.5", "10.0.45.10"]
        self.queued: list[str] = []

    def who_am_i(self) -> WhoAmI:
        if self.refusals > 0:
            self.refusals -= 1
            raise PermissionDenied("The user is not a member of the organization.", status=403)
        return WhoAmI(organization_id="9a41d2f7-5c3e-4b60-8e1d-0f2a4c6b8d11")

    def organization(self) -> Organization:
        return Organization(id="9a41d2f7-5c3e-4b60-8e1d-0f2a4c6b8d11", language=1033, currency=self.currency)

    def solutions(self, unique_names: list[str]) -> dict[str, Solution]:
        return {name: Solution(unique_name=name, version=self.prime) for name in unique_names if self.prime}

    def integration_details(self) -> IntegrationDetails | None:
        return self.integration

    def finops_versions(self) -> list[str]:
        return self.versions

    def finops_application_details(self) -> FinOpsApplication | None:
        return self.application

    def queue_finops_install_or_update(self, payload: str) -> None:
        self.queued.append(payload)
        if payload not in (f"ApplicationVersion={version}" for version in self.versions):
            raise InvalidRequest(f"cannot read {payload}")
        self.application = an_application(payload.removeprefix("ApplicationVersion="))


class FakeFinOps:
    """F&O: silent for some calls, then closed until registered."""

    def __init__(self) -> None:
        self.silent = 0
        self.registered: list[str] = []
        self.open = False
        self.registration_allowed = True

    def reachable(self) -> bool:
        if self.silent > 0:
            self.silent -= 1
            return False
        if not self.open:
            raise PermissionDenied("The application is not registered.", status=401)
        return True

    def register_application(self, client_id: str, user: str, name: str) -> None:
        if not self.registration_allowed:
            raise PermissionDenied("The caller is no administrator.", status=403)
        self.registered.append(f"{client_id} as {user}")
        self.open = True


@dataclass
class FakeSession:
    """The clients of one cloud."""

    power_platform: FakePowerPlatform = field(default_factory=FakePowerPlatform)
    app_management: FakePackages = field(default_factory=FakePackages)
    organization: FakeDataverse = field(default_factory=FakeDataverse)
    finops: FakeFinOps = field(default_factory=FakeFinOps)
    client_id: str | None = "11111111-2222-3333-4444-555555555555"
    tenant_id: str | None = TENANT_ID

    @property
    def profile(self) -> "FakeSession":
        return self

    @property
    def polls(self) -> PollIntervals:
        return PollIntervals()

    def dataverse(self, host_or_url: str) -> FakeDataverse:
        return self.organization

    def finance_operations(self, host_or_url: str) -> FakeFinOps:
        return self.finops

    def finish_finops(self, *, demo: str | None = None, tools: bool = False, linked: bool = True) -> None:
        """F&O is there: every side says so; with `linked=False` BAP does not show it yet."""
        deployment = "OnlineDev" if tools else "Sandbox"
        self.organization.integration = IntegrationDetails(id=FINOPS_ID, url=FINOPS_URL, unified=True)
        self.organization.application = self.organization.application or an_application(deployment=deployment)
        self.power_platform.finops = FinOpsProperties(app_id=FINOPS_ID, demo_dataset=demo, deployment_type="Unified")
        if linked:
            self.link_in_bap()

    def link_in_bap(self, url: str = FINOPS_URL) -> None:
        """BAP shows `linkedAppMetadata`."""
        held = self.power_platform.held
        for identifier, environment in held.items():
            shown = LinkedFinOps(id=FINOPS_ID, type="Internal", url=url)
            held[identifier] = environment.model_copy(update={"finops": shown})


def a_call(session: FakeSession, said: list[str] | None = None, *, title: str = "") -> Call:
    """A `Call` of a row of the stack dualwrite/new-new with a clock of its own; what stays is collected in `said`."""
    time = FakeTime()

    def write(_row: Row, text: str, *, ephemeral: bool, warning: bool = False) -> None:
        if said is not None and not ephemeral:
            said.append(f"warning: {text}" if warning else text)

    return Call(
        row=Row("urn:pulumi:new-new::dualwrite::t::n", "dualwrite", "new-new"),
        title=title,
        session_for=lambda _cloud, **_options: cast("Session", session),
        sleep=time.sleep,
        clock=time.clock,
        write=write,
    )
