"""The commands of a review: `page`, `preview` and `up --approved`, on a stack that is set up already."""

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from tools import json_output
from tools.bags import entries
from tools.exit_codes import ExitCode
from tools.review import markdown, outcome, terminal
from tools.review.approval import approved_plan
from tools.review.content import Content, arranged
from tools.review.planning import plan
from tools.review.preview import Finding, Preview, diagnostics
from tools.stack_copy import StackCopy
from tools.workspace import ROOT


def preview(copy: StackCopy, console: Console, *, refreshed: bool, as_json: bool) -> ExitCode:
    """Show a plan as a reviewer reads it; whether it is refused, or changes something."""
    planned = plan(copy.stack, copy.environment, refreshed=refreshed, config_file=copy.file)
    content = arranged(planned)
    if as_json:
        json_output.write("preview", **members(planned, content))
    else:
        terminal.show(content, console)
    return verdict(planned)


def page(copy: StackCopy, *, refreshed: bool, as_json: bool) -> ExitCode:
    """Print the page of a plan; whether it is refused, or changes something."""
    planned = plan(copy.stack, copy.environment, refreshed=refreshed, config_file=copy.file)
    content = arranged(planned)
    text = markdown.page(content)
    if as_json:
        json_output.write("page", **members(planned, content), marker=markdown.marker(copy.stack), page=text)
    else:
        sys.stdout.write(text)
    return verdict(planned)


def refresh(stack: str, options: Sequence[str], environment: Mapping[str, str], *, recorded: bool) -> ExitCode:
    """Tell a machine what a refresh found; how it ended. What the engine prints goes to standard error."""
    with TemporaryDirectory(prefix="dualwrite-") as folder:
        log = Path(folder, "events.json")
        command = ["pulumi", "refresh", *options, "--non-interactive", "--event-log", str(log)]
        variables = {**environment, **outcome.EVENT_LOG}
        done = subprocess.run(command, cwd=ROOT, env=variables, stdout=sys.stderr, check=False)
        text = log.read_text(encoding="utf-8") if log.exists() else ""
    events = list(outcome.events_of(text))
    findings, errors = diagnostics(outcome.of_kind(events, "diagnosticEvent"))
    json_output.write(
        "refresh", stack=stack, recorded=recorded, drift=_drift(events), findings=told(findings), errors=errors
    )
    return outcome.ended(done.returncode, text)


def _drift(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the refresh found otherwise, a row a resource."""
    rows = [each["metadata"] for each in outcome.of_kind(events, "resOutputsEvent")]
    return [
        {"resource": row["urn"].rpartition("::")[2], "operation": row["op"], "outputs": entries(row, "diffs")}
        for row in rows
        if row["op"] not in ("same", "read", "refresh")
    ]


def up_as_approved(approved: str, stack: str, environment: Mapping[str, str]) -> ExitCode:
    """Run the approved plan and nothing else."""
    with approved_plan(approved, stack, environment) as file:
        arguments = ["up", "--yes", "--skip-preview", "--refresh", "--suppress-outputs", "--plan", str(file)]
        return outcome.run([*arguments, "--stack", stack], environment)


def verdict(planned: Preview) -> ExitCode:
    """Refused, not readable, changes, or nothing."""
    if planned.of_kind("E"):
        return ExitCode.NOT_READ
    if planned.refusals:
        return ExitCode.REFUSED
    if planned.errors:
        return ExitCode.OTHER
    return ExitCode.CHANGES if planned.steps else ExitCode.DONE


def members(planned: Preview, content: Content) -> dict[str, object]:
    """What both commands tell a machine."""
    return {
        "stack": planned.stack,
        "headline": content.headline,
        "digest": content.digest or None,
        "changes": [
            {"resource": step.name, "operation": step.operation, "inputs": step.changed} for step in planned.steps
        ],
        "findings": told(planned.findings),
        "errors": list(planned.errors),
        "sections": [{"heading": section.heading, "lines": list(section.lines)} for section in content.sections],
        "refreshed": planned.refreshed,
    }


def told(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Findings for a machine."""
    return [{"code": each.code, "resource": each.urn.rpartition("::")[2], "text": each.text} for each in findings]
