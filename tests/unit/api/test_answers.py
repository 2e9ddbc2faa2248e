"""Reading answers: waits, codes and texts of every error shape."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.api.transport.answers import Problem, Response, parse_retry_after, read_problem

NOW = datetime(2026, 9, 2, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("soon", None),
        ("-5", None),
        ("0", 0),
        ("30", 30),
        (" 30 ", 30),
        ("1.5", 1.5),
        ("Wed, 02 Sep 2026 06:02:00 GMT", 120),
        ("Wed, 02 Sep 2026 08:02:00 +0200", 120),
        ("Wednesday, 02-Sep-26 06:02:00 GMT", 120),
        ("Wed Sep  2 06:02:00 2026", 120),
        ("Tue, 01 Sep 2026 06:00:00 GMT", 0),
    ],
)
def test_retry_after_forms(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, NOW) == seconds


@given(st.text(max_size=60))
def test_retry_after_never_fails_or_goes_negative(header: str) -> None:
    found = parse_retry_after(header, NOW)
    assert found is None or found >= 0


@given(st.integers(min_value=0, max_value=10**6))
def test_retry_after_date_equals_seconds(seconds: int) -> None:
    moment = NOW + timedelta(seconds=seconds)
    assert parse_retry_after(moment.strftime("%a, %d %b %Y %H:%M:%S GMT"), NOW) == seconds


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(
            {"error": {"code": "EnvironmentNotFound", "message": "gone", "detailUrlType": "NotSpecified"}},
            Problem("EnvironmentNotFound", "gone"),
            id="BAP",
        ),
        pytest.param(
            {"error": {"code": "0x80048d0b", "message": "not integrated"}},
            Problem("0x80048d0b", "not integrated"),
            id="Dataverse",
        ),
        pytest.param(
            {
                "errorDetail": {
                    "code": "InvalidDomainName",
                    "fieldErrors": {"domainName": {"errorMessages": ["is taken"], "suggestedValue": "hl-1"}},
                }
            },
            Problem("InvalidDomainName", "domainName: is taken (suggested: hl-1)"),
            id="Power Platform API validation",
        ),
        pytest.param(
            {"error": {"errorName": "InstallFailed", "errorCode": 17, "message": "no", "statusCode": 400}},
            Problem("InstallFailed", "no"),
            id="appmanagement",
        ),
        pytest.param(
            {
                "error": {
                    "code": "",
                    "message": "An error has occurred.",
                    "innererror": {
                        "message": "Write failed. Infolog: Warning: Field 'Name' must be filled in.",
                        "type": "X",
                        "stacktrace": "at Y",
                    },
                }
            },
            Problem("", "Warning: Field 'Name' must be filled in."),
            id="F&O",
        ),
        pytest.param(
            {
                "error": "invalid_client",
                "error_description": "AADSTS7000215: Invalid client secret.\r\nTrace ID: t",
                "correlation_id": "c-9",
            },
            Problem("invalid_client", "AADSTS7000215: Invalid client secret.", "c-9"),
            id="token endpoint",
        ),
        pytest.param(
            {"Message": "Object reference not set", "RootActivityId": "r-1"},
            Problem("", "Object reference not set", "r-1"),
            id="dual-write",
        ),
        pytest.param("plain words", Problem("", "plain words"), id="text"),
        pytest.param(None, Problem(), id="nothing"),
        pytest.param([1, 2], Problem(), id="a list"),
        pytest.param({"error": None}, Problem(), id="null"),
    ],
)
def test_error_shapes(body: object, problem: Problem) -> None:
    assert read_problem(body) == problem


@given(st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_no_error_body_breaks_the_reader(body: object) -> None:
    read_problem({"error": body})
    read_problem(body)


def test_operation_url_prefers_location() -> None:
    both = {"location": "https://a/1", "operation-location": "https://b/2"}
    assert Response(202, both, "", "", "c").operation_url == "https://a/1"
    assert Response(202, {"operation-location": "https://b/2"}, "", "", "c").operation_url == "https://b/2"
    assert Response(202, {}, "", "", "c").operation_url is None


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("Mon, 02 Mar 2026 08:00:00 GMT", datetime(2026, 3, 2, 8, 0, tzinfo=UTC)),
        ("Mon, 02 Mar 2026 10:00:00 +0200", datetime(2026, 3, 2, 8, 0, tzinfo=UTC)),
        ("Mon, 02 Mar 2026 08:00:00 -0000", datetime(2026, 3, 2, 8, 0, tzinfo=UTC)),
        ("today", None),
        ("", None),
    ],
)
def test_answer_tells_the_clock_of_the_service(said: str, moment: datetime | None) -> None:
    headers = {"date": said} if said else {}
    assert Response(200, headers, "", "https://x.example", "c").date == moment
