"""May an environment that the stack made be deleted, and what stands on it with it? Asked before anything is deleted.

The engine does not say why it deletes, and a destroy knows stored outputs alone. So consent is that of the last `up`,
or of the one that runs; and what the same run declares stays. The environment goes last, hence everything on it asks
too: no map is stopped for a deletion that is refused in the end.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from providers.instances.cds_model import CdsInputs
from providers.instances.references import KnownNames, reference_meaning
from providers.protocol.base import ResourceError
from providers.protocol.consent import Action, Consent, missing_consent
from providers.protocol.diff import Meaning
from providers.protocol.memory import Memory

# CDS instances by URN, from the checks of this run.
declared: Memory[CdsInputs] = Memory()
_ACTIONS: tuple[Action, ...] = ("delete-environment", "replace-environment")
_NEXT_STEP = "Then run `up` before `destroy`."


def stays(domain: str, names: KnownNames) -> bool:
    """Whether this run declares the environment, so that a deletion on it is not the environment's own."""
    same = (Meaning.SAME, Meaning.RENAMED)
    return any(reference_meaning(domain, each.reference, names) in same for each in declared.values())


def require_consent(domain: str, stored: Iterable[Consent]) -> None:
    """Raises `ResourceError` when neither the last `up` nor this one consents to the end of the environment."""
    consents = [*stored, *(entry for each in declared.values() for entry in each.confirm)]
    today = datetime.now(UTC).date()
    missing = [missing_consent(consents, action, domain, today) for action in _ACTIONS]
    if all(missing):
        raise ResourceError(f"the environment '{domain}' is not deleted: {missing[0]}", next_step=_NEXT_STEP)


def idle_consents(inputs: CdsInputs, old: CdsInputs | None) -> list[str]:
    """A sentence for every consent that has ended, or whose target this stack does not have.

    What a replacement names is the old domain, which only the last inputs tell.
    """
    today = datetime.now(UTC).date()
    sentences = (_idle(entry, _owned(entry, inputs, old), today) for entry in inputs.confirm)
    return [sentence for sentence in sentences if sentence]


def _owned(entry: Consent, inputs: CdsInputs, old: CdsInputs | None) -> str | None:
    """The domain that a consent of this kind names; None when the stack has no environment of its own."""
    if entry.action == "delete-environment":
        return inputs.domain
    return old.domain if old else entry.target


def _idle(entry: Consent, ours: str | None, today: date) -> str | None:
    name = f"the consent {entry.action} for {entry.target}"
    if entry.expired(today):
        return f"{name} ended on {entry.until} and counts as absent"
    if entry.target.casefold() != (ours or "").casefold():
        has = f"its environment is '{ours}'" if ours else "it has none of its own"
        return f"{name} serves nothing: this stack has no such environment, {has}"
    return None
