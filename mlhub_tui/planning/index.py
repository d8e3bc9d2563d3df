"""Index of a dataset: its items and assets in one SQLite file, written once and then only read."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import MLHubException, TargetBusy
from ..fileio import try_lock
from ..storage import make_private_folder, sync_folder
from ..text import count, one_line, redact
from .layout import component, item_folder, namesake_folder
from .records import AssetRecord, DocumentReader, DocumentRecord

BUILDING = ".building"
"""What the file is called beside its name until it is complete."""
_VERSION = 5
_BATCH = 2000  # rows written in one go
_STEPS = 200_000  # SQLite's instructions between checks for a stop: some milliseconds

_TABLES = f"""
BEGIN;
CREATE TABLE facts (json TEXT NOT NULL);
CREATE TABLE listing (name TEXT PRIMARY KEY, next TEXT) WITHOUT ROWID;
CREATE TABLE collection (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, folder TEXT NOT NULL);
CREATE TABLE item (
    id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, w REAL, s REAL, e REAL, n REAL, t0 INTEGER,
    t1 INTEGER, first INTEGER NOT NULL, last INTEGER NOT NULL, name TEXT NOT NULL, folder TEXT,
    geometry TEXT
);
CREATE TABLE asset (
    id INTEGER PRIMARY KEY, item INTEGER, collection INTEGER NOT NULL, key TEXT NOT NULL,
    scope INTEGER NOT NULL, size INTEGER, duplicate INTEGER, file TEXT NOT NULL, page INTEGER NOT NULL,
    href TEXT NOT NULL, checksum TEXT NOT NULL
);
PRAGMA user_version={_VERSION};
COMMIT;
"""
"""`item.w` to `item.n` are null without a place, `t0` and `t1` where that end of its time is open; the assets
of an item are those from `first` to `last`; `folder` is null where it is the id. `asset.duplicate` is the
first asset with the same save path, where several have it or may have it. `listing.next` links to the next
page of a listing, null at its end."""
_INDEXES = (
    "CREATE INDEX asset_key ON asset (collection, key, item, duplicate, size)",
    "CREATE INDEX asset_duplicate ON asset (collection, key, duplicate, item) WHERE duplicate IS NOT NULL",
    "CREATE INDEX asset_own ON asset (collection) WHERE item IS NULL",
)


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far an index is: documents and assets read, bytes of the archive (of so many, if known)."""

    documents: int = 0
    items: int = 0
    assets: int = 0
    bytes_read: int = 0
    bytes_total: int | None = None
    sorting: bool = False


