"""The queue's database file: schema, opening and migration; a file that cannot be used is left as it is."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from .. import paths, text
from ..errors import DownloadError, NoSpaceError
from ..fileio import free_space, make_private_folder, nearest, not_folder

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE runners (
        id TEXT PRIMARY KEY, pid INTEGER NOT NULL, host TEXT NOT NULL, token TEXT NOT NULL, beat REAL NOT NULL
    );
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        target TEXT NOT NULL UNIQUE,
        source TEXT NOT NULL, profile TEXT, collection_id TEXT NOT NULL, folder TEXT NOT NULL,
        if_exists TEXT NOT NULL, title TEXT NOT NULL, size INTEGER, name TEXT NOT NULL,
        state TEXT NOT NULL, position INTEGER NOT NULL,
        bytes_done INTEGER NOT NULL DEFAULT 0, bytes_total INTEGER,
        reason TEXT NOT NULL DEFAULT '', hint TEXT NOT NULL DEFAULT '',
        tries INTEGER NOT NULL DEFAULT 0, next_try REAL,
        runner TEXT, revision INTEGER NOT NULL
    );
    CREATE INDEX jobs_by_revision ON jobs (revision);
    CREATE INDEX jobs_by_position ON jobs (position);
    CREATE TABLE parts (
        path TEXT PRIMARY KEY, runner TEXT, generation INTEGER NOT NULL DEFAULT 0,
        url TEXT NOT NULL DEFAULT '', total INTEGER, etag TEXT, modified TEXT,
        digests TEXT NOT NULL DEFAULT '', inode TEXT NOT NULL DEFAULT '', synced INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE clock (revision INTEGER NOT NULL);
    INSERT INTO clock VALUES (0);
    """,
    """
    ALTER TABLE runners ADD COLUMN kind TEXT NOT NULL DEFAULT 'app';
    ALTER TABLE jobs ADD COLUMN rate REAL;
    ALTER TABLE jobs ADD COLUMN eta REAL;
    CREATE TABLE commands (
        id INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL, verb TEXT NOT NULL,
        delete_part INTEGER NOT NULL, author TEXT NOT NULL, at REAL NOT NULL
    );
    CREATE INDEX commands_by_job ON commands (job);
    """,
    "ALTER TABLE parts ADD COLUMN extents TEXT NOT NULL DEFAULT ''",
    """
    CREATE TABLE settings (name TEXT PRIMARY KEY, value INTEGER);
    ALTER TABLE jobs ADD COLUMN connections INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN sums TEXT NOT NULL DEFAULT ''
    """,
    "ALTER TABLE jobs ADD COLUMN asset TEXT",
    """
    ALTER TABLE jobs ADD COLUMN dataset TEXT;
    ALTER TABLE jobs ADD COLUMN files_done INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN files_failed INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN files_total INTEGER
    """,
    """
    CREATE TABLE events (
        job INTEGER NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, words TEXT NOT NULL,
        PRIMARY KEY (job, number)
    ) WITHOUT ROWID
    """,
)
"""`MIGRATIONS[n]` brings a database from version n (`PRAGMA user_version`) to n + 1.

`jobs.revision` is `clock` at the row's last change, so that other programs read what changed and nothing
else. A `runner` works on a job or writes a part; a job without one is taken by the next program that runs
the queue. `commands` is what one program asks of another, deleted once carried out. `parts` is described in
`transfer.part_file`; `jobs.asset`, `jobs.dataset` are JSON, NULL for other kinds of jobs. No column holds a
key or a link's signature.
"""

VERSION = len(MIGRATIONS)
ROOM = 4 << 20
"""Bytes of the queue's disk that a program needs to run transfers: its write-ahead log grows so far."""
_FIRST_TABLES = frozenset({"runners", "jobs", "parts", "clock"})
_TABLES = _FIRST_TABLES | {"commands", "settings", "events"}

