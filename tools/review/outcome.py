"""How a run of the CLI ended, as an exit code: read from the engine's events and from codes of findings, never prose.

The CLI itself knows only 0 and "something went wrong". Its event log (`--event-log`, which is what the Automation API
uses) names each operation that failed and holds what providers said.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools import interruption
from tools.exit_codes import ExitCode

# The CLI shows the flag only with this variable.
EVENT_LOG = {"PULUMI_DEBUG_COMMANDS": "true"}
# What the CLI says with its own code: all is well, and `--expect-no-changes` met some.
_PLAIN = {0: ExitCode.DONE, 7: ExitCode.CHANGES}
_CODE = re.compile(r"\bDW-([A-Z])\d\d\b")


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> ExitCode:
    """Run the CLI on the user's terminal; how it ended."""
    with TemporaryDirectory(prefix="dualwrite-") as folder:
        log = Path(folder, "events.json")
        code = interruption.run([*arguments, "--event-log", str(log)], {**environment, **EVENT_LOG}, log)
        return ended(code, log.read_text(encoding="utf-8") if log.exists() else "")


def ended(code: int, log: str) -> ExitCode:
    """The exit code of ours for one of the CLI and its event log, one JSON object a line."""
    if code in _PLAIN:
        return _PLAIN[code]
    events = list(events_of(log))
    failed = {_urn(event.get("metadata")) for event in of_kind(events, "resOpFailedEvent")}
    messages = of_kind(events, "diagnosticEvent")
    if failed:
        return _failed([each for each in messages if each.get("urn") in failed])
    return refusal([each for each in messages if each.get("severity") == "error"])


def of_kind(events: Iterable[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    """What the events of one kind carry."""
    return [event[kind] for event in events if kind in event]


def refusal(errors: Sequence[Mapping[str, Any]]) -> ExitCode:
    """What diagnostics of a plan that never ran say: not readable, refused, or something else."""
    letters = [found[1] for error in errors if (found := _CODE.search(str(error.get("message", ""))))]
    if "E" in letters:
        return ExitCode.NOT_READ
    return ExitCode.REFUSED if "C" in letters else ExitCode.OTHER


def _failed(messages: Sequence[Mapping[str, Any]]) -> ExitCode:
    """A person, when that is what a failed resource waited for; else the next `up` continues."""
    codes = (_CODE.search(str(each["message"])) for each in messages)
    letters = {code[1] for code in codes if code}
    if "E" in letters:
        return ExitCode.NOT_READ
    return ExitCode.PERSON if "P" in letters else ExitCode.FAILED


def events_of(log: str) -> Iterator[dict[str, Any]]:
    """The events of a log, one JSON object a line."""
    for line in log.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            # A killed CLI leaves half a line.
            continue
        yield event


def _urn(metadata: Mapping[str, Any] | None) -> str:
    return str((metadata or {}).get("urn", ""))
