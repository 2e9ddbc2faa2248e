"""What the columns of Dataverse take: texts up to a length, and of a choice its own values.

Codes and texts: Microsoft Learn, "Execute batch operations using the Web API" (length), and "Web service error codes"
with pages of Dynamics 365 Project Operations (choice). Bounds of F&O's fields stand in no source.
"""

from collections.abc import Mapping
from typing import Any

from emulator.data.schemas import Table
from emulator.tables.keys import RowError

_START = "A validation error occurred. "


def check(schema: Table, values: Mapping[str, Any]) -> None:
    """Raise RowError too-long or outside-choice for the first value that its column does not take."""
    for name, value in values.items():
        column = schema.property(name)
        if column is None or value is None:
            continue
        if column.longest is not None and len(value) > column.longest:
            text = (
                f"{_START} The length of the '{name}' attribute of the '{schema.logical}' entity exceeded the maximum "
                f"allowed length of '{column.longest}'."
            )
            # Source: Microsoft Learn, Execute batch operations using the Web API
            raise RowError("too-long", text, (name,))
        if column.choices and value not in column.choices:
            accepted = ",".join(str(choice) for choice in column.choices)
            text = (
                f"{_START}The value {value} of '{name}' on record of type '{schema.logical}' is outside the valid "
                f"range. Accepted Values: {accepted}"
            )
            # Source: Microsoft Learn, Web service error codes; pages of Dynamics 365 Project Operations
            raise RowError("outside-choice", text, (name,))
