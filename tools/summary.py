"""The last lines of `make up`: what the stack is now, from its outputs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from tools import pulumi_cli
from tools.bags import mapping
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
    counts = mapping(update, "resourceChanges")
    return ", ".join(f"{counts[kind]} {word}" for kind, word in words.items() if counts.get(kind)) or "nothing to do"


def ready(deployment: Deployment) -> str:
    """`yes` or `no`, with the reason or what it does not mean."""
    is_ready, text = readiness(deployment)
    return ("[green]yes[/green]" if is_ready else "[red]no[/red]") + (f" ({escape(text)})" if text else "")


def as_of(history: Sequence[Mapping[str, Any]]) -> str:
    """When the services were last read for the stack: `up` without a change believes its state."""
    if not history:
        return ""
    again = "; `make refresh` reads the services again"
    read = next((run for run in history if pulumi_cli.read_services(run) or pulumi_cli.changed(run)), None)
    if read is None:
        return f"long ago{again}"
    return f"{datetime.fromisoformat(read['endTime']):%Y-%m-%d %H:%M} UTC{'' if read is history[0] else again}"


def states(maps: Mapping[str, str]) -> str:
    """`97 Running, 2 Stopped`, the most frequent first."""
    return ", ".join(f"{count} {state}" for state, count in Counter(maps.values()).most_common()) or "none"


def stamped(bootstrap: Mapping[str, Any]) -> tuple[str, str]:
    """Heading and cell of one bootstrap: `USMF: accounts 96, contacts 60; without a company still: accounts 2`."""
    cell = f"{bootstrap['company']}: {counted(mapping(bootstrap, 'rows'))}"
    if bootstrap.get("simulate"):
        return "would be stamped", cell
    left = {table: count for table, count in mapping(bootstrap, "unstamped").items() if count}
    return "stamped", cell + (f"; without a company still: {counted(left)}" if left else "")


def initial_syncs(live_syncs: Sequence[Mapping[str, Any]]) -> str:
    """Rows per company over all maps, and how many failed: `DAT 0, USMF 312`; empty without an initial sync."""
    rows: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    for company, counts in _by_company(live_syncs):
        rows[company] += int(counts.get("upserts", 0))
        errors[company] += int(counts.get("errors", 0))
    failed = +errors
    return counted(dict(sorted(rows.items()))) + (f"; in error: {counted(failed)}" if failed else "")


def _by_company(live_syncs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, int]]]:
    """Company and counts of every map's initial sync."""
    for live_sync in live_syncs:
        for companies in mapping(live_sync, "initial_syncs").values():
            yield from companies.items()


def counted(counts: Mapping[str, int]) -> str:
    """`accounts 96, contacts 60`; numbers with more than three digits in groups."""
    # Pulumi's state holds every number as a float.
    return ", ".join(f"{name} {int(count):,}" for name, count in counts.items())
