"""The feed of a work list: gives its files to the engine for many files and keeps what became of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import KeyWithheld, MLHubException, NotOffered
from ..http.hrefs import shown
from ..http.key_removal import REMOVED
from ..http.link import Link
from ..options import IfExists
from ..sources.asset_hrefs import https_of
from ..sources.asset_links import azure_headers
from ..text import one_line, redact
from ..transfer.checksums import multihash
from ..transfer.work_source import FileRequest, FileResult
from .manifest import FileStatus, Manifest
from .output_probe import LocalProbe, OutputProbe

LinkOf = Callable[[str, bool], Link]
"""Returns the link for an href; the flag says whether the last one was refused. May block."""
_LONGEST = 500
_AT_ONCE = 500  # ids in one statement; SQLite takes 999 at least


class Row(NamedTuple):
    """A file to fetch, as the list has it; `ours` says that it was there before, and is gone or changed."""

    id: int
    path: str
    href: str
    size: int | None
    checksum: str
    page: int
    ours: int = 0


class TwinRow(NamedTuple):
    """A file to make of another one, which is there."""

    id: int
    path: str
    source: str
    size: int | None
    leader: int


def open_link(href: str, fresh: bool) -> Link:
    """Return the link for an href that everybody may ask for; stores' own schemes become https.

    Raises
    ------
    NotOffered
        If nothing can be asked for there.
    KeyWithheld
        If the key stood in it, and was taken out.
    """
    url = https_of(href)
    if REMOVED in url:
        raise KeyWithheld("a link of the server would carry the API key to another host: not followed")
    if not url.lower().startswith(("http://", "https://")):
        words = f"{shown(href)} is no address of a file" if href else "the asset has no href"
        raise NotOffered(words, hint="nothing can be fetched for it: report it to the owner of the catalog")
    return Link(url, azure_headers(url))


Sizes = Callable[[Sequence[str]], Sequence[int | None]]
"""Returns the bytes of files by their paths; None for those that are not there."""


class ManifestQueue:
    """A work source of the files of a job.

    Files with one URL are fetched once: the others are hard links to the first one, or copies where the disk
    has no links; those whose first one cannot be fetched fail with it.

    Parameters
    ----------
    worklist
        What is to be done.
    place
        Absolute folder that all paths are relative to, or where else the files stand.
    link
        Where the bytes of an href can be asked for.
    if_exists
        What to do with files that are there and are not known to be done.
    """

    def __init__(
        self,
        worklist: Manifest,
        place: Path | OutputProbe,
        link: LinkOf = open_link,
        *,
        if_exists: IfExists = IfExists.RESUME,
    ) -> None:
        self._list = worklist
        self._place = LocalProbe(place) if isinstance(place, Path) else place
        self._link = link
        self._if_exists = if_exists
        self._last = 0
        self._checked = False

    def verify(self, sizes: Sizes | None = None) -> int:
        """Look at the files that are done: what is gone or was changed is wanted again; return how many.

        Parameters
        ----------
        sizes
            Returns the bytes of files by their paths, where the place itself cannot be looked at.
        """
        rows = self._list.rows(_DONE)
        if sizes is not None and rows:
            there = sizes([path for _, path, _, _ in rows])
            lost = [row[0] for row, size in zip(rows, there, strict=True) if size != row[2]]
        elif self._place.seen:
            lost = [number for number, path, size, mtime in rows if self._place.look(path) != (size, mtime)]
        else:
            return 0
        with self._list.transaction() as db:
            db.executemany("UPDATE fate SET state = 1 WHERE id = ?", [(number,) for number in lost])
        return len(lost)

    def take(self, most: int) -> Sequence[FileRequest]:
        """Return the next files to fetch; those that cannot be asked for fail at once."""
        while rows := self.next_rows(most):
            requests, results = [], []
            for row in rows:
                try:
                    requests.append(self._request(row))
                except MLHubException as error:
                    results.append(FileResult(row.id, error=error))
            if results:
                self.settle(results)
            if requests:
                return requests
        return ()

    def next_rows(self, most: int) -> Sequence[Row]:
        """Return the next files to fetch as the list has them, in the order of the catalog."""
        if not self._checked:
            self._checked = True
            self._follow_all()
        rows = self._list.rows(_NEXT, (self._last, most))
        if rows:
            self._last = rows[-1][0]
        return [Row(*row) for row in rows]

    def twins(self, after: int, most: int) -> Sequence[TwinRow]:
        """Return files behind an id that are to be made of files that are there, where others do that."""
        return [TwinRow(*row) for row in self._list.rows(_TWINS, (after, most))]

    def settle(self, results: Sequence[FileResult]) -> None:
        """Keep results, and give those who wait for a file of the same URL theirs."""
        with self._list.transaction() as db:
            done = [(r.key, r.size) for r in results if r.error is None]
            failed = [(r.key, r.error) for r in results if r.error is not None]
            paths = _paths(db, [key for key, _ in done])
            for key, size in done:
                _note_done(db, key, size, self._place.look(paths[key]))
            for key, error in failed:
                _note_failed(db, key, error)
            for key in _leaders(db, [result.key for result in results]):
                self._follow(db, key)

    def relink(self, request: FileRequest) -> Link | None:
        """Return a new link for one that was refused; None where it is the same one."""
        row = self._list.rows("SELECT href FROM file WHERE id = ?", (request.key,))[0]
        found = self._link(row[0], True)
        return None if found.url == request.link.url else found

    def _request(self, row: Row) -> FileRequest:
        digest = multihash(row.checksum) if row.checksum else None
        checksums = () if digest is None else (digest,)
        link = self._link(row.href, False)
        return FileRequest(row.id, link, row.path, row.size, checksums, self._if_exists, bool(row.page))

    def _follow_all(self) -> None:
        """Serve those whose file of the same URL was settled in an earlier run."""
        last = 0
        while rows := self._list.rows(_SETTLED_LEADERS, (last, _AT_ONCE)):
            last = rows[-1][0]
            with self._list.transaction() as db:
                for row in rows:
                    self._follow(db, row[0])

    def _follow(self, db: sqlite3.Connection, leader: int) -> None:
        state, path, error, hint = db.execute(_LEADER, (leader,)).fetchone()
        for number, own in db.execute(_FOLLOWERS, (leader,)).fetchall():
            if state == FileStatus.FAILED:
                _note_failed(db, number, MLHubException(error or "", hint=hint))
                continue
            try:
                size = self._place.twin(path, own, replace=self._if_exists is IfExists.OVERWRITE)
            except MLHubException as trouble:
                _note_failed(db, number, trouble)
            else:
                if size is not None:
                    _note_done(db, number, size, self._place.look(own))


def _note_done(db: sqlite3.Connection, number: int, size: int | None, seen: tuple[int, int] | None) -> None:
    mtime = None if seen is None else seen[1]  # gone already: the next verification has it fetched again
    db.execute("UPDATE fate SET state = 2, bytes = ?, mtime = ? WHERE id = ?", (size, mtime, number))
    db.execute("DELETE FROM trouble WHERE id = ?", (number,))


def _note_failed(db: sqlite3.Connection, number: int, error: MLHubException) -> None:
    db.execute("UPDATE fate SET state = 3, bytes = NULL, mtime = NULL WHERE id = ?", (number,))
    words, hint = (one_line(redact(text), _LONGEST) for text in (error.message, error.hint))
    db.execute("INSERT OR REPLACE INTO trouble VALUES (?, ?, ?)", (number, words, hint))


def _paths(db: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, str]:
    return dict(_in(db, "SELECT id, path FROM file WHERE id IN ({})", numbers))


def _leaders(db: sqlite3.Connection, numbers: Sequence[int]) -> list[int]:
    return [row[0] for row in _in(db, "SELECT DISTINCT leader FROM file WHERE leader IN ({})", numbers)]


def _in(db: sqlite3.Connection, sql: str, numbers: Sequence[int]) -> Iterable[Any]:
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        yield from db.execute(sql.format(", ".join("?" * len(some))), some).fetchall()


_NEXT = """
SELECT file.id, path, href, size, checksum, page, fate.bytes IS NOT NULL
FROM fate JOIN file ON file.id = fate.id
WHERE state = 1 AND fate.id > ? AND job AND leader IS NULL ORDER BY fate.id LIMIT ?
"""
_DONE = "SELECT file.id, path, bytes, mtime FROM fate JOIN file ON file.id = fate.id WHERE state = 2 AND job"
_TWINS = """
SELECT own.id, own.path, leader.path, coalesce(done.bytes, leader.size), own.leader
FROM file AS own JOIN fate AS state ON state.id = own.id
JOIN file AS leader ON leader.id = own.leader JOIN fate AS done ON done.id = own.leader
WHERE own.job AND state.state = 1 AND done.state = 2 AND own.id > ? ORDER BY own.id LIMIT ?
"""
_SETTLED_LEADERS = """
SELECT DISTINCT leader FROM file JOIN fate AS own ON own.id = file.id JOIN fate AS first ON first.id = leader
WHERE leader > ? AND job AND own.state = 1 AND first.state <> 1 ORDER BY leader LIMIT ?
"""
_LEADER = """
SELECT state, path, error, hint FROM file JOIN fate ON fate.id = file.id
LEFT JOIN trouble ON trouble.id = file.id WHERE file.id = ?
"""
_FOLLOWERS = """
SELECT file.id, path FROM file JOIN fate ON fate.id = file.id WHERE leader = ? AND job AND state = 1
"""
