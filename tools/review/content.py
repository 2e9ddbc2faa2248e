"""The page as data: a headline and sections of plain lines, the same for Markdown and for the terminal. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tools.bags import Bag, mapping
from tools.review import consequences, digest
from tools.review.changes import comes_and_goes, counted, some
from tools.review.preview import Finding, Preview, Step
from tools.review.resources import companies, first_pin, label, line, masters, name_of

# Map names up to this many stand in the table itself.
MAPS_SHOWN = 3
NOT_DECLARED = "new"
# What becomes of a map that leaves the declaration: it is stopped where this stack started it, unless it is paused.
STOPPED_TOO, LEFT = "stopped, no more declared", "left as it is, no more declared"
# What the engine says of a program that said itself what is wrong, and of its own end then.
AFTERMATH = ("an unhandled error occurred", "Resource monitor has terminated", "preview canceled", "preview failed")


class MapChange(NamedTuple):
    """Maps that go from one run state to another; `before` is `new` for those that are new to the stack."""

    before: str
    after: str
    names: list[str]


@dataclass(frozen=True)
class Section:
    """A heading with lines. `folded` lines are shown on request; `maps` is a table above the lines."""

    heading: str
    lines: Sequence[str] = ()
    folded: Sequence[str] = ()
    folded_heading: str = ""
    maps: Sequence[MapChange] = ()

    def __bool__(self) -> bool:
        return bool(self.lines or self.folded or self.maps)


@dataclass(frozen=True)
class Content:
    """What a page says. `parts`: what was planned by resource, hidden on the page, for `up --approved`."""

    stack: str
    headline: str
    sections: Sequence[Section]
    digest: str
    parts: Mapping[str, str]


def arranged(preview: Preview) -> Content:
    """All that a reviewer has to know, what cannot be undone first. A refused plan is no plan: its problems are all."""
    against = refusals(preview)
    if against:
        return _refused(preview, against)
    return Content(
        stack=preview.stack,
        headline=headline(preview),
        sections=[section for section in _planned(preview) if section],
        digest=digest.digest(preview),
        parts=digest.parts(preview),
    )


def _refused(preview: Preview, against: list[str]) -> Content:
    sections = [
        Section("Refused, before anything is written", against),
        Section("Afterwards", ["Everything stays as it is: `up` ends with the same problems until they are mended."]),
    ]
    return Content(stack=preview.stack, headline=headline(preview), sections=sections, digest="", parts={})


def _planned(preview: Preview) -> list[Section]:
    return [
        Section("Cannot be undone", consequences.irreversible(preview) or ["Nothing here."]),
        Section("A person has to", consequences.by_person(preview) or ["Do nothing by hand."]),
        _touched(preview),
        Section("Warnings", [f"{finding.code} {finding.text}" for finding in preview.of_kind("W")]),
        Section("Not checked", consequences.not_checked(preview) or ["Nothing was left out."]),
        Section("Long steps", consequences.durations(preview)),
        Section("Afterwards", afterwards(preview)),
    ]


def refusals(preview: Preview) -> list[str]:
    """What ends `up` before it writes: a line a problem."""
    said = [f"{finding.code} {text}" for finding in preview.refusals for text in _problems(finding)]
    return said + [error for error in preview.errors if not (said and error.startswith(AFTERMATH))]


def _problems(finding: Finding) -> list[str]:
    """The problems of a finding, which stand below its first line where it has several (those of a stack file)."""
    first, *others = finding.text.splitlines()
    return [text.strip() for text in others] or [first]


def headline(preview: Preview) -> str:
    """The change in one sentence."""
    if refusals(preview):
        return f"is refused: {counted(len(refusals(preview)), 'problem')} to mend first"
    if not preview.steps:
        return "nothing to do"
    parts = [part for part in (_set_up(preview), *_headlines(preview)) if part]
    return ", ".join(parts) or f"changes {counted(len(preview.steps), 'resource')}"


def _set_up(preview: Preview) -> str:
    """The first sentence of a pair that does not exist yet."""
    cds, finops, link = (preview.created(kind) for kind in ("CdsInstance", "FinOpsInstance", "DualWriteConnection"))
    if cds is None or finops is None or link is None:
        return ""
    flow = _flow(mapping(preview.created("LiveSync"), "maps"))
    return (
        f"sets up a pair: {_a_finops(finops)} and {_a_cds(cds)}, companies {companies(link.get('companies'))}, {flow}"
    )


def _flow(maps: Mapping[str, str]) -> str:
    return " and ".join(f"{count} maps {state}" for state, count in Counter(maps.values()).most_common()) or "no map"


def _a_finops(inputs: Bag) -> str:
    if inputs.get("instance") == "existing":
        return f"existing F&O {label(inputs.get('url'))}"
    return "new F&O with demo data" if inputs.get("data") == "demo" else "new F&O without data"


def _a_cds(inputs: Bag) -> str:
    if inputs.get("instance") == "existing":
        return f"existing CDS {label(inputs.get('url') or inputs.get('environment_id'))}"
    return f"new CDS {inputs.get('domain')}"


def _headlines(preview: Preview) -> list[str]:
    """Fragments of all that is no set-up, the gravest first."""
    fragments = [*_gone(preview), *_company_headlines(preview), *_map_headlines(preview), *_versions(preview)]
    if fragments or _set_up(preview):
        return fragments
    return _some_of([f"{_verb(step)} {name_of(step)}" for step in preview.steps])


def _gone(preview: Preview) -> list[str]:
    replaced = [step for step in preview.of("CdsInstance") if step.replaces]
    deleted = [_deleted(step) for step in preview.steps if step.deletes]
    return [
        *(f"replaces the CDS instance {step.old.get('domain')} by {step.new.get('domain')}" for step in replaced),
        *_some_of(deleted),
    ]


def _deleted(step: Step) -> str:
    return f"{name_of(step)} {'deleted' if step.kind == 'CdsInstance' else 'given up'}"


def _versions(preview: Preview) -> list[str]:
    switched = [step for step in preview.of("EntityMap") if "version" in step.changed]
    return [f"sets the version of {counted(len(switched), 'map')}"] if switched else []


def _company_headlines(preview: Preview) -> list[str]:
    changed = [step for step in preview.of("DualWriteConnection") if step.changes and "companies" in step.changed]
    way = _way_of_companies(preview)
    return [_company_words(step.old.get("companies"), step.new.get("companies")) + way for step in changed]


def _way_of_companies(preview: Preview) -> str:
    if preview.resets_link:
        return " by resetting the link"
    return ", which a person does" if any(finding.code == "DW-P01" for finding in preview.findings) else ""


def _company_words(old: Any, new: Any) -> str:
    if not (isinstance(old, list) and isinstance(new, list)):
        return f"changes the companies of the link to {companies(new)}"
    words = comes_and_goes([str(code) for code in old], [str(code) for code in new])
    return words.replace("adds ", "adds company ").replace("removes ", "removes company ")


def _map_headlines(preview: Preview) -> list[str]:
    verbs = {"running": "starts", "paused": "pauses", "stopped": "stops", STOPPED_TOO: "stops", LEFT: "lets go of"}
    if _set_up(preview):
        return []
    totals: Counter[str] = Counter()
    for change in map_changes(preview):
        totals[verbs.get(change.after, "changes")] += len(change.names)
    return [f"{verb} {counted(count, 'map')}" for verb, count in totals.items()]


def _verb(step: Step) -> str:
    verbs = {"create": "creates", "update": "changes", "delete": "gives up"}
    return "replaces" if step.replaces else verbs.get(step.operation, step.operation)


def _some_of(fragments: list[str]) -> list[str]:
    return [some(fragments)] if fragments else []


def map_changes(preview: Preview) -> list[MapChange]:
    """Run states that change, by the pair of states."""
    changes: dict[tuple[str, str], list[str]] = defaultdict(list)
    for step in preview.of("LiveSync"):
        for name, states in _changed_states(step):
            changes[states].append(name)
    return [MapChange(before, after, names) for (before, after), names in sorted(changes.items())]


def _changed_states(step: Step) -> Iterator[tuple[str, tuple[str, str]]]:
    """Maps whose declared state before and after differs."""
    old = {} if step.replaces else mapping(step.old, "maps")
    new = {} if step.deletes else mapping(step.new, "maps")
    for name in sorted(old.keys() | new.keys()):
        before, after = str(old.get(name, NOT_DECLARED)), str(new.get(name) or _without(step, name))
        if before != after:
            yield name, (before, after)


def _without(step: Step, name: str) -> str:
    """What becomes of a map that is declared no more, by what the last `up` or refresh recorded."""
    is_ours = name in step.held.get("started", ()) and mapping(step.held, "maps").get(name) != "paused"
    return STOPPED_TOO if is_ours else LEFT


def _touched(preview: Preview) -> Section:
    """A line a resource; packages are one line, for a pair has ten of them."""
    changes = map_changes(preview)
    folded = _by_name([change for change in changes if len(change.names) > MAPS_SHOWN])
    lines = _resource_lines(preview) or ["Nothing."]
    return Section("What changes", lines, folded, f"{counted(len(folded), 'map')} by name", changes)


def _resource_lines(preview: Preview) -> list[str]:
    shown = [step for step in preview.steps if not step.only_recorded] or preview.steps
    packages = [step for step in preview.of("ApplicationPackage") if step.makes]
    if len(packages) < 2:
        return _lines(shown, preview)
    lines = _lines([step for step in shown if step not in packages], preview)
    return [*lines[:2], _packages(packages), *lines[2:]]


def _lines(steps: Iterable[Step], preview: Preview) -> list[str]:
    return [_line(step, preview) for step in steps]


def _packages(steps: Sequence[Step]) -> str:
    names = some([str(step.new.get("package")) for step in steps])
    return f"{counted(len(steps), 'application package')}, installed unless there: {names}"


def _by_name(changes: Sequence[MapChange]) -> list[str]:
    return [f"{name}: {change.before} → {change.after}" for change in changes for name in change.names]


def _line(step: Step, preview: Preview) -> str:
    if step.kind == "LiveSync" and step.changes and preview.resets_link:
        return f"{line(step)}; restored after the reset: solutions, keys, initial syncs and run states of the stack"
    if step.kind == "EntityMap" and step.operation == "create":
        return first_pin(step.new, preview.active_version(str(step.new.get("map"))))
    return line(step)


def afterwards(preview: Preview) -> list[str]:
    """What the stack is like once `up` has ended."""
    wanted = {step.kind: step.new for step in preview.steps if not step.deletes}
    linked = wanted.get("DualWriteConnection", {}).get("companies") or preview.outputs.get("linked_companies")
    lines = [f"Companies of the link: {companies(linked)}"] if linked else []
    maps = [*_maps(wanted, preview.outputs), *_stopped(preview)]
    return [*_pair(wanted, preview.outputs), *lines, *maps, _rest(preview)]


def _stopped(preview: Preview) -> list[str]:
    """What the stop of maps that run means for rows."""
    stopped = [
        one for one in map_changes(preview) if one.before != NOT_DECLARED and one.after in ("stopped", STOPPED_TOO)
    ]
    return ["Rows that change while a map is stopped are not brought over later."] if stopped else []


def _pair(wanted: Mapping[str, Bag], outputs: Bag) -> list[str]:
    instance = wanted.get("CdsInstance", {})
    cds = instance.get("domain") or label(instance.get("url") or outputs.get("cds_url"))
    partner = wanted.get("FinOpsInstance", {"url": outputs.get("finops_url")}).get("url")
    finops = label(partner) if partner else f"on {cds}"
    return [f"Pair: F&O {finops} and CDS {cds}"] if cds else []


def _maps(wanted: Mapping[str, Bag], outputs: Bag) -> list[str]:
    maps = mapping(wanted.get("LiveSync"), "maps") or mapping(outputs, "maps")
    states = ", ".join(f"{count} {state}" for state, count in Counter(maps.values()).most_common())
    lines = [f"Maps: {states}{_synced(wanted)}"] if maps else []
    if "paused" in maps.values():
        lines.append("Rows that change meanwhile wait in the queues of paused maps.")
    return lines


def _synced(wanted: Mapping[str, Any]) -> str:
    count = len(masters(wanted.get("LiveSync") or {}))
    return f"; initial sync done for {count}" if count else ""


def _rest(preview: Preview) -> str:
    if not preview.steps:
        return "Everything stays as it is."
    rest = max(0, preview.unchanged + sum(step.only_recorded for step in preview.steps) - 2)
    return f"Unchanged: {counted(rest, 'other resource')}." if rest else "Nothing else belongs to this stack."
