"""Selections of an index: which items area and time leave, and the files and bytes they come to."""

from __future__ import annotations

import sqlite3
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..models import JsonDict
from ..text import count
from .filters import Filters, bounds
from .geometry import Area, halves
from .index import Index

_REMEMBERED = 8  # areas and times whose sums are held
_BATCH = 10_000  # items tested against a geometry at a time
_FEW = 8  # below one in so many items, their assets are read item by item


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of files."""

    files: int = 0  # distinct save paths
    known: int = 0  # bytes of those whose size is stated
    unknown: int = 0  # files without a stated size
    assets: int = 0  # that name these files; more than `files` where they share some

    @property
    def bytes(self) -> int | None:
        """Bytes in all; None where they are not known of every file."""
        return None if self.unknown else self.known

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.files + other.files,
            self.known + other.known,
            self.unknown + other.unknown,
            self.assets + other.assets,
        )

    def to_json(self) -> JsonDict:
        """Return it as JSON."""
        return {"files": self.files, "bytes": self.bytes, "bytes_known": self.known}


@dataclass(frozen=True, slots=True)
class Items:
    """Items of a collection: how many, and how many of these without a time and without a place."""

    all: int = 0
    timeless: int = 0
    placeless: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """What a selection comes to; a file that two keys of a collection share counts for both."""

    all: Amount
    collections: dict[str, Amount]
    keys: dict[tuple[str, str], Amount]  # by collection and asset key
    own: dict[str, Amount]  # collections' own assets: area and time do not restrict them
    items: dict[str, Items]  # that area and time leave, by collection
    left_out: int = 0  # documents of the catalog that are no STAC
    faults: int = 0  # assets without an href
    paid: int = 0  # wanted assets left out because their reader has to pay
    paid_why: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to download at all."""
        return self.all.files == 0

    @property
    def no_items(self) -> bool:
        """Whether no item matches; collections' own assets may be left all the same."""
        return not any(items.all for items in self.items.values())

    def to_json(self) -> JsonDict:
        """Return it as a dry run prints it for programs.

        `files` are distinct save paths; `bytes` is null where the catalog does not state all sizes, and
        `bytes_known` what it states.
        """
        keys: dict[str, Amount] = {}
        for (_, key), amount in self.keys.items():
            keys[key] = keys.get(key, Amount()) + amount
        return {
            **self.all.to_json(),
            "collections": {
                name: {
                    **amount.to_json(),
                    "items": self.items[name].all,
                    "asset_keys": {
                        key: part.to_json() for (of, key), part in self.keys.items() if of == name
                    },
                }
                for name, amount in self.collections.items()
            },
            "asset_keys": {key: amount.to_json() for key, amount in keys.items()},
            "items_without_time": sum(items.timeless for items in self.items.values()),
            "items_without_place": sum(items.placeless for items in self.items.values()),
            "assets_without_href": self.faults,
            "assets_requester_pays": self.paid,
        }


PAID_HINT = "fetch them with a tool of the store, and an account that pays for the transfer"


def paid_words(counts: Counts) -> str:
    """Return how many assets are left out because their reader has to pay, and why."""
    return f"{count(counts.paid, 'asset')} left out: {counts.paid_why}"


