"""What the entries of `confirm` mean together with the pair: a consent to a reset names it. Pure."""

from collections.abc import Iterator
from datetime import date
from urllib.parse import urlsplit

from components.draft import Draft
from components.findings import Broken
from components.stack import DraftCds, DraftConfirmation


def confirm_rules(draft: Draft, today: date) -> Iterator[Broken]:
    """Consents to a reset that name another pair; one that ended counts as absent."""
    label = _pair(draft.stack.cds)
    for place, entry in enumerate(draft.stack.confirm):
        if entry.action != "reset-link" or not label or not entry.target or ended(entry, today):
            continue
        if entry.target.casefold() != label.casefold():
            text = f"{entry.target!r} is not this pair: reset-link names the first label of its CDS host, `{label}`"
            yield Broken(("confirm", place, "target"), text)


def ended(entry: DraftConfirmation, today: date) -> bool:
    """Whether a consent counts as absent."""
    return entry.until is not None and date.fromisoformat(entry.until) < today


def _pair(cds: DraftCds) -> str | None:
    """The first label of the CDS host; None while the file does not tell it."""
    if cds.instance == "new":
        return cds.domain
    host = urlsplit(cds.url).hostname if cds.url else None
    return host.partition(".")[0] if host else None
