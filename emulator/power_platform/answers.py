"""Refusals and headers: the error shapes of BAP and the Power Platform API (power-platform-api.md 4.2, 15.5)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from emulator.core.microsoft_names import Name
from emulator.core.routing import NotModelledError
from emulator.core.wire import Call, ServiceError, UnknownNameError
from emulator.tenant import Tenant

BAP_API_VERSIONS = frozenset(
    (
        "2024-05-01",
        "2023-06-01",
        "2022-05-01",
        "2021-04-01",
        "2020-10-01",
        "2020-08-01",
        "2019-05-01",
        "2018-01-01",
        "2016-11-01",
    )
)
PLATFORM_API_VERSIONS = frozenset(("2022-03-01-preview", "2024-10-01", "1"))

Body = TypeVar("Body", bound=BaseModel)


def refusal(status: int, code: str, message: str, *, detail: bool = False) -> ServiceError:
    """Return `{"error": {code, message}}`, with `detailUrlType` where recordings have it."""
    error = {"code": code, "message": message}
    if detail:
        error["detailUrlType"] = "NotSpecified"
    return ServiceError(status, {"error": error})


def bad_request(message: str, code: str = "BadRequest") -> ServiceError:
    """Return a 400; `BadRequest` is the code that recordings show where none of its own is known (17)."""
    return refusal(400, code, message)


def environment_not_found(environment_id: str) -> ServiceError:
    """Return the 404 `EnvironmentNotFound` (6)."""
    text = f"The environment '{environment_id}' could not be found in the tenant."
    # Source: power-platform-api.md 6
    return refusal(404, "EnvironmentNotFound", text, detail=True)


def operation_not_startable(environment_id: str) -> ServiceError:
    """Return the 409 while another lifecycle operation runs (4.4)."""
    text = (
        "This operation cannot be performed because there is an active lifecycle operation on the environment "
        f"'{environment_id}'."
    )
    return refusal(409, "OperationNotStartable", text, detail=True)


def check_api_version(call: Call, accepted: frozenset[str]) -> str:
    """Return the api-version of a call; 400 when it is missing, 501 when no client in evidence sends it."""
    version = next((value for name, value in call.query.items() if name.lower() == "api-version"), "")
    if not version:
        # Documented: power-platform-api.md 3: it is refused; status, code and words of microsoft/api-guidelines
        raise bad_request(
            "The api-version query parameter (?api-version=) is required for all requests.",
            "MissingApiVersionParameter",
        )
    if version not in accepted:
        raise NotModelledError(f"the api-version '{version}'")
    return version


def parse_body(call: Call, model: type[Body], type_names: Mapping[tuple[str, ...], str]) -> Body:
    """Read a strict JSON body; unknown members are refused with BAP's own sentence (7.1)."""
    try:
        return model.model_validate(call.json())
    except ValidationError as error:
        raise _first_problem(error, type_names) from None


def _first_problem(error: ValidationError, type_names: Mapping[tuple[str, ...], str]) -> Exception:
    problem = error.errors()[0]
    path: Sequence[str] = [str(part) for part in problem["loc"] if isinstance(part, str)]
    if problem["type"] == "extra_forbidden":
        owner = type_names.get(tuple(path[:-1]), path[-2] if len(path) > 1 else "Object")
        # Source: power-platform-api.md 7.1
        refusal = bad_request(f"Could not find member '{path[-1]}' on object of type '{owner}'.")
        return UnknownNameError(Name("bap member", path[-1], owner), refusal)
    return NotModelledError(f"a body with '{'.'.join(path)}' as it is sent: {problem['msg']}")


def timestamp(moment: datetime | None) -> str | None:
    """Write a time as BAP does: seven decimals and Z."""
    if moment is None:
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def short_timestamp(moment: datetime) -> str:
    """Write a time in whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def retry_after(tenant: Tenant, seconds: float) -> dict[str, str]:
    """Return the header of an answer that asks the client to come back after so many virtual seconds.

    Left out in a clock so fast that a whole second would be the longer wait: the client then asks in its own rhythm.
    """
    return {} if tenant.clock.outruns(seconds) else {"Retry-After": str(tenant.clock.retry_after(seconds))}