class IndexBuilder:
    """Writes an index beside its name; only a complete one gets the name, so a kill does no harm.

    An unfinished one is continued, after the pages that `listings` returns.

    - `path`: Where the index will be.
    - `fresh`: Whether an unfinished one is discarded; then nothing is committed before the end.
    - `archive`: As of `DocumentReader`.

    Raises TargetBusy if another program is building it.
    """

    def __init__(self, path: Path, *, fresh: bool = False, archive: str = "") -> None:
        self.path = path
        self._file = path.with_name(path.name + BUILDING)
        self._reader = DocumentReader(archive)
        make_private_folder(path.parent)
        self._lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not try_lock(self._lock):
                raise TargetBusy("another program is reading this catalog", hint="wait until it is done")
            if fresh:
                self._discard()
            try:
                self._db = _open_building(self._file, fresh)
            except sqlite3.DatabaseError:
                self._discard()  # damaged, by a power cut perhaps: only a copy of what can be read again
                self._db = _open_building(self._file, fresh)
        except BaseException:
            os.close(self._lock)
            raise
        self._restore()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _restore(self) -> None:
        """Continue after what was committed."""
        db = self._db
        saved = db.execute("SELECT json FROM facts").fetchone()
        self.facts: dict[str, Any] = {"documents": 0, "left_out": 0, "faults": 0, "nameless": 0}
        self.facts |= {"namesakes": 0, "notes": [], "paid": {}, "paid_why": ""}
        self.facts |= json.loads(saved[0]) if saved else {}
        self._reader.left_out, self._reader.nameless = self.facts["left_out"], self.facts["nameless"]
        self._collections: dict[str, int] = dict(db.execute("SELECT name, id FROM collection").fetchall())
        self._items_taken = db.execute("SELECT coalesce(max(id), 0) FROM item").fetchone()[0]
        self._assets_taken = db.execute("SELECT coalesce(max(id), 0) FROM asset").fetchone()[0]
        shared = "SELECT collection, scope, file, min(id) FROM asset WHERE scope > 0 GROUP BY 1, 2, 3"
        self._shared = {(row[0], row[1], row[2]): row[3] for row in db.execute(shared)}
        self._items: list[tuple[Any, ...]] = []
        self._assets: list[tuple[Any, ...]] = []
        db.execute("BEGIN")

    def add(
        self,
        document: Any,
        *,
        member: str = "",
        hrefs: Mapping[str, str] | None = None,
        paid: Mapping[str, str] | None = None,
    ) -> None:
        """Add a document; the parameters are those of `DocumentReader.read`."""
        self.facts["documents"] += 1
        record = self._reader.read(document, member=member, hrefs=hrefs, paid=paid)
        if record is not None:
            self._add(record)

    def _add(self, record: DocumentRecord) -> None:
        facts, collection = self.facts, self._collection(record.collection)
        facts["faults"] += record.faults
        for key, why in record.paid.items():
            counts = facts["paid"].setdefault(record.collection, {})
            counts[key] = counts.get(key, 0) + 1
            facts["paid_why"] = facts["paid_why"] or why
        first = self._assets_taken + 1
        if record.item is None:
            self._add_assets(record.assets, None, collection)
        else:
            self._items_taken += 1
            self._add_assets(record.assets, self._items_taken, collection)
            folder = item_folder(record.item)
            names = record.item, None if folder == record.item else folder, record.geometry or None
            where = record.box or (None,) * 4
            row = self._items_taken, collection, *where, *record.times, first, self._assets_taken, *names
            self._items.append(row)
        if len(self._assets) + len(self._items) >= _BATCH:
            self._flush()

    def _collection(self, name: str) -> int:
        if name not in self._collections:
            sql = "INSERT INTO collection (name, folder) VALUES (?, ?)"
            self._collections[name] = self._db.execute(sql, (name, component(name))).lastrowid or 0
        return self._collections[name]

    def _add_assets(self, records: tuple[AssetRecord, ...], item: int | None, collection: int) -> None:
        repeated = Counter(record.file for record in records)
        first_of: dict[str, int] = {}
        for number, record in enumerate(records, self._assets_taken + 1):
            key, file, href, scope, page, size, checksum = record
            if scope:
                duplicate = self._shared.setdefault((collection, int(scope), file), number)
            else:
                duplicate = first_of.setdefault(file, number) if repeated[file] > 1 else None
            row = number, item, collection, key, int(scope), size, duplicate, file, page, href, checksum
            self._assets.append(row)
        self._assets_taken += len(records)

    def _flush(self) -> None:
        self._db.executemany(f"INSERT INTO item VALUES ({', '.join('?' * 13)})", self._items)
        self._db.executemany(f"INSERT INTO asset VALUES ({', '.join('?' * 11)})", self._assets)
        self._items.clear()
        self._assets.clear()

    @property
    def collections(self) -> tuple[str, ...]:
        """The collections seen."""
        return tuple(self._collections)

    @property
    def progress(self) -> IndexProgress:
        """How far it is."""
        return IndexProgress(self.facts["documents"], self._items_taken, self._assets_taken)

    def add_note(self, line: str) -> None:
        """Save a line to be shown with the index, once."""
        if (line := one_line(line, 300)) not in self.facts["notes"]:
            self.facts["notes"].append(line)

    def skip(self, entries: int) -> None:
        """Count entries of pages that have no id."""
        self._reader.nameless += entries

    def end_page(self, listing: str, following: str | None) -> None:
        """Commit a page of a listing, with the link to the next one; None at the end."""
        self._db.execute("INSERT OR REPLACE INTO listing VALUES (?, ?)", (listing, following))
        self.commit()

    def listings(self) -> dict[str, str | None]:
        """Return the listings that were begun: the link to the next page, None where no more come."""
        return dict(self._db.execute("SELECT name, next FROM listing").fetchall())

    def commit(self) -> None:
        """Save what was added so far."""
        self._flush()
        self.facts["left_out"], self.facts["nameless"] = self._reader.left_out, self._reader.nameless
        self._db.execute("DELETE FROM facts")
        self._db.execute("INSERT INTO facts VALUES (?)", (json.dumps(self.facts),))
        self._db.execute("COMMIT")
        self._db.execute("BEGIN")

    def finish(self, facts: Mapping[str, str], *, stopped: threading.Event | None = None) -> Path:
        """Resolve duplicates, make the indexes, and give the file its name.

        - `facts`: What the index is of; `Index.facts` has them again.
        - `stopped`: Ends it early, with `sqlite3.OperationalError`.
        """
        if nameless := self._reader.nameless:
            self.add_note(f"{count(nameless, 'entry', 'entries')} without an ID left out")
        self.facts |= facts
        stop, db = stopped or threading.Event(), self._db
        db.set_progress_handler(lambda: int(stop.is_set()), _STEPS)
        try:
            self._flush()
            self.facts["namesakes"] = _separate_namesakes(db)
            _mark_duplicates(db)
            for statement in _INDEXES:
                db.execute(statement)
            self.commit()
            db.execute("COMMIT")
        except BaseException:
            db.set_progress_handler(None, _STEPS)
            if db.in_transaction:
                db.execute("ROLLBACK")
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

    def _discard(self) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)


