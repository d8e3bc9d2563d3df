"""Pictures of a selection, counted in a thread: a map of its footprints and a histogram of its dates."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from textual.app import RenderResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from ...errors import InvalidSearch
from ...planning.filters import Filters
from ...planning.index import Index
from ...planning.selection import Counts, Grid, Month, count_files, covered, extent, months
from ...threads import in_thread
from .time_histogram import TimeBins, axis, bars

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


class PictureView(Widget):
    """Shows the lines it is given."""

    DEFAULT_CSS = "PictureView { background: $background; padding: 0 1; }"

    class Resized(Message):
        """There is another amount of room."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picture: Picture = ()

    def show(self, picture: Picture) -> None:
        """Show a picture; the same one is not drawn again."""
        if picture != self._picture:
            self._picture = picture
            self.refresh()

    @property
    def room(self) -> tuple[int, int]:
        """Columns and rows of a picture that fits; 0 while it is hidden."""
        return (self.content_size.width, self.content_size.height) if self.display else (0, 0)

    def on_resize(self) -> None:
        """Tell of it."""
        self.post_message(self.Resized())

    def render(self) -> RenderResult:
        """Draw the lines: digits and dots of our own, whose spaces count."""
        return Content("\n").join(Content.styled(text, style) for text, style in self._picture)


T = TypeVar("T")
_TRIES = 3


@dataclass(frozen=True, slots=True)
class SelectionCount:
    """What was counted.

    Parameters
    ----------
    filters
        Of what.
    everything
        What area and time leave, whatever is ticked.
    chosen
        What of that is ticked.
    """

    filters: Filters
    everything: Counts
    chosen: Counts


@dataclass(frozen=True, slots=True)
class _Map:
    """What all maps of one size have in common: their edges in words, the raster, the cells with anything."""

    size: tuple[int, int]
    edge: str
    canvas: Canvas
    cells: frozenset[tuple[int, int]]


class PlanCounter:
    """Counts selections of one index, and draws them, one after the other.

    Parameters
    ----------
    index
        The index; closed by `close`.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self._all: dict[Month, int] | None = None
        self._map: _Map | None = None

    async def count(self, filters: Filters) -> SelectionCount:
        """Count a selection; a cancel ends it at once.

        Raises
        ------
        InvalidSearch, NoShapely
            As `planning.selection.count_files`; an index that cannot be read any more is the former.
        """

        def work() -> SelectionCount:
            everything = count_files(self.index, replace(filters, collections=(), catalog_only=False))
            return SelectionCount(filters, everything, count_files(self.index, filters))

        return await self._in_thread(work)

    async def draw(self, filters: Filters, size: tuple[int, int]) -> Picture:
        """Draw where and when a selection is, in so many columns and rows; errors as of `count`."""
        return await self._in_thread(lambda: self._draw(filters, size)) if all(size) else ()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        for _ in range(_TRIES):
            try:
                return await in_thread(work, interrupt=self.index.interrupt)
            except sqlite3.OperationalError as error:
                # The end of the work before may reach the one that is just beginning.
                if "interrupt" not in str(error):
                    raise _unreadable(error) from None
            except sqlite3.DatabaseError as error:
                raise _unreadable(error) from None
        raise _unreadable("it is busy")

    def _draw(self, filters: Filters, size: tuple[int, int]) -> Picture:
        if self._all is None:
            self._all = months(self.index, Filters())
        found = {} if filters.catalog_only else months(self.index, filters)
        if self._map is None or self._map.size != size:
            self._map = self._whole_map(size, map_rows(self._all, size[1]))
        if self._map is None:
            return picture(found, self._all, (), "", size)
        canvas = self._map.canvas
        dots = {} if filters.catalog_only else covered(self.index, filters, canvas.grid)
        return picture(found, self._all, canvas.draw(dots, self._map.cells), self._map.edge, size)

    def _whole_map(self, size: tuple[int, int], rows: int) -> _Map | None:
        """Return the map of everything; None where there is nothing or no room."""
        area = extent(self.index)
        if area is None or not rows:
            return None
        canvas = Canvas.around(area, size[0], rows)
        return _Map(size, edges(area), canvas, canvas.cells(covered(self.index, Filters(), canvas.grid)))

    async def close(self) -> None:
        """Close the index; a count that runs ends."""
        self.index.interrupt()

        def close() -> None:
            with self.index.lock:
                self.index.close()

        await in_thread(close)


def _unreadable(why: object) -> InvalidSearch:
    return InvalidSearch(f"the index of the dataset cannot be read: {why}", hint="press r to rebuild it")
