"""Durations as stack files write them: `90s`, `30m`, `2h`, `1h30m`, `1d`. Pure."""

import re
from typing import Annotated

from pydantic import AfterValidator

from providers.protocol.marks import Checked, NotCompared

_FORM = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SECONDS = (86_400, 3_600, 60, 1)


def seconds(text: str) -> float:
    """Seconds of a duration text; ValueError says the form when it is another one or nothing long."""
    match = _FORM.fullmatch(text.strip().lower())
    total = sum(int(part) * unit for part, unit in zip(match.groups(), _SECONDS, strict=True) if part) if match else 0
    if total <= 0:
        raise ValueError("must be a duration such as 90s, 30m, 2h or 1h30m")
    return float(total)


def canonical(text: str) -> str:
    """The text in lower case without blanks around it; ValueError as `seconds`."""
    seconds(text)
    return text.strip().lower()


Duration = Annotated[str, AfterValidator(canonical)]
TimeLimit = Annotated[Duration, NotCompared(), Checked(doing="too short for the service; the next run goes on")]