def _open_building(path: Path, fresh: bool) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # What is always begun again needs no journal; a complete index is synced before it gets its name.
        db.execute(f"PRAGMA journal_mode={'OFF' if fresh else 'WAL'}")
        db.execute(f"PRAGMA synchronous={'OFF' if fresh else 'NORMAL'}")
        db.execute("PRAGMA cache_size=-16000")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError("an index of another version")
        if version == 0:
            db.executescript(_TABLES)
    except BaseException:
        db.close()
        raise
    return db


_NAMESAKES = """
SELECT id, item.collection, coalesce(folder, name) AS folder, first, last FROM item
WHERE last >= first AND (collection, coalesce(folder, name)) IN (
    SELECT collection, coalesce(folder, name) FROM item GROUP BY 1, 2 HAVING count(*) > 1
) ORDER BY id
"""


def _separate_namesakes(db: sqlite3.Connection) -> int:
    """Give items that share an id but not their assets a folder each; the first keeps the plain one."""
    known: dict[tuple[int, str], str] = {}
    separated = 0
    for number, collection, folder, first, last in db.execute(_NAMESAKES).fetchall():
        sql = "SELECT href FROM asset WHERE id BETWEEN ? AND ? ORDER BY id"
        # The same item, listed twice: only the signatures of its links may differ.
        hrefs = redact("\n".join(row[0] for row in db.execute(sql, (first, last))))
        if known.setdefault((collection, folder), hrefs) != hrefs:
            name = namesake_folder(folder, hrefs)
            db.execute("UPDATE item SET folder = ? WHERE id = ?", (name, number))
            separated += 1
    return separated


def _mark_duplicates(db: sqlite3.Connection) -> None:
    """Record the first asset of each save path, for items of one folder, as an item listed twice has."""
    db.execute(f"CREATE TEMP TABLE namesake AS {_NAMESAKES}")
    db.execute(
        "CREATE TEMP TABLE pair AS SELECT namesake.collection, folder, file, min(asset.id) AS first "
        "FROM namesake JOIN asset ON asset.id BETWEEN namesake.first AND namesake.last "
        "WHERE scope = 0 GROUP BY 1, 2, 3 HAVING count(*) > 1"
    )
    db.execute("CREATE INDEX temp.pairs ON pair (collection, folder, file)")
    db.execute(
        "UPDATE asset SET duplicate = pair.first FROM namesake JOIN pair USING (collection, folder) "
        "WHERE asset.id BETWEEN namesake.first AND namesake.last AND scope = 0 AND asset.file = pair.file"
    )
    db.execute("DROP TABLE temp.pair")
    db.execute("DROP TABLE temp.namesake")


