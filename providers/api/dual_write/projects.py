"""What the dual-write service says about a map's project (E7) and its initial syncs (E15)."""

from typing import Any

from pydantic import Field

from providers.api.dual_write.models import Code
from providers.api.transport.wire import CaseBlind


class FieldMapping(CaseBlind):
    """One field pair of a map; direction 1 = F&O to Dataverse, 2 = back, 3 = both (5.6)."""

    sync_direction: Code | None = None
    source_field: str = ""
    destination_field: str = ""
    is_system_generated: bool | None = None


class Leg(CaseBlind):
    """One leg of a map with its filters and field mappings."""

    source_schema: str = ""
    destination_schema: str = ""
    source_filter: str = ""
    reversed_source_filter: str = ""
    field_mappings: list[FieldMapping] = Field([])


class MappingTask(CaseBlind):
    """One mapping task of a project."""

    name: str = ""
    order: int | None = None
    legs: list[Leg] = Field([])


class Project(CaseBlind):
    """The project of a map (E7). `name` is the key of E8, `id` the `pid`."""

    known_by = "name"
    id: str = ""
    name: str = ""
    display_name: str = ""
    entity_mapping_tasks: list[MappingTask] = Field([])
    validation_issues: list[Any] = Field([])
    are_keys_mismatched: bool | None = None
    is_dual_write_enabled: bool | None = None


class RowError(CaseBlind):
    """An error of one row of an initial sync."""

    record_id: str = ""
    source_field: str = ""
    error_message: str = ""


class ExecutionLeg(CaseBlind):
    """One direction of an initial sync of one company; status such as EXPORTING, IMPORTING, ERROR, WARNING."""

    display_name: str = ""
    status: str | None = None
    export_record_count: int | None = None
    export_errors: list[RowError] = Field([])
    import_errors: list[RowError] = Field([])
    import_records_inserted_count: int | None = None
    import_records_updated_count: int | None = None
    import_records_error_count: int | None = None


class ExecutionTask(CaseBlind):
    """One task of an initial sync."""

    name: str = ""
    status: str | None = None
    is_running: bool | None = None
    legs: list[ExecutionLeg] = Field([])


# Status words of an execution and of its legs that a client names; all others are unknown (E15).
_UNDER_WAY = frozenset({"EXPORTING", "IMPORTING"})
_FAILED = "ERROR"


class Execution(CaseBlind):
    """The initial sync of one map for one company (E15); all of one run share `initial_sync_request_id`."""

    id: str = ""
    initial_sync_request_id: str = ""
    legal_entity_name: str = ""
    execution_status: str = ""
    upsert_count: int | None = None
    error_count: int | None = None
    submitted_on: str = ""
    task_execution_statuses: list[ExecutionTask] = Field([])

    @property
    def legs(self) -> list[ExecutionLeg]:
        """The legs of all tasks: both directions."""
        return [leg for task in self.task_execution_statuses for leg in task.legs]

    @property
    def company(self) -> str:
        """The company as the service calls it, in upper case."""
        return self.legal_entity_name.upper()

    @property
    def upserts(self) -> int:
        """Rows inserted or updated; the sum of the legs when the service gives no total."""
        parts = [(leg.import_records_inserted_count, leg.import_records_updated_count) for leg in self.legs]
        return (
            self.upsert_count if self.upsert_count is not None else sum(value or 0 for both in parts for value in both)
        )

    @property
    def errors(self) -> int:
        """Rows in error; the sum of the legs when the service gives no total."""
        parts = (leg.import_records_error_count or 0 for leg in self.legs)
        return self.error_count if self.error_count is not None else sum(parts)

    @property
    def reasons(self) -> list[str]:
        """What the legs say about rows in error, exports first."""
        rows = [row for leg in self.legs for row in (*leg.export_errors, *leg.import_errors)]
        return [row.error_message for row in rows if row.error_message]

    @property
    def under_way(self) -> bool:
        """Whether it has not ended."""
        return any(task.is_running for task in self.task_execution_statuses) or bool(self._words & _UNDER_WAY)

    @property
    def failed(self) -> bool:
        """Whether it has rows in error, or says so."""
        return bool(self.errors) or _FAILED in self._words

    @property
    def _words(self) -> set[str]:
        said = [self.execution_status, *(task.status for task in self.task_execution_statuses)]
        return {word.upper() for word in (*said, *(leg.status for leg in self.legs)) if word}