_WAIT = 0.25  # seconds that a call waits for another program's transaction; callers that can wait try again
_START_WAIT = 5.0  # seconds for programs that start at once, all migrating
_MAGIC = b"SQLite format 3\x00"
_COMPANIONS = ("-wal", "-shm", "-journal")  # SQLite's own files beside a database
_MADE_WITHIN = 1.0  # seconds that an empty file may be one that another program is just creating
_FULL = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE")  # the second where a quota is used up
_PERMISSIONS = "make it readable and writable for you"
_LOCAL = "use a local disk"
_SPACE = "free space on its disk"
_ELSEWHERE = "set MLHUB_HOME to another folder"


class QueueUnusable(DownloadError):
    """The file of the queue cannot be used; it is left as it is."""

    default_hint = _ELSEWHERE

    by_place = False
    """Whether it is the disk or the folder that cannot be used, and not what is in the file."""


class JournalNotWritable(DownloadError):
    """The record of a transfer cannot be written."""

    default_hint = "free space on the disk of the queue's database, or close the program that locks it"


def not_writable(error: sqlite3.Error) -> DownloadError:
    """Return the error for a change at which SQLite failed; a full disk is not tried again and again."""
    full = getattr(error, "sqlite_errorname", "").startswith(_FULL)
    kind = NoSpaceError if full else JournalNotWritable
    words = f"the download queue cannot be written: {text.one_line(error, 120)}"
    return kind(words, hint=JournalNotWritable.default_hint)


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Raise JournalNotWritable or NoSpaceError where SQLite fails."""
    try:
        yield
    except sqlite3.Error as error:
        raise not_writable(error) from error


class Database:
    """One connection for all threads, one transaction at a time.

    The file at `path` is created if missing, with its folder (0700); None is a database in memory. With
    `in_memory` that is used too where no file can be made, or the disk cannot be used (`notice` says so): for
    programs that run their own transfers, and lose no queued ones by that. Otherwise raises QueueUnusable,
    also where the disk has fewer than `room` bytes left.
    """

    def __init__(self, path: Path | None, *, in_memory: bool = False, room: int = 0) -> None:
        self.notice = ""
        self._lock = threading.Lock()
        try:
            if room and path is not None:
                check_room(path, room)
            self._connection = _connect(None) if path is None else _open(path)
        except QueueUnusable as error:
            if path is None or not in_memory or (exists(path) and not error.by_place):
                raise
            paths.use_temporary()  # what transfers write beside the queue could not be written there either
            self.notice = f"{error.message}; transfers are not saved for the next start ({_ELSEWHERE})"
            self._connection = _connect(None)

    @contextlib.contextmanager
    def transaction(self, patience: float = 0.0) -> Iterator[sqlite3.Connection]:
        """Run statements as one transaction; wait up to `patience` seconds for another program's."""
        self._begin(time.monotonic() + patience)
        try:
            with self._connection:  # committed as a whole, or rolled back
                yield self._connection
        finally:
            self._lock.release()

    def _begin(self, deadline: float) -> None:
        """Take the lock and begin; other threads get their turn between tries."""
        while True:
            self._lock.acquire()
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.Error as error:
                self._lock.release()
                if not is_locked(error) or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def read(self, sql: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """Close the file; further calls fail."""
        with self._lock:
            self._connection.close()


def exists(path: Path) -> bool:
    """Return whether there is a file, of any kind, the journal of a lost one, or what is no folder for it."""
    return _is_there(path) or _orphaned_journal(path) is not None or not nearest(path.parent).is_dir()


def check(path: Path) -> None:
    """Raise QueueUnusable for a file that is no database, or cannot be written.

    It is checked before SQLite touches it: SQLite deletes the journal of an empty file.
    """
    if not (folder := nearest(path.parent)).is_dir():
        raise _unusable(path, not_folder(folder), "fix or move that", by_place=True)
    if not _is_there(path):
        if (journal := _orphaned_journal(path)) is not None:
            raise _unusable(path, f"the file is missing, but its journal {_name(journal)} is there")
        return
    try:
        kind = path.stat().st_mode
        if stat.S_ISREG(kind):
            with path.open("rb") as file:
                head = file.read(len(_MAGIC))
    except FileNotFoundError:
        target = _name(path.readlink()) if path.is_symlink() else ""
        raise _unusable(path, f"it is a link to {target}, which does not exist") from None
    except OSError as error:
        raise _unusable(path, _reason(error), _PERMISSIONS, by_place=True) from None
    if not stat.S_ISREG(kind):
        raise _unusable(path, "it is a folder" if stat.S_ISDIR(kind) else "it is not a regular file")
    if not head:
        raise _unusable(path, "the file is empty, what was queued is not in it")
    if head != _MAGIC:
        raise _unusable(path, "the file is damaged or not a database")
    if not os.access(path, os.W_OK):
        raise _unusable(path, "the file is read-only", _PERMISSIONS, by_place=True)
    if not os.access(path.resolve().parent, os.W_OK | os.X_OK):
        raise _unusable(path, "its folder is read-only", _PERMISSIONS, by_place=True)


def is_locked(error: sqlite3.Error) -> bool:
    """Return whether another program's transaction was in the way."""
    return "locked" in str(error) or "busy" in str(error)


def _open(path: Path) -> sqlite3.Connection:
    """Open the file, wait for programs that start at the same time, and say what is wrong with it."""
    start = time.monotonic()
    while True:
        waited = time.monotonic() - start
        try:
            if not exists(path):
                _create(path)
            check(path)
            return _connect(path)
        except QueueUnusable:
            if waited > _MADE_WITHIN or not _is_empty(path):
                raise
        except sqlite3.OperationalError as error:
            if is_locked(error) and lacks_locks(path.parent):
                raise _unusable(path, "its file system has no locks", _LOCAL, by_place=True) from error
            if not is_locked(error) or waited > _START_WAIT:
                raise unusable(path, error) from error
        except sqlite3.DatabaseError as error:
            raise unusable(path, error) from error
        except OSError as error:
            raise _unusable(path, _reason(error), _PERMISSIONS, by_place=True) from error
        time.sleep(0.05)


def check_room(path: Path, room: int = ROOM) -> None:
    """Raise QueueUnusable where the disk is nearly full: what opens may fail at any later change."""
    folder = next(above for above in path.absolute().parents if above.exists())
    free = free_space(folder)
    if free is not None and free < room:
        raise _unusable(path, f"its disk has only {text.size(free)} left", _SPACE, by_place=True)


def _create(path: Path) -> None:
    """Create the file of a new queue, complete under its name: an empty file is one that lost its jobs."""
    make_private_folder(path.parent)
    name = str(path.with_name(f".{path.name}.{os.urandom(4).hex()}"))
    os.close(os.open(name, os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with contextlib.closing(sqlite3.connect(name, timeout=_WAIT, isolation_level=None)) as connection:
            _migrate(connection)
        with contextlib.suppress(FileExistsError):  # another program was faster
            os.link(name, path)
    except OSError:
        # A file system without hard links: it is created in place, and is empty for a moment.
        with contextlib.closing(sqlite3.connect(path, timeout=_WAIT, isolation_level=None)) as connection:
            _migrate(connection)
    finally:
        for suffix in ("", "-journal"):
            Path(name + suffix).unlink(missing_ok=True)


def _connect(path: Path | None) -> sqlite3.Connection:
    where = path or ":memory:"
    connection = sqlite3.connect(where, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        if path is not None:
            verify(connection, path)
        connection.execute("PRAGMA journal_mode=WAL")
        # FULL: an acknowledged change outlives a power cut, at one disk flush each, off the UI's thread.
        connection.execute("PRAGMA synchronous=FULL")
        _migrate(connection)
        if path is not None:
            path.chmod(0o600)
    except BaseException:
        connection.close()
        raise
    return connection


def verify(connection: sqlite3.Connection, path: Path) -> None:
    """Raise QueueUnusable unless a database is whole, ours, and of no later version; nothing is changed."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        formats = f"format {version}, this one reads {VERSION}"
        why = f"it was written by a newer version of this program ({formats})"
        raise _unusable(path, why, "start the newer version")
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise _unusable(path, f"the file is damaged ({text.one_line(verdict, 120)})")
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    expected = _TABLES if version == VERSION else _FIRST_TABLES
    if (version == 0 and tables) or (version != 0 and not expected <= tables):
        raise _unusable(path, "it is the database of another program")


def _migrate(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA user_version").fetchone()[0] >= VERSION:
        return
    with connection:  # committed as a whole, or rolled back
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for script in MIGRATIONS[version:]:
            for statement in script.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={VERSION}")


def unusable(path: Path, error: sqlite3.Error) -> QueueUnusable:
    """Return the error for a file at which SQLite failed."""
    why, name = text.one_line(error, 120), getattr(error, "sqlite_errorname", "")
    if not isinstance(error, sqlite3.OperationalError):
        return _unusable(path, f"the file is damaged ({why})")
    if is_locked(error):
        fix = "close the program that holds it, then start again"
    elif name == "SQLITE_FULL":
        fix = _SPACE
    elif name.startswith(("SQLITE_IOERR_LOCK", "SQLITE_IOERR_RDLOCK", "SQLITE_PROTOCOL")):
        fix = f"its file system has no locks: {_LOCAL}"
    else:
        fix = "check the permissions and the free space of its folder"
    place = name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN"))
    return _unusable(path, why, fix, by_place=place)


def lacks_locks(folder: Path) -> bool:
    """Return whether the file system of a folder refuses every lock, as some network disks do."""
    import tempfile  # start-up time: it loads the compressors

    try:
        fcntl = import_module("fcntl")
    except ImportError:  # Windows
        return False
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
    return False


def _unusable(path: Path, why: str, fix: str = "", *, by_place: bool = False) -> QueueUnusable:
    """Return the error for a file: what to do about it, or else how to start a new queue beside it."""
    if not fix:
        names = [name for name in (path.name, *_names_beside(path)) if _is_there(path.with_name(name))]
        parts = text.one_line(" and ".join(names), 200)
        fix = f"restore a backup of it, or rename {parts} to start an empty queue"
    made = QueueUnusable(
        f"cannot open the download queue {_name(path)}: {why}", hint=f"{fix}; or {_ELSEWHERE}"
    )
    made.by_place = by_place
    return made


def _names_beside(path: Path) -> list[str]:
    return [f"{path.name}{suffix}" for suffix in _COMPANIONS]


def _is_there(path: Path) -> bool:
    """Return whether there is a file, folder or link, also where it may not be looked at."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass
    return True


def _is_empty(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return path.is_file() and not path.stat().st_size
    return False


def _orphaned_journal(path: Path) -> Path | None:
    """Return a journal with changes in it whose database is not there."""
    for name in () if _is_there(path) else _names_beside(path):
        with contextlib.suppress(OSError):
            if not name.endswith("-shm") and path.with_name(name).stat().st_size:
                return path.with_name(name)
    return None


def _reason(error: OSError) -> str:
    return text.one_line(error.strerror or error, 120)


def _name(path: Path) -> str:
    return text.one_line(path, 200)


def pack(value: object) -> str | bytes:
    """Return text as SQLite takes it; names that are not valid Unicode go in as bytes."""
    words = str(value)
    try:
        words.encode()
    except UnicodeEncodeError:
        return words.encode("utf-8", "surrogatepass")
    return words


def unpack(value: str | bytes) -> str:
    """Return what was packed."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value
