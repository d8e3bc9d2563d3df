"""Selections of an index as SQL: the files that filters leave, what they come to, where and when they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from ..models import JsonDict
from ..text import count
from .filters import Area, Box, Filters, bounds
from .index import Index
from .layout import COMMON_FOLDER, Scope, distinct_name

Month = tuple[int, int]
"""Year and month."""
_BATCH = 10_000  # items tested against a geometry at a time
_MOST_BOXES = 20_000  # of a map
PAID_HINT = "fetch them with a tool of the store, and an account that pays for the transfer"


@dataclass(frozen=True, slots=True)
class Amount:
    """Files, each save path once: how many, the bytes of those whose size is stated, how many lack one."""

    files: int = 0
    known: int = 0
    unknown: int = 0

    @property
    def bytes(self) -> int | None:
        """Bytes in all; None where they are not known of every file."""
        return None if self.unknown else self.known

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.files + other.files, self.known + other.known, self.unknown + other.unknown)

    def to_json(self) -> JsonDict:
        """Return it as JSON."""
        return {"files": self.files, "bytes": self.bytes, "bytes_known": self.known}


@dataclass(frozen=True, slots=True)
class Items:
    """Items of a collection: how many are selected, how many of these have no time.

    `placeless` have no place, whether they are selected (there is no area) or not.
    """

    all: int = 0
    timeless: int = 0
    placeless: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """What a selection comes to: by collection, by collection and asset key.

    Collections' own assets are among them, whatever area, time and keys are.
    """

    collections: dict[str, Amount] = field(default_factory=dict)
    keys: dict[tuple[str, str], Amount] = field(default_factory=dict)
    items: dict[str, Items] = field(default_factory=dict)  # that area and time leave, by collection
    faults: int = 0  # assets without an href
    paid: int = 0  # wanted assets left out because their reader has to pay
    paid_why: str = ""

    @property
    def all(self) -> Amount:
        """All files."""
        return sum(self.collections.values(), Amount())

    @property
    def empty(self) -> bool:
        """Whether there is nothing to download at all."""
        return self.all.files == 0

    @property
    def no_items(self) -> bool:
        """Whether no item matches; collections' own assets may be left all the same."""
        return not any(items.all for items in self.items.values())

    @property
    def timeless(self) -> int:
        """Items without a time that can be read."""
        return sum(items.timeless for items in self.items.values())

    @property
    def placeless(self) -> int:
        """Items without a place, which are in no area."""
        return sum(items.placeless for items in self.items.values())

    def to_json(self) -> JsonDict:
        """Return it as a dry run prints it for programs.

        `files` are distinct save paths; `bytes` is null where the catalog does not state all sizes, and
        `bytes_known` what it states.
        """
        keys: dict[str, Amount] = {}
        collections: JsonDict = {
            name: {**amount.to_json(), "items": self.items[name].all, "asset_keys": {}}
            for name, amount in self.collections.items()
        }
        for (name, key), amount in self.keys.items():
            keys[key] = keys.get(key, Amount()) + amount
            collections[name]["asset_keys"][key] = amount.to_json()
        return {
            **self.all.to_json(),
            "collections": collections,
            "asset_keys": {key: amount.to_json() for key, amount in keys.items()},
            "items_without_time": self.timeless,
            "items_without_place": self.placeless,
            "assets_without_href": self.faults,
            "assets_requester_pays": self.paid,
        }


def paid_words(counts: Counts) -> str:
    """Return how many assets are left out because their reader has to pay, and why."""
    return f"{count(counts.paid, 'asset')} left out: {counts.paid_why}"


def lacks_keys(counts: Counts, filters: Filters, unknown: list[str]) -> bool:
    """Whether of asset keys none is there: what may be left are the collections' own assets.

    - `unknown`: A line for each wanted key that its collection lacks.
    """
    wanted = sum(len(keys) or 1 for _, keys in filters.collections)
    return bool(unknown) and (counts.empty or len(unknown) == wanted)


