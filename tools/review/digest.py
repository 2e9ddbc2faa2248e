"""What was approved, as one short text: SHA-256 over what a plan does and what its checks found.

Sorted URN, operation, inputs that change and finding codes; no counts, no times, no text of messages, so that the same
plan has the same digest on every machine and on every day.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from providers.protocol.findings import QUEUE_AGE
from tools.review.preview import Preview, Step

_LENGTH = 64
# What time alone brings: an approval does not end because a queue has become a day old.
_BY_TIME = {QUEUE_AGE.code}


def digest(preview: Preview) -> str:
    """The digest that stands on the page, 64 hexadecimal digits."""
    return _hash(sorted(_planned(preview).items()))


def parts(preview: Preview) -> dict[str, str]:
    """Resource (`LiveSync::pair-live-sync`) to what is planned for it: the operation and a short hash of the rest.

    The page carries them, hidden, so that `up --approved <page>` can say what moved.
    """
    return {_short(urn): f"{operation} {_hash(rest)[:12]}" for urn, (operation, *rest) in _planned(preview).items()}


def _planned(preview: Preview) -> dict[str, list[Any]]:
    """URN to operation, inputs that change and finding codes."""
    codes: dict[str, set[str]] = {}
    for finding in preview.findings:
        if finding.code not in _BY_TIME:
            codes.setdefault(finding.urn, set()).add(finding.code)
    steps = {step.urn: step for step in preview.steps}
    return {
        urn: [
            steps[urn].operation if urn in steps else "unchanged",
            _changed(steps.get(urn)),
            sorted(codes.get(urn, ())),
        ]
        for urn in sorted(steps.keys() | codes.keys())
    }


def _short(urn: str) -> str:
    kind, _, name = urn.rpartition("::")
    return f"{kind.rpartition(':')[2]}::{name}"


def moved(approved: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """A line for every resource that is planned otherwise than it was approved."""
    lines = []
    for urn in sorted(approved.keys() | now.keys()):
        if approved.get(urn) == now.get(urn):
            continue
        name = urn.rpartition("::")[2]
        was, wanted = (side.get(urn, "untouched").partition(" ")[0] for side in (approved, now))
        lines.append(f"{name}: approved {was}, now {wanted}" if was != wanted else f"{name}: {was} with other inputs")
    return lines


def is_digest(text: str) -> bool:
    """Whether a text has the form of a digest."""
    return len(text) == _LENGTH and all(letter in "0123456789abcdef" for letter in text)


def _changed(step: Step | None) -> list[Any]:
    return [[name, step.old.get(name), step.new.get(name)] for name in step.changed] if step else []


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
