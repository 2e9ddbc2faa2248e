"""Companies of a link behind the real provider process: by a reset that loses nothing, by a person, with consent.

The tests share one new pair and run in their order: after the first, DAT and USMF are linked and a map has a project.
"""

from collections.abc import Callable, Iterator

import pytest

from providers.dual_write_connection import DualWriteConnectionProvider
from tests.contract.links import LAMNA, LAMNA_CDS, NEEDED, Made, Pair, connection, made, refused, since
from tests.contract.provider_process import Bag, ProviderError, ProviderProcess, declared
from tests.engine.harness import Tenant

HOST = "contoso-uat.crm4.dynamics.com"
MAP = "cdm_companies - Legal entities"
CONSENT = {"action": "reset-link", "target": "contoso-uat", "until": "2099-12-31"}
RESET = "/Reset"


@pytest.fixture(scope="module")
def pair(tenant: Tenant) -> Iterator[Pair]:
    """A new pair whose F&O has the companies DAT, USMF and CONT."""
    pair = Pair(tenant)
    for code in ("USMF", "CONT"):
        pair.add_company(code)
    yield pair
    pair.process.close()


@pytest.fixture(scope="module")
def linked(pair: Pair) -> Made:
    """DAT and USMF, linked at creation; one map is started afterwards, so that a reset would lose something."""
    before, said = pair.tenant.now(), len(pair.process.engine.logged)
    found = made(pair.process, connection(companies=["usmf", "DAT"]))
    writes = [each for each in pair.tenant.writes(before) if each.endswith(RESET)]
    assert len(writes) == 1
    planned, *done = since(pair.process, said)
    assert planned == "the link will be reset with the companies DAT, USMF; no map ever ran on it, nothing is lost"
    assert "the link was reset with the companies DAT, USMF" in done
    pair.tenant.control("person", {"action": "start-map", "environment": HOST, "map": MAP})
    return found


def test_new_link_gets_its_companies_by_a_reset_that_loses_nothing(pair: Pair, linked: Made) -> None:
    assert linked.outputs["linked_companies"] == ["DAT", "USMF"]
    assert "Default owning teams" in linked.outputs["health"]
    before = pair.tenant.now()
    assert pair.process.diff(linked.identifier, linked.outputs, linked.inputs).changes == "none"
    assert pair.process.read(linked.identifier, linked.outputs)[1]["linked_companies"] == ["DAT", "USMF"]
    assert pair.process.create(linked.inputs)[1]["running_before"] == [MAP]
    assert pair.tenant.writes(before) == []


def test_company_that_finops_lacks_is_one_line(pair: Pair, linked: Made) -> None:
    more = {**linked.inputs, "companies": ["DAT", "GBSI", "USMF"]}
    with pytest.raises(ProviderError, match=r"F&O has no legal entity GBSI.*`dualwrite:companies`"):
        pair.process.update(linked.identifier, linked.outputs, more)


@pytest.mark.parametrize(
    ("action", "company", "gap"),
    [("remove-company", "USMF", "not linked: USMF"), ("add-company", "CONT", "linked but not declared: CONT")],
)
def test_change_by_a_person_is_told_in_words_by_a_refresh(
    pair: Pair, linked: Made, start_process: Callable[[], ProviderProcess], action: str, company: str, gap: str
) -> None:
    process = start_process()  # which has read nothing yet, as that of a refresh
    person = {"environment": HOST, "company": company}
    pair.tenant.control("person", {"action": action, **person})
    process.read(linked.identifier, linked.outputs)
    back = "add-company" if action == "remove-company" else "remove-company"
    pair.tenant.control("person", {"action": back, **person})
    assert since(process, 0) == [f"the link has other companies than declared ({gap})"]


