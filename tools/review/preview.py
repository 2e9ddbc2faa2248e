"""`pulumi preview --json` as data: the steps of the plan and the findings of our checks.

The engine omits unchanged resources there, and passes what providers say only as text in `diagnostics`; our texts carry
a code (docs/findings.md), and nothing here depends on any other word of them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tools.bags import Bag, entries, mapping
from tools.exit_codes import NotRead

RESETS = ("DW-I01", "DW-I02")
STACK_TYPE = "pulumi:pulumi:Stack"
_OURS = "dynamic/dualwrite:"
_CODE = re.compile(r"\bDW-[A-Z]\d\d\b")
# How the engine names the input of a refusal, before our text.
_INPUT = re.compile(r"\bproperty (\S+) value \{.*\} has a problem: $", re.DOTALL)
_TITLE = re.compile(r"^\w+ '.*?': ")
_UNCHANGED = ("same", "read", "refresh")
# What the engine writes for a value that is known only during `up`.
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
# The key by which the engine marks a value that is not to be shown.
_MARK = "4dabf18193072939515e22adb298388d"


class Finding(NamedTuple):
    """What a check of ours said: its stable code, the sentence, and the resource it is about."""

    code: str
    text: str
    urn: str

    @property
    def sentence(self) -> str:
        """The text without the `CdsInstance 'contoso-uat': ` that every message begins with."""
        return _TITLE.sub("", self.text)


@dataclass(frozen=True)
class Step:
    """One planned operation. `old` and `new`: inputs without hidden keys; `held`: outputs of the last `up`."""

    operation: str
    urn: str
    type: str
    old: Bag = field(default_factory=dict)
    new: Bag = field(default_factory=dict)
    held: Bag = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """`CdsInstance` for a resource of ours, empty for any other."""
        return self.type.partition(_OURS)[2]

    @property
    def name(self) -> str:
        """The resource's name in its program."""
        return self.urn.rpartition("::")[2]

    @property
    def replaces(self) -> bool:
        """Whether the object is removed and another one made."""
        return "replace" in self.operation

    @property
    def deletes(self) -> bool:
        """Whether the object is removed and nothing takes its place."""
        return self.operation == "delete"

    @property
    def changes(self) -> bool:
        """Whether an object that was there stays, or is only removed."""
        return bool(self.old) and not self.replaces

    @property
    def removes(self) -> bool:
        """Whether the object is removed, with or without another one in its place."""
        return self.deletes or self.replaces

    @property
    def creates_instance(self) -> bool:
        """Whether a CDS or F&O instance is made for the first time."""
        return self.operation == "create" and self.new.get("instance") == "new"

    @property
    def makes(self) -> bool:
        """Whether an object is made that was not there."""
        return self.operation == "create" or self.replaces

    @property
    def changed(self) -> list[str]:
        """Names of the inputs that differ."""
        return sorted(name for name in self.old.keys() | self.new.keys() if self.old.get(name) != self.new.get(name))

    @property
    def only_recorded(self) -> bool:
        """Whether nothing follows from it but what other steps say: LiveSync records which maps are pinned."""
        return self.kind == "LiveSync" and self.operation == "update" and self.changed == ["pinned"]


@dataclass(frozen=True)
class Preview:
    """A whole plan.

    `outputs`: of the stack, as the last `up` left it; `errors`: what no check of ours said; `refreshed`: the services
    were read anew for it.
    """

    stack: str
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]
    errors: tuple[str, ...]
    outputs: Bag
    unchanged: int
    refreshed: bool = False

    @property
    def refusals(self) -> list[Finding]:
        """Findings that end `up` before it writes."""
        return [finding for finding in self.findings if finding.code.startswith("DW-C")]

    @property
    def resets_link(self) -> bool:
        """Whether the companies come by a reset of the link, with or without loss."""
        return any(finding.code in RESETS for finding in self.findings)

    def active_version(self, name: str) -> str:
        """The version that a map without a declared one had at the last `up` or `refresh`; empty where unknown."""
        recorded = (mapping(step.held, "versions") for step in self.of("LiveSync"))
        return str(next((versions[name] for versions in recorded if name in versions), ""))

    def of(self, kind: str) -> list[Step]:
        """The steps of one kind of resource."""
        return [step for step in self.steps if step.kind == kind]

    def created(self, kind: str) -> Bag | None:
        """The inputs of a resource of that kind that is new to the stack."""
        return next((step.new for step in self.of(kind) if step.operation == "create"), None)

    def of_kind(self, letter: str) -> list[Finding]:
        """Findings whose code begins with `DW-<letter>`."""
        return [finding for finding in self.findings if finding.code.startswith(f"DW-{letter}")]


