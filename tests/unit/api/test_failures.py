# ruff: noqa: E501 - a table of whole lines reads best with whole lines
"""From a failed answer to the error and the line that the user reads."""

import json

import pytest

from providers.api.transport.answers import Response
from providers.api.transport.errors import (
    ApiError,
    AuthenticationError,
    Conflict,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    ServiceUnavailable,
    Throttled,
    TransportError,
    UnexpectedAnswer,
)
from providers.api.transport.failures import failure, lost

NOT_REGISTERED = "The service principal with id 'x' does not have permission to access the path 'https://api.bap...'"


def failed(status: int, body: object = None) -> ApiError:
    text = "" if body is None else json.dumps(body)
    response = Response(status, {"content-type": "application/json"}, text, "https://x", "c-1")
    return failure(response, response.problem, "Power Platform")


def error(code: str, message: str) -> dict[str, object]:
    return {"error": {"code": code, "message": message}}


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        (
            400,
            error("InvalidDomainName", "bad name"),
            InvalidRequest,
            "bad name (InvalidDomainName, correlation c-1). Choose another `domain`: this one is taken or malformed.",
        ),
        (
            400,
            error("MacroRegionRequired", "region"),
            InvalidRequest,
            "region (MacroRegionRequired, correlation c-1). This tenant places environments by macro region: set `macroRegion` instead of `location`.",
        ),
        (400, None, InvalidRequest, "Power Platform answered 400 (correlation c-1)"),
        (400, error("", "no text code"), InvalidRequest, "no text code (HTTP 400, correlation c-1)"),
        (
            401,
            None,
            AuthenticationError,
            "Power Platform answered 401 (the token is not accepted) (correlation c-1). Check the credentials and the tenant.",
        ),
        (403, error("Forbidden", "no"), PermissionDenied, "no (Forbidden, correlation c-1)"),
        (404, error("EnvironmentNotFound", "gone"), NotFound, "gone (EnvironmentNotFound, correlation c-1)"),
        (
            409,
            error("DomainNameAlreadyInUse", "taken"),
            Conflict,
            "taken (DomainNameAlreadyInUse, correlation c-1). Choose another `domain`; that of a deleted environment can stay reserved for days.",
        ),
        (
            409,
            error("InsufficientCapacity_StorageDriven", "full"),
            Conflict,
            "full (InsufficientCapacity_StorageDriven, correlation c-1). Free at least 1 GB of Dataverse database capacity, or buy some.",
        ),
        (
            409,
            error("OperationNotStartable", "busy"),
            Conflict,
            "busy (OperationNotStartable, correlation c-1). Another operation runs on the environment; run `up` again when it has ended.",
        ),
        (412, error("0x80040237", "same key"), Conflict, "same key (0x80040237, correlation c-1)"),
        (429, None, Throttled, "Power Platform answered 429 (too many requests) (correlation c-1)"),
        (500, error("X", "broken"), ServiceUnavailable, "broken (X, correlation c-1)"),
        (503, None, ServiceUnavailable, "Power Platform answered 503 (unavailable) (correlation c-1)"),
        (206, None, UnexpectedAnswer, "Power Platform answered 206 (correlation c-1)"),
    ],
)
def test_answer_becomes_error_and_line(status: int, body: object, kind: type[ApiError], text: str) -> None:
    found = failed(status, body)
    assert type(found) is kind
    assert str(found) == text
    assert found.status == status


def test_registration_advice_names_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", "app-1")
    found = failed(403, error("Forbidden", NOT_REGISTERED))
    assert str(found).endswith(
        "A Power Platform administrator has to register the application once as admin management application: "
        "`New-PowerAppManagementApp -ApplicationId app-1`."
    )
    monkeypatch.delenv("AZURE_CLIENT_ID")
    assert "<client id>" in failed(403, error("Forbidden", NOT_REGISTERED)).next_step


def test_lost_answer_keeps_what_the_service_said() -> None:
    found = lost(failed(500, error("X", "broken")))
    assert isinstance(found, TransportError)
    assert found.may_have_happened
    assert (found.code, found.status, found.correlation_id) == ("X", 500, "c-1")
    assert "run `up` again, it looks before it sends" in str(found)
