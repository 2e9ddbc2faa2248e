"""A linked pair behind the interfaces that providers use: both sides, the dual-write service, nothing real."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from providers._base import Call
from providers.api.clouds import PollIntervals
from providers.api.dataverse_models import ApplicationUser, BusinessUnit, FinOpsApplication, Team
from providers.api.dual_write_models import ConnectionSet, LinkedEnvironment, MapSolution, SolutionStatus
from providers.api.errors import ApiError, NotFound
from providers.api.finance_operations import LegalEntity, RegisteredApplication
from providers.api.power_platform_models import LinkedFinOps
from providers.health_check import CDS_APPLICATION_USERS, FINOPS_CLIENTS
from tests.unit.providers.fake_dual_write import FakeDualWrite
from tests.unit.providers.fake_services import (
    FINOPS_ID,
    FINOPS_URL,
    FakePackages,
    FakePowerPlatform,
    FakeSession,
    a_call,
    an_application,
    an_environment,
)

FINOPS_HOST = "contoso-uat.operations.eu.dynamics.com"


class FakeLink(FakeDualWrite):
    """The service with one link. `late` are the E1 calls before it shows; solutions bring the maps of `carries`."""

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

    def environment(self, finops_host: str) -> LinkedEnvironment | None:
        if self.late or self.gone:
            self.late -= 1
            return None
        return LinkedEnvironment(cid="cid-1", cname="cname-1")

    def maps(self, cid: str, *, fresh: bool = False) -> Any:
        if self.gone:
            raise self.gone
        return super().maps(cid, fresh=fresh)

    def connection_set(self, cname: str) -> ConnectionSet:
        waiting = [SolutionStatus(request_id=f"request of {each}", state="1") for each in self.under_way]
        for solution in list(self.under_way):
            self.under_way[solution] -= 1
            if not self.under_way[solution]:
                del self.under_way[solution]
                self._bring(solution)
        return ConnectionSet(name=cname, companies=list(self.companies), solution_requests=waiting)

    def solutions(self, cid: str) -> list[MapSolution]:
        self.listed_late -= 1
        return [] if self.listed_late >= 0 else [MapSolution(unique_name=name) for name in self.carries]

    def apply_solution(self, cid: str, unique_name: str, *, cname: str | None = None) -> str:
        assert not self.under_way, "one solution at a time"
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
    """One healthy organization; members are changed by tests, `failures` are calls that are refused."""

    def __init__(self) -> None:
        self.failures: dict[str, ApiError] = {}
        self.application: FinOpsApplication | None = an_application()
        self.users = dict.fromkeys(CDS_APPLICATION_USERS, False)
        self.units = [BusinessUnit(id="bu-1", name="contoso"), BusinessUnit(id="bu-2", name="sales", parent_id="bu-1")]
        self.default_teams = [Team(id="t-1", name="contoso", business_unit_id="bu-1")]
        self.company_teams: dict[str, str | None] = {"DAT": "team-dat"}
        self.late_teams = 0

    def _answer(self, call: str) -> None:
        if call in self.failures:
            raise self.failures[call]

    def finops_application_details(self) -> FinOpsApplication | None:
        self._answer("finops_application_details")
        return self.application

    def application_user(self, application_id: str) -> ApplicationUser | None:
        self._answer("application_user")
        if application_id not in self.users:
            return None
        return ApplicationUser.model_validate({"isdisabled": self.users[application_id]})

    def business_units(self) -> list[BusinessUnit]:
        self._answer("business_units")
        return self.units

    def teams(self, *, names: Sequence[str] = (), default_only: bool = False) -> list[Team]:
        return self.default_teams

    def rows(self, entity_set: str, *, select: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        assert entity_set == "cdm_companies"
        self._answer("rows")
        self.late_teams -= 1
        for code, team in self.company_teams.items():
            held = None if self.late_teams >= 0 else team
            yield {"cdm_companycode": code, "_cdm_defaultowningteam_value": held}


class FakeFinOpsSide:
    """One healthy F&O."""

    def __init__(self) -> None:
        self.clients = list(FINOPS_CLIENTS)
        self.companies = ["dat"]

    def registered_applications(self) -> list[RegisteredApplication]:
        return [RegisteredApplication.model_validate({"AADClientId": client.upper()}) for client in self.clients]

    def legal_entities(self) -> list[LegalEntity]:
        return [LegalEntity.model_validate({"LegalEntityId": code}) for code in self.companies]


def a_linked_tenant() -> FakePowerPlatform:
    return FakePowerPlatform(an_environment(finops=LinkedFinOps(id=FINOPS_ID, type="Internal", url=FINOPS_URL)))


@dataclass
class LinkSession:
    """The clients of one cloud."""

    dual_write: FakeLink = field(default_factory=FakeLink)
    power_platform: FakePowerPlatform = field(default_factory=a_linked_tenant)
    app_management: FakePackages = field(default_factory=lambda: FakePackages(DualWriteCoreAnchor="Installed"))
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