def read(stack: str, text: str, *, refreshed: bool = False) -> Preview:
    """The plan in the JSON that the engine printed; NotRead when it is none."""
    try:
        document = json.loads(text)
        steps = document["steps"]
    except (ValueError, KeyError, TypeError) as problem:
        raise NotRead(f"The preview of '{stack}' could not be read: the engine printed no plan.") from problem
    findings, errors = diagnostics(entries(document, "diagnostics"))
    counts = mapping(document, "changeSummary")
    return Preview(
        stack=stack,
        steps=tuple(_step(step) for step in steps if step["op"] not in _UNCHANGED and _counts(step)),
        findings=tuple(findings),
        errors=tuple(errors),
        outputs=_outputs(steps),
        unchanged=sum(counts.get(kind, 0) for kind in _UNCHANGED),
        refreshed=refreshed,
    )


def visible(state: Mapping[str, Any], part: str) -> Bag:
    """`inputs` or `outputs` of a state without hidden keys; a value that is not known yet reads so."""
    return {name: _known(value) for name, value in mapping(state, part).items() if not name.startswith("__")}


def _known(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _known_entries(value)
    if isinstance(value, list):
        return [_known(item) for item in value]
    return "(known during up)" if value == _UNKNOWN else value


def _known_entries(value: Mapping[str, Any]) -> Any:
    if _MARK in value:
        return "(secret)"
    if value and all(item is True for item in value.values()):
        return sorted(value)  # a set, which the providers store so
    return {key: _known(item) for key, item in value.items()}


def _counts(step: Mapping[str, Any]) -> bool:
    """Components, the stack and providers are no objects of a service."""
    state = _state(step)
    return bool(state.get("custom")) and not str(state["type"]).startswith("pulumi:providers:")


def _state(step: Mapping[str, Any]) -> Bag:
    return dict(step.get("newState") or step.get("oldState") or {})


def _step(step: Mapping[str, Any]) -> Step:
    old, new = mapping(step, "oldState"), mapping(step, "newState")
    return Step(
        operation=str(step["op"]),
        urn=str(step["urn"]),
        type=str(_state(step)["type"]),
        old=visible(old, "inputs"),
        new=visible(new, "inputs"),
        held=visible(old, "outputs"),
    )


def _outputs(steps: list[Mapping[str, Any]]) -> Bag:
    own: Mapping[str, Any] = next((step for step in steps if _state(step).get("type") == STACK_TYPE), {})
    return visible(mapping(own, "oldState"), "outputs")


def diagnostics(told: Sequence[Mapping[str, Any]]) -> tuple[list[Finding], list[str]]:
    """What was said with a code of ours, and the errors without one."""
    findings: set[Finding] = set()
    errors: list[str] = []
    for entry in told:
        message = str(entry.get("message", "")).strip()
        code = _CODE.search(message)
        if code:
            text = _with_input(message[: code.start()], message[code.end() :].strip())
            findings.add(Finding(code[0], text, str(entry.get("urn", ""))))
        elif message and entry.get("severity") == "error":
            errors.append(message.removeprefix("error: "))
    return sorted(findings), errors


def _with_input(before: str, text: str) -> str:
    """The text of a refusal behind the input that it is about, unless it begins with that."""
    named = _INPUT.search(before)
    return text if named is None or text.startswith(named[1]) else f"{named[1]}: {text}"
