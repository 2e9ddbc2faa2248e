"""The row engine under both data planes, and what OData queries make of it."""

from emulator.tables.rows import ETAG, Condition, RowError, Rows, SyncError, Write

__all__ = ["ETAG", "Condition", "RowError", "Rows", "SyncError", "Write"]
