"""Consent to what cannot be undone: the entries of `dualwrite:confirm` and the question whether one applies.

Pure; today's date is handed in. An entry names action and target and ends with its day.
"""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

Action = Literal["delete-environment", "replace-environment", "reset-link", "discard-queue"]


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


class Consent(BaseModel):
    """One entry of `dualwrite:confirm`. `until` is the last day on which it counts, as ISO text."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    action: Action
    target: str
    until: Annotated[str, AfterValidator(_day)]

    def expired(self, today: date) -> bool:
        """Whether the last day lies behind `today`."""
        return date.fromisoformat(self.until) < today


def missing_consent(consents: Iterable[Consent], action: Action, target: str, today: date) -> str | None:
    """The sentence that says which consent is missing, or None when it is there.

    An expired entry counts as absent; the sentence then names its date.
    """
    fitting = [entry for entry in consents if entry.action == action and entry.target.casefold() == target.casefold()]
    if any(not entry.expired(today) for entry in fitting):
        return None
    wanted = f"{{action: {action}, target: {target}, until: <date>}}"
    latest = max((entry.until for entry in fitting), default=None)
    if latest is None:
        return f"it needs your consent in `dualwrite:confirm`: {wanted}"
    return f"the consent {action} for {target} ended on {latest}; give `dualwrite:confirm` a later date: {wanted}"
