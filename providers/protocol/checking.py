"""`check`: everything that can be said about inputs before a plan is shown, all at once.

Offline rules first; the services are asked only when those are kept, before a creation or a change.
"""

from collections.abc import Iterable
from typing import Any

from pulumi.dynamic import CheckFailure, CheckResult

from providers.protocol.bags import Bag, is_unknown, private, unknown_fields, visible
from providers.protocol.call import Call
from providers.protocol.diff import Meaning
from providers.protocol.kind import In, ResourceKind, Stored
from providers.protocol.marks import Refused, mark
from providers.protocol.memory import Memory
from providers.protocol.models import PrivateInputs
from providers.protocol.problems import Fixed, Problem, against, validated
from providers.protocol.row import row_of
from providers.protocol.tenant import known_conflict

# Private inputs by URN, for the operation that follows. Stored ones would show in previews.
passed: Memory[Bag] = Memory()


def checked(kind: ResourceKind[In, Any], olds: Bag, news: Bag, call: Call) -> CheckResult:
    """The canonical inputs, and every problem with the path as the user wrote it."""
    wanted, old = visible(news), visible(olds)
    unknown = unknown_fields(wanted)
    known = {name: value for name, value in wanted.items() if name not in unknown}
    result, problems = validated(kind.inputs, kind.resource, known, unknown)
    if problems or unknown:
        problems += _change_problems(kind, old, result)
    else:
        inputs = kind.resolved(kind.normalise(kind.inputs_of(result)), kind.old_inputs_of(old), call)
        result = _shown(kind, inputs)
        problems = [*kind.problems(inputs, kind.old_inputs_of(old)), *_change_problems(kind, old, result)]
        problems = problems or list(_live_problems(kind, inputs, old, call))
    passed.put(call.row.urn, private(news))
    complete = {**kind.packed(result), **{name: news[name] for name in unknown}, **row_of(news)}
    failures = [_failure(problem, wanted) for problem in problems]
    return CheckResult(complete if not failures else {**news}, failures)


def _failure(problem: Problem, inputs: Bag) -> CheckFailure:
    """A problem for the engine, which prints the value of a property that it names: `{<nil>}` where there is none."""
    if isinstance(inputs.get(problem.path), str | int | float):
        return CheckFailure(problem.path, str(problem))
    return CheckFailure("", f"{problem.finding.code} {problem.path}: {problem.text}")


def _live_problems(kind: ResourceKind[In, Any], inputs: In, old: Bag, call: Call) -> list[Problem]:
    """What is worth a note, and what the services say; the update half of an `up` repeats only warnings."""
    call = call.only_warning() if PrivateInputs.of(call.private).updating else call
    kind.noted(inputs, kind.old_inputs_of(old), call)
    return [against(problem) for problem in _live(kind, inputs, old, call)]


def _live(kind: ResourceKind[In, Any], inputs: In, old: Bag, call: Call) -> Iterable[Problem]:
    """Live checks: before a creation, or a change of inputs that are still readable; else no call is made."""
    if not old:
        return kind.live_problems(inputs, call)
    before = kind.old_inputs_of(old)
    changed = kind.difference(old, _shown(kind, inputs))
    if before is None or not changed or changed.only_recorded:
        return ()
    return kind.live_change_problems(inputs, before, call)


def _shown(kind: ResourceKind[In, Any], inputs: In) -> Bag:
    bag = inputs.model_dump(mode="json", exclude_none=True)
    return {name: value for name, value in bag.items() if kind.shows(name, value)}


def _tenant_problems(kind: ResourceKind[Any, Any], old: Bag, new: Bag) -> list[Problem]:
    """Two tenants that are known without asking, and are not one."""
    if "tenant" not in kind.inputs.model_fields:
        return []
    conflict = known_conflict(new.get("tenant"), old.get("tenant"))
    return [Fixed("tenant", f"{conflict}: one stack belongs to one tenant")] if conflict else []


def _change_problems(kind: ResourceKind[Any, Any], old: Bag, new: Bag) -> list[Problem]:
    """What stands against the change itself, before any service is asked."""
    return [*_refusals(kind, old, new), *_tenant_problems(kind, old, new)]


def _refusals(kind: ResourceKind[Any, Any], old: Bag, new: Bag) -> list[Problem]:
    problems: list[Problem] = []
    for name, info in kind.inputs.model_fields.items():
        refused = mark(info, Refused)
        if refused is None or name not in old or name not in new or is_unknown(old[name]):
            continue
        if kind.meaning(name, old[name], new[name], Stored("", old)) is Meaning.OTHER:
            problems.append(Fixed(name, f"cannot change from {old[name]!r} to {new[name]!r}: {refused.reason}"))
    return problems