def notes(counts: Counts, *, by_time: bool, by_place: bool) -> list[str]:
    """Return what to know of a selection, a line each: items without a time or a place, gaps.

    - `counts`: What the selection comes to.
    - `by_time`, `by_place`: Whether it is one by time, or by place.
    """
    found = [paid_words(counts)] if counts.paid else []
    if counts.no_items and (by_time or by_place) and not counts.empty:
        found.append("no item matches: these are the collections' own files")
    if counts.timeless and by_time:
        found.append(f"{count(counts.timeless, 'item')} without a time that can be read: included")
    if counts.placeless and by_place:
        found.append(f"{count(counts.placeless, 'item')} without a place: in no area, left out")
    if counts.faults:
        found.append(f"{count(counts.faults, 'asset')} without an href")
    return found


def count_files(index: Index, filters: Filters) -> Counts:
    """Return what a selection comes to; blocks, some tenths of a second for 300,000 assets at most.

    Raises InvalidSearch, NoShapely as of `Area`; sqlite3.OperationalError if the index was interrupted.
    """
    facts = index.facts
    if filters.catalog_only:
        return Counts(faults=facts["faults"])
    filters = filters.of_items(facts["listed"])
    with _chosen(index, filters) as db:
        files = db.execute(_COUNTS).fetchall()
        items = {row[0]: Items(*row[1:]) for row in db.execute(_ITEMS, _span(filters))}
    wanted = dict(filters.collections)
    names = {number: name for number, name in index.collections.items() if filters.wants(name)}
    by_key: dict[tuple[str, str], Amount] = {}
    by_collection = dict.fromkeys(names.values(), Amount())
    for number, key, scope, amount, sized, known in files:
        name = names.get(number)
        if name is None or (scope != Scope.COLLECTION and wanted.get(name) and key not in wanted[name]):
            continue
        part = Amount(amount, int(known), amount - sized)
        by_key[name, key] = by_key.get((name, key), Amount()) + part
        by_collection[name] += part
    paid = sum(
        number
        for name, keys in facts["paid"].items()
        if filters.wants(name)
        for key, number in keys.items()
        if not wanted.get(name) or key in wanted[name]
    )
    of_items = {name: items.get(number, Items()) for number, name in names.items()}
    return Counts(by_collection, by_key, of_items, facts["faults"], paid, facts["paid_why"])


class PlannedFile(NamedTuple):
    """A file to download."""

    path: str  # relative to the dataset's folder, parts separated by `/`
    href: str  # absolute where the catalog tells
    size: int | None  # bytes, where the catalog states them
    checksum: str  # a multihash, or empty
    page: bool  # whether it is a web page by what the catalog says
    collection: str
    item: str | None  # None for a collection's own asset
    key: str


def files(index: Index, filters: Filters, same: Callable[[str], str] = str) -> Iterator[PlannedFile]:
    """Yield the files of a selection, each save path once, in the order of the catalog.

    Of assets that items share, the first of the catalog counts. A collection's own assets are always selected
    with it, whatever area, time and keys are; shared ones are selected as those of items are (radiant_mlhub
    0.5.5, but for that order).

    `same` is the form under which the file system saves a name, where different names may be one file's, as
    on macOS and Windows: all names of a collection that share it get a hash, whatever is selected.

    Raises InvalidSearch, NoShapely as of `Area`.
    """
    if filters.catalog_only:
        return
    filters = filters.of_items(index.facts["listed"])
    wanted = dict(filters.collections)
    with Index(index.path) as own, _chosen(own, filters) as db:  # a connection of its own: others stay usable
        alike: set[tuple[int, str]] = set()
        if same is not str:
            db.create_function("same", 1, same, deterministic=True)
            alike = set(db.execute(_ALIKE))

        def name_of(scope: int, name: str) -> str:
            return distinct_name(name) if (scope, name) in alike else name

        names = {number: name for number, name in own.collections.items() if filters.wants(name)}
        for number, top, item, folder, scope, key, file, *facts in db.execute(_FILES):
            name = names.get(number)
            if name is None or (scope != Scope.COLLECTION and wanted.get(name) and key not in wanted[name]):
                continue
            parts = [name_of(0, top), name_of(number, file)]
            if scope == Scope.COMMON:
                parts.insert(1, COMMON_FOLDER)
            elif item is not None:
                parts.insert(1, name_of(number, folder))
            href, size, checksum, page = facts
            yield PlannedFile("/".join(parts), href, size, checksum, bool(page), name, item, key)


