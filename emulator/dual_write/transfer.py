"""One row of one side written to the other side of a link, through one map.

Companies, owners and errors follow dual-write-semantics.md 5.1, 7.7 and 11.5. What dual-write writes has the origin
"dual-write", so it never comes back. Assumed: in a bulk run look-ups see what was there when the run began, so that
rows which refer to rows of their own table need several runs (semantics 8, retryable failures).
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

from emulator.core.wire import ServiceError
from emulator.data.maps import Map
from emulator.data.schemas import Plane, table
from emulator.dataverse.organization import RUNTIME_APP_ID, required
from emulator.dual_write import row_filters, row_mapping
from emulator.dual_write.connections import Connection
from emulator.dual_write.row_mapping import LookupMissingError
from emulator.tables import RowError, SyncError
from emulator.tables.values import ValueRefusedError
from emulator.tenant import Tenant

ORIGIN = "dual-write"
_COMPANIES = "cdm_companies"
_PARTIES = "msdyn_parties"
# The two maps whose missing party has a text of its own (semantics 11.5).
_OF_A_PARTY = {"msdyn_partypostaladdresses", "msdyn_partyelectronicaddresses"}


class Outcome(Enum):
    """What an upsert did on the other side."""

    INSERTED = "inserted"
    UPDATED = "updated"
    KEPT = "kept"


@dataclass(frozen=True)
class Change:
    """One write of a client on one side. `changes`: names of the properties that have another value now."""

    source: Plane
    row_id: str
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    changes: tuple[str, ...]


@dataclass(frozen=True)
class _Company:
    """The linked company of a row: F&O's code, and id and default owning team of its `cdm_companies` row."""

    code: str
    row_id: str
    team: str | None


def other(plane: Plane) -> Plane:
    """Return the other side."""
    return "dataverse" if plane == "finops" else "finops"


