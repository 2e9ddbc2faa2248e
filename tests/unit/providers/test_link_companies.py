"""How a link gets its companies: reset where nothing is lost, a person or consent where something would be."""

from datetime import date
from typing import cast

import pytest

from providers.api.session import Session
from providers.api.transport.errors import ApiError, InvalidRequest, OperationFailed, OperationTimedOut, TransportError
from providers.link.companies import CompanyChange, Gap, LinkCompanies, Wish
from providers.link.pair import Link, Pair, declared_link
from providers.protocol.base import ResourceError
from providers.protocol.consent import Consent
from providers.protocol.waiting import Waiting
from tests.unit.providers.fake_link import CDS_HOST, FINOPS_HOST, FakeLink, LinkSession
from tests.unit.providers.fake_services import ENVIRONMENT_ID

MAP = "accounts - Customers V3"
PAIR = Pair(ENVIRONMENT_ID, CDS_HOST, FINOPS_HOST)
TODAY = date(2026, 3, 2)
LOST = TransportError("the answer was lost", may_have_happened=True)


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUALWRITE_TOKEN", "of no use")


def a_session(*, ran: bool = False) -> LinkSession:
    """A pair linked with DAT; F&O knows USMF as well. `ran`: a map runs."""
    session = LinkSession(dual_write=FakeLink({MAP: "4"} if ran else {}))
    session.finops.companies = ["dat", "usmf"]
    return session


def consent(until: str = "2026-12-31", target: str = "contoso-uat") -> Consent:
    return Consent(action="reset-link", target=target, until=until)


def brought(
    session: LinkSession,
    *declared: str,
    change: CompanyChange = "manual",
    consents: tuple[Consent, ...] = (),
    said: list[str] | None = None,
) -> Link:
    call = session.call(said)
    link = declared_link(cast(Session, session), PAIR)
    assert link is not None
    companies = LinkCompanies(cast(Session, session), PAIR, call, Waiting(call, 1800))
    return companies.bring(link, Wish(declared or ("DAT", "USMF"), change, consents), TODAY)


def test_companies_that_are_linked_cost_nothing() -> None:
    session = a_session(ran=True)
    assert brought(session, "dat").companies == ["DAT"]
    assert (session.dual_write.resets, session.dual_write.read) == ([], 1)


@pytest.mark.parametrize("change", ["manual", "reset"])
def test_reset_that_loses_nothing_needs_no_consent_and_is_announced(change: CompanyChange) -> None:
    session, said = a_session(), list[str]()
    link = brought(session, change=change, said=said)
    assert (link.companies, link.environment.cid) == (["DAT", "USMF"], "cid-2")
    assert session.dual_write.resets == [(["DAT", "USMF"], False)]
    assert said == ["the link was reset with the companies DAT, USMF"]


def test_map_that_was_never_initialised_is_no_loss() -> None:
    session = LinkSession(dual_write=FakeLink({MAP: "none"}))
    session.finops.companies = ["DAT", "USMF"]
    assert brought(session).companies == ["DAT", "USMF"]


def test_stopped_map_with_a_project_is_a_loss() -> None:
    session = LinkSession(dual_write=FakeLink({MAP: "1"}))
    session.finops.companies = ["DAT", "USMF"]
    with pytest.raises(ResourceError, match="1 map of it, integration keys"):
        brought(session, change="reset")


def test_company_that_finops_does_not_have_is_named_with_the_key_that_creates_it() -> None:
    session = a_session()
    with pytest.raises(ResourceError) as caught:
        brought(session, "DAT", "CONT", "GBSI")
    assert str(caught.value).startswith("F&O has no legal entity CONT, GBSI, so the link cannot have it. Declare it")
    assert "`dualwrite:companies`" in str(caught.value)
    assert session.dual_write.resets == []


def test_person_is_waited_for_and_recorded() -> None:
    session = a_session(ran=True)
    session.dual_write.by_hand = {5: ["DAT", "USMF"]}
    assert brought(session).companies == ["DAT", "USMF"]
    assert session.dual_write.resets == []


def test_person_who_does_not_come_reads_the_same_steps() -> None:
    session = a_session(ran=True)
    session.dual_write.companies = ["DAT", "DEMF"]
    lines: list[str] = []
    call = session.call(progress=lines.append)
    link = declared_link(cast(Session, session), PAIR)
    assert link is not None
    companies = LinkCompanies(cast(Session, session), PAIR, call, Waiting(call, 600))
    with pytest.raises(OperationTimedOut) as caught:
        companies.bring(link, Wish(["DAT", "USMF"]), TODAY)
    steps = Gap(["USMF"], ["DEMF"]).steps
    assert "Environment details > Legal entities, add USMF and remove DEMF, Save" in steps
    gap = "not linked: USMF; linked but not declared: DEMF"
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
def test_reset_of_a_link_that_ran_needs_consent(given: tuple[Consent, ...], says: str) -> None:
    session = a_session(ran=True)
    with pytest.raises(ResourceError, match=says):
        brought(session, change="reset", consents=given)
    assert session.dual_write.resets == []


def test_reset_with_consent_is_forced_and_read_back() -> None:
    session = a_session(ran=True)
    link = brought(session, change="reset", consents=(consent(),))
    assert session.dual_write.resets == [(["DAT", "USMF"], True)]
    assert (link.companies, link.initialised, link.environment.cname) == (["DAT", "USMF"], [], "cname-2")


def test_lost_answer_of_a_reset_is_looked_up_and_never_sent_again() -> None:
    session = a_session()
    session.dual_write.reset_error = LOST
    assert brought(session).companies == ["DAT", "USMF"]
    assert len(session.dual_write.resets) == 1


def test_lost_reset_that_did_not_happen_ends_with_what_the_link_shows() -> None:
    session = a_session()
    session.dual_write.reset_error, session.dual_write.reset_works = LOST, False
    with pytest.raises(OperationTimedOut, match=r"its answer was lost .* still shows: the link is not rebuilt yet"):
        brought(session)
    session.dual_write.reset_error = None
    assert brought(session).companies == ["DAT", "USMF"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (InvalidRequest("maps are running", status=400), "maps are running"),
        (
            TransportError("Error Exceeds the maximum partitions allowed", may_have_happened=True),
            "Link fewer companies",
        ),
        (TransportError("no connection"), "no connection"),
    ],
)
def test_refused_reset_gives_reason_and_cure(error: ApiError, says: str) -> None:
    session = a_session()
    session.dual_write.reset_error, session.dual_write.reset_works = error, False
    with pytest.raises((InvalidRequest, OperationFailed, TransportError), match=says):
        brought(session)


def test_map_that_was_started_since_the_link_was_read_is_not_lost_to_a_harmless_reset() -> None:
    session = a_session()
    session.dual_write = FakeLink({MAP: "none"})
    call, link = session.call(), declared_link(cast(Session, session), PAIR)
    assert link is not None
    session.dual_write = FakeLink({MAP: "1"})
    companies = LinkCompanies(cast(Session, session), PAIR, call, Waiting(call, 600))
    with pytest.raises(ResourceError, match="1 map of it, integration keys"):
        companies.bring(link, Wish(["DAT", "USMF"], "reset"), TODAY)
    assert session.dual_write.resets == []
