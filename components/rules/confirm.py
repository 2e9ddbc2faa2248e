"""What the entries of `confirm` mean together with the rest: a consent names this pair, or one of its maps. Pure."""

from collections.abc import Iterator
from datetime import date
from urllib.parse import urlsplit

from components.draft import Draft
from components.findings import Broken
from components.rules.maps import chosen_maps
from components.stack import DraftCds, DraftConfirmation
from providers.protocol.consent import Action


def confirm_rules(draft: Draft, today: date) -> Iterator[Broken]:
    """Consents that name another pair, or a map that is not chosen; one that ended counts as absent."""
    for place, entry in enumerate(draft.stack.confirm):
        if entry.target and not ended(entry, today):
            text = _wrong_target(draft, entry.action, entry.target)
            if text:
                yield Broken(("confirm", place, "target"), text)


def _wrong_target(draft: Draft, action: Action | None, target: str) -> str | None:
    if action == "reset-link":
        return _other_pair(draft, target)
    if action == "discard-queue":
        return _other_map(draft, target)
    return None


def _other_pair(draft: Draft, target: str) -> str | None:
    label = _pair(draft.stack.cds)
    if not label or target.casefold() == label.casefold():
        return None
    return f"{target!r} is not this pair: reset-link names the first label of its CDS host, `{label}`"


def _other_map(draft: Draft, target: str) -> str | None:
    chosen = chosen_maps(draft.stack.maps)
    if chosen is None or target in chosen.maps:
        return None
    return f"{target!r} is none of the chosen maps: discard-queue names the map whose queue may be lost"


def ended(entry: DraftConfirmation, today: date) -> bool:
    """Whether a consent counts as absent."""
    return entry.until is not None and date.fromisoformat(entry.until) < today


def _pair(cds: DraftCds) -> str | None:
    """The first label of the CDS host; None while the file does not tell it."""
    if cds.instance == "new":
        return cds.domain
    host = urlsplit(cds.url).hostname if cds.url else None
    return host.partition(".")[0] if host else None