class Transfer:
    """Sends rows of one map over one link."""

    def __init__(self, tenant: Tenant, connection: Connection, mapped: Map, *, bulk: bool = False) -> None:
        """Take the link and the map; `bulk`: rows that this object inserts are hidden from its own look-ups."""
        self._tenant = tenant
        self._connection = connection
        self._arrived: set[str] | None = set() if bulk else None
        self.mapped = mapped

    def host(self, plane: Plane) -> str:
        """Return the host of one side."""
        return self._connection.finance_host if plane == "finops" else self._connection.dataverse_host

    def concerns(self, change: Change) -> bool:
        """Return whether a write has to reach the other side: in scope, and a mapped column changed."""
        if not row_mapping.flows(self.mapped, change.source):
            return False
        before = change.old is not None and self.in_scope(change.source, change.old)
        if change.new is None or not self.in_scope(change.source, change.new):
            return change.new is None and before
        return not before or bool(set(change.changes) & row_mapping.source_properties(self.mapped, change.source))

    def apply(self, change: Change) -> None:
        """Let the other side follow a write that concerns it; SyncError when that side refuses."""
        if change.new is None:
            if change.old is not None:
                self.remove(change.source, change.old)
            return
        was_there = change.old is not None and self.in_scope(change.source, change.old)
        self.upsert(change.source, change.new, set(change.changes) if was_there else None)

    def in_scope(self, source: Plane, row: Mapping[str, Any]) -> bool:
        """Return whether a row takes part: its company is linked, and it passes the filter of its side."""
        if row_mapping.is_company_specific(self.mapped) and self._company(source, row) is None:
            return False
        return row_filters.matches(self._tenant, self.mapped, source, self.host(source), row)

    def upsert(
        self, source: Plane, row: Mapping[str, Any], changes: Collection[str] | None = None, *, replace: bool = True
    ) -> Outcome:
        """Write a row to the other side: the changed columns when it is there, else all mapped ones.

        `replace` False leaves a row that is there alone. SyncError when the other side refuses.
        """
        target = other(source)
        entity_set, host = row_filters.set_of(self.mapped, target), self.host(target)
        rows = self._tenant.rows
        self._check_user(target)
        with _refusals(entity_set):
            company = self._company(source, row)
            existing = self._counterpart(source, row, company)
            if existing is None:
                values = {**self._values(source, row, company), **self._frame(target, company)}
                inserted = rows.insert(target, host, entity_set, values, origin=ORIGIN)
                if self._arrived is not None and target == "dataverse":
                    self._arrived.add(str(inserted[table(target, entity_set).key[0]]))
                return Outcome.INSERTED
            if not replace:
                return Outcome.KEPT
            values = self._values(source, row, company, changes)
            if target == "dataverse":
                values |= self._owner(company)
            rows.update(target, host, entity_set, existing, values, origin=ORIGIN)
            return Outcome.UPDATED

    def remove(self, source: Plane, row: Mapping[str, Any]) -> None:
        """Delete a row's counterpart, if there is one; SyncError when the other side refuses."""
        target = other(source)
        entity_set = row_filters.set_of(self.mapped, target)
        self._check_user(target)
        with _refusals(entity_set):
            try:
                existing = self._counterpart(source, row, self._company(source, row))
            except LookupMissingError:
                return
            if existing is not None:
                self._tenant.rows.delete(target, self.host(target), entity_set, existing, origin=ORIGIN)

    def settle(self, change: Change) -> None:
        """Let the side of a played-back change agree with it, as a change of the other side may have come between."""
        row = change.new or change.old
        if row is None or not row_mapping.flows(self.mapped, other(change.source)):
            return
        entity_set = row_filters.set_of(self.mapped, change.source)
        with _refusals(entity_set):
            key = {name: row.get(name) for name in self._key_properties(change.source)}
            rows = self._tenant.rows.find(change.source, self.host(change.source), entity_set, key)
            if rows:
                self._settle_present(change, rows[0])
            elif change.new is not None:
                self._settle_missing(change.source, row)

    def _settle_present(self, change: Change, present: Mapping[str, Any]) -> None:
        """Delete the row, or bring the changed columns to what the change says."""
        plane, host, rows = change.source, self.host(change.source), self._tenant.rows
        schema = table(plane, row_filters.set_of(self.mapped, plane))
        row_id = "|".join(str(present[name]) for name in schema.key)
        if change.new is None:
            rows.delete(plane, host, schema.set, row_id, origin=ORIGIN)
            return
        mapped = row_mapping.source_properties(self.mapped, plane) & set(change.changes)
        values = {name: change.new[name] for name in mapped if present.get(name) != change.new[name]}
        if values:
            rows.update(plane, host, schema.set, row_id, values, origin=ORIGIN)

    def _settle_missing(self, plane: Plane, row: Mapping[str, Any]) -> None:
        """Write the row again from its counterpart, if there is one."""
        back = other(plane)
        counterpart = self._counterpart(plane, row, self._company(plane, row))
        if counterpart is not None:
            there = self._tenant.rows.get(back, self.host(back), row_filters.set_of(self.mapped, back), counterpart)
            self.upsert(back, there or {})

    def _check_user(self, target: Plane) -> None:
        """Refuse a write to Dataverse when dual-write's user there is gone (semantics 11.5, 0x80072560)."""
        host = self._connection.dataverse_host
        wanted = {"applicationid": RUNTIME_APP_ID}
        if target == "dataverse" and self._tenant.rows.find_id("dataverse", host, "systemusers", wanted) is None:
            text = "The user is not a member of the organization."
            msg = f"Unable to write data to entity {self.mapped.dataverse_set}. 0x80072560 {text}"
            raise SyncError(msg)

    def _key_properties(self, plane: Plane) -> set[str]:
        """Return the properties of one side that hold integration key and company."""
        schema = table(plane, row_filters.set_of(self.mapped, plane))
        if plane == "finops":
            names = {pair.finops for pair in self.mapped.integration_key}
        else:
            names = {schema.columns[pair.dataverse.split(".")[0]].property for pair in self.mapped.integration_key}
        return names | ({schema.company} if schema.company and row_mapping.is_company_specific(self.mapped) else set())

    def _values(
        self,
        source: Plane,
        row: Mapping[str, Any],
        company: _Company | None,
        changes: Collection[str] | None = None,
    ) -> dict[str, Any]:
        directory = self._directory(company)
        if source == "finops":
            return row_mapping.to_dataverse(self.mapped, row, directory, changes)
        return row_mapping.to_finops(self.mapped, row, directory, changes)

    def _directory(self, company: _Company | None) -> "_Dataverse":
        hidden = {self.mapped.dataverse_set: self._arrived} if self._arrived else {}
        return _Dataverse(self._tenant, self._connection.dataverse_host, company, hidden)

    def _counterpart(self, source: Plane, row: Mapping[str, Any], company: _Company | None) -> str | None:
        """Return the id of the row with the same integration key on the other side."""
        target = other(source)
        directory = self._directory(company)
        keys = row_mapping.dataverse_key if source == "finops" else row_mapping.finops_key
        key = keys(self.mapped, row, directory)
        if not {None, ""}.isdisjoint(key.values()):
            return None
        schema = table(target, row_filters.set_of(self.mapped, target))
        rows = self._tenant.rows.find(target, self.host(target), schema.set, key | self._company_of(target, company))
        if not rows:
            return None
        return "|".join(str(rows[0][name]) for name in schema.key)

    def _frame(self, target: Plane, company: _Company | None) -> dict[str, Any]:
        """Return what a new row has beyond the mapped columns: company and owner."""
        return self._company_of(target, company) | (self._owner(company) if target == "dataverse" else {})

    def _company_of(self, target: Plane, company: _Company | None) -> dict[str, Any]:
        if company is None:
            return {}
        if target == "finops":
            return {"dataAreaId": company.code.lower()}
        return {f"_{self.mapped.company_column}_value": company.row_id}

    def _owner(self, company: _Company | None) -> dict[str, Any]:
        """Return the owner of a Dataverse row: the company's team, or the root business unit's for a global row."""
        if not table("dataverse", self.mapped.dataverse_set).owned:
            return {}
        team = company.team if company else None
        if team is None:
            host = self._connection.dataverse_host
            unit = required(self._tenant, host).business_unit_id
            wanted = {"_businessunitid_value": unit, "isdefault": True}
            rows = self._tenant.rows.find("dataverse", host, "teams", wanted)
            team = str(rows[0]["teamid"]) if rows else None
        return {"_ownerid_value": team} if team else {}

    def _company_row(self, source: Plane, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return Dataverse's row of the company that a row names."""
        rows, host = self._tenant.rows, self._connection.dataverse_host
        if source == "finops":
            by_code = rows.find("dataverse", host, _COMPANIES, {"cdm_companycode": row.get("dataAreaId")})
            return next(iter(by_code), None)
        company_id = row.get(f"_{self.mapped.company_column}_value")
        return rows.get("dataverse", host, _COMPANIES, str(company_id)) if company_id else None

    def _company(self, source: Plane, row: Mapping[str, Any]) -> _Company | None:
        """Return the linked company of a row of a company-specific map, else None."""
        if not row_mapping.is_company_specific(self.mapped):
            return None
        company = self._company_row(source, row)
        if company is None or not self._connection.has_company(company["cdm_companycode"]):
            return None
        team = company.get("_cdm_defaultowningteam_value")
        return _Company(str(company["cdm_companycode"]), str(company["cdm_companyid"]), team)


class _Dataverse:
    """Rows of Dataverse by key, in the company at hand where the table has one."""

    def __init__(
        self, tenant: Tenant, host: str, company: _Company | None, hidden: Mapping[str, Collection[str]]
    ) -> None:
        self._tenant = tenant
        self._host = host
        self._company = company
        self._hidden = hidden

    def find(self, entity_set: str, equals: Mapping[str, Any]) -> str | None:
        """Return the id of the row whose properties equal these, or None."""
        schema = table("dataverse", entity_set)
        wanted = dict(equals)
        if schema.company is not None and self._company is not None:
            wanted.setdefault(schema.company, self._company.row_id)
        rows = self._tenant.rows.find("dataverse", self._host, entity_set, wanted)
        row_id = str(rows[0][schema.key[0]]) if rows else None
        return None if row_id in self._hidden.get(entity_set, ()) else row_id

    def url(self, entity_set: str) -> str:
        """Return the address of a set, for messages."""
        return f"https://{self._host}/api/data/v9.0/{entity_set}"

    def row(self, entity_set: str, row_id: str) -> Mapping[str, Any] | None:
        """Return a row by its id, or None."""
        return self._tenant.rows.get("dataverse", self._host, entity_set, row_id)


def _reason(error: RowError | ValueRefusedError | ServiceError) -> str:
    if isinstance(error, ServiceError):
        return _text(error)
    if isinstance(error, RowError) and error.kind == "incomplete":
        return " ".join(f"Field '{name}' must be filled in." for name in error.columns) or str(error)
    return str(error)


@contextmanager
def _refusals(entity_set: str) -> Iterator[None]:
    """Turn every refusal of the other side into the SyncError that the writing client sees."""
    try:
        yield
    except LookupMissingError as error:
        of_party = error.target == _PARTIES and entity_set in _OF_A_PARTY
        raise SyncError("Party number couldn't be found in Dataverse." if of_party else str(error)) from error
    except (RowError, ValueRefusedError, ServiceError) as error:
        msg = f"Unable to write data to entity {entity_set}. {_reason(error)}"
        raise SyncError(msg) from error


def _text(error: ServiceError) -> str:
    body = error.body if isinstance(error.body, Mapping) else {}
    inner = body.get("error", body)
    return str(inner.get("message", error)) if isinstance(inner, Mapping) else str(error)