def choose_items(db: sqlite3.Connection, filters: Filters) -> None:
    """Fill the temporary table `chosen` with the numbers of the items that area and time leave."""
    db.execute("DROP TABLE IF EXISTS temp.chosen")
    db.execute("CREATE TEMP TABLE chosen (id INTEGER PRIMARY KEY)")
    conditions, values = ["1"], dict[str, float]()
    if filters.when is not None:
        for name, condition, end in zip("fl", ("t1 >= :f", "t0 <= :l"), bounds(filters.when), strict=True):
            if end is not None:
                values[name] = end
                conditions.append(f"({condition[:2]} IS NULL OR {condition})")
    area, places = None, []
    if filters.bbox is not None:
        box = (filters.bbox.west, filters.bbox.south, filters.bbox.east, filters.bbox.north)
        places, area = halves(box), Area.of_box(box) if filters.exact else None
    elif filters.intersects is not None:
        area = Area(filters.intersects, exact=filters.exact)
        places = [area.box]
    touches = []
    for number, place in enumerate(places):
        values |= {f"{side}{number}": degrees for side, degrees in zip("wsen", place, strict=True)}
        for turn in (0, 360):  # items that cross the antimeridian reach on beyond 180
            beyond = f"w <= :e{number} + {turn} AND e >= :w{number} + {turn}" + (
                " AND e > 180" if turn else ""
            )
            touches.append(f"({beyond} AND s <= :n{number} AND n >= :s{number})")
    inside = f"({' OR '.join(touches)})"
    where = " AND ".join(conditions)
    if area is None:
        if places:
            where += f" AND (w IS NULL OR {inside})"
        db.execute(f"INSERT INTO chosen SELECT id FROM item WHERE {where}", values)
        return
    db.execute(f"INSERT INTO chosen SELECT id FROM item WHERE w IS NULL AND {where}", values)
    geometry = "geometry" if filters.exact else "NULL"
    found = db.execute(f"SELECT id, w, s, e, n, {geometry} FROM item WHERE {where} AND {inside}", values)
    while rows := found.fetchmany(_BATCH):
        db.executemany("INSERT INTO chosen VALUES (?)", ((number,) for number in area.touching(rows)))


def chosen_items(index: Index, filters: Filters) -> sqlite3.Connection:
    """Return the connection with `chosen` filled; the caller holds the index's lock."""
    wanted = _area_and_time(filters)
    if index.selected != wanted:
        index.selected = None
        choose_items(index.connection, filters)
        index.selected = wanted
    return index.connection


def _area_and_time(filters: Filters) -> str:
    return repr((filters.bbox, filters.intersects, filters.exact, filters.when))


@dataclass(slots=True)
class _Sum:
    """Assets of one key in one collection.

    `assets` are all, `single` those that have their save path alone, `known` those of them with a size, of
    `bytes` in all; `shared` has the sizes of the save paths that several have, by their first asset.
    """

    assets: int = 0
    single: int = 0
    known: int = 0
    bytes: float = 0.0
    shared: dict[int, int | None] = field(default_factory=dict)


class _Sums(dict[tuple[int, str], _Sum]):
    """Sums by collection and key."""

    def __missing__(self, key: tuple[int, str]) -> _Sum:
        made = self[key] = _Sum()
        return made


