"""Where the maps of one area stand in their drawing: a column a wave, a line from each prerequisite.

Maps without a line in the area stand below, in rows. All numbers are pixels of the drawing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from emulator.page.table_maps import MapView

WIDTH, HEIGHT = 208, 28
COLUMN, ROW = 256, 36
HEAD = 24
COLUMNS_OF_LOOSE = 4
_LONGEST_LABEL = 27


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


def drawing(views: Sequence[MapView]) -> Drawing:
    """Arrange the maps of one area."""
    shown = {view.id for view in views}
    edges = [(need, view.id) for view in views for need in view.needs if need in shown]
    tied = {each for edge in edges for each in edge}
    columns = _columns([view for view in views if view.id in tied], edges)
    nodes = [_node(view, column, row) for column, rows in enumerate(columns) for row, view in enumerate(rows)]
    first_row = max(map(len, columns), default=0)
    loose = [view for view in views if view.id not in tied]
    nodes += [
        _node(view, place % COLUMNS_OF_LOOSE, first_row + place // COLUMNS_OF_LOOSE) for place, view in enumerate(loose)
    ]
    heads = tuple((column * COLUMN, f"wave {rows[0].wave}") for column, rows in enumerate(columns))
    by_id = {node.view.id: node for node in nodes}
    return Drawing(
        width=max((node.x + WIDTH for node in nodes), default=0),
        height=max((node.y + HEIGHT for node in nodes), default=0) + 4,
        heads=heads or ((0, "no prerequisites here"),),
        nodes=tuple(nodes),
        lines=tuple(Line(need, by, _path(by_id[need], by_id[by])) for need, by in edges),
    )


def _columns(views: Sequence[MapView], edges: Sequence[tuple[str, str]]) -> list[list[MapView]]:
    """Return the columns, left to right; each map stands near the middle of what it needs."""
    needs: dict[str, list[str]] = {}
    for need, by in edges:
        needs.setdefault(by, []).append(need)
    users: dict[str, int] = {}
    for need, _ in edges:
        users[need] = users.get(need, 0) + 1
    places: dict[str, float] = {}
    columns = []
    for wave in sorted({view.wave for view in views}):
        column = [view for view in views if view.wave == wave]
        column.sort(key=lambda view: _wanted(view, needs, places, users))
        places |= {view.id: float(row) for row, view in enumerate(column)}
        columns.append(column)
    return columns


def _wanted(
    view: MapView, needs: Mapping[str, list[str]], places: Mapping[str, float], users: Mapping[str, int]
) -> tuple[float, int, str]:
    known = [places[each] for each in needs.get(view.id, ()) if each in places]
    return (mean(known) if known else -1.0, -users.get(view.id, 0), view.label)


def _node(view: MapView, column: int, row: int) -> Node:
    label = view.label if len(view.label) <= _LONGEST_LABEL else f"{view.label[: _LONGEST_LABEL - 1].rstrip()}…"
    return Node(view, column * COLUMN, HEAD + row * ROW, label)


def _path(needed: Node, by: Node) -> str:
    start_x, start_y = needed.x + WIDTH, needed.y + HEIGHT // 2
    end_x, end_y = by.x, by.y + HEIGHT // 2
    bend = min(max((end_x - start_x) // 2, 20), 60)
    return f"M{start_x} {start_y} C{start_x + bend} {start_y} {end_x - bend} {end_y} {end_x} {end_y}"
