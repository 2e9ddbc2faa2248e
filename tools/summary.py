"""The last lines of `make up`: what the stack is now, from its outputs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from tools import pulumi_cli
from tools.pulumi_cli import Deployment
from tools.readiness import map_states, readiness


def show(stack: str, deployment: Deployment, history: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print the pair, its companies, rows that were stamped or synced, its maps by state, and whether it is ready.

    `history`: the runs of the stack, newest first, of which the first is the one that ended now.
    """
    outputs, synced = deployment.outputs, initial_syncs(deployment.of_type("LiveSync"))
    rows = [
        ("Dataverse", str(outputs.get("cds_url", "-"))),
        ("Finance and Operations", str(outputs.get("finops_url", "-"))),
        ("companies", ", ".join(outputs.get("linked_companies") or ["-"])),
        ("maps", states(map_states(deployment))),
        *map(stamped, deployment.of_type("CompanyBootstrap")),
        ("initial sync", synced),
        ("ready", ready(deployment)),
        ("as of", as_of(history)),
    ]
    # Lines, not a table: one that is cut at 80 columns cannot be copied from a log.
    console.print(f"[italic]{stack}: {changes(history[0] if history else {})}[/italic]", soft_wrap=True)
    for heading, cell in rows:
        if cell:
            console.print(f" [dim]{heading:<23}[/dim] {cell}", soft_wrap=True, highlight=False)


def changes(update: Mapping[str, Any]) -> str:
    """`3 created, 1 updated, 9 unchanged`, in the CLI's own order of words."""
    words = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted", "same": "unchanged"}
    counts = update.get("resourceChanges") or {}
    return ", ".join(f"{counts[kind]} {word}" for kind, word in words.items() if counts.get(kind)) or "nothing to do"


def ready(deployment: Deployment) -> str:
    """`yes` or `no`, with the reason or what it does not mean."""
    is_ready, text = readiness(deployment)
    return ("[green]yes[/green]" if is_ready else "[red]no[/red]") + (f" ({escape(text)})" if text else "")


def as_of(history: Sequence[Mapping[str, Any]]) -> str:
    """When the services were last read for the stack: `up` without a change believes its state."""
    read = [entry for entry in history if pulumi_cli.read_services(entry) or pulumi_cli.changed(entry)]
    if not read:
        return "long ago; `make refresh` reads the services again" if history else ""
    again = "" if read[0] is history[0] else "; `make refresh` reads the services again"
    return f"{datetime.fromisoformat(read[0]['endTime']):%Y-%m-%d %H:%M} UTC{again}"


def states(maps: Mapping[str, str]) -> str:
    """`97 Running, 2 Stopped`, the most frequent first."""
    return ", ".join(f"{count} {state}" for state, count in Counter(maps.values()).most_common()) or "none"


def stamped(bootstrap: Mapping[str, Any]) -> tuple[str, str]:
    """Heading and cell of one bootstrap: `USMF: accounts 96, contacts 60; without a company still: accounts 2`."""
    left = {table: count for table, count in (bootstrap.get("unstamped") or {}).items() if count}
    cell = f"{bootstrap['company']}: {counted(bootstrap.get('rows') or {})}"
    if bootstrap.get("simulate"):
        return "would be stamped", cell
    return "stamped", cell + (f"; without a company still: {counted(left)}" if left else "")


def initial_syncs(live_syncs: Sequence[Mapping[str, Any]]) -> str:
    """Rows per company over all maps, and how many failed: `DAT 0, USMF 312`; empty without an initial sync."""
    rows: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    for companies in (each for live_sync in live_syncs for each in (live_sync.get("initial_syncs") or {}).values()):
        for company, counts in companies.items():
            rows[company] += int(counts.get("upserts", 0))
            errors[company] += int(counts.get("errors", 0))
    failed = +errors
    return counted(dict(sorted(rows.items()))) + (f"; in error: {counted(failed)}" if failed else "")


def counted(counts: Mapping[str, int]) -> str:
    """`accounts 96, contacts 60`; numbers with more than three digits in groups."""
    # Pulumi's state holds every number as a float.
    return ", ".join(f"{name} {int(count):,}" for name, count in counts.items())
