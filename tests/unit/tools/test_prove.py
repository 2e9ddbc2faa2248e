"""The proof of live sync: a row each way, and nothing left behind whatever happens."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

import pytest
import typer
from rich.console import Console

from providers.api.transport.errors import NotFound
from tools.prove import CANDIDATES, Prover, choose, company, fresh_value, nothing_to_prove, prove, run, show
from tools.pulumi_cli import Deployment
from tools.workspace import UserError

CUSTOMER, VENDOR, SCHEDULE = CANDIDATES


class Pair:
    """Both sides of a pair in memory; `synced` says whether writes cross."""

    def __init__(self, *, synced: bool = True) -> None:
        self.synced = synced
        self.finops: dict[tuple[str, str], dict[str, Any]] = {}
        self.cds: dict[tuple[str, str], dict[str, Any]] = {}
        self.now = 0.0

    def prover(self) -> Prover:
        return Prover(FinanceOperations(self), Dataverse(self), "DAT", clock=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class FinanceOperations:
    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    def rows(self, entity_set: str, **_options: Any) -> Iterator[dict[str, Any]]:
        yield from [{"LegalEntityId": code} for code in ("dat", "usmf")] if entity_set == "LegalEntities" else []

    def row(self, entity_set: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        return self.pair.finops.get((entity_set, str(list(key.values())[1])))

    def create_row(self, entity_set: str, values: Mapping[str, object]) -> dict[str, Any]:
        candidate = next(each for each in CANDIDATES if each.finops_set == entity_set)
        value = str(values[candidate.finops_key])
        self.pair.finops[entity_set, value] = dict(values)
        if self.pair.synced:
            row = {candidate.cds_id: f"id-{value}", candidate.cds_key: value}
            self.pair.cds[candidate.cds_set, f"id-{value}"] = row
        return dict(values)

    def delete_row(self, entity_set: str, key: Mapping[str, Any]) -> None:
        self.pair.finops.pop((entity_set, str(list(key.values())[1])), None)


class Dataverse:
    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    def rows(
        self,
        entity_set: str,
        *,
        filter: str | None = None,  # noqa: A002
        select: Sequence[str] = (),
    ) -> Iterator[dict[str, Any]]:
        if entity_set == "cdm_companies":
            yield {"cdm_companyid": "company-1", "cdm_companycode": "USMF"}
        rows = [row for (table, _), row in self.pair.cds.items() if table == entity_set]
        yield from [row for row in rows if filter and any(f"'{value}'" in filter for value in row.values())]

    def create_row(self, entity_set: str, values: Mapping[str, object]) -> dict[str, Any]:
        candidate = next(each for each in CANDIDATES if each.cds_set == entity_set)
        value = str(values[candidate.cds_key])
        assert values["msdyn_company@odata.bind"] == "/cdm_companies(company-1)"
        self.pair.cds[entity_set, f"id-{value}"] = {candidate.cds_id: f"id-{value}", **values}
        if self.pair.synced:
            self.pair.finops[candidate.finops_set, value] = {}
        return dict(values)

    def delete_row(self, entity_set: str, key: str) -> None:
        self.pair.cds.pop((entity_set, key), None)


def test_one_row_crosses_each_way_and_none_stays() -> None:
    pair = Pair()
    proofs = prove(pair.prover(), CUSTOMER, VENDOR)
    assert [(proof.written, proof.read) for proof in proofs] == [
        ("Finance and Operations", "Dataverse"),
        ("Dataverse", "Finance and Operations"),
    ]
    assert (pair.finops, pair.cds) == ({}, {})


@pytest.mark.parametrize("cross", [Prover.from_finops, Prover.from_cds])
def test_row_that_does_not_cross_is_an_error_and_removed(cross: Callable[..., object]) -> None:
    pair = Pair(synced=False)
    with pytest.raises(NotFound, match=r"live sync does not work: the row did not reach .* within 60 s"):
        cross(pair.prover(), CUSTOMER, "PRV1")
    assert (pair.finops, pair.cds) == ({}, {})


def test_interrupted_proof_removes_its_row() -> None:
    pair = Pair(synced=False)

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    prover = Prover(FinanceOperations(pair), Dataverse(pair), "DAT", clock=lambda: 0.0, sleep=interrupt)
    with pytest.raises(KeyboardInterrupt):
        prover.from_finops(CUSTOMER, "PRV1")
    assert pair.finops == {}


@pytest.mark.parametrize(
    ("running", "chosen"),
    [
        ([CUSTOMER, VENDOR, SCHEDULE], (CUSTOMER, VENDOR)),
        ([VENDOR, SCHEDULE], (VENDOR, SCHEDULE)),
        ([SCHEDULE], (SCHEDULE, SCHEDULE)),
    ],
)
def test_running_maps_are_chosen_for_both_directions(running: list[Any], chosen: tuple[Any, Any]) -> None:
    assert choose({candidate.map_name: "running" for candidate in running}, {}) == chosen


@pytest.mark.parametrize(
    ("states", "declared"),
    [
        ({}, {}),
        ({CUSTOMER.map_name: "stopped"}, {CUSTOMER.map_name: "stopped"}),
        ({CUSTOMER.map_name: "paused"}, {CUSTOMER.map_name: "paused"}),
        ({CUSTOMER.map_name: "not installed"}, {CUSTOMER.map_name: "running"}),
        ({"cdm_companies - Legal entities": "running"}, {"cdm_companies - Legal entities": "running"}),
    ],
    ids=["no maps", "stopped", "paused", "not installed", "other maps"],
)
def test_where_no_map_of_the_proof_shall_run_there_is_nothing_to_prove(
    states: dict[str, str], declared: dict[str, str]
) -> None:
    assert choose(states, declared) is None
    assert "none is declared running: msdyn_customergroups - Customer groups, " in nothing_to_prove()


def test_map_that_shall_run_and_does_not_is_an_error() -> None:
    with pytest.raises(UserError, match="'msdyn_vendorgroups - Vendor groups' is declared running and is paused"):
        choose({VENDOR.map_name: "paused"}, {VENDOR.map_name: "running"})


def test_stack_without_outputs_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        run("emulator", Deployment({}, []))
    assert (
        capsys.readouterr().err == "Not proved: no `up` of the stack has come to its end yet; `make up` continues it.\n"
    )


def test_keys_fit_ten_characters_and_never_repeat() -> None:
    values = {fresh_value() for _ in range(200)}
    assert len(values) == 200
    assert all(len(value) == 10 for value in values)


def test_each_line_says_what_crossed_where() -> None:
    console = Console(record=True, width=200, file=StringIO())
    show(prove(Pair().prover(), CUSTOMER, VENDOR), console)
    lines = console.export_text().splitlines()
    assert [line.split()[0] for line in lines] == ["Proved", "Proved"]
    assert "written in Finance and Operations, read in Dataverse after 0.00 s, removed" in lines[0]


def test_proof_takes_the_first_company_that_stands_on_both_sides() -> None:
    pair = Pair()
    sides = FinanceOperations(pair), Dataverse(pair)
    assert company(["DAT", "USMF"], *sides) == "USMF"
    with pytest.raises(UserError, match="No linked company stands on both sides: DAT"):
        company(["DAT"], *sides)
