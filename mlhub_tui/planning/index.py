"""Index of a dataset: its items and assets in one SQLite file, written once and then only read."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..errors import MLHubException, TargetBusy
from ..fileio import make_private_folder, remove_database, sync_folder, try_lock
from ..sources.base import without_id
from ..text import count, one_line, redact, writable
from .documents import DocumentReader
from .filters import Filters
from .layout import Scope, component, item_folder, namesake_folder

BUILDING = ".building"
"""What the file is called beside its name until it is complete."""
_VERSION = 8
_MAX_MISSING = 2000  # documents that are named and tried again; of more, all is listed again
_BATCH = 2000  # rows written in one go
_STEPS = 200_000  # SQLite's instructions between checks for a stop: some milliseconds

_TABLES = f"""
BEGIN;
CREATE TABLE facts (json TEXT NOT NULL);
CREATE TABLE listing (name TEXT PRIMARY KEY, next TEXT) WITHOUT ROWID;
CREATE TABLE collection (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, folder TEXT NOT NULL);
CREATE TABLE item (
    id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, w REAL, s REAL, e REAL, n REAL, t0 INTEGER,
    t1 INTEGER, name TEXT NOT NULL, folder TEXT, geometry TEXT
);
CREATE VIRTUAL TABLE place USING rtree (id, w, e, s, n);
CREATE TABLE asset (
    id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, item INTEGER, scope INTEGER NOT NULL,
    key TEXT NOT NULL, file TEXT NOT NULL, size INTEGER, page INTEGER NOT NULL, href TEXT NOT NULL,
    checksum TEXT NOT NULL
);
CREATE TABLE shared (asset INTEGER, item INTEGER, PRIMARY KEY (asset, item)) WITHOUT ROWID;
PRAGMA user_version={_VERSION};
COMMIT;
"""
"""`item.w` to `item.n` are null without a place, and in `place` to be found by it; `t0` and `t1` are null
where that end of its time is open, `folder` where it is the id. Each row of `asset` is a file of its own;
`shared` has all items that name one of those that items share, of which `asset.item` is the first."""
_INDEXES = (
    "CREATE INDEX IF NOT EXISTS asset_key ON asset (collection, key, scope, item, size)",
    # For counts, which need not sort all items then.
    "CREATE INDEX IF NOT EXISTS item_collection ON item (collection, w, t0, t1)",
)


class IndexBuilder:
    """Writes an index beside its name; only a complete one gets the name, so a kill does no harm.

    An unfinished one is continued, after the pages that `listings` returns, and so is a complete one that
    lacks no more than its `missing` documents; a `fresh` one is discarded, and nothing is committed before
    the end. `archive` is as of `DocumentReader`.

    Raises TargetBusy if another program is building it.
    """

    def __init__(self, path: Path, *, fresh: bool = False, archive: str = "") -> None:
        self.path = path
        self._file = path.with_name(path.name + BUILDING)
        self._reader = DocumentReader(archive)
        self.facts = self._reader.facts
        make_private_folder(path.parent)
        self._lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not try_lock(self._lock):
                raise TargetBusy("another program is reading this catalog", hint="wait until it is done")
            if fresh:
                remove_database(self._file)
            elif not self._file.exists():
                _reopen(path, self._file)
            try:
                self._db = _open_building(self._file, fresh)
            except sqlite3.OperationalError:  # the disk is full, say: what was read stays
                raise
            except sqlite3.DatabaseError:  # damaged, by a power cut perhaps: it can be read again
                remove_database(self._file)
                self._db = _open_building(self._file, fresh)
        except BaseException:
            os.close(self._lock)
            raise
        self._restore()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _restore(self) -> None:
        """Continue after what was committed."""
        db = self._db
        saved = db.execute("SELECT json FROM facts").fetchone()
        self.facts.update(json.loads(saved[0]) if saved else {})
        words = self._missing_words()  # added again at the end if they are missing still
        self.facts["notes"] = [note for note in self.facts["notes"] if note != words]
        self._collections: dict[str, int] = dict(db.execute("SELECT name, id FROM collection"))
        last = "SELECT coalesce(max(id), 0) FROM "
        self._last_item: int = db.execute(f"{last}item").fetchone()[0]
        self._last_asset: int = db.execute(f"{last}asset").fetchone()[0]
        rows = db.execute("SELECT collection, scope, file, id FROM asset WHERE scope > 0")
        self._shared = {(collection, scope, file): asset for collection, scope, file, asset in rows}
        self._rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _COLUMNS}
        db.execute("BEGIN")

    def add(self, document: Any, **where: Any) -> str:
        """Add a document and return its collection, empty where there is nothing to add.

        The parameters are those of `DocumentReader.read`.
        """
        rows, record = self._rows, self._reader.read(document, **where)
        if record is None:
            return ""
        owner, item = self._collection(record.collection), None
        if record.item is not None:
            self._last_item = item = self._last_item + 1
            folder = item_folder(record.item)
            names = record.item, None if folder == record.item else folder, record.geometry or None
            rows["item"].append((item, owner, *(record.box or _NOWHERE), *record.times, *names))
            if record.box is not None:
                west, south, east, north = record.box
                rows["place"].append((item, west, east, south, north))
        number = self._last_asset
        for asset in record.assets:
            if asset[0]:
                known = self._shared.setdefault((owner, asset[0], asset[2]), number + 1)
                if item is not None:
                    rows["shared"].append((known, item))
                if known <= number:
                    continue
            number += 1
            rows["asset"].append((number, owner, item, *asset))
        self._last_asset = number
        if len(rows["asset"]) + len(rows["item"]) >= _BATCH:
            self._flush()
        return record.collection

    def list_under(self, listing: str, collection: str) -> None:
        """Record that a listing has a collection: the one that it is of, the first time, or that of items."""
        known = self.facts["listed"].setdefault(listing, [])
        if collection and collection not in known:
            known.append(collection)

    def listed_under(self, listing: str) -> list[str]:
        """Return the collections of a listing, its own first; the listing's name where none is known."""
        return self.facts["listed"].get(listing) or [listing]

    def _collection(self, name: str) -> int:
        if name not in self._collections:
            sql = "INSERT INTO collection (name, folder) VALUES (?, ?)"
            self._collections[name] = self._db.execute(sql, (name, component(name))).lastrowid or 0
        return self._collections[name]

    def _flush(self) -> None:
        for table, columns in _COLUMNS.items():
            marks = ", ".join("?" * len(columns.split(",")))
            self._db.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", self._rows[table])
            self._rows[table].clear()

    @property
    def collections(self) -> tuple[str, ...]:
        """The collections seen."""
        return tuple(self._collections)

    @property
    def items(self) -> int:
        """How many items were added."""
        return self._last_item

    def add_note(self, line: str) -> None:
        """Save a line to be shown with the index, once."""
        if (line := one_line(line, 300)) not in self.facts["notes"]:
            self.facts["notes"].append(line)

    def add_gap(self, collection: str, why: str) -> None:
        """Record that the listing of a collection ended early, and why."""
        words = f"the listing is not complete: {why}"
        self.add_note(f"{collection}: {words}" if collection else words)
        self._add_gap(collection, words)

    def _add_gap(self, collection: str, words: str) -> None:
        self.facts["incomplete"] = True
        if (gap := [collection, "", one_line(words, 300)]) not in self.facts["gaps"]:
            self.facts["gaps"].append(gap)

    @property
    def missing(self) -> list[list[str]]:
        """The documents that did not come: collection of the listing, URL, and why, in a sentence."""
        return list(self.facts["missing"])

    def add_missing(self, collection: str, url: str, why: str) -> None:
        """Record a document that did not come; of too many, only that there are more."""
        self.drop_missing(collection, url)
        if len(self.facts["missing"]) < _MAX_MISSING:
            self.facts["missing"].append([collection, writable(url), one_line(why, 300)])
            self.facts["incomplete"] = True
        else:
            self._add_gap("", f"more than {_MAX_MISSING:,} documents could not be read")

    def drop_missing(self, collection: str, url: str) -> None:
        """Take a document off the missing ones."""
        place = [collection, writable(url)]
        self.facts["missing"] = left = [each for each in self.facts["missing"] if each[:2] != place]
        self.facts["incomplete"] = bool(left or self.facts["gaps"])

    def _missing_words(self) -> str:
        """Return the note about the missing documents; empty where there are none."""
        missing = self.facts["missing"]
        words = f"{count(len(missing), 'document')} could not be read, the first: "
        return one_line(words + missing[0][2], 300) if missing else ""

    def skip(self, entries: int) -> None:
        """Count entries of pages that have no id."""
        self.facts["nameless"] += entries

    def end_page(self, listing: str, following: str | None) -> None:
        """Commit a page of a listing, with the link to the next one; None at the end."""
        self._db.execute("INSERT OR REPLACE INTO listing VALUES (?, ?)", (listing, following))
        self._commit()
        self._db.execute("BEGIN")

    def listings(self) -> dict[str, str | None]:
        """Return the listings that were begun: the link to the next page, None after the last one."""
        return dict(self._db.execute("SELECT name, next FROM listing"))

    def _commit(self) -> None:
        self._flush()
        self._db.execute("DELETE FROM facts")
        self._db.execute("INSERT INTO facts VALUES (?)", (json.dumps(self.facts),))
        self._db.execute("COMMIT")

    def finish(self, facts: Mapping[str, str], *, stopped: threading.Event | None = None) -> Path:
        """Separate items of one id, make the SQL index, and give the file its name.

        `facts` say what the index is of; `Index.facts` has them again. `stopped` ends it early, with
        `sqlite3.OperationalError`.
        """
        if nameless := self.facts["nameless"]:
            self.add_note(without_id(nameless))
        if words := self._missing_words():
            self.add_note(words)
        self.facts.update(facts)
        stop, db = stopped or threading.Event(), self._db
        db.set_progress_handler(lambda: int(stop.is_set()), _STEPS)
        try:
            self._flush()
            self.facts["namesakes"] = _separate_namesakes(db)
            for statement in _INDEXES:
                db.execute(statement)
            self._commit()
        except BaseException:
            db.set_progress_handler(None, _STEPS)
            db.rollback()
            raise
        db.execute("PRAGMA journal_mode=DELETE")  # all in one file: it is renamed alone
        db.close()
        with self._file.open("rb+") as file:
            os.fsync(file.fileno())
        self._file.replace(self.path)
        sync_folder(self.path.parent)
        return self.path

    def close(self) -> None:
        """Close the file; what was committed stays for the next time."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


_NOWHERE = (None, None, None, None)
_COLUMNS = {
    "item": "id, collection, w, s, e, n, t0, t1, name, folder, geometry",
    "place": "id, w, e, s, n",
    "asset": "id, collection, item, scope, key, file, size, page, href, checksum",
    "shared": "asset, item",
}


def _open_building(path: Path, fresh: bool) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # What is always begun again needs no journal; a complete index is synced before it gets its name.
        db.execute(f"PRAGMA journal_mode={'OFF' if fresh else 'WAL'}")
        db.execute(f"PRAGMA synchronous={'OFF' if fresh else 'NORMAL'}")
        db.execute("PRAGMA cache_size=-2000")  # SQLite sorts in as much memory: more makes nothing faster
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError("an index of another version")
        if version == 0:
            db.executescript(_TABLES)
    except BaseException:
        db.close()
        raise
    return db


def _reopen(path: Path, building: Path) -> None:
    """Copy an index that lacks but documents to where it is continued: they alone are requested again."""
    try:
        with Index(path) as index:
            facts = index.facts
    except NoIndex:
        return
    if facts.get("missing") and not facts.get("gaps"):
        copy = building.with_name(f"{building.name}.copy")
        shutil.copyfile(path, copy)
        copy.replace(building)


def _separate_namesakes(db: sqlite3.Connection) -> int:
    """Give items that share an id but not their assets a folder each; the first keeps the plain one.

    The same item, listed twice, is there once. Returns how many got a folder.
    """
    found = db.execute(_NAMESAKES).fetchall()
    if found:
        db.execute("CREATE INDEX asset_item ON asset (item)")
        db.execute("CREATE INDEX shared_item ON shared (item)")
    separated, last, known = 0, None, dict[str, int]()
    for item, *place in found:
        hrefs = db.execute("SELECT href FROM asset WHERE item = ? AND scope = 0 ORDER BY id", (item,))
        # Of the same item only the signatures of its links may differ.
        identity = redact("\n".join(row[0] for row in hrefs))
        if not identity:
            continue
        if place != last:
            last, known = place, {identity: item}
        elif identity in known:
            for table, column in (("asset", "scope = 0 AND item"), ("item", "id"), ("place", "id")):
                db.execute(f"DELETE FROM {table} WHERE {column} = ?", (item,))
            for table in ("asset", "shared"):  # of what items share
                db.execute(f"UPDATE OR REPLACE {table} SET item = ? WHERE item = ?", (known[identity], item))
        else:
            known[identity] = item
            folder = namesake_folder(place[1], identity)
            db.execute("UPDATE item SET folder = ? WHERE id = ?", (folder, item))
            separated += 1
    db.execute("DROP INDEX IF EXISTS asset_item")
    db.execute("DROP INDEX IF EXISTS shared_item")
    return separated


_NAMESAKES = """
SELECT id, collection, coalesce(folder, name) FROM item WHERE (collection, coalesce(folder, name)) IN (
    SELECT collection, coalesce(folder, name) FROM item GROUP BY 1, 2 HAVING count(*) > 1
) ORDER BY 2, 3, 1
"""


class NoIndex(MLHubException):
    """There is no complete index, or none of this version."""

    default_hint = "it is made again from the catalog"


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """A collection: its number of items, the asset keys of these in order, and those of its own assets."""

    id: str
    items: int
    keys: tuple[str, ...]
    own: tuple[str, ...]


class Index:
    """Reads an index; calls block, and may come from any thread, one at a time, which holds `lock`.

    `facts` say what it is of, and what was recorded while it was made; `collections` has the id of each
    collection by number.

    Raises NoIndex if it does not exist, is incomplete, damaged, or of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        if not path.is_file():
            raise NoIndex("the dataset was not read yet")
        uri = f"{path.absolute().as_uri()}?mode=ro"
        self.connection = db = sqlite3.connect(uri, uri=True, check_same_thread=False)
        try:
            db.execute("PRAGMA cache_size=-2000")
            db.execute("PRAGMA temp_store=MEMORY")
            if db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                raise NoIndex("another version of this program wrote it")
            self.facts: dict[str, Any] = json.loads(db.execute("SELECT json FROM facts").fetchone()[0])
            self.collections: dict[int, str] = dict(db.execute("SELECT id, name FROM collection ORDER BY id"))
        except (sqlite3.Error, TypeError, ValueError, NoIndex) as error:
            db.close()
            raise NoIndex(f"the index of the dataset cannot be read: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def interrupt(self) -> None:
        """End a call that another thread is in, with `sqlite3.OperationalError`."""
        self.connection.interrupt()

    def contents(self) -> list[CollectionFacts]:
        """Return the collections in the order they came, each with its asset keys in theirs."""
        with self.lock:
            keys = self.connection.execute(_KEYS).fetchall()
            items = dict(self.connection.execute("SELECT collection, count(*) FROM item GROUP BY 1"))
        return [
            CollectionFacts(
                name,
                items.get(number, 0),
                tuple(key for of, key, own in keys if of == number and not own),
                tuple(key for of, key, own in keys if of == number and own),
            )
            for number, name in self.collections.items()
        ]

    def unknown_keys(self, filters: Filters) -> list[str]:
        """Return a line for each wanted asset key that its collection lacks, with those it has.

        A collection of which nothing was read is skipped.
        """
        paid = self.facts["paid"]
        there = {facts.id: (*facts.keys, *facts.own, *paid.get(facts.id, ())) for facts in self.contents()}
        lines: list[str] = []
        for name, keys in filters.collections:
            owners = self.facts["listed"].get(writable(name)) if filters.as_listed else None
            owners = owners or [name]
            known = dict.fromkeys(key for owner in owners for key in there.get(owner, ()))
            named = ", ".join(one_line(key, 60) for key in known)
            lines += [
                f"{one_line(owners[0], 80)} has no asset {one_line(key, 60)!r}; there are: {named}"
                for key in sorted(keys - known.keys())
                if known
            ]
        return lines


_KEYS = f"""
SELECT collection, key, scope = {Scope.COLLECTION:d} FROM asset INDEXED BY asset_key
GROUP BY collection, key, scope ORDER BY min(id)
"""
