"""What a plan does that cannot be undone, what it asks of a person, and how long its long steps take. Pure.

Durations are those of the documents (docs: Microsoft Learn on Finance and Operations provisioning and dual-write
set-up, as the resource modules name them); an assumed one says so.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from tools.bags import Bag, entries, mapping
from tools.review.changes import counted
from tools.review.preview import RESETS, Finding, Preview, Step
from tools.review.resources import companies, label, masters, name_of, winners


def irreversible(preview: Preview) -> list[str]:
    """First what destroys something, with the consent it uses; then what is fixed for ever once it is there."""
    said = [_said(preview, finding) for finding in preview.of_kind("I")]
    of_steps = [[*found(step)] for found in (_destroyed, _discarded, _fixed) for step in preview.steps]
    destroyed, rest = of_steps[: len(preview.steps)], of_steps[len(preview.steps) :]
    again = [[*_synced_again(step, preview)] for step in preview.steps]
    return [*chain(*destroyed), *said, *chain(*rest), *chain(*again)]


def _said(preview: Preview, finding: Finding) -> str:
    text = _about(preview, finding)
    if finding.code not in RESETS:
        return _sentence(text)
    return _with_consent(text, _step(preview, finding.urn), "reset-link")


def _destroyed(step: Step) -> Iterator[str]:
    if step.kind != "CdsInstance" or not step.removes or not step.held.get("created_by_us"):
        return
    action = "replace-environment" if step.replaces else "delete-environment"
    text = (
        f"The CDS instance {step.old.get('domain')} is deleted with all its data and the F&O on it; it cannot be "
        "recovered"
    )
    yield _with_consent(text, step, action)


def _discarded(step: Step) -> Iterator[str]:
    """Queues of paused maps that are thrown away when the maps are resumed."""
    before = {**mapping(step.old, "maps"), **mapping(step.old, "drifted")}
    after = mapping(step.new, "maps")
    for name, choice in sorted(mapping(step.new, "catch_up").items()):
        if choice == "discard" and (before.get(name), after.get(name)) == ("paused", "running"):
            text = f"Map {name}: the changes in its queue are thrown away when it is resumed"
            yield _with_consent(text, step, "discard-queue", name)


def _with_consent(text: str, step: Step | None, action: str, target: str = "") -> str:
    consents = [] if step is None else [*entries(step.new, "confirm"), *entries(step.old, "confirm")]
    for consent in consents:
        if consent.get("action") == action and target in ("", consent.get("target")):
            return f"{_sentence(text)} Consent used: {action} for {consent.get('target')} until {consent.get('until')}."
    return _sentence(text)


def _fixed(step: Step) -> Iterator[str]:
    """What a creation fixes. One line a kind, so that a first set-up stays short."""
    text = _FIXED[step.kind](step.new) if step.makes and step.kind in _FIXED else ""
    if text:
        yield text if step.kind == "LiveSync" else f"{_SHORT.get(step.kind) or name_of(step, step.new)}: {text}"


def _fixed_cds(new: Bag) -> str:
    words = f"location {new.get('location')}, currency {new.get('currency')} and language {new.get('language')}"
    return "" if new.get("instance") == "existing" else f"{words} can never be changed."


def _fixed_finops(new: Bag) -> str:
    text = "its data and developer tools are fixed, and it cannot be removed alone."
    return "" if new.get("instance") == "existing" else text


def _fixed_rows(new: Bag) -> str:
    return "" if new.get("simulate") else "a company that a row got is not taken back."


def _fixed_sync(new: Bag) -> str:
    count, who = len(masters(new)), winners(masters(new))
    return f"Initial sync: rows of {counted(count, 'map')} are overwritten, {who}." if count else ""


_SHORT = {"FinOpsInstance": "F&O"}
_FIXED: dict[str, Callable[[Bag], str]] = {
    "CdsInstance": _fixed_cds,
    "FinOpsInstance": _fixed_finops,
    "Company": lambda _: "companies are never deleted from F&O.",
    "CompanyBootstrap": _fixed_rows,
    "LiveSync": _fixed_sync,
}


def _synced_again(step: Step, preview: Preview) -> Iterator[str]:
    """Initial syncs that a change of a running stack brings."""
    if step.kind != "LiveSync" or step.operation != "update":
        return
    synced = masters(step.new)
    names = list(synced) if preview.resets_link else _synced_by_change(step)
    if names:
        yield f"Initial sync: rows of {counted(len(names), 'map')} are overwritten, {winners(synced)}."


def _synced_by_change(step: Step) -> list[str]:
    """Maps that get an initial sync for the first time, or are asked for another one."""
    before = masters(step.old)
    wanted, done = mapping(step.new, "resync"), mapping(step.old, "resync")
    return [name for name in masters(step.new) if name not in before or wanted.get(name) != done.get(name)]


def by_person(preview: Preview) -> list[str]:
    """What somebody has to do, and where."""
    told = [_sentence(_about(preview, finding)) for finding in preview.of_kind("P")]
    links = [step.new for step in preview.of("DualWriteConnection") if step.operation == "create"]
    return told + [_linking(link) for link in links if link.get("finops")]


def _linking(link: Bag) -> str:
    """What `up` waits for where only a person can link (the steps are those that it shows)."""
    return (
        f"Unless the two are linked: in Lifecycle Services open the environment details of {label(link['finops'])} and "
        f"link it with {label(link.get('cds'))} (Power Platform Integration > Setup; Dual-write application > "
        f"Configure; Link to Power Platform environment), companies: {companies(link.get('companies'))}. `up` waits "
        f"{link.get('timeout')} for it and shows the next step."
    )


def not_checked(preview: Preview) -> list[str]:
    """What the preview could not see, with the code of the finding."""
    lines = [f"{finding.code} {_sentence(finding.text)}" for finding in preview.of_kind("N")]
    if not preview.refreshed and preview.outputs:
        lines.append(
            "Changes that people made since the last `up` or `refresh`: this plan rests on what was read then."
        )
    if any(step.creates_instance for step in preview.steps):
        lines.append(
            "Health of the link (versions, packages, roles, companies) and rows of an initial sync: what is created "
            "here does not exist yet, `up` checks it on the way and stops when it is not in order."
        )
    return lines


def durations(preview: Preview) -> list[str]:
    """The long steps, one after the other."""
    reset = ["reset of the link: under 5 min"] if preview.resets_link else []
    return [*_durations(preview.steps), *reset]


def _durations(steps: Iterable[Step]) -> Iterator[str]:
    made = [step for step in steps if step.makes]
    yield from _new_instances(made)
    yield from _new_packages(made)
    yield from (_LINK[bool(step.new.get("finops"))] for step in made if step.kind == "DualWriteConnection")


def _new_packages(made: Iterable[Step]) -> Iterator[str]:
    count = sum(step.kind == "ApplicationPackage" for step in made)
    if count:
        yield f"{counted(count, 'application package')}: about 10 min each (assumed)"


def _new_instances(made: Iterable[Step]) -> list[str]:
    new = {step.kind for step in made if step.new.get("instance") != "existing"}
    return [text for kind, text in _NEW.items() if kind in new]


_LINK = {False: "link: under 5 min", True: "link: 1.5 to 2 h for a person's steps"}
_NEW = {"CdsInstance": "new CDS instance: some minutes", "FinOpsInstance": "F&O: 1 to 3 h"}


def _about(preview: Preview, finding: Finding) -> str:
    """The sentence of a finding after the name of what it is about."""
    step = _step(preview, finding.urn)
    return f"{name_of(step, step.new or step.old)}: {finding.sentence}" if step else finding.text


def _step(preview: Preview, urn: str) -> Step | None:
    return next((step for step in preview.steps if step.urn == urn), None)


def _sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
