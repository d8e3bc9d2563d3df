"""Footprints: how often the boxes of selected items cover the cells of a fine grid, for a small area."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from .filters import Filters
from .index import Index
from .sql_filters import where
from .tally import selection

_MOST_BOXES = 20_000


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid over an area.

    Parameters
    ----------
    west, south
        Degrees of its corner; no item lies beyond them.
    step
        Degrees of a cell, in both directions.
    columns, rows
        Its number of cells.
    """

    west: float
    south: float
    step: float
    columns: int
    rows: int


def extent(index: Index) -> tuple[float, float, float, float] | None:
    """Return west, south, east, north of all items that have a place; None where none has.

    East is beyond 180 where items cross the antimeridian.
    """
    with index.lock:
        found = index.connection.execute(_EXTENT).fetchone()
    return None if found[0] is None else (found[0], found[1], found[2], found[3])


def covered(index: Index, filters: Filters, grid: Grid) -> dict[tuple[int, int], int]:
    """Return how many boxes of selected items cover each cell, by column and row from west and south.

    Boxes that are the same but for less than a cell are taken together; of very many, some thousands count.

    Raises
    ------
    InvalidSearch, NoShapely
        As `where`.
    sqlite3.OperationalError
        If the index was interrupted.
    """
    wanted = [number for number, name in index.collections.items() if filters.wants(name)]
    values = {"west": grid.west, "south": grid.south, "step": grid.step}
    with index.lock:
        db = selection(index, filters)
        found = where(db, filters)
        sql = _BOXES.format(item=found.item, wanted=", ".join(map(str, wanted)), most=_MOST_BOXES)
        boxes = db.execute(sql, {**found.values, **values}).fetchall()
    return dict(_sums(boxes, grid))


def _sums(boxes: list[tuple[int, int, int, int, int]], grid: Grid) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield the cells that are covered, from the corners of the boxes alone."""
    columns, rows = grid.columns, grid.rows
    changes = [[0] * (columns + 1) for _ in range(rows + 1)]
    for west, south, east, north, number in boxes:
        left, right = max(west, 0), min(east, columns - 1) + 1
        lower, upper = max(south, 0), min(north, rows - 1) + 1
        if left < right and lower < upper:
            changes[lower][left] += number
            changes[lower][right] -= number
            changes[upper][left] -= number
            changes[upper][right] += number
    above = [0] * (columns + 1)
    for y, line in enumerate(changes[:rows]):
        above = [before + change for before, change in zip(above, line, strict=True)]
        yield from (((x, y), number) for x, number in enumerate(accumulate(above[:columns])) if number)


_EXTENT = "SELECT min(w0), min(s0), max(e1), max(n1) FROM block WHERE kind < 2"
_BOXES = """
SELECT CAST((w - :west) / :step AS INTEGER) AS a, CAST((s - :south) / :step AS INTEGER) AS b,
    CAST((e - :west) / :step AS INTEGER) AS c, CAST((n - :south) / :step AS INTEGER) AS d, count(*)
FROM (SELECT low, high, whole FROM hit WHERE collection IN ({wanted}))
CROSS JOIN spot ON spot.id BETWEEN low AND high
WHERE kind < 2 AND (whole OR ({item})) GROUP BY a, b, c, d LIMIT {most}
"""
