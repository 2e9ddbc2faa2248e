"""The proof of live sync: a row each way, and nothing left behind whatever happens."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
import typer
from rich.console import Console

from emulator.dual_write.states import MapState
from providers.api.dataverse.client import Dataverse
from providers.api.finance_operations.client import FinanceOperations
from providers.api.transport.errors import NotFound
from tests.support.linked_world import CDS_HOST, FINOPS_HOST
from tests.support.one_pair import GROUP_COUNT, OnePair, a_pair_with_maps
from tests.support.prepared_tenants import PreparedTenants
from tools.prove import CANDIDATES, Prover, choose, company, fresh_value, nothing_to_prove, prove, run, show
from tools.pulumi_cli import Deployment
from tools.workspace import UserError

CUSTOMER, VENDOR, SCHEDULE = CANDIDATES


@pytest.fixture
def pair(tenants: PreparedTenants) -> OnePair:
    """A pair with the maps of customer and vendor groups, none of which runs."""
    return OnePair(tenants.copy(a_pair_with_maps, (CUSTOMER.map_name, VENDOR.map_name)))


@pytest.fixture
def synced(pair: OnePair) -> OnePair:
    """A pair on which both maps run."""
    pair.put(MapState.RUNNING, CUSTOMER.map_name, VENDOR.map_name)
    return pair


def sides(pair: OnePair) -> tuple[FinanceOperations, Dataverse]:
    session = pair.call().session("public")
    return session.finance_operations(FINOPS_HOST), session.dataverse(CDS_HOST)


def prover(pair: OnePair, sleep: Callable[[float], None] | None = None) -> Prover:
    return Prover(*sides(pair), "USMF", clock=pair.world.clock, sleep=sleep or pair.world.sleep)


def no_row_is_left(pair: OnePair) -> bool:
    """Whether there are but the groups of customers that F&O had before."""
    finops = [len(pair.rows.find("finops", candidate.finops_set)) for candidate in (CUSTOMER, VENDOR)]
    cds = [len(pair.rows.find("dataverse", candidate.cds_set)) for candidate in (CUSTOMER, VENDOR)]
    return (finops, cds) == ([GROUP_COUNT, 0], [0, 0])


def test_one_row_crosses_each_way_and_none_stays(synced: OnePair) -> None:
    proofs = prove(prover(synced), CUSTOMER, VENDOR)
    assert [(proof.written, proof.read) for proof in proofs] == [
        ("Finance and Operations", "Dataverse"),
        ("Dataverse", "Finance and Operations"),
    ]
    assert no_row_is_left(synced)


@pytest.mark.parametrize("cross", [Prover.from_finops, Prover.from_cds])
def test_row_that_does_not_cross_is_an_error_and_removed(pair: OnePair, cross: Callable[..., object]) -> None:
    with pytest.raises(NotFound, match=r"live sync does not work: the row did not reach .* within 60 s"):
        cross(prover(pair), CUSTOMER, "PRV1")
    assert 60 <= pair.world.elapsed < 61
    assert no_row_is_left(pair)


def test_interrupted_proof_removes_its_row(pair: OnePair) -> None:
    def interrupt(_seconds: float) -> None:
        assert not no_row_is_left(pair)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prover(pair, interrupt).from_finops(CUSTOMER, "PRV1")
    assert no_row_is_left(pair)


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


def test_each_line_says_what_crossed_where(synced: OnePair) -> None:
    console = Console(record=True, width=200, file=StringIO())
    show(prove(prover(synced), CUSTOMER, VENDOR), console)
    lines = console.export_text().splitlines()
    assert [line.split()[0] for line in lines] == ["Proved", "Proved"]
    assert "written in Finance and Operations, read in Dataverse after 0.00 s, removed" in lines[0]


def test_proof_takes_the_first_company_that_stands_on_both_sides(pair: OnePair) -> None:
    pair.rows.add_legal_entity("DEMF")
    assert company(["DEMF", "USMF"], *sides(pair)) == "USMF"
    with pytest.raises(UserError, match="No linked company stands on both sides: DEMF"):
        company(["DEMF"], *sides(pair))
