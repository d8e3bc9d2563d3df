"""The tables of a work list: what a file is apart from what became of it, so that progress writes little."""

from __future__ import annotations

TABLES = """
CREATE TABLE label (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE file (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, href TEXT NOT NULL, size INTEGER,
    checksum TEXT NOT NULL, page INTEGER NOT NULL, collection INTEGER NOT NULL, item TEXT,
    key INTEGER NOT NULL, job INTEGER NOT NULL DEFAULT 0, changed INTEGER NOT NULL DEFAULT 0, leader INTEGER
);
CREATE INDEX followers ON file (leader) WHERE leader IS NOT NULL;
CREATE TABLE fate (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, bytes INTEGER, mtime INTEGER);
CREATE INDEX fates ON fate (state);
CREATE TABLE trouble (id INTEGER PRIMARY KEY, error TEXT NOT NULL, hint TEXT NOT NULL)
"""
"""`file.job` is 1 for the files of the job; `leader` is the file of the same URL that is fetched instead.

`fate` has what became of each: a `FileStatus`, and of a file that is done its bytes and time (nanoseconds) as
they were then. `trouble` says why a file failed. No column holds a key but what a URL of the catalog holds.
"""

VERSION = 1
