"""The last requests, those of the program and those of strangers apart, with names instead of ids."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from emulator.core.journal import Row
from emulator.identity.directory import ADMINISTRATOR_UPN, DEMO_CLIENT_ID, PROVE_CLIENT_ID
from emulator.tenant import Tenant

SERVICES = ("login", "bap", "powerplatform", "dataverse", "finops", "dualwrite")
STATUSES = {"refused": "refused (4xx)", "failed": "failed (5xx)", "dropped": "without an answer"}
READ = 2_000
SHOWN = 14
# With the program's token for dual-write it is the administrator who asks; the proof is a part of `up`.
_OF_THE_PROGRAM = frozenset({DEMO_CLIENT_ID, PROVE_CLIENT_ID, ADMINISTRATOR_UPN})


@dataclass(frozen=True)
class RequestFilter:
    """What a person asked to see: one service, one caller, one kind of status; empty: all."""

    service: str = ""
    identity: str = ""
    status: str = ""

    def takes(self, row: Row) -> bool:
        """Return whether a request is among those."""
        wanted = self.service in {"", row["service"]} and self.identity in {"", row["identity"]}
        return wanted and self.status in {"", kind_of(row["status"])}


@dataclass(frozen=True)
class RequestView:
    """One request. `who`: name of the caller; `kind`: ok, refused, failed or dropped."""

    seq: int
    time: str
    who: str
    service: str
    method: str
    host: str
    path: str
    status: int
    kind: str
    correlation_id: str


@dataclass(frozen=True)
class Requests:
    """The newest requests that the filter takes, newest first, by who asked; and the callers there are."""

    program: tuple[RequestView, ...]
    strangers: tuple[RequestView, ...]
    callers: tuple[tuple[str, str], ...]


def requests_view(tenant: Tenant, wanted: RequestFilter) -> Requests:
    """Return the requests among the last 2,000 that the filter takes.

    Sign-ins name no caller and stand with the program's.
    """
    rows = tenant.journal.rows(last=READ)
    names = _names(tenant)
    taken = [row for row in reversed(rows) if wanted.takes(row)]
    callers = sorted({row["identity"] for row in rows if row["identity"]})
    return Requests(
        _newest((row for row in taken if _is_of_the_program(row)), names),
        _newest((row for row in taken if not _is_of_the_program(row)), names),
        tuple((each, names.get(each, each)) for each in callers),
    )


def _newest(rows: Iterable[Row], names: Mapping[str, str]) -> tuple[RequestView, ...]:
    return tuple(_view(row, names) for row in islice(rows, SHOWN))


def _is_of_the_program(row: Row) -> bool:
    return row["identity"] in _OF_THE_PROGRAM or not row["identity"]


def kind_of(status: int) -> str:
    """Return ok, refused, failed or dropped."""
    if status == 0:
        return "dropped"
    return "failed" if status >= 500 else "refused" if status >= 400 else "ok"


def _names(tenant: Tenant) -> Mapping[str, str]:
    directory = tenant.identity.directory
    applications = {one.app_id: one.name for one in directory.applications()}
    return applications | {one.upn: one.name for one in directory.users()}


def _view(row: Row, names: Mapping[str, str]) -> RequestView:
    return RequestView(
        seq=row["seq"],
        time=row["time"],
        who=names.get(row["identity"], row["identity"]) or "not signed in",
        service=row["service"],
        method=row["method"],
        host=row["host"],
        path=row["path"],
        status=row["status"],
        kind=kind_of(row["status"]),
        correlation_id=row["correlation_id"],
    )
