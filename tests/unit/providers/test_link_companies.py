"""How a link gets its companies: reset where nothing is lost, a person or consent where something would be."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from emulator.dual_write.states import MapState
from providers.api.transport.errors import InvalidRequest, OperationFailed, OperationTimedOut, TransportError
from providers.link.companies import Gap, LinkCompanies, Wish
from providers.link.model import CompanyChange
from providers.link.pair import Link, Pair, declared_link
from providers.protocol.base import ResourceError
from providers.protocol.consent import Consent
from providers.protocol.waiting import Waiting
from tests.support.linked_world import CDS_HOST, FINOPS_HOST
from tests.support.one_pair import ENTITIES, ENVIRONMENT_ID, OnePair

PAIR = Pair(ENVIRONMENT_ID, CDS_HOST, FINOPS_HOST)
TODAY = date(2026, 3, 2)
BOTH = ["DAT", "USMF"]
RESET = "*/Reset"


pytestmark = pytest.mark.usefixtures("token")


@pytest.fixture
def fresh(pair: OnePair) -> OnePair:
    """The pair linked with DAT, whose maps were never started; F&O knows USMF as well."""
    pair.person("remove-company", company="USMF")
    return pair


@pytest.fixture
def ran(fresh: OnePair) -> OnePair:
    """The same with a map that runs."""
    fresh.put(MapState.RUNNING, ENTITIES)
    return fresh


def renamed_by_a_reset(pair: OnePair) -> None:
    """The link has other ids afterwards: those that it had, in capitals."""

    def in_capitals(links: list[dict[str, Any]]) -> list[dict[str, Any]]:
        changed = [{**link, "cid": link["cid"].upper(), "cname": link["cname"].upper()} for link in links]
        return changed if pair.wire.count(RESET) else links

    pair.wire.alter("*/Environments", in_capitals)


def consent(until: str = "2026-12-31", target: str = "lamna-sales") -> Consent:
    return Consent(action="reset-link", target=target, until=until)


def linked_now(pair: OnePair) -> Link:
    link = declared_link(pair.call().session("public"), PAIR)
    assert link is not None
    return link


def brought(
    pair: OnePair, *declared: str, change: CompanyChange = "manual", consents: tuple[Consent, ...] = ()
) -> Link:
    return bring(pair, linked_now(pair), Wish(declared or BOTH, change, consents))


def bring(pair: OnePair, link: Link, wish: Wish, seconds: float = 1800) -> Link:
    call = pair.call()
    return LinkCompanies(call.session("public"), PAIR, call, Waiting(call, seconds)).bring(link, wish, TODAY)


def test_companies_that_are_linked_cost_nothing(ran: OnePair) -> None:
    ran.forget()
    assert brought(ran, "dat").companies == ["DAT"]
    assert (ran.resets, ran.wire.count("*/ConnectionSet/*")) == ([], 1)


@pytest.mark.parametrize("change", ["manual", "reset"])
def test_reset_that_loses_nothing_needs_no_consent_and_is_announced(fresh: OnePair, change: CompanyChange) -> None:
    renamed_by_a_reset(fresh)
    before = linked_now(fresh).environment.cid
    link = brought(fresh, change=change)
    assert (link.companies, link.environment.cid) == (BOTH, before.upper())
    assert fresh.resets == [(BOTH, False)]
    assert fresh.said == ["the link was reset with the companies DAT, USMF"]


def test_map_that_was_never_initialised_is_no_loss(fresh: OnePair) -> None:
    assert ENTITIES in [status.name for status in linked_now(fresh).maps]
    assert brought(fresh).companies == BOTH


def test_stopped_map_with_a_project_is_a_loss(fresh: OnePair) -> None:
    fresh.put(MapState.STOPPED, ENTITIES)
    with pytest.raises(ResourceError, match="1 map of it, integration keys"):
        brought(fresh, change="reset")


def test_company_that_finops_does_not_have_is_named_with_the_key_that_creates_it(fresh: OnePair) -> None:
    with pytest.raises(ResourceError) as caught:
        brought(fresh, "DAT", "CONT", "GBSI")
    assert str(caught.value).startswith("F&O has no legal entity CONT, GBSI, so the link cannot have it. Declare it")
    assert "`dualwrite:companies`" in str(caught.value)
    assert fresh.resets == []


def test_person_is_waited_for_and_recorded(ran: OnePair) -> None:
    ran.wire.meanwhile("*/ConnectionSet/*", 5, lambda: ran.person("add-company", company="USMF"))
    assert brought(ran).companies == BOTH
    assert ran.resets == []


def test_person_who_does_not_come_reads_the_same_steps(ran: OnePair) -> None:
    ran.add_company("DEMF")
    link = linked_now(ran)
    ran.forget()
    with pytest.raises(OperationTimedOut) as caught:
        bring(ran, link, Wish(BOTH), 600)
    steps = Gap(["USMF"], ["DEMF"]).steps
    assert "Environment details > Legal entities, add USMF and remove DEMF, Save" in steps
    gap, lines = "not linked: USMF; linked but not declared: DEMF", ran.shown
    assert lines[0] == f"DW-P01 {steps}"
    assert lines[1] == f"companies of the link: waiting for the person on the dual-write page ({gap}), 0 s"
    assert lines[0] not in lines[1:]
    assert str(caught.value) == (
        "the link has other companies than declared (not linked: USMF; linked but not declared: DEMF). "
        f"Nothing was changed; {steps}. Then run `up` or `refresh` again, it records them."
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((), "it needs your consent"),
        ((consent(target="other"),), "it needs your consent"),
        ((consent("2026-03-01"),), "ended on 2026-03-01"),
    ],
)
def test_reset_of_a_link_that_ran_needs_consent(ran: OnePair, given: tuple[Consent, ...], says: str) -> None:
    with pytest.raises(ResourceError, match=says):
        brought(ran, change="reset", consents=given)
    assert ran.resets == []


def test_reset_with_consent_is_forced_and_read_back(ran: OnePair) -> None:
    renamed_by_a_reset(ran)
    before = linked_now(ran).environment.cname
    link = brought(ran, change="reset", consents=(consent(),))
    assert ran.resets == [(BOTH, True)]
    assert (link.companies, link.initialised, link.environment.cname) == (BOTH, [], before.upper())


def test_lost_answer_of_a_reset_is_looked_up_and_never_sent_again(fresh: OnePair) -> None:
    fresh.fault("POST", RESET, drop="after")
    assert brought(fresh).companies == BOTH
    assert len(fresh.resets) == 1


def test_lost_reset_that_did_not_happen_ends_with_what_the_link_shows(fresh: OnePair) -> None:
    fresh.fault("POST", RESET, drop="before")
    with pytest.raises(OperationTimedOut, match=r"its answer was lost .* still shows: the link is not rebuilt yet"):
        brought(fresh)
    assert brought(fresh).companies == BOTH


def says(status: int, text: str) -> Callable[[OnePair], None]:
    return lambda pair: pair.fault("POST", RESET, count=0, status=status, body=text)


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        (says(400, "maps are running"), "maps are running"),
        (says(500, "Error Exceeds the maximum partitions allowed"), "Link fewer companies"),
        (lambda pair: pair.wire.disconnect(RESET), "no connection"),
    ],
)
def test_refused_reset_gives_reason_and_cure(fresh: OnePair, refusal: Callable[[OnePair], None], text: str) -> None:
    refusal(fresh)
    with pytest.raises((InvalidRequest, OperationFailed, TransportError), match=text):
        brought(fresh)


def test_map_that_was_started_since_the_link_was_read_is_not_lost_to_a_harmless_reset(fresh: OnePair) -> None:
    link = linked_now(fresh)
    fresh.put(MapState.STOPPED, ENTITIES)
    with pytest.raises(ResourceError, match="1 map of it, integration keys"):
        bring(fresh, link, Wish(BOTH, "reset"), 600)
    assert fresh.resets == []
