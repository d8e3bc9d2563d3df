"""The tally of an area and a time: how many assets of each key and collection are in it, and how many bytes.

Blocks that lie inside as a whole are counted from their sums; only those on the edge item by item.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from .filters import Filters
from .index import Index
from .sql_filters import where

Group = tuple[int, int]
"""Numbers of a collection and of an asset key."""


@dataclass(slots=True)
class Sum:
    """Assets of one key in one collection.

    `assets` are all of them, `single` those that have their save path alone, `known` those of them with a
    size, of `bytes` in all; `twins` are the shared save paths.
    """

    assets: int = 0
    single: int = 0
    known: int = 0
    bytes: float = 0.0
    twins: set[int] = field(default_factory=set)

    def add(self, assets: int, single: int, known: int, bytes_: float) -> None:
        """Add what was counted elsewhere."""
        self.assets += assets
        self.single += single
        self.known += known
        self.bytes += bytes_


@dataclass(frozen=True, slots=True)
class Items:
    """Items of a collection: how many, and how many of these without a time and without a place."""

    all: int = 0
    timeless: int = 0
    placeless: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """What is in an area and a time, of all collections.

    `sizes` has the size in bytes of each shared save path (None: not stated), of the first asset that has it.
    """

    sums: dict[Group, Sum]
    items: dict[int, Items]
    sizes: dict[int, int | None]


def tally(index: Index, filters: Filters) -> Tally:
    """Count by area and time; collections and keys of the filters do not matter here.

    Raises
    ------
    InvalidSearch, NoShapely
        As `where`.
    sqlite3.OperationalError
        If the index was interrupted.
    """
    with index.lock:
        db = selection(index, filters)
        sums: dict[Group, Sum] = {}
        for rows in (db.execute(_WHOLE_SUMS), db.execute(_LONE_SUMS)):
            for collection, key, *numbers in rows:
                sums.setdefault((collection, key), Sum()).add(*numbers)
        twins = {row[0] for row in _twins(db, sums)}
        return Tally(sums, _items(db), _sizes(db, twins))


def selection(index: Index, filters: Filters) -> sqlite3.Connection:
    """Fill the temporary tables `hit` (blocks, and whether as a whole) and `lone` (items of the others).

    They stay until the next selection; the index's lock is held by the caller.
    """
    db = index.connection
    name = repr((filters.bbox, filters.intersects, filters.exact, filters.when))
    if index.selected == name:
        return db
    wanted = where(db, filters)
    index.selected = ""
    db.execute("DROP TABLE IF EXISTS temp.hit")
    db.execute("DROP TABLE IF EXISTS temp.lone")
    db.execute(_HIT.format(every=wanted.every, some=wanted.some), wanted.values)
    db.execute(_LONE.format(item=wanted.item), wanted.values)
    index.selected = name
    return db


def _twins(db: sqlite3.Connection, sums: dict[Group, Sum]) -> list[tuple[int]]:
    found = []
    for rows in (db.execute(_WHOLE_TWINS), db.execute(_LONE_TWINS)):
        for collection, key, twin in rows:
            sums[collection, key].twins.add(twin)
            found.append((twin,))
    return found


def _items(db: sqlite3.Connection) -> dict[int, Items]:
    counted: dict[int, list[int]] = {}
    for collection, kind, count in db.execute(_ITEMS):
        numbers = counted.setdefault(collection, [0, 0, 0])
        numbers[0] += count
        numbers[1] += count if kind & 1 else 0
        numbers[2] += count if kind & 2 else 0
    return {collection: Items(*numbers) for collection, numbers in counted.items()}


def _sizes(db: sqlite3.Connection, twins: set[int]) -> dict[int, int | None]:
    sql = "SELECT size FROM asset WHERE id = ?"
    return {twin: db.execute(sql, (twin,)).fetchone()[0] for twin in twins}


_HIT = """
CREATE TEMP TABLE hit AS
SELECT id, collection, low, high, kind, {every} AS whole FROM block WHERE {some}
"""
_LONE = """
CREATE TEMP TABLE lone AS SELECT collection, kind, first, last, month, square
FROM (SELECT low, high FROM hit WHERE NOT whole) CROSS JOIN spot ON spot.id BETWEEN low AND high WHERE {item}
"""
_WHOLE_SUMS = """
SELECT hit.collection, key, sum(assets), sum(single), sum(known), total(bytes)
FROM hit CROSS JOIN tally ON tally.block = hit.id WHERE whole GROUP BY 1, 2
"""
_LONE_SUMS = """
SELECT lone.collection, key, count(*), sum(twin IS NULL), sum(twin IS NULL AND size IS NOT NULL),
    total(CASE WHEN twin IS NULL THEN size END)
FROM lone CROSS JOIN asset ON asset.id BETWEEN lone.first AND lone.last GROUP BY 1, 2
"""
_WHOLE_TWINS = """
SELECT DISTINCT hit.collection, key, twin FROM hit CROSS JOIN shared ON shared.block = hit.id WHERE whole
"""
_LONE_TWINS = """
SELECT DISTINCT lone.collection, key, twin
FROM lone CROSS JOIN asset ON asset.id BETWEEN lone.first AND lone.last WHERE twin IS NOT NULL
"""
_ITEMS = """
SELECT collection, kind, sum(high - low + 1) FROM hit WHERE whole GROUP BY 1, 2
UNION ALL SELECT collection, kind, count(*) FROM lone GROUP BY 1, 2
"""
