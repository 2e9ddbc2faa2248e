"""Who may do what in one organization: application users, security roles, teams."""

from collections.abc import Sequence
from uuid import UUID

from providers.api.dataverse.models import ApplicationUser, Role, Team
from providers.api.transport import odata
from providers.api.transport.errors import ApiError, Conflict, InvalidRequest, NotFound
from providers.api.transport.odata_rows import ODataRows, Row

_USER = ("systemuserid", "applicationid", "fullname", "isdisabled", "_businessunitid_value")
_ROLE = ("roleid", "name", "_businessunitid_value")
_TEAM = ("teamid", "name", "isdefault", "_businessunitid_value")
DUPLICATE = "0x80040237"
_PAGE = {"Prefer": "odata.maxpagesize=1000"}
# Ids in one filter: far below the longest URL.
_IDS_AT_ONCE = 25


class Access:
    """Application users, roles and teams of one organization."""

    def __init__(self, rows: ODataRows) -> None:
        self._rows = rows

    def application_user(self, application_id: str) -> ApplicationUser | None:
        """The application user of an Entra application."""
        wanted = odata.equal("applicationid", UUID(application_id))
        return next(iter(self._rows.read(ApplicationUser, "systemusers", filter=wanted, select=_USER, top=1)), None)

    def add_application_user(self, application_id: str, business_unit_id: str) -> ApplicationUser:
        """Create an application user; one that is there already, or came in with a lost answer, is returned."""
        values: Row = {
            "applicationid": application_id,
            "accessmode": 4,
            "isdisabled": False,
            "businessunitid@odata.bind": f"/businessunits({business_unit_id})",
        }
        try:
            self._rows.create("systemusers", values, {"Prefer": "return=representation"})
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
        return self._rows.read(Role, "roles", _PAGE, filter=odata.all_of(conditions), select=_ROLE)

    def roles_of_user(self, user_id: str) -> list[Role]:
        """Security roles of a user."""
        return self._roles(f"systemusers{odata.key_segment(user_id)}/systemuserroles_association")

    def roles_of_team(self, team_id: str) -> list[Role]:
        """Security roles of a team."""
        return self._roles(f"teams{odata.key_segment(team_id)}/teamroles_association")

    def _roles(self, path: str) -> list[Role]:
        return self._rows.read(Role, path, _PAGE, select=_ROLE)

    def assign_role_to_user(self, user_id: str, role_id: str) -> None:
        """Give a user a role; having it already is a success."""
        self._associate("systemusers", user_id, "systemuserroles_association", "roles", role_id)

    def assign_role_to_team(self, team_id: str, role_id: str) -> None:
        """Give a team a role; having it already is a success."""
        self._associate("teams", team_id, "teamroles_association", "roles", role_id)

    def teams(self, *, names: Sequence[str] = (), default_only: bool = False) -> list[Team]:
        """Teams by name, or the default owner teams of business units."""
        conditions = [odata.any_of(odata.equal("name", name) for name in names)] if names else []
        if default_only:
            conditions.append(odata.equal("isdefault", True))
        return self._rows.read(Team, "teams", _PAGE, filter=odata.all_of(conditions) or None, select=_TEAM)

    def teams_by_id(self, team_ids: Sequence[str]) -> list[Team]:
        """The teams with these ids; one that does not exist is left out."""
        found: list[Team] = []
        for begin in range(0, len(team_ids), _IDS_AT_ONCE):
            some = team_ids[begin : begin + _IDS_AT_ONCE]
            wanted = odata.any_of(odata.equal("teamid", UUID(team_id)) for team_id in some)
            found += self._rows.read(Team, "teams", _PAGE, filter=wanted, select=_TEAM)
        return found

    def _associate(self, entity_set: str, row_id: str, relation: str, other_set: str, other_id: str) -> None:
        """Connect two rows through a many-to-many relation; being connected already is a success."""
        root = f"{self._rows.client.base_url}{self._rows.root}"
        try:
            self._rows.client.request(
                "POST",
                f"{self._rows.root}/{entity_set}{odata.key_segment(row_id)}/{relation}/$ref",
                json={"@odata.id": f"{root}/{other_set}({other_id})"},
                headers=self._rows.headers,
                expected={200, 204},
                replay="safe",
                answer="maybe",
            )
        except (Conflict, InvalidRequest) as error:
            if (error.code or "").lower() != DUPLICATE:
                raise
