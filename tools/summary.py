"""The last lines of `make up`: what the stack is now, from its outputs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from tools.pulumi_cli import Deployment


def show(stack: str, deployment: Deployment, update: Mapping[str, Any], console: Console) -> None:
    """Print the pair, its companies, rows that were stamped or synced, its maps by state, and whether it is ready."""
    outputs, synced = deployment.outputs, initial_syncs(deployment.of_type("LiveSync"))
    rows = [
        ("Dataverse", str(outputs.get("cds_url", "-"))),
        ("Finance and Operations", str(outputs.get("finops_url", "-"))),
        ("companies", ", ".join(outputs.get("linked_companies") or ["-"])),
        ("maps", states(outputs.get("maps") or {})),
        *map(stamped, deployment.of_type("CompanyBootstrap")),
        ("initial sync", synced),
        ("ready", "[green]yes[/green]" if outputs.get("ready") is True else "[red]no[/red]"),
    ]
    # Lines, not a table: one that is cut at 80 columns cannot be copied from a log.
    console.print(f"[italic]{stack}: {changes(update)}[/italic]", soft_wrap=True)
    for heading, cell in rows:
        if cell:
            console.print(f" [dim]{heading:<23}[/dim] {cell}", soft_wrap=True, highlight=False)


def changes(update: Mapping[str, Any]) -> str:
    """`3 created, 1 updated, 9 unchanged`, in the CLI's own order of words."""
    words = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted", "same": "unchanged"}
    counts = update.get("resourceChanges") or {}
    return ", ".join(f"{counts[kind]} {word}" for kind, word in words.items() if counts.get(kind)) or "nothing to do"


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
