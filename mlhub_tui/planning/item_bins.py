"""Bins: where and when the items of a selection are, for a histogram and a map."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from .filters import Filters
from .index import Index
from .records import Box
from .selection import chosen_items

_MOST_BOXES = 20_000  # of a map
_DAY = 86_400_000_000  # microseconds
_DAYS_BEFORE_1970 = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Bins:
    """Items of a selection by month and by place."""

    months: dict[tuple[int, int], int]  # by `(year, month)` of their time's start, in order
    squares: dict[tuple[int, int], int]  # by the whole degrees below their centre
    timeless: int = 0  # in no month
    placeless: int = 0  # in no square


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid over an area: its south-western corner, degrees of a cell, and numbers of cells."""

    west: float
    south: float
    step: float
    columns: int
    rows: int


def bins(index: Index, filters: Filters) -> Bins:
    """Count the items of a selection by month and place; errors as of `SelectionCounter.counts`."""
    with index.lock:
        db = chosen_items(index, filters)
        days = db.execute(_DAYS.format(wanted=_wanted(index, filters))).fetchall()
        centres = db.execute(_CENTRES.format(wanted=_wanted(index, filters))).fetchall()
    months, squares = Counter[tuple[int, int]](), Counter[tuple[int, int]]()
    timeless = placeless = 0
    for day, number in days:
        if day is None:
            timeless = number
        else:
            months[_month(day)] += number
    for x, y, number in centres:
        if x is None:
            placeless = number
        else:
            x -= 360 if x >= 180 else 0
            squares[min(max(x, -180), 179), min(max(y, -90), 89)] += number
    return Bins(dict(sorted(months.items())), dict(squares), timeless, placeless)


def _month(day: int) -> tuple[int, int]:
    """Return year and month of a day counted from 1970; the nearest there is, of one beyond all dates."""
    ordinal = min(max(day + _DAYS_BEFORE_1970, 1), date.max.toordinal())
    found = date.fromordinal(ordinal)
    return found.year, found.month


def extent(index: Index) -> Box | None:
    """Return the box of all items that have a place; None where none has."""
    with index.lock:
        found = index.connection.execute("SELECT min(w), min(s), max(e), max(n) FROM item").fetchone()
    return None if found[0] is None else (found[0], found[1], found[2], found[3])


def covered(index: Index, filters: Filters, grid: Grid) -> dict[tuple[int, int], int]:
    """Return how many boxes of selected items cover each cell, by column and row from west and south.

    Boxes that are the same but for less than a cell are counted together; of very many, 20,000 are counted.
    Errors as of `SelectionCounter.counts`.
    """
    with index.lock:
        db = chosen_items(index, filters)
        sql = _BOXES.format(wanted=_wanted(index, filters), most=_MOST_BOXES)
        corner = {"west": grid.west, "south": grid.south, "step": grid.step}
        boxes = db.execute(sql, corner).fetchall()
    columns, rows = grid.columns, grid.rows
    # Each box changes the sums at its corners alone.
    changes = [[0] * (columns + 1) for _ in range(rows + 1)]
    for west, south, east, north, number in boxes:
        left, right = max(west, 0), min(east, columns - 1) + 1
        lower, upper = max(south, 0), min(north, rows - 1) + 1
        if left < right and lower < upper:
            for row, column, sign in (
                (lower, left, 1),
                (lower, right, -1),
                (upper, left, -1),
                (upper, right, 1),
            ):
                changes[row][column] += sign * number
    found: dict[tuple[int, int], int] = {}
    above = [0] * (columns + 1)
    for y, line in enumerate(changes[:rows]):
        above = [before + change for before, change in zip(above, line, strict=True)]
        found.update({(x, y): number for x, number in enumerate(accumulate(above[:columns])) if number})
    return found


def _wanted(index: Index, filters: Filters) -> str:
    return ", ".join(str(number) for number, name in index.collections.items() if filters.wants(name))


_DAYS = f"""
SELECT (t - CASE WHEN t < 0 THEN {_DAY - 1} ELSE 0 END) / {_DAY}, count(*)
FROM (SELECT coalesce(t0, t1) AS t FROM chosen JOIN item USING (id) WHERE collection IN ({{wanted}}))
GROUP BY 1
"""
_CENTRES = """
SELECT CAST((w + e) / 2 + 1000 AS INTEGER) - 1000, CAST((s + n) / 2 + 1000 AS INTEGER) - 1000, count(*)
FROM chosen JOIN item USING (id) WHERE collection IN ({wanted}) GROUP BY 1, 2
"""
_BOXES = """
SELECT CAST((w - :west) / :step AS INTEGER) AS a, CAST((s - :south) / :step AS INTEGER) AS b,
    CAST((e - :west) / :step AS INTEGER) AS c, CAST((n - :south) / :step AS INTEGER) AS d, count(*)
FROM chosen JOIN item USING (id) WHERE w IS NOT NULL AND collection IN ({wanted})
GROUP BY a, b, c, d LIMIT {most}
"""
