"""Proves a stack: what was brought over stands on both sides, and one row crosses each way and is removed again.

It has an identity of its own, so that the journal of an instance tells the proof from the program. The set and column
names are those of the standard maps (dual-write mapping reference); the OData set names of F&O are assumed.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import typer
from rich.console import Console

from providers.api.session import close_all, session
from providers.api.transport.errors import ApiError, NotFound
from providers.api.transport.odata import equal
from tools.comparison import Comparer, Side, line, promises
from tools.pulumi_cli import Deployment
from tools.readiness import NOT_INSTALLED, declared_states, map_states
from tools.workspace import UserError

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.5


class Candidate(NamedTuple):
    """A company-specific map whose rows need nothing but a key, a description and a company."""

    map_name: str
    finops_set: str
    finops_key: str
    cds_set: str
    cds_key: str
    cds_id: str
    company: str


CANDIDATES = (
    Candidate(
        "msdyn_customergroups - Customer groups",
        "CustomerGroups",
        "CustomerGroupId",
        "msdyn_customergroups",
        "msdyn_groupid",
        "msdyn_customergroupid",
        "msdyn_company",
    ),
    Candidate(
        "msdyn_vendorgroups - Vendor groups",
        "VendorGroups",
        "VendorGroupId",
        "msdyn_vendorgroups",
        "msdyn_vendorgroup",
        "msdyn_vendorgroupid",
        "msdyn_company",
    ),
    Candidate(
        "msdyn_paymentschedules - Payment schedule",
        "PaymentSchedules",
        "Name",
        "msdyn_paymentschedules",
        "msdyn_name",
        "msdyn_paymentscheduleid",
        "msdyn_company",
    ),
)


class FinanceOperations(Side, Protocol):
    """What the proof needs of F&O."""

    def row(self, entity_set: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        """One row by its whole key, None when absent."""

    def create_row(self, entity_set: str, values: Mapping[str, object]) -> dict[str, Any]:
        """Create a row and return it."""

    def delete_row(self, entity_set: str, key: Mapping[str, Any]) -> None:
        """Delete a row; an absent one is a success."""


class Dataverse(Side, Protocol):
    """What the proof needs of Dataverse."""

    def create_row(self, entity_set: str, values: Mapping[str, object]) -> dict[str, Any]:
        """Create a row and return it."""

    def delete_row(self, entity_set: str, key: str) -> None:
        """Delete a row; an absent one is a success."""


class Proof(NamedTuple):
    """One row that crossed: what it was, where it was written and read, and after how many seconds."""

    what: str
    written: str
    read: str
    seconds: float


@dataclass(frozen=True)
class Prover:
    """Both sides of a pair and one linked company."""

    finops: FinanceOperations
    cds: Dataverse
    company: str
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def from_finops(self, candidate: Candidate, value: str) -> Proof:
        """Write in F&O, read in Dataverse; the row is gone on both sides when this returns or raises."""
        with self._removed(candidate, value):
            begun = self.clock()
            values = {**self._finops_key(candidate, value), "Description": "Proof of live sync"}
            self.finops.create_row(candidate.finops_set, values)
            self._wait(lambda: bool(self._cds_ids(candidate, value)), begun, f"{candidate.cds_set} in Dataverse")
            taken = self.clock() - begun
        return Proof(f"{candidate.map_name}: {value}", "Finance and Operations", "Dataverse", taken)

    def from_cds(self, candidate: Candidate, value: str) -> Proof:
        """Write in Dataverse, read in F&O; the row is gone on both sides when this returns or raises."""
        company = next(self.cds.rows("cdm_companies", filter=equal("cdm_companycode", self.company)), None)
        if company is None:
            raise NotFound(f"Dataverse has no company {self.company}")
        values = {
            candidate.cds_key: value,
            f"{candidate.company}@odata.bind": f"/cdm_companies({company['cdm_companyid']})",
        }
        with self._removed(candidate, value):
            begun = self.clock()
            self.cds.create_row(candidate.cds_set, values)
            key = self._finops_key(candidate, value)
            self._wait(
                lambda: self.finops.row(candidate.finops_set, key) is not None,
                begun,
                f"{candidate.finops_set} in Finance and Operations",
            )
            taken = self.clock() - begun
        return Proof(f"{candidate.map_name}: {value}", "Dataverse", "Finance and Operations", taken)

    @contextmanager
    def _removed(self, candidate: Candidate, value: str) -> Iterator[None]:
        try:
            yield
        finally:
            # Live sync carries the deletion over, too; what it did not carry is removed here.
            self.finops.delete_row(candidate.finops_set, self._finops_key(candidate, value))
            for row_id in self._cds_ids(candidate, value):
                self.cds.delete_row(candidate.cds_set, row_id)

    def _finops_key(self, candidate: Candidate, value: str) -> dict[str, str]:
        return {"dataAreaId": self.company.lower(), candidate.finops_key: value}

    def _cds_ids(self, candidate: Candidate, value: str) -> list[str]:
        rows = self.cds.rows(candidate.cds_set, filter=equal(candidate.cds_key, value))
        return [str(row[candidate.cds_id]) for row in rows]

    def _wait(self, arrived: Callable[[], bool], begun: float, where: str) -> None:
        while not arrived():
            if self.clock() - begun >= DEADLINE_SECONDS:
                raise NotFound(
                    f"live sync does not work: the row did not reach {where} within {DEADLINE_SECONDS:.0f} s",
                    next_step="Look at the map on the dual-write page, and at `make refresh`.",
                )
            self.sleep(POLL_SECONDS)


def choose(states: Mapping[str, str], declared: Mapping[str, str]) -> tuple[Candidate, Candidate] | None:
    """The maps for the two directions: different ones where two of the candidates run; None where none shall run.

    `UserError` when one is declared running and none runs.
    """
    running = [candidate for candidate in CANDIDATES if states.get(candidate.map_name) == "running"]
    if running:
        return running[0], running[min(1, len(running) - 1)]
    _refuse_stopped(states, declared)
    return None


def _refuse_stopped(states: Mapping[str, str], declared: Mapping[str, str]) -> None:
    """Refuse where a candidate is declared running, for none of them runs."""
    for name in (candidate.map_name for candidate in CANDIDATES):
        if declared.get(name) == "running" and states[name] != NOT_INSTALLED:
            raise UserError(f"map '{name}' is declared running and is {states[name]}; `make up` mends that.")


def nothing_to_prove() -> str:
    """Why no row is written, in one line."""
    names = ", ".join(candidate.map_name for candidate in CANDIDATES)
    return f"Not proved, and nothing is wrong: a row takes one of these maps, and none is declared running: {names}."


def fresh_value() -> str:
    """A key that no run has used, of at most 10 characters."""
    return f"PRV{uuid.uuid4().hex[:7].upper()}"


def prove(prover: Prover, forward: Candidate, back: Candidate) -> list[Proof]:
    """One row each way."""
    return [prover.from_finops(forward, fresh_value()), prover.from_cds(back, fresh_value())]


def show(proofs: Sequence[Proof], console: Console) -> None:
    """A line for each row that crossed."""
    for proof in proofs:
        console.print(
            f"[green]Proved[/green]  {proof.what}: written in {proof.written}, "
            f"read in {proof.read} after {proof.seconds:.2f} s, removed"
        )


def company(linked: Sequence[str], finops: FinanceOperations, cds: Dataverse) -> str:
    """The first linked company that stands on both sides; `UserError` when none does."""
    both = _codes(finops, "LegalEntities", "LegalEntityId") & _codes(cds, "cdm_companies", "cdm_companycode")
    for code in linked:
        if code.upper() in both:
            return code
    raise UserError(f"No linked company stands on both sides: {', '.join(linked) or 'none is linked'}.")


def _codes(side: FinanceOperations | Dataverse, rows: str, column: str) -> set[str]:
    return {str(row[column]).upper() for row in side.rows(rows, select=[column])}


def main(cloud: str, deployment: Deployment) -> None:
    """Prove the stack whose outputs say where its instances are: rows that were brought over, then two live ones."""
    console = Console(highlight=False, soft_wrap=True, emoji=False)
    outputs = deployment.outputs
    if not {"finops_url", "cds_url", "linked_companies"} <= outputs.keys():
        raise UserError("no `up` of the stack has come to its end yet; `make up` continues it.")
    services = session(cloud, tokens="prove")
    try:
        finops, cds = services.finance_operations(outputs["finops_url"]), services.dataverse(outputs["cds_url"])
        comparer = Comparer(finops, cds)
        for promise in promises(deployment):
            text = line(comparer.compare(promise))
            if text:
                console.print(f"[green]Proved[/green]  {text}")
        chosen = choose(map_states(deployment), declared_states(deployment))
        if chosen is None:
            console.print(nothing_to_prove(), markup=False)
            return
        show(prove(Prover(finops, cds, company(outputs["linked_companies"], finops, cds)), *chosen), console)
    finally:
        close_all()


def run(cloud: str, deployment: Deployment) -> None:
    """The command: one line on the error stream when live sync does not work."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    try:
        main(cloud, deployment)
    except (ApiError, UserError) as error:
        errors.print(f"Not proved: {error}", markup=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        errors.print("Not proved: interrupted; the rows written are removed.")
        raise typer.Exit(130) from None
