"""Another operation runs: the spellings of it, which are waited for within the caller's time. All else fails at once.

power-platform-api.md 4.4, 11, 17: `OperationNotStartable`, an empty 409 (seen on DELETE), and a young environment.
Assumed, from public reports: the code `Conflict` on the install of a package, and 423 (RFC 4918, Locked).
"""

from providers.api.transport.answers import Problem, Response

BUSY_CODES = frozenset({"OperationNotStartable", "ServiceToServiceEnvironmentNotFound"})
# A code that says no more than the status: busy with 409 only.
_PLAIN = "conflict"
_KNOWN = frozenset(code.lower() for code in BUSY_CODES)


def is_busy(response: Response, problem: Problem) -> bool:
    """Whether an answer says that something else runs there."""
    if problem.code.lower() in _KNOWN:
        return True
    if response.status == 409:
        return response.empty or problem.code.lower() == _PLAIN
    return response.status == 423
