"""Pictures of a selection, counted in a thread: a map of its footprints and a histogram of its dates."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple, TypeVar

from textual.app import RenderResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from ...concurrency import in_thread
from ...errors import InvalidSearch
from ...planning.filters import Filters
from ...planning.index import Index
from ...planning.selection import Counts, Grid, Month, count_files, covered, extent, months
from .canvas import PATTERNS, Dots
from .projection import HIGH, WIDE
from .time_histogram import STEPS, TimeBins, axis, bars, make_bins

Picture = tuple[tuple[str, str], ...]
"""Lines, each with its style."""
Square = tuple[int, int]
Area = tuple[float, float, float, float]
"""West, south, east, north in degrees."""
_FINEST = 1e-5
_THIN = 0.5
"""Degrees of a dot below which footprints have many, so that some can be left out."""

_ORDER = ((0, 4, 2, 6), (5, 1, 7, 3))
"""In which order the dots of a cell are set as it gets denser."""
_ELSEWHERE = "·"
_LEAST_BARS, _MOST_BARS = 3, 8


@dataclass(frozen=True, slots=True)
class PlanMap:
    """A map's raster over an area, and the cells that are in it whatever is selected.

    - `grid`: Its dots, two by four in a cell, counted from west and south.
    - `edge`: What the area reaches over, in words.
    - `everything`: For each cell, row by row, whether there is anything in it.
    """

    grid: Grid
    edge: str = ""
    everything: bytes = b""

    @classmethod
    def around(cls, area: Area, columns: int, rows: int) -> PlanMap:
        """Return the map of so many cells in which an area fills most."""
        west, south, east, north = area
        dots, lines = columns * WIDE, rows * HIGH
        step = max((east - west) / dots, (north - south) / lines, _FINEST)
        left = (west + east) / 2 - step * dots / 2
        lower = (south + north) / 2 - step * lines / 2
        return cls(Grid(left, lower, step, dots, lines), edges(area))

    def cells(self, found: Mapping[Square, int], *, thin: bool = False) -> bytes:
        """Return the patterns of the cells in which something was found; `thin` leaves dots of little out."""
        dots = Dots(self.grid.columns // WIDE, self.grid.rows // HIGH)
        most = math.log1p(max(found.values(), default=1))
        for (x, y), number in found.items():
            line = self.grid.rows - 1 - y
            if not thin or _ORDER[x % WIDE][line % HIGH] < max(round(math.log1p(number) / most * 8), 2):
                dots.fill(x, line, x, line)
        return dots.cells()

    def draw(self, selected: Mapping[Square, int]) -> list[str]:
        """Return the lines of the map: dots where selected items are, a point in cells of others only.

        Where the dots of a cell have many and few items, the few are thinned out.
        """
        patterns = self.cells(selected, thin=self.grid.step < _THIN)
        cells = zip(patterns, self.everything or bytes(len(patterns)), strict=True)
        text = "".join(PATTERNS[dots] if dots or not there else _ELSEWHERE for dots, there in cells)
        columns = self.grid.columns // WIDE
        return [text[at : at + columns] for at in range(0, len(text), columns)]


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
    found = {**dict.fromkeys(everything, 0), **selected}
    days = {date(year, month, 1): number for (year, month), number in found.items()}
    return make_bins(days, None, most, (*STEPS[1:], ("year", 1000)))


def picture(
    selected: Mapping[Month, int],
    everything: Mapping[Month, int],
    where: Sequence[str],
    edge: str,
    size: Square,
) -> Picture:
    """Return where and when a selection is: a map over a histogram, each with what its edges are.

    - `selected`, `everything`: Items by month.
    - `where`: The lines of the map.
    - `edge`: What it reaches over.
    - `size`: Columns and rows of all of it.
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


class SelectionCount(NamedTuple):
    """What was counted.

    - `filters`: Of what.
    - `everything`: What area and time leave, whatever is ticked.
    - `chosen`: What of that is ticked.
    """

    filters: Filters
    everything: Counts
    chosen: Counts


class PlanCounter:
    """Counts selections of one index, and draws them, one after the other.

    - `index`: The index; closed by `close`.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self._all: dict[Month, int] | None = None
        self._map: PlanMap | None = None
        self._size = (0, 0)

    async def count(self, filters: Filters) -> SelectionCount:
        """Count a selection; a cancel ends it at once.

        Raises InvalidSearch, NoShapely as `planning.selection.count_files`; an index that cannot be read any
        more is the former.
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
        everything = self._all = months(self.index, Filters()) if self._all is None else self._all
        found = {} if filters.catalog_only else months(self.index, filters)
        if self._size != size:
            area, rows = extent(self.index), map_rows(everything, size[1])
            self._size, self._map = size, None
            if area is not None and rows:
                made = PlanMap.around(area, size[0], rows)
                cells = made.cells(covered(self.index, Filters(), made.grid))
                self._map = replace(made, everything=cells)
        if self._map is None:
            return picture(found, everything, (), "", size)
        dots = {} if filters.catalog_only else covered(self.index, filters, self._map.grid)
        return picture(found, everything, self._map.draw(dots), self._map.edge, size)

    async def close(self) -> None:
        """Close the index; a count that runs ends."""
        self.index.interrupt()

        def close() -> None:
            with self.index.lock:
                self.index.close()

        await in_thread(close)


def _unreadable(why: object) -> InvalidSearch:
    return InvalidSearch(f"the index of the dataset cannot be read: {why}", hint="press r to rebuild it")
