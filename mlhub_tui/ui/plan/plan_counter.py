"""Counting a selection in a thread: its figures, and its pictures, drawn and ready to be shown."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from ...errors import InvalidSearch
from ...planning.filters import Filters
from ...planning.index import Index
from ...planning.item_bins import Bins, bins, covered, extent
from ...planning.selection import Counts, SelectionCounter
from ...threads import in_thread
from .plan_pictures import Area, Canvas, Picture, edges, map_rows, picture

T = TypeVar("T")
_TRIES = 3
_NEAR = 20
"""Degrees: of a smaller area the footprints themselves are drawn, of a larger one square degrees."""


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
class _Ground:
    """What all maps of one size have in common: the area, the raster, and where there is anything."""

    size: tuple[int, int]
    edge: str
    canvas: Canvas
    near: bool
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
        self._counter = SelectionCounter(index)
        self._all: Bins | None = None
        self._ground: _Ground | None = None

    async def count(self, filters: Filters) -> SelectionCount:
        """Count a selection; a cancel ends it at once.

        Raises
        ------
        InvalidSearch, NoShapely
            As `SelectionCounter.counts`; an index that cannot be read any more is the former.
        """

        def work() -> SelectionCount:
            everything = self._counter.counts(replace(filters, collections=(), catalog_only=False))
            return SelectionCount(filters, everything, self._counter.counts(filters))

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
            self._all = bins(self.index, Filters())
        found = Bins({}, {}) if filters.catalog_only else bins(self.index, filters)
        if self._ground is None or self._ground.size != size:
            self._ground = self._survey(self._all, size)
        ground = self._ground
        if ground is None:
            return picture(found, self._all, (), "", size)
        if not ground.near:
            dots = ground.canvas.squares(found.squares)
        else:
            dots = {} if filters.catalog_only else covered(self.index, filters, ground.canvas.grid)
        return picture(found, self._all, ground.canvas.draw(dots, ground.cells), ground.edge, size)

    def _survey(self, everything: Bins, size: tuple[int, int]) -> _Ground | None:
        """Look at where everything is, for maps of a size; None where there is nothing or no room."""
        area, rows = extent(self.index), map_rows(everything, size[1])
        if area is None or not rows:
            return None
        near = area[2] - area[0] <= _NEAR and area[3] - area[1] <= _NEAR
        seen = area if near else _around(everything)
        canvas = Canvas.around(seen, size[0], rows)
        dots = covered(self.index, Filters(), canvas.grid) if near else canvas.squares(everything.squares)
        return _Ground(size, edges(seen), canvas, near, canvas.cells(dots))

    async def close(self) -> None:
        """Close the index; a count that runs ends."""
        self.index.interrupt()

        def close() -> None:
            with self.index.lock:
                self.index.close()

        await in_thread(close)


def _around(found: Bins) -> Area:
    """Return the area around the square degrees that hold something."""
    longitudes, latitudes = [x for x, _ in found.squares], [y for _, y in found.squares]
    return min(longitudes), min(latitudes), max(longitudes) + 1, max(latitudes) + 1


def _unreadable(why: object) -> InvalidSearch:
    return InvalidSearch(f"the index of the dataset cannot be read: {why}", hint="press r to rebuild it")
