"""Plans in the JSON form of the engine, as short as a test needs them."""

import json
from typing import Any

from tools.review.preview import Preview, read

PREFIX = "urn:pulumi:uat::dualwrite::dualwrite:components:DualWritePair$"


def urn(kind: str, name: str) -> str:
    return f"{PREFIX}pulumi-python:dynamic/dualwrite:{kind}::{name}"


def step(
    kind: str,
    operation: str,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    name: str = "",
    outputs: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One step; `old` and `new` are inputs."""
    about = {
        "urn": urn(kind, name or f"pair-{kind}"),
        "type": f"pulumi-python:dynamic/dualwrite:{kind}",
        "custom": True,
    }
    entry: dict[str, Any] = {"op": operation, "urn": about["urn"]}
    if old is not None:
        entry["oldState"] = {**about, "inputs": old, "outputs": {**old, **(outputs or {})}}
    if new is not None:
        entry["newState"] = {**about, "inputs": new}
    return entry


def said(message: str, kind: str = "LiveSync", severity: str = "info") -> dict[str, Any]:
    """One diagnostic."""
    return {"urn": urn(kind, f"pair-{kind}"), "message": message, "severity": severity}


def plan(
    *steps: dict[str, Any], diagnostics: list[dict[str, Any]] | None = None, stack: str = "uat", **more: Any
) -> Preview:
    """The plan as the page reads it."""
    document = {"steps": list(steps), "diagnostics": diagnostics or [], "changeSummary": {"same": 3}, **more}
    return read(stack, json.dumps(document))


def maps(**states: str) -> dict[str, Any]:
    """Inputs of LiveSync."""
    return {"maps": states, "cds": "contoso-uat"}
