"""A linked pair behind the interfaces that providers use: both sides, the dual-write service, nothing real."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from providers.api.dataverse.models import (
    ApplicationUser,
    BusinessUnit,
    Company,
    EntityDefinition,
    FinOpsApplication,
    IntegrationDetails,
    Role,
    Team,
)
from providers.api.dual_write.models import ConnectionSet, LinkedEnvironment, MapSolution, SolutionStatus
from providers.api.finance_operations.client import LegalEntity, RegisteredApplication
from providers.api.power_platform.models import LinkedFinOps
from providers.api.transport.clouds import PollIntervals
from providers.api.transport.errors import ApiError, NotFound
from providers.catalogue.areas import PACKAGE_ORDER
from providers.link.health_check import CDS_APPLICATION_USERS, FINOPS_CLIENTS, CompanyRow
from providers.protocol.base import Call
from tests.unit.providers.fake_dual_write import FakeDualWrite
from tests.unit.providers.fake_services import (
    ENVIRONMENT_ID,
    FINOPS_ID,
    FINOPS_URL,
    FakePackages,
    FakePowerPlatform,
    FakeSession,
    a_call,
    an_application,
    an_environment,
)

CDS_HOST = "contoso-uat.crm4.dynamics.com"
FINOPS_HOST = "contoso-uat.operations.eu.dynamics.com"
ROLES = ["Dual-write App User", "Dual-write Runtime User"]


class FakeLink(FakeDualWrite):
    """The service with one link. `late` are the E1 calls before it shows; solutions bring the maps of `carries`.

    `resets` are the resets that were asked for; `reset_error` refuses them, or with `reset_works` is a lost answer.
    """

    def __init__(self, maps: dict[str, str] | None = None, **options: Any) -> None:
        super().__init__(maps or {}, **options)
        self.late = 0
        self.companies = ["DAT"]
        self.carries: dict[str, list[str]] = {}
        self.listed_late = 0
        self.solution_failure: str | None = None
        self.applied: list[str] = []
        # Solutions that are being applied, with the readings of the link after which they are there.
        self.under_way: dict[str, int] = {}
        self.gone: ApiError | None = None
        self.partner = CDS_HOST
        self.refusals: dict[str, ApiError] = {}
        self.resets: list[tuple[list[str], bool]] = []
        self.reset_error: ApiError | None = None
        self.reset_works = True
        self.by_hand: dict[int, list[str]] = {}
        self.read = 0

    def environment(self, finops_host: str) -> LinkedEnvironment | None:
        self._refuse("environment")
        if self.late or self.gone:
            self.late -= 1
            return None
        number = len(self.resets) + 1
        return LinkedEnvironment(cid=f"cid-{number}", cname=f"cname-{number}", power_apps_environment=ENVIRONMENT_ID)

    def _refuse(self, call: str) -> None:
        if call in self.refusals:
            raise self.refusals[call]

    def maps(self, cid: str, *, fresh: bool = False, lifetime: float | None = None) -> Any:
        self._refuse("maps")
        if self.gone:
            raise self.gone
        return super().maps(cid, fresh=fresh, lifetime=lifetime)

    def connection_set(self, cname: str, *, fresh: bool = True) -> ConnectionSet:
        self._refuse("connection_set")
        self.read += 1
        self.companies = self.by_hand.get(self.read, self.companies)
        waiting = [SolutionStatus(request_id=f"request of {each}", state="1") for each in self.under_way]
        for solution in list(self.under_way):
            self.under_way[solution] -= 1
            if not self.under_way[solution]:
                del self.under_way[solution]
                self._bring(solution)
        sides = {
            self.partner: {
                "name": self.partner,
                "targetType": "CRM",
                "directUrl": f"https://{self.partner}/",
                "schemas": self.schemas(),
            },
            FINOPS_HOST: {"name": FINOPS_HOST, "targetType": "AX", "directUrl": f"https://{FINOPS_HOST}/"},
        }
        cid = f"cid-{len(self.resets) + 1}"
        held = ConnectionSet.model_validate({"id": cid, "name": cname, "environments": sides})
        return held.model_copy(update={"companies": list(self.companies), "solution_requests": waiting})

    def reset(self, cid: str, link: ConnectionSet, companies: Sequence[str], *, force: bool) -> None:
        if self.reset_error is None or self.reset_works:
            self.resets.append((list(companies), force))
            self.companies = list(companies)
            self.states, self.pids, self._requests = {}, {}, {}
        if self.reset_error:
            raise self.reset_error

    def solutions(self, cid: str) -> list[MapSolution]:
        self.listed_late -= 1
        return [] if self.listed_late >= 0 else [MapSolution(unique_name=name) for name in self.carries]

    def apply_solution(self, cid: str, unique_name: str, *, cname: str | None = None) -> str:
        assert not self.under_way, "one solution at a time"
        self._refuse("apply_solution")
        self.applied.append(unique_name)
        return unique_name

    def solution_status(self, cid: str, request_id: str) -> SolutionStatus:
        if self.solution_failure:
            result = {"message": self.solution_failure}
            return SolutionStatus.model_validate({"state": "3", "result": result, "rootActivityId": "root-2"})
        self._bring(request_id)
        return SolutionStatus(state="2")

    def _bring(self, solution: str) -> None:
        for name in self.carries[solution]:
            self.states[name], self.pids[name], self._requests[name] = "none", None, []


class FakeDataverseSide:
    """One healthy organization; members are changed by tests, `failures` are calls that are refused.

    `written` names what was created or given; `late_*` are the readings before something new shows.
    """

    def __init__(self) -> None:
        self.failures: dict[str, ApiError] = {}
        self.application: FinOpsApplication | None = an_application()
        self.integration: IntegrationDetails | None = IntegrationDetails(id=FINOPS_ID, url=FINOPS_URL, unified=True)
        self.users = dict.fromkeys(CDS_APPLICATION_USERS, False)
        self.user_roles = {key: ["Service Writer"] for key in CDS_APPLICATION_USERS}
        self.units = [BusinessUnit(id="bu-1", name="contoso"), BusinessUnit(id="bu-2", name="sales", parent_id="bu-1")]
        self.default_teams = [Team(id="t-1", name="contoso", business_unit_id="bu-1")]
        self.company_rows = [CompanyRow("DAT", "Company accounts data", "team-dat")]
        self.team_roles = {"t-1": list(ROLES), "team-dat": list(ROLES)}
        self.runtime: list[dict[str, Any]] = []
        self.late_teams = 0
        self.late_roles = 0
        self.late_users = 0
        self.written: list[str] = []

    @property
    def company_teams(self) -> dict[str, str | None]:
        return {row.code: row.team for row in self.company_rows}

    @company_teams.setter
    def company_teams(self, teams: dict[str, str | None]) -> None:
        self.company_rows = [CompanyRow(code, f"{code} Ltd", team) for code, team in teams.items()]

    def _answer(self, call: str) -> None:
        if call in self.failures:
            raise self.failures[call]

    def finops_application_details(self) -> FinOpsApplication | None:
        self._answer("finops_application_details")
        return self.application

    def integration_details(self) -> IntegrationDetails | None:
        self._answer("integration_details")
        return self.integration

    def entity_definition(self, logical_name: str) -> EntityDefinition | None:
        return EntityDefinition(set_name="msdyn_dualwriteruntimeconfigs")

    def application_user(self, application_id: str) -> ApplicationUser | None:
        self._answer("application_user")
        if application_id not in self.users or self.late_users > 0:
            self.late_users -= 1
            return None
        disabled = self.users[application_id]
        return ApplicationUser.model_validate({"systemuserid": application_id, "isdisabled": disabled})

    def add_application_user(self, application_id: str, business_unit_id: str) -> ApplicationUser:
        self._answer("add_application_user")
        self.written.append(f"user {application_id[:8]} in {business_unit_id}")
        self.users[application_id], self.user_roles[application_id] = False, []
        found = self.application_user(application_id)
        if found is None:
            raise NotFound("created, but cannot be read back")
        return found

    def roles_of_user(self, user_id: str) -> list[Role]:
        return [Role(name=name) for name in self.user_roles[user_id]]

    def roles_of_team(self, team_id: str) -> list[Role]:
        return [Role(name=name) for name in self.team_roles.get(team_id, [])]

    def roles(self, name: str, business_unit_id: str | None = None) -> list[Role]:
        self.late_roles -= 1
        return [] if self.late_roles >= 0 else [Role(id=f"{name} of {business_unit_id}", name=name)]

    def assign_role_to_user(self, user_id: str, role_id: str) -> None:
        self._answer("assign_role_to_user")
        self.written.append(f"{role_id} to {user_id[:8]}")

    def assign_role_to_team(self, team_id: str, role_id: str) -> None:
        self._answer("assign_role_to_team")
        self.written.append(f"{role_id} to {team_id}")

    def business_units(self) -> list[BusinessUnit]:
        self._answer("business_units")
        return self.units

    def teams(self, *, names: Sequence[str] = (), default_only: bool = False) -> list[Team]:
        return self.default_teams

    def teams_by_id(self, team_ids: Sequence[str]) -> list[Team]:
        return [Team(id=team_id, name=f"{team_id} Dual Write", business_unit_id="bu-2") for team_id in team_ids]

    def rows(self, entity_set: str, **_options: object) -> Iterator[dict[str, Any]]:
        self._answer("rows")
        assert entity_set == "msdyn_dualwriteruntimeconfigs"
        yield from self.runtime

    def companies(self) -> list[Company]:
        self._answer("companies")
        self.late_teams -= 1
        late = self.late_teams >= 0
        return [Company(code=row.code, name=row.name, team=None if late else row.team) for row in self.company_rows]

    @property
    def access(self) -> "FakeDataverseSide":
        return self


class FakeFinOpsSide:
    """One healthy F&O."""

    def __init__(self) -> None:
        self.clients = list(FINOPS_CLIENTS)
        self.companies = ["dat"]
        self.projects: list[dict[str, Any]] = []
        self.refusal: ApiError | None = None
        self.registered: list[str] = []

    def registered_applications(self) -> list[RegisteredApplication]:
        return [RegisteredApplication.model_validate({"AADClientId": client.upper()}) for client in self.clients]

    def register_application(self, client_id: str, user: str, name: str) -> None:
        if self.refusal:
            raise self.refusal
        self.registered.append(f"{client_id[:8]} as {user}, {name}")
        self.clients.append(client_id)

    def legal_entities(self) -> list[LegalEntity]:
        return [LegalEntity.model_validate({"LegalEntityId": code}) for code in self.companies]

    def rows(self, entity_set: str) -> Iterator[dict[str, Any]]:
        assert entity_set == "DualWriteProjectConfigurations"
        yield from self.projects


def a_linked_tenant() -> FakePowerPlatform:
    return FakePowerPlatform(an_environment(finops=LinkedFinOps(id=FINOPS_ID, type="Internal", url=FINOPS_URL)))


def the_packages(core: str = "Installed") -> FakePackages:
    """Every package that map solutions need is installed."""
    made = FakePackages(DualWriteCoreAnchor=core)
    made.held |= dict.fromkeys(PACKAGE_ORDER, "Installed") | {"DualWriteCoreAnchor": core}
    return made


@dataclass
class LinkSession:
    """The clients of one cloud."""

    dual_write: FakeLink = field(default_factory=FakeLink)
    power_platform: FakePowerPlatform = field(default_factory=a_linked_tenant)
    app_management: FakePackages = field(default_factory=the_packages)
    organization: FakeDataverseSide = field(default_factory=FakeDataverseSide)
    finops: FakeFinOpsSide = field(default_factory=FakeFinOpsSide)

    @property
    def profile(self) -> "LinkSession":
        return self

    @property
    def polls(self) -> PollIntervals:
        return PollIntervals()

    def dataverse(self, host: str) -> FakeDataverseSide:
        assert host == "contoso-uat.crm4.dynamics.com"
        return self.organization

    def finance_operations(self, host: str) -> FakeFinOpsSide:
        assert host == FINOPS_HOST
        return self.finops

    def call(self, said: list[str] | None = None, progress: Callable[[str], None] | None = None) -> Call:
        """A call on this pair; what stays is collected in `said`."""
        made = a_call(cast(FakeSession, self), said)
        if progress is None:
            return made

        def write(_row: object, text: str, *, ephemeral: bool, warning: bool = False) -> None:
            progress(text)

        return Call(made.row, made.title, made.session_for, made.sleep, made.clock, write)

    def delete_environment(self) -> None:
        """What a person does in the admin centre; the link goes with it."""
        self.power_platform.held.clear()
        self.dual_write.gone = NotFound("no such connection set", status=404)
