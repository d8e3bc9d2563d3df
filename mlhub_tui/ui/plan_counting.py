"""Counting a selection in a thread: its figures, and its pictures, drawn and ready to be shown."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace

from ..downloads.plan.bins import Bins, bins
from ..downloads.plan.counts import Counter, Counts
from ..downloads.plan.filters import Filters
from ..downloads.plan.footprints import covered, extent
from ..downloads.plan.index import Index
from ..downloads.threads import in_thread
from ..errors import InvalidSearch
from .plan_pictures import Area, Canvas, Picture, edges, map_rows, picture

_TRIES = 3
_NEAR = 20
"""Degrees: of a smaller area the footprints themselves are drawn, of a larger one square degrees."""
_SEEN = Filters()


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted.

    Parameters
    ----------
    filters
        Of what.
    everything
        What area and time leave, whatever is ticked.
    chosen
        What of that is ticked.
    picture
        Where and when that is.
    """

    filters: Filters
    everything: Counts
    chosen: Counts
    picture: Picture


class Counting:
    """Counts selections of one index, one at a time.

    Parameters
    ----------
    index
        The index; closed by `close`.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self._counter = Counter(index)
        self._all: Bins | None = None
        self._area: Area | None = None
        self._covered: tuple[Canvas, dict[tuple[int, int], int]] | None = None

    async def count(self, filters: Filters, size: tuple[int, int]) -> Counted:
        """Count a selection; a cancel ends it at once.

        Parameters
        ----------
        size
            Columns and rows of the picture; none is drawn where one is 0.

        Raises
        ------
        InvalidSearch, NoShapely
            As `Counter.counts`; an index that cannot be read any more is the former.
        """
        for _ in range(_TRIES):
            try:
                return await in_thread(lambda: self._count(filters, size), interrupt=self.index.interrupt)
            except sqlite3.OperationalError as error:
                # The end of the count before may reach the one that is just beginning.
                if "interrupt" not in str(error):
                    raise _unreadable(error) from None
            except sqlite3.DatabaseError as error:
                raise _unreadable(error) from None
        raise _unreadable("it is busy")

    def _count(self, filters: Filters, size: tuple[int, int]) -> Counted:
        everything = self._counter.counts(replace(filters, collections=(), catalog_only=False))
        chosen = self._counter.counts(filters)
        return Counted(filters, everything, chosen, self._draw(filters, size) if all(size) else ())

    def _draw(self, filters: Filters, size: tuple[int, int]) -> Picture:
        """Draw where and when a selection is; what there is in all is looked at once for each size."""
        if self._all is None:
            self._all, self._area = bins(self.index, _SEEN), extent(self.index)
        found = Bins({}, {}) if filters.catalog_only else bins(self.index, filters)
        rows = map_rows(self._all, size[1])
        if self._area is None or not rows:
            return picture(found, self._all, (), "", size)
        west, south, east, north = self._area
        near = east - west <= _NEAR and north - south <= _NEAR
        seen = self._area if near else _around(self._all)
        canvas = Canvas.around(seen, size[0], rows)
        if not near:
            drawn = canvas.draw(canvas.squares(found.squares), canvas.squares(self._all.squares))
            return picture(found, self._all, drawn, edges(seen), size)
        if self._covered is None or self._covered[0] != canvas:
            self._covered = canvas, covered(self.index, _SEEN, canvas.grid)
        selected = {} if filters.catalog_only else covered(self.index, filters, canvas.grid)
        return picture(found, self._all, canvas.draw(selected, self._covered[1]), edges(seen), size)

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
    return InvalidSearch(f"the index of the dataset cannot be read: {why}", hint="press r to make it anew")
