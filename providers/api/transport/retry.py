"""Which failed answers are worth another try. The error code decides; the status only where there is no known code.

Sources: power-platform-api.md 4.3, 4.4, 17, rule 21.9; dual-write-semantics.md 12.2 (Dataverse limits).
"""

from enum import Enum
from random import Random

from providers.api.transport.answers import Problem, Response
from providers.api.transport.busy import is_busy
from providers.api.transport.limits import FIRST_DELAY, LONGEST_DELAY, floor


class Verdict(Enum):
    """What to do after a failed attempt."""

    FAIL = "final"
    REFUSED = "nothing was done: send again after a wait, whatever the method"
    BUSY = "something else runs there: send again until patience ends"
    UNCLEAR = "it may have been done: send again only what is safe to repeat"


FINAL_CODES = frozenset(
    {
        "InsufficientCapacity_StorageDriven",
        "DomainNameAlreadyInUse",
        "InvalidDomainName",
        "DynamicsEntitlementMissing",
        "MacroRegionRequired",
        "AmbiguousLocationSpecification",
        "InvalidMacroRegion",
        "GovernanceConfigurationChangeBlockedByGroup",
        "EnvironmentNotFound",
        "BillingPolicyNotFound",
        "TemplateNotFound",
        "0x80048d0b",
        "0x80040237",
    }
)
REFUSED_CODES = frozenset(
    {
        "TooManyRequests",
        "0x80072321",
        "0x80072322",
        "0x80072326",
        "-2147015903",
        "-2147015902",
        "-2147015898",
    }
)
_KNOWN = {
    **{code.lower(): Verdict.FAIL for code in FINAL_CODES},
    **{code.lower(): Verdict.REFUSED for code in REFUSED_CODES},
}
# 429 and 425 say that the request was not taken up. The others say nothing about what happened behind them.
_WITHOUT_KNOWN_CODE = {
    425: Verdict.REFUSED,
    429: Verdict.REFUSED,
    408: Verdict.UNCLEAR,
    499: Verdict.UNCLEAR,
    500: Verdict.UNCLEAR,
    502: Verdict.UNCLEAR,
    503: Verdict.UNCLEAR,
    504: Verdict.UNCLEAR,
}


def verdict(response: Response, problem: Problem) -> Verdict:
    """What an answer with an unexpected status means for another try."""
    known = _KNOWN.get(problem.code.lower())
    if known is not None:
        return known
    if is_busy(response, problem):
        return Verdict.BUSY
    return _WITHOUT_KNOWN_CODE.get(response.status, Verdict.FAIL)


def backoff(attempt: int, random: Random) -> float:
    """Seconds before try `attempt + 1` when the service names none: doubling, half of it by chance."""
    ceiling = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (attempt - 1))
    return ceiling / 2 + random.uniform(0, ceiling / 2)


def asked_wait(asked: float, attempt: int) -> float:
    """Seconds before try `attempt + 1` when the service names so many: zero and the past are no wait."""
    return max(asked, floor(attempt))