class SelectionCounter:
    """Counts selections of one index; holds the sums of the last areas and times.

    So a change of collections and keys costs next to nothing, one of area and time some tenths of a second
    for 300,000 assets.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        with index.lock:
            self._own = _shared_sums(index.connection, "asset.item IS NULL")
        self._held: OrderedDict[str, tuple[_Sums, dict[int, Items]]] = OrderedDict()

    def counts(self, filters: Filters) -> Counts:
        """Return what a selection comes to; blocks.

        Raises InvalidSearch, NoShapely as of `Area`; sqlite3.OperationalError if the index was interrupted.
        """
        facts = self.index.facts
        left_out, faults = facts["left_out"], facts["faults"]
        if filters.catalog_only:
            return Counts(Amount(), {}, {}, {}, {}, left_out, faults)
        sums, items = self._sums(filters)
        wanted = dict(filters.collections)
        by_collection, by_key, own, items_of = {}, {}, {}, {}
        for number, name in self.index.collections.items():
            if wanted and name not in wanted:
                continue
            keys = wanted.get(name)
            found = {k: s for (of, k), s in sums.items() if of == number and (not keys or k in keys)}
            found_own = {k: s for (of, k), s in self._own.items() if of == number}
            for key in {**found, **found_own}:
                by_key[name, key] = _amount(part[key] for part in (found, found_own) if key in part)
            own[name] = _amount(found_own.values())
            by_collection[name] = _amount(found.values()) + own[name]
            items_of[name] = items.get(number, Items())
        whole = sum(by_collection.values(), Amount())
        paid = sum(
            number
            for collection, keys in self.index.paid.items()
            if not wanted or collection in wanted
            for key, number in keys.items()
            if not wanted.get(collection) or key in wanted[collection]
        )
        return Counts(
            whole, by_collection, by_key, own, items_of, left_out, faults, paid, str(facts["paid_why"])
        )

    def _sums(self, filters: Filters) -> tuple[_Sums, dict[int, Items]]:
        name = _area_and_time(filters)
        if name not in self._held:
            with self.index.lock:
                self._held[name] = _count(chosen_items(self.index, filters))
        self._held.move_to_end(name)
        while len(self._held) > _REMEMBERED:
            self._held.popitem(last=False)
        return self._held[name]


def _count(db: sqlite3.Connection) -> tuple[_Sums, dict[int, Items]]:
    """Return the assets of the chosen items by collection and key, and these items by collection."""
    kinds = Counter(db.execute(_KINDS))
    items: dict[int, Items] = {}
    for (collection, timeless, placeless), number in kinds.items():
        old = items.get(collection, Items())
        items[collection] = Items(
            old.all + number, old.timeless + number * timeless, old.placeless + number * placeless
        )
    [most] = db.execute("SELECT max(id) FROM item").fetchone()
    # In the order of the index there is nothing to sort; for few items, reading theirs alone is faster.
    few = kinds.total() * _FEW < (most or 0)
    sums = _shared_sums(db, OF_CHOSEN_ITEMS, few=few)
    for collection, key, single, known, bytes_ in db.execute(_FEW_SUMS if few else _SUMS):
        entry = sums[collection, key]
        entry.single, entry.known, entry.bytes = single, known, bytes_
        entry.assets += single
    return sums, items


def _shared_sums(db: sqlite3.Connection, where: str, *, few: bool = False) -> _Sums:
    """Return the assets that share their save path, or may, by collection and key."""
    sums = _Sums()
    sql = _FEW_SHARED if few else _SHARED.format(where=where)
    for collection, key, first, size, assets in db.execute(sql):
        entry = sums[collection, key]
        entry.assets += assets
        entry.shared[first] = size
    return sums


def _amount(sums: Iterable[_Sum]) -> Amount:
    parts = list(sums)
    shared = {first: size for part in parts for first, size in part.shared.items()}
    sizes = [size for size in shared.values() if size is not None]
    single, known = sum(part.single for part in parts), sum(part.known for part in parts)
    return Amount(
        single + len(shared),
        int(sum(part.bytes for part in parts)) + sum(sizes),
        single - known + len(shared) - len(sizes),
        sum(part.assets for part in parts),
    )


OF_CHOSEN_ITEMS = "asset.item IN (SELECT id FROM chosen)"
_KINDS = "SELECT collection, t0 IS NULL AND t1 IS NULL, w IS NULL FROM chosen JOIN item USING (id)"
_SUMS = f"""
SELECT collection, key, count(*), count(size), total(size) FROM asset INDEXED BY asset_key
WHERE duplicate IS NULL AND {OF_CHOSEN_ITEMS} GROUP BY collection, key
"""
_OFOF_CHOSEN_ITEMS = """
chosen CROSS JOIN item ON item.id = chosen.id CROSS JOIN asset ON asset.id BETWEEN item.first AND item.last
"""
_FEW_SUMS = f"""
SELECT asset.collection, key, count(*), count(size), total(size) FROM {_OFOF_CHOSEN_ITEMS}
WHERE duplicate IS NULL GROUP BY 1, 2
"""
_SHARED = """
SELECT asset.collection, asset.key, asset.duplicate, first.size, count(*)
FROM asset INDEXED BY asset_duplicate CROSS JOIN asset AS first ON first.id = asset.duplicate
WHERE asset.duplicate IS NOT NULL AND {where} GROUP BY asset.collection, asset.key, asset.duplicate
"""
_FEW_SHARED = f"""
SELECT asset.collection, asset.key, asset.duplicate, first.size, count(*)
FROM {_OFOF_CHOSEN_ITEMS} CROSS JOIN asset AS first ON first.id = asset.duplicate GROUP BY 1, 2, 3
"""
