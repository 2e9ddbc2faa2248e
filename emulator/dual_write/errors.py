"""Error answers of the dual-write management service.

Only "status of 400 or more with a text or JSON body of unknown shape" is evidenced (dual-write-management-api.md 2.5);
the shape used here, a JSON object with `message` and `activityId`, is assumed, and so are most statuses. What no source
says that the service refuses is not modelled.
"""

import uuid

from emulator.core.wire import ServiceError

NULL_REFERENCE = "Object reference not set to an instance of an object."


def _error(status: int, message: str) -> ServiceError:
    return ServiceError(status, {"message": message, "activityId": str(uuid.uuid4())})


def bad_request(message: str) -> ServiceError:
    """Return a 400."""
    return _error(400, message)


def not_found(what: str) -> ServiceError:
    """Return a 404 for an unknown id (12.1 item 1)."""
    return _error(404, f"{what} was not found.")


def conflict(message: str) -> ServiceError:
    """Return a 409: the state of a map or of the link does not allow the call."""
    return _error(409, message)


def unauthorized(reason: str) -> ServiceError:
    """Return the 401 of a missing, expired, foreign or app-only token."""
    # Documented: RFC 6750, 3.1: 401 with a challenge
    return ServiceError(
        401,
        {"message": f"Authorization has been denied for this request. {reason}"},
        {"WWW-Authenticate": "Bearer"},
    )


def null_reference() -> ServiceError:
    """Return the 500 of a Start detail without `tid` or, except for init, without `pid` (2.5)."""
    return ServiceError(
        500,
        {
            "message": "An error has occurred.",
            "exceptionMessage": NULL_REFERENCE,
            "exceptionType": "System.NullReferenceException",
            "activityId": str(uuid.uuid4()),
        },
    )
