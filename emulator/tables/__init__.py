"""The row engine under both data planes, and what OData queries make of it."""

from emulator.tables.keys import Condition, RowError, row_id_of
from emulator.tables.rows import ETAG, Rows, SyncError, Write

__all__ = ["ETAG", "Condition", "RowError", "Rows", "SyncError", "Write", "row_id_of"]
