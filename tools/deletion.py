"""What `make destroy` asks before the engine starts: does today's stack file, and did the last `up`, consent to it?

The resources refuse as well, one by one and in the middle of a run; here a person reads the lines to add first.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError

from components.stack import NAMESPACE
from providers.protocol.consent import Action, Consent, missing_consent
from tools.pulumi_cli import Deployment
from tools.workspace import make

_ACTIONS: tuple[Action, ...] = ("delete-environment", "replace-environment")
_A_MONTH_DAYS = 30


def problem(stack: str, config: Mapping[str, Any], deployment: Deployment, today: date) -> str | None:
    """Why the stack's environments must not be deleted now, with the lines to add; None where nothing is against it."""
    file = f"stacks/Pulumi.{stack}.yaml"
    stored = dict(_own_environments(deployment))
    declared = list(_entries(config.get(f"{NAMESPACE}:confirm")))
    missing = [domain for domain in stored if _missing(declared, domain, today)]
    if missing:
        return _lines_to_add(stack, missing, declared, today)
    unknown = [domain for domain, consents in stored.items() if _missing(consents, domain, today)]
    known_first = f"but the last `up` did not know: {make('up', stack)} first."
    return f"{file} consents to the end of {', '.join(unknown)}, {known_first}" if unknown else None


def _own_environments(deployment: Deployment) -> Iterator[tuple[str, list[Consent]]]:
    """The domain of each environment that the stack made, and the consents of the last `up`."""
    for outputs in deployment.of_type("CdsInstance"):
        if outputs.get("created_by_us"):
            yield str(outputs["domain"]), list(_entries(outputs.get("confirm")))


def _lines_to_add(stack: str, domains: Iterable[str], declared: Iterable[Consent], today: date) -> str:
    entries = list(declared)
    reasons = "; ".join(f"'{each}': {_missing(entries, each, today)}" for each in domains)
    until = date.fromordinal(today.toordinal() + _A_MONTH_DAYS)
    lines = "\n".join(f'    - {{action: delete-environment, target: {each}, until: "{until}"}}' for each in domains)
    return (
        f"Nothing was deleted. This would delete environments for good. {reasons}.\n"
        f"Add to stacks/Pulumi.{stack}.yaml, then {make('up', stack)}, then {make('destroy', stack)}:\n"
        f"  {NAMESPACE}:confirm:\n{lines}"
    )


def _missing(consents: Iterable[Consent], domain: str, today: date) -> str | None:
    """Why no consent lets the environment go; None when one does."""
    entries = list(consents)
    reasons = [missing_consent(entries, action, domain, today) for action in _ACTIONS]
    return reasons[0] if all(reasons) else None


def _entries(raw: object) -> Iterator[Consent]:
    """The entries that can be read; `make preview` names the others."""
    for entry in raw if isinstance(raw, list) else []:
        try:
            yield Consent.model_validate(entry)
        except ValidationError:
            continue
