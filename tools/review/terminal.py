"""The page's content as lines for a terminal."""

from rich.console import Console
from rich.markup import escape

from tools.review.content import MAPS_SHOWN, Content, MapChange


def show(content: Content, console: Console) -> None:
    """Print all of it; what a page folds is left to `ARGS=--diff`."""
    _print(console, f"[bold]{escape(content.stack)}[/bold]: {escape(content.headline)}")
    for section in content.sections:
        _print(console, f"\n[bold]{escape(section.heading)}[/bold]")
        for text in section.lines:
            _print(console, f"  {escape(text)}")
        for change in section.maps:
            _print(console, f"  {escape(_row(change))}")
    if content.digest:
        _print(console, f"\nDigest: {content.digest}")


def _row(change: MapChange) -> str:
    named = f" ({', '.join(change.names)})" if len(change.names) <= MAPS_SHOWN else ""
    return f"maps {change.before} → {change.after}: {len(change.names)}{named}"


def _print(console: Console, text: str) -> None:
    # Lines, not a table: one that is cut at 80 columns cannot be copied from a log.
    console.print(text, soft_wrap=True, highlight=False)