@contextmanager
def _chosen(index: Index, filters: Filters) -> Iterator[sqlite3.Connection]:
    """Give the connection with the numbers of the items that area and time leave in the table `chosen`."""
    with index.lock:
        db = index.connection
        db.execute("CREATE TEMP TABLE IF NOT EXISTS chosen (id INTEGER PRIMARY KEY)")
        db.execute("DELETE FROM chosen")
        _choose(db, filters)
        yield db


def _choose(db: sqlite3.Connection, filters: Filters) -> None:
    span = _span(filters)
    area: Area | None = None
    if filters.bbox is None and filters.intersects is None:
        db.execute(f"INSERT INTO chosen SELECT id FROM item WHERE {_THEN}", span)
        return
    if filters.bbox is None:
        area = Area(filters.intersects, exact=filters.exact)
    elif filters.exact:
        area = Area.of_box(filters.bbox)
    boxes = area.boxes if area is not None else filters.bbox.parts if filters.bbox is not None else ()
    inside = " OR ".join(map(_touches, boxes)) or "0"
    where = f"id IN (SELECT id FROM place WHERE {inside}) AND ({inside}) AND {_THEN}"
    if area is None:
        db.execute(f"INSERT INTO chosen SELECT id FROM item WHERE {where}", span)
        return
    geometry = "geometry" if filters.exact else "NULL"
    found = db.execute(f"SELECT id, w, s, e, n, {geometry} FROM item WHERE {where}", span)
    while rows := found.fetchmany(_BATCH):
        db.executemany("INSERT INTO chosen VALUES (?)", ((number,) for number in area.touching(rows)))


def _span(filters: Filters) -> dict[str, int | None]:
    first, last = (None, None) if filters.when is None else bounds(filters.when)
    return {"first": first, "last": last}


