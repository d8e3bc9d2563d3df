"""Pictures of a selection in characters: a map of its footprints and a histogram of its dates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...planning.selection import Grid, Month
from ..map.time_histogram import TimeBins, axis, bars

Picture = tuple[tuple[str, str], ...]
"""Lines, each with its style."""
Square = tuple[int, int]
Area = tuple[float, float, float, float]
"""West, south, east, north in degrees."""
_FINEST = 1e-5
_THIN = 0.5
"""Degrees of a dot below which footprints have many, so that some can be left out."""

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bits of a braille cell (Unicode, 2800 to 28FF), by column and row."""
_ORDER = ((0, 4, 2, 6), (5, 1, 7, 3))
"""In which order the dots of a cell are set as it gets denser."""
_ELSEWHERE = "·"
_LEAST_BARS, _MOST_BARS = 3, 8


@dataclass(frozen=True, slots=True)
class Canvas:
    """A map's raster: its dots in degrees, and its size in cells of two dots by four.

    Parameters
    ----------
    grid
        The dots, counted from west and south.
    columns, rows
        Cells.
    """

    grid: Grid
    columns: int
    rows: int

    @classmethod
    def around(cls, area: Area, columns: int, rows: int) -> Canvas:
        """Return the canvas of a size in which an area fills most."""
        west, south, east, north = area
        dots, lines = columns * 2, rows * 4
        step = max((east - west) / dots, (north - south) / lines, _FINEST)
        left = (west + east) / 2 - step * dots / 2
        lower = (south + north) / 2 - step * lines / 2
        return cls(Grid(left, lower, step, dots, lines), columns, rows)

    def cells(self, dots: Iterable[Square]) -> frozenset[Square]:
        """Return the cells, by row and column, that some dots are in."""
        lines = self.grid.rows
        return frozenset(((lines - 1 - y) // 4, x // 2) for x, y in dots)

    def draw(self, selected: Mapping[Square, int], everything: frozenset[Square]) -> list[str]:
        """Return the lines of a map: dots where selected items are, a point in cells of others only.

        Parameters
        ----------
        selected
            Numbers of items by dot. Where the dots of a cell have many and few, the few are thinned out.
        everything
            The cells in which there is anything.
        """
        lines = self.grid.rows
        raster = [[0] * self.columns for _ in range(self.rows)]
        most = math.log1p(max(selected.values(), default=1))
        dense = self.grid.step < _THIN
        for (x, y), number in selected.items():
            row, line = divmod(lines - 1 - y, 4)
            column = x // 2
            if not (0 <= row < self.rows and 0 <= column < self.columns):
                continue
            level = max(round(math.log1p(number) / most * 8), 2) if dense else 8
            if _ORDER[x % 2][line] < level:
                raster[row][column] |= _DOTS[x % 2][line]
        return [
            "".join(
                chr(0x2800 + bits) if bits else _ELSEWHERE if (row, column) in everything else " "
                for column, bits in enumerate(cells)
            )
            for row, cells in enumerate(raster)
        ]


def edges(area: Area) -> str:
    """Return the degrees that an area reaches over, as people write them."""
    west, south, east, north = area
    digits = 0 if east - west > 10 or north - south > 10 else 2
    wide = f"{_degrees(west, 'EW', digits)} to {_degrees(east, 'EW', digits)}"
    return f"{wide}, {_degrees(south, 'NS', digits)} to {_degrees(north, 'NS', digits)}"


def _degrees(value: float, letters: str, digits: int) -> str:
    if letters == "EW" and value > 180:
        value -= 360
    text = f"{abs(value):.{digits}f}"
    return f"{text}°{letters[value < 0] if float(text) else ''}"


def month_bins(selected: Mapping[Month, int], everything: Mapping[Month, int], most: int) -> TimeBins | None:
    """Return the selected items by month, or by several where there are more months than `most`.

    What is not selected has its place on the axis, so that a narrower time does not move the bars.
    """
    axis_of = everything or selected
    if not axis_of or most < 1:
        return None
    (y0, m0), (y1, m1) = min(axis_of), max(axis_of)
    low, high = y0 * 12 + m0 - 1, y1 * 12 + m1 - 1
    step = -(-(high - low + 1) // most)
    while high // step - low // step >= most:
        step += 1
    counts = [0] * (high // step - low // step + 1)
    for (year, month), number in selected.items():
        if low <= year * 12 + month - 1 <= high:
            counts[(year * 12 + month - 1) // step - low // step] += number
    return TimeBins("month", step, low // step, tuple(counts), (0, len(counts) - 1))


def picture(
    selected: Mapping[Month, int],
    everything: Mapping[Month, int],
    where: Sequence[str],
    edge: str,
    size: Square,
) -> Picture:
    """Return where and when a selection is: a map over a histogram, each with what its edges are.

    Parameters
    ----------
    selected, everything
        Items by month.
    where
        The lines of the map.
    edge
        What it reaches over.
    size
        Columns and rows of all of it.
    """
    columns, rows = size
    lines: list[tuple[str, str]] = []
    if where:
        lines.append((f"Where: {edge}", "$muted"))
        lines += [(row, "$primary") for row in where]
    bins = month_bins(selected, everything, columns)
    if bins is not None and (height := bar_rows(everything, rows)):
        lines.append((f"When: {_span(selected)}", "$muted"))
        lines += [(row, "$secondary") for row in bars(bins, columns, height)]
        lines.append((axis(bins, columns), "$muted"))
    return tuple(lines)


def bar_rows(everything: Mapping[Month, int], rows: int) -> int:
    """Return how many of the rows of a picture are the bars of its histogram."""
    return min(max(rows // 4, _LEAST_BARS), _MOST_BARS) if everything else 0


def map_rows(everything: Mapping[Month, int], rows: int) -> int:
    """Return how many of the rows of a picture are its map."""
    return max(rows - bar_rows(everything, rows) - 3, 0)


def _span(months: Mapping[Month, int]) -> str:
    if not months:
        return "nothing with a time"
    first, last = (f"{year:04}-{month:02}" for year, month in (min(months), max(months)))
    return first if first == last else f"{first} to {last}"
