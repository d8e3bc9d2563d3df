"""The files of a selection: each save path once, in the order of the catalog."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from .filters import Filters
from .index import Index
from .layout import Scope, distinct_name
from .sql_filters import where

_PAGES = ("text/html", "application/xhtml+xml")
_PAGE_ENDS = (".html", ".htm", ".xhtml")


class PlannedFile(NamedTuple):
    """A file to download.

    Parameters
    ----------
    path
        Where it goes, relative to the dataset's folder, with `/` between the parts.
    href
        Where it is; absolute where the catalog tells.
    size
        Bytes, where the catalog states them.
    checksum
        A multihash, where the catalog has one; else empty.
    page
        Whether it is a web page by what the catalog says.
    collection, item, key
        The asset; `item` is None for a collection's own.
    """

    path: str
    href: str
    size: int | None
    checksum: str
    page: bool
    collection: str
    item: str | None
    key: str


def files(index: Index, filters: Filters, same: Callable[[str], str] | None = None) -> Iterator[PlannedFile]:
    """Yield the files of a selection.

    Of assets that have one save path, the first in the catalog that is selected counts. A collection's own
    assets are always selected with it, whatever the area, the time and the keys are; the common ones are
    chosen as those of items (as radiant_mlhub 0.5.5 does).

    Parameters
    ----------
    same
        The key under which the file system keeps a name, where names that differ may be one file's, as on
        macOS and Windows: all names of the catalog that share a key get a hash, whatever is selected.

    Raises
    ------
    InvalidSearch, NoShapely
        As `where`.
    """
    if filters.catalog_only:
        return
    with Index(index.path) as own:  # a connection of its own: the selection may be asked for other things
        db = own.connection
        names = dict(db.execute("SELECT id, name FROM key").fetchall())
        wanted = {number: name for number, name in own.collections.items() if filters.wants(name)}
        keys = {name: chosen for name, chosen in filters.collections if chosen}
        _choose(db, filters, wanted)
        seen: set[int] = set()
        sources = _Sources(db)
        names_on_disk = None if same is None or same is str else _NamesOnDisk(own, same)
        for row in db.execute(_FILES):
            number, first, collection, item, folder, scope, key, file, twin, size = row
            name = wanted[collection]
            chosen = keys.get(name)
            if chosen is not None and scope != Scope.COLLECTION and names[key] not in chosen:
                continue
            if twin is not None:
                if twin in seen:
                    continue
                seen.add(twin)
            if names_on_disk is None:
                path = own.save_path(collection, scope, folder or "", file)
            else:
                path = names_on_disk.save_path(collection, scope, folder or "", file)
            href, media, checksum = sources.of(number, first)
            page = media.startswith(_PAGES) or file.endswith(_PAGE_ENDS)
            yield PlannedFile(path, href, size, checksum, page, name, item, names[key])


class _NamesOnDisk:
    """Save paths for a file system that takes several names for one."""

    def __init__(self, index: Index, same: Callable[[str], str]) -> None:
        self._index = index
        db = index.connection
        db.create_function("same", 1, same, deterministic=True)
        self._folders = _shared(index.folders.values(), same)
        self._items = {(row[0], row[1]) for row in db.execute(_SHARED_FOLDERS)}
        alike = _shared((row[0] for row in db.execute("SELECT name FROM file")), same)
        self._files: set[str] = set()
        if alike:
            self._files = {row[0] for row in db.execute(_SHARED_FILES)}

    def save_path(self, collection: int, scope: int, folder: str, file: str) -> str:
        """Return where an asset stands; as `Index.save_path`, but for names that would be another one's."""
        if (collection, folder) in self._items:
            folder = distinct_name(folder)
        if file in self._files:
            file = distinct_name(file)
        path = self._index.save_path(collection, scope, folder, file)
        top, _, rest = path.partition("/")
        return f"{distinct_name(top)}/{rest}" if top in self._folders else path


def _shared(names: Iterable[str], same: Callable[[str], str]) -> set[str]:
    """Return the names that have their key with others."""
    by_key: dict[str, set[str]] = {}
    for name in names:
        by_key.setdefault(same(name), set()).add(name)
    return {name for alike in by_key.values() if len(alike) > 1 for name in alike}


class _Sources:
    """Hrefs, media types and checksums of assets, those of one document in memory at a time."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._media = {str(number): name for number, name in db.execute("SELECT id, name FROM media")}
        self._first = -1
        self._lines: list[list[str]] = []

    def of(self, number: int, first: int) -> tuple[str, str, str]:
        """Return those of an asset, of a document whose first asset is `first`."""
        if first != self._first:
            hrefs, media, checksums = self._db.execute(_SOURCE, (first,)).fetchone()
            self._lines = [text.split("\n") for text in (hrefs, media, checksums or "")]
            self._first = first
        hrefs, media, checksums = self._lines
        at = number - first
        return hrefs[at], self._media.get(media[at], ""), checksums[at] if len(checksums) > at else ""


def _choose(db: sqlite3.Connection, filters: Filters, wanted: dict[int, str]) -> None:
    """Fill the temporary table `chosen`: assets from `first` to `last`, of an item or none, by number."""
    of_wanted = f"collection IN ({', '.join(map(str, wanted))})"
    found = where(db, filters)
    db.execute("CREATE TEMP TABLE chosen (first INTEGER PRIMARY KEY, last INTEGER, item INTEGER)")
    db.execute(_CHOOSE_OWN.format(of_wanted=of_wanted))
    db.execute(
        f"INSERT INTO chosen SELECT first, last, item FROM spot "  # noqa: S608 - conditions, ours
        f"WHERE last >= first AND {of_wanted} AND {found.item}",
        found.values,
    )


_CHOOSE_OWN = """
INSERT INTO chosen SELECT first, coalesce(
    (SELECT min(other.first) - 1 FROM source AS other WHERE other.first > source.first),
    (SELECT max(id) FROM asset)
), NULL FROM asset CROSS JOIN source ON first = asset.id WHERE item IS NULL AND {of_wanted}
"""
_FILES = """
SELECT asset.id, chosen.first, asset.collection, item.name, coalesce(item.folder, item.name), scope,
       asset.key, file.name, twin, size
FROM chosen CROSS JOIN asset ON asset.id BETWEEN chosen.first AND chosen.last
CROSS JOIN file ON file.id = asset.file LEFT JOIN item ON item.id = chosen.item
ORDER BY chosen.first, asset.id
"""
_SHARED_FOLDERS = """
SELECT item.collection, coalesce(item.folder, item.name)
FROM (SELECT collection, same(coalesce(folder, name)) AS key FROM item
      GROUP BY 1, 2 HAVING count(DISTINCT coalesce(folder, name)) > 1) AS shared
JOIN item ON item.collection = shared.collection AND same(coalesce(item.folder, item.name)) = shared.key
"""
_SHARED_FILES = """
SELECT name FROM (
    SELECT file.name AS name, count(*) OVER (
        PARTITION BY asset.collection, asset.item, scope, same(file.name)
    ) AS many
    FROM (SELECT DISTINCT collection, item, scope, file FROM asset) AS asset JOIN file ON file.id = asset.file
) WHERE many > 1
"""
_SOURCE = "SELECT hrefs, media, checksums FROM source WHERE first = ?"