def _touches(box: Box) -> str:
    """Return the SQL for items whose boxes touch one; those across the antimeridian reach beyond 180."""
    west, south, east, north = box
    along = f"s <= {north!r} AND n >= {south!r}"
    return f"(w <= {east!r} AND e >= {west!r} AND {along} OR e > 180 AND e >= {west + 360!r} AND {along})"


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid over an area: its south-western corner, degrees of a cell, and numbers of cells."""

    west: float
    south: float
    step: float
    columns: int
    rows: int


def months(index: Index, filters: Filters) -> dict[Month, int]:
    """Count the items of a selection by the month that their time starts in; errors as of `count_files`."""
    with _chosen(index, filters) as db:
        found = db.execute(_MONTHS.format(wanted=_wanted(index, filters))).fetchall()
    return {(int(month[:4]), int(month[5:])): number for month, number in found}


def extent(index: Index) -> Box | None:
    """Return the box of all items that have a place; None where none has."""
    with index.lock:
        found = index.connection.execute("SELECT min(w), min(s), max(e), max(n) FROM item").fetchone()
    return None if found[0] is None else found


def covered(index: Index, filters: Filters, grid: Grid) -> dict[tuple[int, int], int]:
    """Return how many boxes of selected items cover each cell, by column and row from west and south.

    Boxes that are the same but for less than a cell are counted together; of very many, 20,000 are counted.
    Errors as of `count_files`.
    """
    with _chosen(index, filters) as db:
        sql = _BOXES.format(wanted=_wanted(index, filters), most=_MOST_BOXES)
        corner = {"west": grid.west, "south": grid.south, "step": grid.step}
        boxes = db.execute(sql, corner).fetchall()
    # Each box changes the sums at its corners alone.
    changes = [[0] * (grid.columns + 1) for _ in range(grid.rows + 1)]
    for west, south, east, north, number in boxes:
        left, right = max(west, 0), min(east + 1, grid.columns)
        lower, upper = max(south, 0), min(north + 1, grid.rows)
        if left < right and lower < upper:
            for row, sign in ((lower, number), (upper, -number)):
                changes[row][left] += sign
                changes[row][right] -= sign
    found: dict[tuple[int, int], int] = {}
    above = [0] * (grid.columns + 1)
    for y, line in enumerate(changes[: grid.rows]):
        above = [before + change for before, change in zip(above, line, strict=True)]
        found.update({(x, y): number for x, number in enumerate(accumulate(above)) if number})
    return found


def _wanted(index: Index, filters: Filters) -> str:
    filters = filters.of_items(index.facts["listed"])
    return ", ".join(str(number) for number, name in index.collections.items() if filters.wants(name))


_SELECTED = f"""
CASE scope
    WHEN {Scope.ITEM:d} THEN asset.item IN (SELECT id FROM chosen)
    WHEN {Scope.COMMON:d} THEN asset.id IN (SELECT asset FROM shared WHERE item IN (SELECT id FROM chosen))
    ELSE 1
END
"""
_COUNTS = f"""
SELECT collection, key, scope, count(*), count(size), total(size) FROM asset INDEXED BY asset_key
WHERE {_SELECTED} GROUP BY collection, key, scope
"""
_THEN = "(:first IS NULL OR t1 IS NULL OR t1 >= :first) AND (:last IS NULL OR t0 IS NULL OR t0 <= :last)"
_ITEMS = f"""
SELECT collection, count(chosen.id), sum(chosen.id IS NOT NULL AND t0 IS NULL AND t1 IS NULL), sum(w IS NULL)
FROM item LEFT JOIN chosen USING (id) WHERE chosen.id IS NOT NULL OR (w IS NULL AND {_THEN})
GROUP BY collection
"""
_FILES = f"""
SELECT asset.collection, collection.folder, item.name, coalesce(item.folder, item.name), scope, key, file,
    href, size, checksum, page
FROM asset NOT INDEXED JOIN collection ON collection.id = asset.collection
LEFT JOIN item ON item.id = asset.item WHERE {_SELECTED} ORDER BY asset.id
"""
_ALIKE = """
WITH named(scope, name) AS (
    SELECT 0, folder FROM collection UNION SELECT collection, coalesce(folder, name) FROM item
    UNION SELECT collection, file FROM asset
)
SELECT scope, name FROM (
    SELECT scope, name, count(*) OVER (PARTITION BY scope, same(name)) AS many FROM named
) WHERE many > 1
"""
_MONTHS = """
SELECT strftime('%Y-%m', max(coalesce(t0, t1), -62135596800000000) / 1000000, 'unixepoch'), count(*)
FROM chosen JOIN item USING (id) WHERE collection IN ({wanted}) AND coalesce(t0, t1) IS NOT NULL
GROUP BY 1 ORDER BY 1
"""
_BOXES = """
SELECT CAST((w - :west) / :step AS INTEGER) AS a, CAST((s - :south) / :step AS INTEGER) AS b,
    CAST((e - :west) / :step AS INTEGER) AS c, CAST((n - :south) / :step AS INTEGER) AS d, count(*)
FROM chosen JOIN item USING (id) WHERE w IS NOT NULL AND collection IN ({wanted})
GROUP BY a, b, c, d LIMIT {most}
"""
