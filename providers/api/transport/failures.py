"""From a failed answer to one error of the tree, with the next step for what users can do something about."""

import os

from providers.api.transport.absence import says_gone
from providers.api.transport.answers import Problem, Response, unexpected_answer
from providers.api.transport.busy import is_busy
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

NOT_REGISTERED = "does not have permission to access the path"

_NEXT_STEPS = {
    "insufficientcapacity_storagedriven": "Free at least 1 GB of Dataverse database capacity, or buy some.",
    "domainnamealreadyinuse": "Choose another `domain`; that of a deleted environment can stay reserved for days.",
    "invaliddomainname": "Choose another `domain`: this one is taken or malformed.",
    "dynamicsentitlementmissing": "Assign the Dynamics 365 licences; a change can take 12 hours to show.",
    "macroregionrequired": "This tenant places environments by macro region: set `macroRegion` instead of `location`.",
    "ambiguouslocationspecification": "Set either `location` or `macroRegion`, not both.",
    "operationnotstartable": "Another operation runs on the environment; run `up` again when it has ended.",
}
_BY_CODE: dict[str, type[ApiError]] = {
    "environmentnotfound": NotFound,
    "billingpolicynotfound": NotFound,
    "operationnotstartable": Conflict,
    "domainnamealreadyinuse": Conflict,
    "insufficientcapacity_storagedriven": Conflict,
    "0x80040237": Conflict,
}
_PHRASES = {
    401: "(the token is not accepted)",
    403: "(not allowed)",
    404: "(not found)",
    429: "(too many requests)",
    500: "(internal error)",
    502: "(bad gateway)",
    503: "(unavailable)",
    504: "(gateway timeout)",
}
_BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    401: AuthenticationError,
    403: PermissionDenied,
    404: NotFound,
    405: InvalidRequest,
    409: Conflict,
    423: Conflict,
    410: NotFound,
    412: InvalidRequest,
    413: InvalidRequest,
    422: InvalidRequest,
    429: Throttled,
}


def _kind_of(status: int) -> type[ApiError]:
    unlisted = ServiceUnavailable if status >= 500 or status in (408, 425, 499) else UnexpectedAnswer
    return _BY_STATUS.get(status, unlisted)


def failure(response: Response, problem: Problem, service: str) -> ApiError:
    """The error for an answer with an unexpected status."""
    if response.status in (404, 410) and not says_gone(response, problem, service):
        return _not_said(response, problem, service)
    kind = _BY_CODE.get(problem.code.lower()) or _kind_of(response.status)
    # Without a message the reason names the status itself.
    status_as_code = f"HTTP {response.status}" if problem.message else None
    return kind(
        problem.message or f"{service} answered {response.status} {_PHRASES.get(response.status, '')}".rstrip(),
        code=problem.code or status_as_code,
        correlation_id=problem.correlation_id or response.correlation_id,
        status=response.status,
        next_step=_next_step(response, problem),
        service=service,
        busy=is_busy(response, problem),
    )


def _not_said(response: Response, problem: Problem, service: str) -> UnexpectedAnswer:
    """A 404 that is not the service's word: a proxy, a page, an unknown shape. Nothing is believed gone for it."""
    said = f": {problem.message}" if problem.message else ""
    reason = f"{service} answered {response.status} at {response.path} without saying that it does not exist{said}"
    return unexpected_answer(reason, response, service, problem)


def unreadable(response: Response, reason: str, service: str) -> UnexpectedAnswer:
    """The error for an answer with the right status that is no answer of the service."""
    return unexpected_answer(f"{service} answered {response.status}, but {reason}", response, service)


def lost(error: ApiError) -> TransportError:
    """The same failure of a call that may not be repeated: its effect has to be looked up."""
    return TransportError(
        error.reason,
        code=error.code,
        correlation_id=error.correlation_id,
        status=error.status,
        next_step=error.next_step or "It may have taken effect: run `up` again, it looks before it sends.",
        service=error.service,
        may_have_happened=True,
        busy=error.busy,
    )


def registration_advice() -> str:
    """How an administrator lets a service principal use the admin API (power-platform-api.md section 2)."""
    client = os.environ.get("AZURE_CLIENT_ID") or "<client id>"
    return (
        "A Power Platform administrator has to register the application once as admin management application: "
        f"`New-PowerAppManagementApp -ApplicationId {client}`."
    )


def _next_step(response: Response, problem: Problem) -> str:
    if response.status == 403 and NOT_REGISTERED in response.text:
        return registration_advice()
    if response.status == 401:
        return "Check the credentials and the tenant."
    return _NEXT_STEPS.get(problem.code.lower(), "")
