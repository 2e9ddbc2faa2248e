"""The page of the fault matrix names every call and every fault, and the matrix sees what is wrong with a call."""

import re
from collections.abc import Iterator
from unittest import mock

import pytest

from benchmarks.call_uses import uses
from benchmarks.client_calls import Known, Use, calls
from benchmarks.fault_matrix import PAGE, WRONG, Cell, Matrix, lowered_bounds, page
from benchmarks.faults import ELSEWHERE, FAULTS
from providers.api.dataverse.models import Company
from providers.api.power_platform.models import Environment
from providers.api.transport.errors import ApiError
from providers.api.transport.hosts import HostRule
from tools.workspace import ROOT

ROW = re.compile(r"^\| (.+?) `(\w+)` \| (\d+) \| (\d+) \|" + r" (\d+) \|" * len(WRONG) + "$", re.MULTILINE)


@pytest.fixture(scope="module")
def matrix() -> Iterator[Matrix]:
    with lowered_bounds():
        yield Matrix()


def text() -> str:
    return (ROOT / PAGE).read_text(encoding="utf-8")


def test_every_call_has_its_use_and_its_row() -> None:
    assert len(uses()) == len(list(calls()))
    assert {(client, method) for client, method, *_ in ROW.findall(text())} == set(calls())


def test_every_fault_was_tried_with_every_call_and_nothing_was_wrong() -> None:
    assert len(FAULTS) >= 40
    assert re.findall(r"^- (.+)$", text().partition("## Faults")[2], re.MULTILINE) == [fault.name for fault in FAULTS]
    for _, _, value, told, *wrong in ROW.findall(text()):
        assert int(value) + int(told) == len(FAULTS)
        assert not any(int(count) for count in wrong)


def wrong(matrix: Matrix, use: Use, *faults: str) -> dict[str, set[str]]:
    """What the matrix has against a call, and under which of these faults."""
    cells: list[Cell] = list(matrix.cells([use], [fault for fault in FAULTS if fault.name in faults]))
    assert len(cells) == len(faults)
    return {name: {cell.fault.name for cell in cells if name in cell.wrong} for name in WRONG}


def test_call_of_today_has_nothing_against_it(matrix: Matrix) -> None:
    chosen = [use for use in uses() if (use.client, use.method) == ("F&O", "create_legal_entity")]
    cells = list(matrix.cells(chosen))
    assert [cell for cell in cells if cell.wrong] == []
    assert page(cells).count("| 0 | 0 | 0 | 0 | 0 |\n") == 1


def test_request_that_is_sent_again_blindly_is_seen(matrix: Matrix) -> None:
    def twice(known: Known) -> object:
        try:
            return known.dataverse.create_row("accounts", {"name": "New"})
        except ApiError:
            return known.dataverse.create_row("accounts", {"name": "New"})

    use = Use("Dataverse", "twice", twice, "once")
    seen = wrong(matrix, use, "answer lost, done, once", "breaks before it is done, once")
    assert seen["effect twice"] == {"answer lost, done, once"}


def test_call_that_believes_what_nobody_said_is_seen(matrix: Matrix) -> None:
    def believing(known: Known) -> Environment | None:
        try:
            return known.session.power_platform.environment(known.environment_id)
        except ApiError:
            return None

    use = Use("Power Platform", "believing", believing)
    seen = wrong(matrix, use, "404 of a proxy", "no body", "404 with the service's code")
    assert seen["gone unsaid"] == {"404 of a proxy", "no body"}


def test_exception_that_is_no_error_of_the_client_and_endless_tries_are_seen(matrix: Matrix) -> None:
    def careless(known: Known) -> object:
        while True:
            try:
                return known.session.power_platform.locations()
            except ApiError as error:
                if error.status == 404:
                    raise KeyError("no such location") from error

    seen = wrong(matrix, Use("Power Platform", "careless", careless), "404 of a proxy", "405")
    assert (seen["traceback"], seen["hang"]) == ({"404 of a proxy"}, {"405"})


def test_bearer_that_goes_elsewhere_is_seen(matrix: Matrix) -> None:
    def trusting(known: Known) -> object:
        client = known.dataverse._client
        with mock.patch.object(
            client, "_rule", HostRule(frozenset({client.base_url.removeprefix("https://"), ELSEWHERE}))
        ):
            return client.read_pages(Company, "/api/data/v9.2/cdm_companies")

    seen = wrong(matrix, Use("Dataverse", "trusting", trusting), "next page elsewhere", "no body")
    assert seen["bearer elsewhere"] == {"next page elsewhere"}
