"""From error to text: one line, no secret, nothing too long."""

import pytest

from providers.api.transport.errors import ApiError, OperationTimedOut
from providers.api.transport.limits import LONGEST_REASON

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ApiError("It broke."), "It broke."),
        (ApiError("It broke.", code="X1"), "It broke (X1)"),
        (ApiError("it broke", correlation_id="c-1"), "it broke (correlation c-1)"),
        (ApiError("it broke", code="X1", correlation_id="c-1"), "it broke (X1, correlation c-1)"),
        (
            ApiError("it broke.", code="X1", correlation_id="c-1", next_step="Mend it."),
            "it broke (X1, correlation c-1). Mend it.",
        ),
        (ApiError("it broke", next_step="Mend it."), "it broke. Mend it."),
        (ApiError("it\n  broke\t twice"), "it broke twice"),
        (ApiError("it broke", code="", correlation_id=""), "it broke"),
        (ApiError(f"refused: Bearer {JWT}"), "refused: Bearer [hidden]"),
        (ApiError("bad form client_secret=hunter2000&x=1"), "bad form client_secret=[hidden]&x=1"),
        (ApiError("it broke", next_step=f"Use {JWT}."), "it broke. Use [hidden]."),
    ],
)
def test_error_reads_as_one_line(error: ApiError, text: str) -> None:
    assert str(error) == text


def test_long_reasons_are_cut_after_redaction() -> None:
    error = ApiError("x" * (LONGEST_REASON - 20) + JWT * 3)
    assert len(error.reason) <= LONGEST_REASON
    assert "eyJ" not in str(error)


def test_whole_bodies_never_reach_the_text() -> None:
    assert len(str(ApiError("{" + '"a": 1, ' * 5000 + "}", code="C"))) < LONGEST_REASON + 10


def test_timeout_keeps_the_last_status() -> None:
    error = OperationTimedOut("Provisioning App did not finish within 4h", last_status="Installing")
    assert error.last_status == "Installing"
    assert error.may_have_happened
