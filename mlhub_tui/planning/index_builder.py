"""The builder of an index: takes documents one by one; a kill at any moment is harmless."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import TargetBusy
from ..fileio import try_lock
from ..storage import make_private_folder, sync_folder
from ..text import count, one_line, writable
from .layout import Scope, component, item_folder
from .progress import Progress
from .records import AssetRecord, DocumentRecord, Reader
from .schema import TABLES, VERSION
from .seal import seal
from .string_table import Names

_BATCH = 2000  # rows that are written in one go
_BETWEEN_COMMITS = 50_000  # rows; a transaction that is larger only grows the journal

BUILDING = ".building"


class Builder:
    """Writes an index beside its name; only a whole one gets the name.

    What is there of an unfinished one is continued: `listings` says where.

    Parameters
    ----------
    path
        Where the index will stand.
    anew
        Whether an unfinished one is thrown away.
    archive
        As `Reader`.

    Raises
    ------
    TargetBusy
        If another program is building it.
    """

    def __init__(self, path: Path, *, anew: bool = False, archive: str = "") -> None:
        self.path = path
        self._reader = Reader(archive)
        self._file = path.with_name(path.name + BUILDING)
        make_private_folder(path.parent)
        self._lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        if not try_lock(self._lock):
            os.close(self._lock)
            raise TargetBusy("another program is reading this catalog", hint="wait until it is done")
        try:
            self._connection = self._open(anew)
        except BaseException:
            os.close(self._lock)
            raise
        self._prepare()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(
        self,
        document: Any,
        *,
        member: str = "",
        hrefs: Mapping[str, str] | None = None,
        paid: Mapping[str, str] | None = None,
    ) -> None:
        """Take a document; what is no item and no collection is counted and left out.

        Parameters
        ----------
        document
            The JSON.
        member, hrefs, paid
            As `Reader.read`.
        """
        self.documents += 1
        record = self._reader.read(document, member=member, hrefs=hrefs, paid=paid)
        if record is not None:
            self.add_record(record)

    def add_record(self, record: DocumentRecord) -> None:
        """Take an item or a collection."""
        collection = self._collection(record.collection)
        self.faults += record.faults
        for key, why in record.paid.items():
            counts = self.paid.setdefault(record.collection, {})
            counts[key] = counts.get(key, 0) + 1
            self._paid_whys.setdefault(why)
        first = self._next_asset
        if record.item is None:
            self._add_assets(record.assets, None, collection)
        else:
            self._next_item += 1
            self._add_assets(record.assets, self._next_item, collection)
            folder = item_folder(record.item)
            row = (self._next_item, collection, record.item, None if folder == record.item else folder)
            self._items.append((*row, *record.place, *record.moments, first, self._next_asset - 1))
            if record.geometry:
                self._geometries.append((self._next_item, record.geometry))
        if len(self._assets) + len(self._items) >= _BATCH:
            self._flush()

    def note_page(self, listing: str, following: str | None) -> None:
        """Record that a page of a listing is taken, and what leads to the next; commits.

        Parameters
        ----------
        listing
            What the caller calls it.
        following
            A `Page.next`; None at the end.
        """
        self._connection.execute("INSERT OR REPLACE INTO listing VALUES (?, ?)", (listing, following))
        self.commit()

    def listings(self) -> dict[str, str | None]:
        """Return the listings that were begun: the link to the next page, None where no more come."""
        return dict(self._connection.execute("SELECT name, next FROM listing").fetchall())

    @property
    def collections(self) -> tuple[str, ...]:
        """The collections of which something was taken."""
        return tuple(self._collections)

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return Progress(self.documents, self._next_item, self._next_asset - 1)

    def commit(self) -> None:
        """Write what was taken so far, for good unless the power fails."""
        self._flush()
        nameless = self._nameless + self._reader.nameless
        self._note(documents=self.documents, left_out=self.left_out, faults=self.faults, nameless=nameless)
        self._note(said="\n".join(self._notes))
        if self.paid:
            self._note(paid=json.dumps(self.paid), paid_why=next(iter(self._paid_whys)))
        self._connection.execute("COMMIT")
        self._connection.execute("BEGIN")
        self._uncommitted = 0

    @property
    def left_out(self) -> int:
        """How many documents were neither items nor collections."""
        return self._left_out + self._reader.left_out

    def take_note(self, line: str) -> None:
        """Keep what is to be said of the index; it outlasts a kill with the page that it is of."""
        self._notes[one_line(line, 300)] = None

    def skip(self, entries: int) -> None:
        """Count entries of pages that have no id."""
        self._nameless += entries

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of what was taken, a line each."""
        nameless = self._nameless + self._reader.nameless
        left = f"{count(nameless, 'entry', 'entries')} without an ID left out"
        return (*self._notes, left) if nameless else tuple(self._notes)

    def finish(self, facts: Mapping[str, str], *, stopped: threading.Event | None = None) -> Path:
        """Sort, count, and give the index its name.

        Parameters
        ----------
        facts
            What the index is of; `Index.facts` has them again.
        stopped
            Ends it early.

        Raises
        ------
        sqlite3.OperationalError
            If it was stopped.
        """
        self.commit()
        self._connection.execute("COMMIT")
        seal(self._connection, stopped)
        self._connection.execute("BEGIN")
        self._note(**facts)
        self._connection.execute("COMMIT")
        self._connection.execute("PRAGMA journal_mode=DELETE")  # all in one file: it is renamed alone
        self._connection.close()
        _sync(self._file)
        self._file.replace(self.path)
        sync_folder(self.path.parent)
        return self.path

    def close(self) -> None:
        """Close the file; what was committed stays for the next time."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _open(self, anew: bool) -> sqlite3.Connection:
        if anew:
            self._discard()
        try:
            return _connect(self._file, anew)
        except sqlite3.DatabaseError:
            self._discard()  # damaged, by a power cut perhaps: it is only a copy of what can be read again
            return _connect(self._file, anew)

    def _discard(self) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)

    def _prepare(self) -> None:
        connection = self._connection
        self._keys, self._files = Names(connection, "key"), Names(connection, "file")
        self._media = Names(connection, "media")
        rows = connection.execute("SELECT name, id FROM collection")
        self._collections: dict[str, int] = dict(rows.fetchall())
        self._next_item = connection.execute("SELECT coalesce(max(id), 0) FROM item").fetchone()[0]
        self._next_asset = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM asset").fetchone()[0]
        shared = "SELECT collection, scope, file, min(id) FROM asset WHERE scope > 0 GROUP BY 1, 2, 3"
        self._shared = {(row[0], row[1], row[2]): row[3] for row in connection.execute(shared)}
        noted = dict(connection.execute("SELECT name, value FROM meta").fetchall())
        self.documents = int(noted.get("documents", 0))
        self._left_out = int(noted.get("left_out", 0))
        self.faults = int(noted.get("faults", 0))
        self._nameless = int(noted.get("nameless", 0))
        self._notes = dict.fromkeys(filter(None, str(noted.get("said", "")).split("\n")))
        self.paid: dict[str, dict[str, int]] = json.loads(noted.get("paid", "{}"))
        self._paid_whys = dict.fromkeys(filter(None, [str(noted.get("paid_why", ""))]))
        self._items: list[tuple[Any, ...]] = []
        self._geometries: list[tuple[int, str]] = []
        self._assets: list[tuple[Any, ...]] = []
        self._sources: list[tuple[Any, ...]] = []
        self._uncommitted = 0
        connection.execute("BEGIN")

    def _collection(self, name: str) -> int:
        known = self._collections.get(name)
        if known is None:
            sql = "INSERT INTO collection (name, folder) VALUES (?, ?)"
            made = self._connection.execute(sql, (name, component(name))).lastrowid
            assert made is not None
            known = self._collections[name] = made
        return known

    def _add_assets(self, records: tuple[AssetRecord, ...], item: int | None, collection: int) -> None:
        seen: dict[int, int] = {}
        number = self._next_asset
        keys, files, medias = self._keys, self._files, self._media
        hrefs, kinds, sums = list[str](), list[str](), list[str]()
        for key, name, href, scope, media, size, checksum in records:
            file, twin = files[name], None
            if scope:
                twin = self._shared.setdefault((collection, scope, file), number)
            elif (before := seen.setdefault(file, number)) != number:
                twin = before
                self._pair(before)
            self._assets.append((number, item, collection, keys[key], file, _SCOPES[scope], size, twin))
            hrefs.append(href)
            kinds.append(str(medias[media]) if media else "")
            sums.append(checksum)
            number += 1
        if hrefs:
            checksums = "\n".join(sums) if any(sums) else None
            self._sources.append((self._next_asset, "\n".join(hrefs), "\n".join(kinds), checksums))
        self._next_asset = number

    def _pair(self, number: int) -> None:
        """Note that another asset has the save path of one of the last ones taken."""
        for at in range(len(self._assets) - 1, -1, -1):
            if self._assets[at][0] == number:
                self._assets[at] = (*self._assets[at][:-1], number)
                return

    def _flush(self) -> None:
        connection = self._connection
        connection.executemany(_INSERT_ITEM, self._items)
        connection.executemany("INSERT INTO geometry VALUES (?, ?)", self._geometries)
        connection.executemany("INSERT INTO asset VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._assets)
        connection.executemany("INSERT INTO source VALUES (?, ?, ?, ?)", self._sources)
        self._uncommitted += len(self._assets) + len(self._items)
        for rows in (self._items, self._geometries, self._assets, self._sources):
            rows.clear()

    def _note(self, **values: str | int) -> None:
        rows = [(name, writable(one) if isinstance(one, str) else one) for name, one in values.items()]
        self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)


_SCOPES = tuple(int(scope) for scope in Scope)  # SQLite binds plain integers faster
_INSERT_ITEM = "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def _connect(path: Path, anew: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # What is always begun anew need not be mended after a kill; a whole index is synced first.
        connection.execute(f"PRAGMA journal_mode={'OFF' if anew else 'WAL'}")
        connection.execute(f"PRAGMA synchronous={'OFF' if anew else 'NORMAL'}")
        connection.execute("PRAGMA cache_size=-16000")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError("an index of another version")
        if version == 0:
            connection.executescript(f"BEGIN;{TABLES}PRAGMA user_version={VERSION};COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
