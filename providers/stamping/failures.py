"""The rows that did not take the company: few, remembered by id, told by distinct reason. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from providers.api.transport.errors import ApiError
from providers.documented_errors.recognition import documented, without_again
from providers.protocol.call import ResourceError
from providers.protocol.words import amount

# Texts that differ only in the row they name are one reason.
_GUID = re.compile(r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_SHOWN = 5
NEXT_RUN = "run `up` again: it stamps only what is left."


class FailedRow(NamedTuple):
    """A row that did not take the company, and why."""

    row_id: str
    error: ApiError


@dataclass
class _Reason:
    example: str
    error: ApiError
    count: int = 0


@dataclass
class Failures:
    """All failures of a run; more than `most` end it."""

    most: int
    ids: set[str] = field(default_factory=set)
    _reasons: dict[tuple[str, str, str], _Reason] = field(default_factory=dict)

    def add(self, set_name: str, rows: Iterable[FailedRow]) -> None:
        """Remember failed rows of a table."""
        for row in rows:
            self.ids.add(row.row_id)
            key = (set_name, row.error.code or "", _GUID.sub("<id>", row.error.reason))
            self._reasons.setdefault(key, _Reason(row.row_id, row.error)).count += 1

    @property
    def too_many(self) -> bool:
        """Whether the run is to stop."""
        return len(self.ids) > self.most

    def lines(self) -> list[str]:
        """One line for each of the first distinct reasons, and one that counts the others."""
        lines = [
            f"{set_name}: {amount(reason.count, 'row')} failed, for example {reason.example}: {reason.error}"
            for (set_name, _, _), reason in list(self._reasons.items())[:_SHOWN]
        ]
        others = list(self._reasons.values())[_SHOWN:]
        if others:
            lines.append(f"{sum(each.count for each in others):,} more failed for {len(others):,} other reasons")
        return lines

    def error(self, tried: int) -> ResourceError | None:
        """The one line at the end: how many of how many, the first reason, what to do; None without failures."""
        if not self._reasons:
            return None
        first = documented(next(iter(self._reasons.values())).error)
        cure = without_again(first.next_step) or "Remove the cause"
        if self.too_many:
            what = f"stopped after {len(self.ids):,} failed rows, {self.most:,} may fail"
            step = f"{cure}, or raise `maxFailures`; then {NEXT_RUN}"
        else:
            what = f"{len(self.ids):,} of {amount(tried, 'row')} did not take the company"
            step = f"{cure}, then {NEXT_RUN}"
        return ResourceError(
            f"{what}: {first.reason}", code=first.code, correlation_id=first.correlation_id, next_step=step
        )
