"""Who may do what in one organization: application users, security roles, teams, business units."""

from collections.abc import Sequence
from uuid import UUID

from providers.api.dataverse.client import Dataverse, Row
from providers.api.dataverse.models import ApplicationUser, BusinessUnit, Role, Team
from providers.api.transport import odata
from providers.api.transport.errors import ApiError, NotFound

_USER = ("systemuserid", "applicationid", "fullname", "isdisabled", "_businessunitid_value")
_ROLE = ("roleid", "name", "_businessunitid_value")
_TEAM = ("teamid", "name", "isdefault", "_businessunitid_value")
# Ids in one filter: far below the longest URL.
_IDS_AT_ONCE = 25


class DataverseAccess(Dataverse):
    """The Web API of one organization together with its users, roles and teams."""

    def business_units(self) -> list[BusinessUnit]:
        """All business units."""
        columns = ("businessunitid", "name", "_parentbusinessunitid_value")
        return [BusinessUnit.model_validate(row) for row in self.rows("businessunits", select=columns)]

    def application_user(self, application_id: str) -> ApplicationUser | None:
        """The application user of an Entra application."""
        wanted = odata.equal("applicationid", UUID(application_id))
        row = next(self.rows("systemusers", filter=wanted, select=_USER, top=1), None)
        return ApplicationUser.model_validate(row) if row is not None else None

    def add_application_user(self, application_id: str, business_unit_id: str) -> ApplicationUser:
        """Create an application user; one that is there already, or came in with a lost answer, is returned."""
        values: Row = {
            "applicationid": application_id,
            "accessmode": 4,
            "isdisabled": False,
            "businessunitid@odata.bind": f"/businessunits({business_unit_id})",
        }
        try:
            self.create_row("systemusers", values)
        except ApiError:
            found = self.application_user(application_id)
            if found is None:
                raise
            return found
        made = self.application_user(application_id)
        if made is None:
            raise NotFound(f"the application user of {application_id} was created, but cannot be read back")
        return made

    def roles(self, name: str, business_unit_id: str | None = None) -> list[Role]:
        """Security roles with that name, one per business unit."""
        conditions = [odata.equal("name", name)]
        if business_unit_id is not None:
            conditions.append(odata.equal("_businessunitid_value", UUID(business_unit_id)))
        rows = self.rows("roles", filter=odata.all_of(conditions), select=_ROLE)
        return [Role.model_validate(row) for row in rows]

    def roles_of_user(self, user_id: str) -> list[Role]:
        """Security roles of a user."""
        return self._roles(f"systemusers{odata.key_segment(user_id)}/systemuserroles_association")

    def roles_of_team(self, team_id: str) -> list[Role]:
        """Security roles of a team."""
        return self._roles(f"teams{odata.key_segment(team_id)}/teamroles_association")

    def _roles(self, path: str) -> list[Role]:
        return [Role.model_validate(row) for row in self.rows(path, select=_ROLE)]

    def assign_role_to_user(self, user_id: str, role_id: str) -> None:
        """Give a user a role; having it already is a success."""
        self.associate("systemusers", user_id, "systemuserroles_association", "roles", role_id)

    def assign_role_to_team(self, team_id: str, role_id: str) -> None:
        """Give a team a role; having it already is a success."""
        self.associate("teams", team_id, "teamroles_association", "roles", role_id)

    def teams(self, *, names: Sequence[str] = (), default_only: bool = False) -> list[Team]:
        """Teams by name, or the default owner teams of business units."""
        conditions = [odata.any_of(odata.equal("name", name) for name in names)] if names else []
        if default_only:
            conditions.append(odata.equal("isdefault", True))
        rows = self.rows("teams", filter=odata.all_of(conditions) or None, select=_TEAM)
        return [Team.model_validate(row) for row in rows]

    def teams_by_id(self, team_ids: Sequence[str]) -> list[Team]:
        """The teams with these ids; one that does not exist is left out."""
        found: list[Team] = []
        for begin in range(0, len(team_ids), _IDS_AT_ONCE):
            some = team_ids[begin : begin + _IDS_AT_ONCE]
            wanted = odata.any_of(odata.equal("teamid", UUID(team_id)) for team_id in some)
            found += [Team.model_validate(row) for row in self.rows("teams", filter=wanted, select=_TEAM)]
        return found
