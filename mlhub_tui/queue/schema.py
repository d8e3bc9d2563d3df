"""The tables of the queue's database, one migration for each version there ever was."""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE runners (
        id TEXT PRIMARY KEY,
        pid INTEGER NOT NULL,
        host TEXT NOT NULL,
        token TEXT NOT NULL,
        beat REAL NOT NULL
    );
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        target TEXT NOT NULL UNIQUE,
        source TEXT NOT NULL,
        profile TEXT,
        collection_id TEXT NOT NULL,
        folder TEXT NOT NULL,
        if_exists TEXT NOT NULL,
        title TEXT NOT NULL,
        size INTEGER,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        position INTEGER NOT NULL,
        bytes_done INTEGER NOT NULL DEFAULT 0,
        bytes_total INTEGER,
        reason TEXT NOT NULL DEFAULT '',
        hint TEXT NOT NULL DEFAULT '',
        tries INTEGER NOT NULL DEFAULT 0,
        next_try REAL,
        runner TEXT,
        revision INTEGER NOT NULL
    );
    CREATE INDEX jobs_by_revision ON jobs (revision);
    CREATE INDEX jobs_by_position ON jobs (position);
    CREATE TABLE parts (
        path TEXT PRIMARY KEY,
        runner TEXT,
        generation INTEGER NOT NULL DEFAULT 0,
        url TEXT NOT NULL DEFAULT '',
        total INTEGER,
        etag TEXT,
        modified TEXT,
        digests TEXT NOT NULL DEFAULT '',
        inode TEXT NOT NULL DEFAULT '',
        synced INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE clock (revision INTEGER NOT NULL);
    INSERT INTO clock VALUES (0);
    """,
    """
    ALTER TABLE runners ADD COLUMN kind TEXT NOT NULL DEFAULT 'app';
    ALTER TABLE jobs ADD COLUMN rate REAL;
    ALTER TABLE jobs ADD COLUMN eta REAL;
    CREATE TABLE commands (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        job INTEGER NOT NULL,
        verb TEXT NOT NULL,
        delete_part INTEGER NOT NULL,
        author TEXT NOT NULL,
        at REAL NOT NULL
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
        job INTEGER NOT NULL,
        number INTEGER NOT NULL,
        at REAL NOT NULL,
        words TEXT NOT NULL,
        PRIMARY KEY (job, number)
    ) WITHOUT ROWID
    """,
)
"""`MIGRATIONS[n]` brings a database from version n (`PRAGMA user_version`) to n + 1.

`jobs.revision` is the value of `clock` at the last change of the row, so that another program reads what
changed and nothing else. A `runner` is the program that works on a job or writes a part; a job without one
is taken by the next program that runs the queue. `commands` is what one program asks of another; a row goes
when it was carried out. `parts.extents` lists what was flushed beyond the first `parts.synced` bytes, where
a file came over several connections. `jobs.sums` are the checksums that a whole file was verified with.
`jobs.asset` is NULL for an archive, and for an asset what `request_text` makes of it. `jobs.dataset` is the
same for a dataset, by `dataset.text`. `settings` has what was changed of `settings.Settings`, for all
programs. `events` are the logs of jobs, see `events.Event`. No column holds a key, and neither `parts.url`
nor an asset has a link's signature.
"""

VERSION = len(MIGRATIONS)
