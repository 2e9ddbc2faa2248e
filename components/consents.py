"""Which consents of a stack reach which resource, and whether one lifts the protection of new instances. Pure."""

from datetime import date
from typing import NamedTuple

from components.stack import Stack
from providers.protocol.consent import Action, Consent, missing_consent

DELETIONS: tuple[Action, ...] = ("delete-environment", "replace-environment")


class Consents(NamedTuple):
    """The entries of `confirm`; `cds` is how the stack names its CDS instance, `today` decides which still count."""

    stack: Stack
    cds: str
    today: date

    def of(self, *actions: Action) -> list[dict[str, str]] | None:
        """The entries that speak of these actions."""
        return [entry.model_dump() for entry in self.stack.confirm if entry.action in actions] or None

    def on_cds(self, *actions: Action) -> list[dict[str, str]] | None:
        """The same for a resource on the CDS instance: it ends with a new one, and only then; an existing one stays."""
        return self.of(*actions, *(DELETIONS if self.stack.cds.instance == "new" else ()))

    def protects(self) -> bool:
        """Created instances are protected, unless consent that still counts lifts it.

        `replace-environment` names the old domain, which only the stored state knows: any such entry lifts the
        protection for this `up`, and the resource itself compares the target.
        """
        entries = [Consent(**entry.model_dump()) for entry in self.stack.confirm]
        counting = {entry.action for entry in entries if not entry.expired(self.today)}
        if "replace-environment" in counting:
            return False
        return missing_consent(entries, "delete-environment", self.cds, self.today) is not None
