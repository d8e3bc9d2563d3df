"""The files of a selection: each save path once, in the order of the catalog."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from .filters import Filters
from .index import Index
from .layout import Scope
from .where import where

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


def files(index: Index, filters: Filters) -> Iterator[PlannedFile]:
    """Yield the files of a selection.

    Of assets that have one save path, the first in the catalog that is selected counts. A collection's own
    assets are always selected with it, whatever the area, the time and the keys are; the common ones are
    chosen as those of items (as radiant_mlhub 0.5.5 does).

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
            path = own.save_path(collection, scope, folder or "", file)
            href, media, checksum = sources.of(number, first)
            page = media.startswith(_PAGES) or file.endswith(_PAGE_ENDS)
            yield PlannedFile(path, href, size, checksum, page, name, item, names[key])


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
_SOURCE = "SELECT hrefs, media, checksums FROM source WHERE first = ?"
