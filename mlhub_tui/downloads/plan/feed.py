"""The feed of a work list: gives its files to the engine for many files and keeps what became of them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ...errors import MLHubException, NotOffered
from ...sources.link import Link, azure_headers
from ...sources.origin import shown
from ...sources.stores import https_of
from ...text import one_line, redact
from ..job import IfExists
from ..many.feed import Result, Wish
from ..many.places import Tree
from ..multihash import multihash
from .twins import make_twin
from .worklist import Fate, WorkList

LinkOf = Callable[[str, bool], Link]
"""Returns the link for an href; the flag says whether the last one was refused. May block."""
_LONGEST = 500
_AT_ONCE = 500  # ids in one statement; SQLite takes 999 at least


def open_link(href: str, fresh: bool) -> Link:
    """Return the link for an href that everybody may ask for; stores' own schemes become https.

    Raises
    ------
    NotOffered
        If nothing can be asked for there.
    """
    url = https_of(href)
    if not url.lower().startswith(("http://", "https://")):
        words = f"{shown(href)} is no address of a file" if href else "the asset has no href"
        raise NotOffered(words, hint="nothing can be fetched for it: report it to the owner of the catalog")
    return Link(url, None, azure_headers(url))


class PlanFeed:
    """A `Feed` of the files of a job.

    Files with one URL are fetched once: the others are hard links to the first one, or copies where the disk
    has no links; those whose first one cannot be fetched fail with it.

    Parameters
    ----------
    worklist
        What is to be done.
    folder
        Absolute folder that all paths are relative to.
    link
        Where the bytes of an href can be asked for.
    if_exists
        What to do with files that are there and are not known to be done.
    """

    def __init__(
        self,
        worklist: WorkList,
        folder: Path,
        link: LinkOf = open_link,
        *,
        if_exists: IfExists = IfExists.RESUME,
    ) -> None:
        self._list = worklist
        self._tree = Tree(folder)
        self._link = link
        self._if_exists = if_exists
        self._last = 0
        self._checked = False

    def verify(self) -> int:
        """Look at the files that are done: what is gone or was changed is wanted again; return how many."""
        lost: list[int] = []
        for row in self._list.rows(_DONE):
            number, path, size, mtime = row
            try:
                status = os.stat(self._tree.target(path))  # noqa: PTH116  (Path costs several times as much)
            except (OSError, MLHubException):
                lost.append(number)
                continue
            if status.st_size != size or status.st_mtime_ns != mtime:
                lost.append(number)
        with self._list.transaction() as db:
            db.executemany("UPDATE fate SET state = 1 WHERE id = ?", [(number,) for number in lost])
        return len(lost)

    def take(self, most: int) -> Sequence[Wish]:
        """Return the next files to fetch; those that cannot be asked for fail at once."""
        if not self._checked:
            self._checked = True
            self._follow_all()
        while rows := self._list.rows(_NEXT, (self._last, most)):
            self._last = rows[-1][0]
            wishes, results = [], []
            for row in rows:
                try:
                    wishes.append(self._wish(row))
                except MLHubException as error:
                    results.append(Result(row[0], error=error))
            if results:
                self.settle(results)
            if wishes:
                return wishes
        return ()

    def settle(self, results: Sequence[Result]) -> None:
        """Keep results, and give those who wait for a file of the same URL theirs."""
        with self._list.transaction() as db:
            done = [(r.key, r.size) for r in results if r.error is None]
            failed = [(r.key, r.error) for r in results if r.error is not None]
            paths = _paths(db, [key for key, _ in done])
            for key, size in done:
                _note_done(db, key, size, self._tree.target(paths[key]))
            for key, error in failed:
                _note_failed(db, key, error)
            for key in _leaders(db, [result.key for result in results]):
                self._follow(db, key)

    def relink(self, wish: Wish) -> Link | None:
        """Return a new link for one that was refused; None where it is the same one."""
        row = self._list.rows("SELECT href FROM file WHERE id = ?", (wish.key,))[0]
        found = self._link(row[0], True)
        return None if found.url == wish.link.url else found

    def _wish(self, row: sqlite3.Row) -> Wish:
        number, path, href, size, checksum, page = row
        digest = multihash(checksum) if checksum else None
        digests = () if digest is None else (digest,)
        return Wish(number, self._link(href, False), path, size, digests, self._if_exists, bool(page))

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
            if state == Fate.FAILED:
                _note_failed(db, number, MLHubException(error or "", hint=hint))
                continue
            try:
                size = make_twin(self._tree, path, own, replace=self._if_exists is IfExists.OVERWRITE)
            except MLHubException as trouble:
                _note_failed(db, number, trouble)
            else:
                _note_done(db, number, size, self._tree.target(own))


def _note_done(db: sqlite3.Connection, number: int, size: int | None, target: str) -> None:
    try:
        mtime: int | None = os.stat(target).st_mtime_ns  # noqa: PTH116
    except OSError:
        mtime = None  # gone already: the next verification has it fetched again
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
SELECT file.id, path, href, size, checksum, page FROM fate JOIN file ON file.id = fate.id
WHERE state = 1 AND fate.id > ? AND job AND leader IS NULL ORDER BY fate.id LIMIT ?
"""
_DONE = "SELECT file.id, path, bytes, mtime FROM fate JOIN file ON file.id = fate.id WHERE state = 2 AND job"
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
