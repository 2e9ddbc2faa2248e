"""The dual-write management service behind one gateway: E1 to E15 of dual-write-management-api.md."""

from collections.abc import Mapping, Sequence

from .dual_write_models import (
    ActionDetail,
    ConnectionSet,
    EntityMapStatus,
    Execution,
    LinkedEnvironment,
    MapSolution,
    Project,
    SolutionStatus,
)


class DualWriteManagement:
    """One gateway. Codes are strings; errors keep `requestId` and `rootActivityId` where the service gives them."""

    def environment(self, finops_host: str) -> LinkedEnvironment | None:
        """E1: the link of an F&O host (a URL is reduced to its host); None = not linked, or the wrong gateway."""
        raise NotImplementedError

    def maps(self, cid: str, *, fresh: bool = False) -> list[EntityMapStatus]:
        """E2: all maps with versions and state; shared by threads for a second. Empty is a legal answer.

        With `fresh` only a list whose call began after this one will do.
        """
        raise NotImplementedError

    def start_action(self, cid: str, action: str, details: Sequence[ActionDetail]) -> str:
        """E3: send one action for one or more maps, return the request id.

        Sent once. When the answer is lost, the new entry in E2's `lastRequests` is looked up and its id returned;
        when none appears within the grace time: `TransportError` with `may_have_happened` (client rule 5).
        """
        raise NotImplementedError

    def request_status(self, request_id: str) -> list[EntityMapStatus]:
        """E4: the maps of a request; find the outcome with `EntityMapStatus.request(request_id)`."""
        raise NotImplementedError

    def prerequisite_sequences(self, cid: str, template_ids: Sequence[str]) -> list[list[str]]:
        """E5: for each asked template id the template ids in starting order, the asked one included."""
        raise NotImplementedError

    def switch_active(self, cid: str, template_id: str, pid: str) -> None:
        """E6: make a version of a stopped map the active one; verify with `maps(cid, fresh=True)`."""
        raise NotImplementedError

    def field_mappings(self, pid: str) -> Project:
        """E7: the project of a map."""
        raise NotImplementedError

    def refresh_tables(self, project_name: str) -> None:
        """E8: refresh the table metadata of a project (`Project.name`, not the pid)."""
        raise NotImplementedError

    def set_integration_keys(self, dataset: str, keys: Mapping[str, Sequence[str]]) -> None:
        """E9: set integration keys, table set -> columns; verify with `connection_set`."""
        raise NotImplementedError

    def connection_set(self, cname: str) -> ConnectionSet:
        """E10: the link with its companies and keys. The key is `cname`, not `cid`."""
        raise NotImplementedError

    def reset(self, cid: str, link: ConnectionSet, companies: Sequence[str], *, force: bool) -> None:
        """E11: rebuild the link with these companies. Destroys maps, keys and history; never a side effect."""
        raise NotImplementedError

    def solutions(self, cid: str) -> list[MapSolution]:
        """E12: the Dataverse solutions that hold maps."""
        raise NotImplementedError

    def apply_solution(self, cid: str, unique_name: str) -> str:
        """E13: apply one solution, return the request id. One at a time per link (client rule 7).

        Sent again only when nothing can have arrived; re-applying is harmless, so a lost answer is sent once more.
        """
        raise NotImplementedError

    def solution_status(self, cid: str, request_id: str) -> SolutionStatus:
        """E14: state of an "Apply solution" request."""
        raise NotImplementedError

    def executions(self, pid: str) -> list[Execution]:
        """E15: initial syncs of a map, newest first, one per company and run."""
        raise NotImplementedError