def test_manual_change_waits_for_the_person_and_goes_on_by_itself(pair: Pair, linked: Made) -> None:
    wanted = pair.process.check(connection(companies=["DAT", "USMF", "CONT"]), linked.inputs)
    assert wanted.failures == []
    assert "Environment details > Legal entities, add CONT, Save" in pair.process.engine.lines(ephemeral=False)[-1]
    before = pair.tenant.now()
    waiting = pair.process.begin_create(wanted.inputs)
    pair.process.engine.wait_for(
        "companies of the link: waiting for the person on the dual-write page (not linked: CONT)"
    )
    pair.tenant.control("person", {"action": "add-company", "environment": HOST, "company": "CONT"})
    assert dict(waiting.result().properties)["linked_companies"] == ["CONT", "DAT", "USMF"]
    assert [each for each in pair.tenant.writes(before) if each.endswith(RESET)] == []


def test_person_who_does_not_come_is_an_error_with_the_same_steps(pair: Pair, linked: Made) -> None:
    fewer = {**linked.inputs, "companies": ["DAT"], "timeout": "1s"}
    with pytest.raises(ProviderError) as caught:
        pair.process.update(linked.identifier, linked.outputs, fewer)
    text = str(caught.value)
    assert "update failed: the link has other companies than declared (linked but not declared: CONT, USMF)" in text
    assert "Legal entities, remove CONT, USMF, Save" in text
    _, held, inputs = pair.process.read(linked.identifier, linked.outputs)
    assert held["companies"] == inputs["companies"] == {"CONT": True, "DAT": True, "USMF": True}


def test_reset_needs_consent_in_the_preview_and_brings_the_solutions_back(pair: Pair, linked: Made) -> None:
    process, wanted = pair.process, connection(companies=["DAT", "USMF"], company_change="reset")
    _, held, inputs = process.read(linked.identifier, linked.outputs)
    ((path, text),) = process.check(wanted, inputs).failures
    assert path == ""
    assert text.startswith("DW-C02 companies: ")
    assert "it needs your consent in `dualwrite:confirm`: {action: reset-link, target: contoso-uat" in text
    with pytest.raises(ProviderError, match="it needs your consent"):
        process.update(linked.identifier, held, wanted)
    agreed = process.check({**wanted, "confirm": [CONSENT]}, inputs)
    assert agreed.failures == []
    before = pair.tenant.now()
    changed = process.update(linked.identifier, held, agreed.inputs)
    assert changed["linked_companies"] == ["DAT", "USMF"]
    forced = [row["query"] for row in pair.tenant.requests(before) if row["path"].endswith(RESET)]
    assert len(forced) == 1
    assert "forceReset=True" in forced[0]
    applied = [each for each in pair.tenant.writes(before) if each.endswith("/RestoreTemplates")]
    assert len(applied) == len(NEEDED.solutions)
    assert process.diff(linked.identifier, changed, agreed.inputs).changes == "none"


def lamna(**inputs: object) -> Bag:
    return declared(DualWriteConnectionProvider(), "connection", {**LAMNA, **inputs})


def test_as_linked_records_and_is_no_drift(
    process: ProviderProcess, clean_tenant: Tenant, start_process: Callable[[], ProviderProcess]
) -> None:
    found = made(process, lamna())
    assert (found.outputs["companies"], found.outputs["linked_companies"]) == ("as-linked", ["DAT", "LAMN"])
    person = {"action": "remove-company", "environment": LAMNA_CDS, "company": "DAT"}
    clean_tenant.control("person", person)
    refresh = start_process()
    _, held, inputs = refresh.read(found.identifier, found.outputs)
    assert (held["companies"], held["linked_companies"]) == ("as-linked", ["LAMN"])
    assert inputs["companies"] == "as-linked"
    assert refresh.diff(found.identifier, held, refresh.check(lamna(), inputs).inputs).changes == "none"


def test_as_linked_over_the_limit_is_refused_when_planned(process: ProviderProcess) -> None:
    over = lamna(live_companies_limit=1)
    ((path, text),) = process.check(over).failures
    assert path == "companies"
    assert text.startswith("DW-C04 the link has 2 companies, but a link syncs at most 1 live")
    assert text.removeprefix("DW-C04 ").removesuffix(".") in refused(process, over)
