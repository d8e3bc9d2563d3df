"""The queue's database file: opened, migrated, moved aside when damaged, kept in memory when it cannot be."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from .. import text
from ..errors import DownloadError
from ..storage import make_private_folder
from .schema import MIGRATIONS, VERSION

_WAIT = 0.25  # seconds that a call waits for another program's transaction; callers that can wait try again


class QueueTooNew(DownloadError):
    """The queue was written by a later version of this program."""

    default_hint = "start the newer version, or move the file away to begin a new queue"


class Database:
    """One connection for all threads of the engine, a transaction at a time.

    Parameters
    ----------
    path
        The file; its folder is made (0700) if it can be.

    Attributes
    ----------
    notice
        One line for the user if the file was damaged or cannot be used, else empty.
    kept
        Whether it is on disk; else it is in memory, and ends with the program.
    """

    def __init__(self, path: Path) -> None:
        self.notice = ""
        self._lock = threading.Lock()
        self.kept = True
        self._connection = self._open(path)

    @contextlib.contextmanager
    def transaction(self, patience: float = 0.0) -> Iterator[sqlite3.Connection]:
        """Run statements as one transaction: all of them last, or none.

        Parameters
        ----------
        patience
            Seconds to try again while another program holds the database; for threads that may wait.

        Raises
        ------
        sqlite3.OperationalError
            If another program holds the database, or it cannot be written.
        """
        self._enter(time.monotonic() + patience)
        try:
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
        finally:
            self._lock.release()

    def _enter(self, deadline: float) -> None:
        """Take the lock and begin; without holding up the other threads between tries."""
        while True:
            self._lock.acquire()
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                self._lock.release()
                if not is_locked(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def read(self, sql: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """Close the file; further calls fail."""
        with self._lock:
            self._connection.close()

    def _open(self, path: Path) -> sqlite3.Connection:
        try:
            make_private_folder(path.parent)
            return _patiently(path)
        except QueueTooNew as error:
            self.notice = f"{error.message}: this session's queue is not kept; {error.hint}"
        except sqlite3.OperationalError as error:
            self.notice = _not_kept(path, error)
        except sqlite3.DatabaseError:
            try:
                aside = move_aside(path)
                self.notice = f"the download queue was damaged and starts anew; the old one is {_name(aside)}"
                return _connect(path)
            except (sqlite3.Error, OSError) as error:
                self.notice = _not_kept(path, error)
        except OSError as error:
            self.notice = _not_kept(path, error)
        self.kept = False
        return _connect(Path(":memory:"))


def move_aside(path: Path) -> Path:
    """Rename a damaged database and its companions to `NAME.damaged-DATE`; return the new path."""
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def _patiently(path: Path) -> sqlite3.Connection:
    deadline = time.monotonic() + 5.0  # two programs that start at once, both migrating
    while True:
        try:
            return _connect(path)
        except sqlite3.OperationalError as error:
            if not is_locked(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def is_locked(error: sqlite3.Error) -> bool:
    """Return whether another program's transaction was in the way."""
    return "locked" in str(error) or "busy" in str(error)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        # FULL: an acknowledged change outlives a power cut, at one disk flush each, off the UI's thread.
        connection.execute("PRAGMA synchronous=FULL")
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        _migrate(connection, path)
        if path.name != ":memory:":
            path.chmod(0o600)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise QueueTooNew(f"{_name(path)} is of version {version}, and this program knows {VERSION}")
    if version == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for script in MIGRATIONS[version:]:
            for statement in script.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _not_kept(path: Path, error: Exception) -> str:
    return f"this session's queue is not kept: {_name(path)} cannot be used ({text.one_line(error, 120)})"


def _name(path: Path) -> str:
    return text.one_line(path, 200)
