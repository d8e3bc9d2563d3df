"""Where and when the selected items are: counted by month and by square degree, for a histogram and a map."""

from __future__ import annotations

from dataclasses import dataclass

from .filters import Filters
from .index import Index
from .tally import selection


@dataclass(frozen=True, slots=True)
class Bins:
    """Items by month and by place.

    Parameters
    ----------
    months
        Number of items by `(year, month)` of their time's start, in order.
    squares
        Number of items by the whole degrees of longitude and latitude below their centre.
    timeless, placeless
        Items without a time and without a place, which are in no month or square.
    """

    months: dict[tuple[int, int], int]
    squares: dict[tuple[int, int], int]
    timeless: int = 0
    placeless: int = 0


def bins(index: Index, filters: Filters) -> Bins:
    """Count the items of a selection by month and square; asset keys do not matter here.

    Raises
    ------
    InvalidSearch, NoShapely
        As `where`.
    sqlite3.OperationalError
        If the index was interrupted.
    """
    wanted = [number for number, name in index.collections.items() if filters.wants(name)]
    chosen = f"collection IN ({', '.join(map(str, wanted))})"
    with index.lock:
        db = selection(index, filters)
        months = db.execute(_BINS.format(column="month", chosen=chosen)).fetchall()
        squares = db.execute(_BINS.format(column="square", chosen=chosen)).fetchall()
        timeless, placeless = db.execute(_WITHOUT.format(chosen=chosen)).fetchone()
    return Bins(
        {(month // 12, month % 12 + 1): count for month, count in months},
        {(square // 180 - 180, square % 180 - 90): count for square, count in squares},
        timeless,
        placeless,
    )


_BINS = """
SELECT {column}, sum(items) FROM (
    SELECT {column}.{column} AS {column}, items FROM hit CROSS JOIN {column} ON {column}.block = hit.id
    WHERE whole AND {chosen}
    UNION ALL SELECT {column}, 1 FROM lone WHERE {column} IS NOT NULL AND {chosen}
) GROUP BY 1 ORDER BY 1
"""
_WITHOUT = """
SELECT coalesce(sum(items * (kind & 1)), 0), coalesce(sum(items * (kind / 2)), 0) FROM (
    SELECT kind, high - low + 1 AS items FROM hit WHERE whole AND {chosen}
    UNION ALL SELECT kind, 1 FROM lone WHERE {chosen}
)
"""
