"""The tables of an index: names as numbers, narrow rows for what is counted, wide ones apart."""

from __future__ import annotations

VERSION = 4
"""Of the tables; an index of another version is built anew."""

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE listing (name TEXT PRIMARY KEY, next TEXT) WITHOUT ROWID;
CREATE TABLE collection (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, folder TEXT NOT NULL);
CREATE TABLE key (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE file (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE media (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE item (
    id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, name TEXT NOT NULL, folder TEXT,
    w REAL NOT NULL, s REAL NOT NULL, e REAL NOT NULL, n REAL NOT NULL,
    t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL
);
CREATE TABLE geometry (item INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE asset (
    id INTEGER PRIMARY KEY, item INTEGER, collection INTEGER NOT NULL, key INTEGER NOT NULL,
    file INTEGER NOT NULL, scope INTEGER NOT NULL, size INTEGER, twin INTEGER
);
CREATE TABLE source (first INTEGER PRIMARY KEY, hrefs TEXT NOT NULL, media TEXT NOT NULL, checksums TEXT);
"""
"""What is written while documents come.

`item.folder` is null where it is the id itself; another item of that id has a folder of its own. A place
that is missing is the whole plane (infinite), a time that is missing all of time, so that such items meet
every filter; `e` is larger than 180 for an item across the antimeridian. Times are microseconds since 1970.
An item's assets are those from `first` to `last`. `asset.twin` is the first asset with the same save path,
where there are several. `listing.next` is the link to the next page of a listing; null where no more pages
come. A `source` has the hrefs, the numbers of the media types and the multihashes (null: none has one) of
assets that follow each other, from `first` on, a line each: rows cost more than text.
"""

SEALED = """
CREATE TABLE spot (
    id INTEGER PRIMARY KEY, item INTEGER NOT NULL, collection INTEGER NOT NULL, kind INTEGER NOT NULL,
    w REAL NOT NULL, s REAL NOT NULL, e REAL NOT NULL, n REAL NOT NULL,
    t0 INTEGER NOT NULL, t1 INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    month INTEGER, square INTEGER
);
CREATE TABLE block (
    id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL,
    w0 REAL NOT NULL, w1 REAL NOT NULL, s0 REAL NOT NULL, s1 REAL NOT NULL,
    e0 REAL NOT NULL, e1 REAL NOT NULL, n0 REAL NOT NULL, n1 REAL NOT NULL,
    a0 INTEGER NOT NULL, a1 INTEGER NOT NULL, z0 INTEGER NOT NULL, z1 INTEGER NOT NULL, kind INTEGER NOT NULL
);
CREATE TABLE tally (
    block INTEGER NOT NULL, key INTEGER NOT NULL, assets INTEGER NOT NULL, single INTEGER NOT NULL,
    known INTEGER NOT NULL, bytes REAL NOT NULL, PRIMARY KEY (block, key)
) WITHOUT ROWID;
CREATE TABLE shared (
    block INTEGER NOT NULL, twin INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (block, twin, key)
) WITHOUT ROWID;
CREATE TABLE month (
    block INTEGER NOT NULL, month INTEGER NOT NULL, items INTEGER NOT NULL, PRIMARY KEY (block, month)
) WITHOUT ROWID;
CREATE TABLE square (
    block INTEGER NOT NULL, square INTEGER NOT NULL, items INTEGER NOT NULL, PRIMARY KEY (block, square)
) WITHOUT ROWID
"""
"""What is made of it when all documents are there.

A `spot` is an item again, in an order in which what is near in space and time is near in the table;
`kind` is 1 for one without a time, plus 2 for one without a place. A `block` is a run of them (`low` to
`high`) of one collection and kind, with the least and largest of each of their numbers (`a` for `t0`,
`z` for `t1`), so that most blocks are counted or left out as a whole. For each block `tally` has its
assets by key: how many, how many that have their save path alone (`single`), and of those how many with
a size and how many bytes (as a real number: a sum of sizes that somebody made up may pass what an
integer holds); `shared` has the save paths it shares with others; `month` and `square` its items by
month (since the year 0) and by square degree.
"""
