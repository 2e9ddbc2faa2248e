"""What dual-write itself needs to be let in on both sides: application users, client rows, roles of teams.

Find-or-create, before the health check asks for them (dual-write-semantics.md 3.3 and 4; section 13, 10 and 11). Only
what is missing is written. What the service refuses becomes one line with the step that a person takes instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from providers.api.transport.errors import (
    ApiError,
    Conflict,
    InvalidRequest,
    NotFound,
    OperationTimedOut,
    PermissionDenied,
)
from providers.api.transport.operations import Outcome
from providers.instances.finops_installation import FINOPS_ADMINISTRATOR
from providers.link.health_check import CDS_APPLICATION_USERS, DYNAMICS_ERP, INTEGRATION_CLIENT
from providers.protocol.base import Call
from providers.protocol.waiting import Waiting

if TYPE_CHECKING:
    from providers.api.dataverse.client import Dataverse
    from providers.api.dataverse.models import ApplicationUser, Role, Team
    from providers.api.finance_operations.client import FinanceOperations

T = TypeVar("T")

SYSTEM_ADMINISTRATOR = "System Administrator"
TEAM_ROLES = ("Dual-write App User", "Dual-write Runtime User")
# Refusals that a person can do something about; anything else ends the run.
_REFUSED = (PermissionDenied, InvalidRequest, Conflict, NotFound)
# Polls until a new user, or the roles of a new business unit, have to show (assumed: 5 minutes).
_LATE_POLLS = 20
# What the applications are called in a tenant (the first one's name is assumed).
_NAMES = {DYNAMICS_ERP: "Microsoft Dynamics ERP", INTEGRATION_CLIENT: "Dynamics Data Integration"}


class AccessRights:
    """Both sides of one pair. `interval` (seconds) is the pause while something new does not show yet."""

    def __init__(
        self, cds: Dataverse, finops: FinanceOperations, call: Call, waiting: Waiting, *, interval: float
    ) -> None:
        self._cds = cds
        self._finops = finops
        self._call = call
        self._waiting = waiting
        self._interval = interval

    def applications(self, clients: Iterable[str]) -> None:
        """Application users with a role in CDS, and `clients` registered in F&O."""
        users = [
            self._tried(
                partial(self._application_user, application),
                f"the application user {application} of CDS",
                f"In the Power Platform admin centre open the environment > Settings > Application users, add "
                f"{application} with the role {SYSTEM_ADMINISTRATOR}.",
            )
            for application in CDS_APPLICATION_USERS
        ]
        self._tell(users, f"given the role {SYSTEM_ADMINISTRATOR} in CDS")
        known = self._tried(
            lambda: {each.client_id.lower() for each in self._finops.registered_applications()},
            "the registered applications of F&O",
            "Let the program's user read Microsoft Entra ID applications of F&O.",
        )
        registered = [
            self._tried(
                partial(self._register, client),
                f"the client {client} of F&O",
                "In F&O open System administration > Setup > Microsoft Entra ID applications, add it with the "
                f"user {FINOPS_ADMINISTRATOR}.",
            )
            for client in clients
            if known is not None and client not in known
        ]
        self._tell(registered, "registered in F&O")

    def team_roles(self, team_ids: Iterable[str]) -> None:
        """Both dual-write roles for these teams and for the default team of the root business unit."""
        self._tried(
            lambda: self._give_roles(sorted(set(team_ids))),
            f"the roles {' and '.join(TEAM_ROLES)} of the owning teams",
            "In the Power Platform admin centre open the environment > Settings > Teams and give them to the default "
            "owning team of each company and to the default team of the root business unit.",
        )

    def _tried(self, work: Callable[[], T], what: str, by_hand: str) -> T | None:
        try:
            return work()
        except _REFUSED as error:
            reason = ApiError(f"{what} could not be set up: {error.reason}", code=error.code, next_step=by_hand)
            self._call.warn(str(reason))
            return None

    def _tell(self, done: Iterable[str | None], what: str) -> None:
        names = [name for name in done if name]
        if names:
            self._call.announce(f"{' and '.join(names)} {'were' if len(names) > 1 else 'was'} {what}")

    def _application_user(self, application: str) -> str | None:
        """The name of an application that got its role now."""
        user = self._cds.access.application_user(application) or self._added(application)
        if user.disabled or self._cds.access.roles_of_user(user.id):
            return None
        role = self._role(SYSTEM_ADMINISTRATOR, user.business_unit_id or self._root())
        self._cds.access.assign_role_to_user(user.id, role.id)
        return _NAMES.get(application, application)

    def _added(self, application: str) -> ApplicationUser:
        try:
            return self._cds.access.add_application_user(application, self._root())
        except NotFound as late:
            # Created, and not readable yet.
            def poll() -> Outcome[ApplicationUser]:
                found = self._cds.access.application_user(application)
                return Outcome.done(found) if found else Outcome.pending("created, not readable yet")

            try:
                return self._until(poll, f"application user {application}")
            except OperationTimedOut:
                raise late from None

    def _register(self, client: str) -> str:
        name = _NAMES.get(client, "Dual-write")
        self._finops.register_application(client, FINOPS_ADMINISTRATOR, name)
        return name

    def _give_roles(self, team_ids: list[str]) -> None:
        root = self._root()
        defaults = [team for team in self._cds.access.teams(default_only=True) if team.business_unit_id == root]
        teams = [*self._cds.access.teams_by_id(team_ids), *defaults]
        given = [team.name for team in teams if self._give_to(team)]
        if given:
            self._call.announce(f"the dual-write roles were given to the teams {', '.join(given)}")

    def _give_to(self, team: Team) -> bool:
        present = {role.name for role in self._cds.access.roles_of_team(team.id)}
        lacking = [name for name in TEAM_ROLES if name not in present]
        for name in lacking:
            self._cds.access.assign_role_to_team(team.id, self._role(name, team.business_unit_id or "").id)
        return bool(lacking)

    def _role(self, name: str, business_unit_id: str) -> Role:
        """The role in that business unit; a new unit gets its roles a little later."""

        def poll() -> Outcome[Role]:
            found = next(iter(self._cds.access.roles(name, business_unit_id)), None)
            return Outcome.done(found) if found else Outcome.pending("not there yet")

        try:
            return self._until(poll, f"role {name}")
        except OperationTimedOut as error:
            raise NotFound(f"CDS has no role '{name}' in the business unit {business_unit_id}") from error

    def _until(self, poll: Callable[[], Outcome[T]], what: str) -> T:
        return self._waiting.until(poll, what=what, interval=self._interval, at_most=self._interval * _LATE_POLLS)

    def _root(self) -> str:
        found = next((unit.id for unit in self._cds.business_units() if not unit.parent_id), None)
        if found is None:
            raise NotFound("CDS shows no root business unit")
        return found
