"""Counting a selection in a thread: its figures, and its pictures, drawn and ready to be shown."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from ...errors import InvalidSearch
from ...planning.filters import Filters
from ...planning.index import Index
from ...planning.selection import Counts, Month, count_files, covered, extent, months
from ...threads import in_thread
from .plan_pictures import Canvas, Picture, edges, map_rows, picture

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
