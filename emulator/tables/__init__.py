"""The row engine under both data planes, and what OData queries make of it."""

from emulator.tables.hooks import Draft, SyncError, Write
from emulator.tables.keys import Condition, RowError, row_id_of
from emulator.tables.rows import ETAG, Rows
from emulator.tables.write_log import WriteLog

__all__ = ["ETAG", "Condition", "Draft", "RowError", "Rows", "SyncError", "Write", "WriteLog", "row_id_of"]
