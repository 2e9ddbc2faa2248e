"""The last lines of `make up`: what the stack is now, from its outputs."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def show(stack: str, outputs: Mapping[str, Any], update: Mapping[str, Any], console: Console) -> None:
    """Print the pair, its companies, its maps by state, and whether it is ready."""
    table = Table(title=f"{stack}: {changes(update)}", title_justify="left", show_header=False, box=None)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row("Dataverse", str(outputs.get("cds_url", "-")))
    table.add_row("Finance and Operations", str(outputs.get("finops_url", "-")))
    table.add_row("companies", ", ".join(outputs.get("linked_companies") or ["-"]))
    table.add_row("maps", states(outputs.get("maps") or {}))
    table.add_row("ready", "[green]yes[/green]" if outputs.get("ready") is True else "[red]no[/red]")
    console.print(table)


def changes(update: Mapping[str, Any]) -> str:
    """`3 created, 1 updated, 9 unchanged`, in the CLI's own order of words."""
    words = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted", "same": "unchanged"}
    counts = update.get("resourceChanges") or {}
    return ", ".join(f"{counts[kind]} {word}" for kind, word in words.items() if counts.get(kind)) or "nothing to do"


def states(maps: Mapping[str, str]) -> str:
    """`97 Running, 2 Stopped`, the most frequent first."""
    return ", ".join(f"{count} {state}" for state, count in Counter(maps.values()).most_common()) or "none"
