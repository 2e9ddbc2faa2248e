"""The stack file, read once: every problem at once, each named by the user's own key, before anything is contacted.

`stack` has the shape, `rules` what keys mean together, `findings` the words.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG
from pydantic import ValidationError

from components.draft import Draft, draft_of
from components.findings import Finding, listed, report
from components.rules import broken_rules
from components.stack import NAMESPACE, Stack
from providers.protocol.findings import STACK_FILE


def check(raw: Mapping[str, Any], today: date) -> tuple[Stack | None, list[Finding]]:
    """The stack of these values (keys without namespace), or every problem there is; pure."""
    try:
        stack = Stack.model_validate(raw, by_alias=True, by_name=False)
    except ValidationError as error:
        return None, listed([*report(error, Stack), *broken_rules(draft_of(raw), today)])
    findings = broken_rules(Draft(stack, raw), today)
    return (None if findings else stack), listed(findings)


def load(config: pulumi.Config, today: date) -> Stack:
    """The running stack's file. RunError lists every problem, one line each, and nothing was contacted before."""
    raw, findings = read(config, CONFIG.get())
    if not findings and not raw.keys() - {"cloud"}:
        needed = ", ".join(f"`{NAMESPACE}:{key}`" for key in _required_keys())
        raise _refused(f"says nothing of a pair: it needs {needed} below `config:`")
    stack, problems = check(raw, today)
    findings = listed([*findings, *problems])
    if stack is None or findings:
        raise _refused(_problems(findings))
    return stack


def _problems(findings: Sequence[object]) -> str:
    count = "1 problem" if len(findings) == 1 else f"{len(findings)} problems"
    return "\n".join([f"has {count}:", *(f"  {finding}" for finding in findings)])


def _refused(text: str) -> pulumi.RunError:
    return pulumi.RunError(f"{STACK_FILE.code} stacks/Pulumi.{pulumi.get_stack()}.yaml {text}")


def read(config: pulumi.Config, everything: Mapping[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """The values below the namespace by key, structured ones parsed, and the keys that have none.

    An empty map or list counts as absent: Pulumi.yaml gives every key that the file leaves out such a default. A key
    without a value arrives as an empty text, and is None here.
    """
    raw: dict[str, Any] = {}
    findings = []
    for full in sorted(everything):
        namespace, colon, key = full.partition(":")
        if not colon:
            findings.append(_without_namespace(full))
        elif namespace == NAMESPACE:
            raw[key] = _value(config, key)
    return _filled(raw), findings


def _filled(raw: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in raw.items() if key not in _keys() or value not in ({}, [])}
    return {key: None if value == "" else value for key, value in given.items()}


def _without_namespace(key: str) -> Finding:
    text = f"is not a key of a stack file; keys begin with `{NAMESPACE}:`"
    return Finding(key, f"{text}, did you mean `{NAMESPACE}:{key}`?" if key in _keys() else text)


def _value(config: pulumi.Config, key: str) -> Any:
    if key == "cloud":
        return config.get(key)
    try:
        return config.get_object(key)
    except pulumi.ConfigTypeError:
        return config.get(key)


def _keys() -> list[str]:
    return [info.alias or name for name, info in Stack.model_fields.items()]


def _required_keys() -> list[str]:
    return [info.alias or name for name, info in Stack.model_fields.items() if info.is_required()]
