"""Where the maps of one area stand in their drawing: a column a wave, a line from each prerequisite.

Maps without a line in the area stand below, in rows. All numbers are pixels of the drawing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import mean

from emulator.page.table_maps import MapView

WIDTH, HEIGHT = 186, 28
COLUMN, ROW = 222, 35
HEAD = 24
FOOT = 4
IN_A_ROW = 4
_LONGEST_LABEL = 21


@dataclass(frozen=True)
class Node:
    """One map in the drawing. `short`: the label as far as it fits."""

    view: MapView
    x: int
    y: int
    short: str


@dataclass(frozen=True)
class Line:
    """From a prerequisite to the map that needs it; `path` is the `d` of an SVG path."""

    needed: str
    by: str
    path: str


@dataclass(frozen=True)
class Drawing:
    """The maps of one area. `heads`: x and title of each wave."""

    width: int
    height: int
    heads: tuple[tuple[int, str], ...]
    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]
    node_width: int = WIDTH
    node_height: int = HEIGHT


def drawing(views: Sequence[MapView]) -> Drawing:
    """Arrange the maps of one area, of which there is at least one."""
    edges = _edges(views)
    columns, nodes = _arranged(views, edges)
    return Drawing(
        width=max(node.x for node in nodes) + WIDTH,
        height=max(node.y for node in nodes) + HEIGHT + FOOT,
        heads=tuple((place * COLUMN, f"wave {column[0].wave}") for place, column in enumerate(columns)),
        nodes=tuple(nodes),
        lines=_lines(nodes, edges),
    )


def _edges(views: Sequence[MapView]) -> list[tuple[str, str]]:
    """Return each prerequisite with the map that needs it, where both are shown."""
    shown = {view.id for view in views}
    return [(need, view.id) for view in views for need in view.needs if need in shown]


def _lines(nodes: Sequence[Node], edges: Sequence[tuple[str, str]]) -> tuple[Line, ...]:
    by_id = {node.view.id: node for node in nodes}
    return tuple(Line(need, by, _path(by_id[need], by_id[by])) for need, by in edges)


def _arranged(views: Sequence[MapView], edges: Sequence[tuple[str, str]]) -> tuple[list[list[MapView]], Sequence[Node]]:
    """Return the columns of the maps that need another one or are needed, and the places of all."""
    tied = set(chain.from_iterable(edges))
    columns = _columns([view for view in views if view.id in tied], edges)
    return columns, _nodes(columns, [view for view in views if view.id not in tied])


def _columns(views: Sequence[MapView], edges: Sequence[tuple[str, str]]) -> list[list[MapView]]:
    """Return the columns, left to right; each map stands near the middle of what it needs."""
    users = Counter(need for need, _ in edges)
    places: dict[str, int] = {}

    def wanted(view: MapView) -> tuple[float, int, str]:
        rows = [places[each] for each in view.needs if each in places]
        return (mean(rows) if rows else -1.0, -users[view.id], view.label)

    columns = []
    for wave in sorted({view.wave for view in views}):
        column = sorted((view for view in views if view.wave == wave), key=wanted)
        places |= {view.id: row for row, view in enumerate(column)}
        columns.append(column)
    return columns


def _nodes(columns: Sequence[Sequence[MapView]], loose: Sequence[MapView]) -> list[Node]:
    """Return all maps with their places; the loose ones below the columns."""
    below = max(map(len, columns), default=0)
    tied = [_node(view, column, row) for column, rows in enumerate(columns) for row, view in enumerate(rows)]
    free = [_node(view, place % IN_A_ROW, below + place // IN_A_ROW) for place, view in enumerate(loose)]
    return tied + free


def _node(view: MapView, column: int, row: int) -> Node:
    label = view.label if len(view.label) <= _LONGEST_LABEL else f"{view.label[: _LONGEST_LABEL - 1].rstrip()}…"
    return Node(view, column * COLUMN, HEAD + row * ROW, label)


def _path(needed: Node, by: Node) -> str:
    start_x, start_y = needed.x + WIDTH, needed.y + HEIGHT // 2
    end_x, end_y = by.x, by.y + HEIGHT // 2
    bend = min(max((end_x - start_x) // 2, 18), 60)
    return f"M{start_x} {start_y} C{start_x + bend} {start_y} {end_x - bend} {end_y} {end_x} {end_y}"