class NoIndex(MLHubException):
    """There is no complete index, or none of this version."""

    default_hint = "it is made again from the catalog"


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """A collection: its number of items and of their assets, their asset keys in order.

    `own` are the keys of its own assets.
    """

    id: str
    items: int
    assets: int
    keys: tuple[str, ...]
    own: tuple[str, ...]


class Index:
    """Reads an index; calls block, and may come from any thread, one at a time.

    - `path`: The file.

    Raises NoIndex if it does not exist, is incomplete, damaged, or of another version.

    - `lock`: To be held while `connection` is used.
    - `selected`: What the temporary table `chosen` holds; see `selection`.
    - `facts`: What it is of, and what was recorded while it was made.
    - `collections`, `folders`: Of each collection, by number: its id and its folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.selected: object = None
        if not path.is_file():
            raise NoIndex("the dataset was not read yet")
        uri = f"{path.absolute().as_uri()}?mode=ro"
        self.connection = db = sqlite3.connect(uri, uri=True, check_same_thread=False)
        try:
            db.execute("PRAGMA cache_size=-16000")
            db.execute("PRAGMA temp_store=MEMORY")
            if db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                raise NoIndex("the index of the dataset was written by another version of this program")
            self.facts: dict[str, Any] = json.loads(db.execute("SELECT json FROM facts").fetchone()[0])
            names = db.execute("SELECT id, name, folder FROM collection ORDER BY id").fetchall()
        except (sqlite3.Error, TypeError, ValueError) as error:
            db.close()
            raise NoIndex(f"the index of the dataset cannot be read: {error}") from error
        except NoIndex:
            db.close()
            raise
        self.collections: dict[int, str] = {row[0]: row[1] for row in names}
        self.folders: dict[int, str] = {row[0]: row[2] for row in names}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
            rows = self.connection.execute(_KEYS).fetchall()
            items = Counter(row[0] for row in self.connection.execute("SELECT collection FROM item"))
        keys: dict[int, dict[str, int]] = {number: {} for number in self.collections}
        own: dict[int, list[str]] = {number: [] for number in self.collections}
        for collection, key, of_items, of_collection in rows:
            if of_items:
                keys[collection][key] = of_items
            if of_collection:
                own[collection].append(key)
        return [
            CollectionFacts(
                name, items[number], sum(keys[number].values()), (*keys[number],), (*own[number],)
            )
            for number, name in self.collections.items()
        ]

    @property
    def paid(self) -> dict[str, dict[str, int]]:
        """Number of assets left out because their reader has to pay, by collection and key."""
        found: dict[str, dict[str, int]] = self.facts["paid"]
        return found

    def unknown_keys(self, wanted: Iterable[tuple[str, Collection[str]]]) -> list[str]:
        """Return a line for each wanted asset key that its collection lacks, with those it has.

        `wanted` are collections with keys, as `Filters.collections`; a collection of which nothing was read
        is skipped.
        """
        there = {
            facts.id: dict.fromkeys((*facts.keys, *facts.own, *self.paid.get(facts.id, ())))
            for facts in self.contents()
        }
        return [
            f"{one_line(name, 80)} has no asset {one_line(key, 60)!r}; there are: "
            + ", ".join(one_line(known, 60) for known in there[name])
            for name, keys in wanted
            if there.get(name)
            for key in sorted(set(keys) - there[name].keys())
        ]


_KEYS = """
SELECT collection, key, count(item), count(*) - count(item) FROM asset INDEXED BY asset_key
GROUP BY collection, key ORDER BY min(id)
"""
