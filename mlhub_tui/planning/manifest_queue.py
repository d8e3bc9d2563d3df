"""Queue of a manifest: gives its wanted files to the transfer engine or a cluster and records the results."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import FileConflict, KeyWithheld, MLHubException, NotOffered
from ..fileio import translate_os_error
from ..http.credentials import Link
from ..http.key_removal import REMOVED
from ..http.urls import shown
from ..options import IfExists
from ..output_tree import OutputTree
from ..sources.asset_links import azure_headers, https_of
from ..text import one_line, redact
from ..transfer.work_source import BatchStats, FileRequest, FileResult
from .manifest import FileStatus, Manifest
from .multihash import multihash

LinkOf = Callable[[str, bool], Link]
"""Returns the link for an href; the flag tells whether the last one was rejected. May block."""
HrefOf = Callable[[str, str | None, str], str]
"""Returns the href that an asset has now, by its collection, item and key; empty if unknown. May block."""
Sizes = Callable[[Sequence[str]], Sequence[int | None]]
"""Returns the bytes of files by their paths; None for those that do not exist."""
_LONGEST = 500
_PAGE = 5000  # files that are checked at a time
_AT_ONCE = 500  # ids in one statement; SQLite takes 999 at least
_NO_LINKS = frozenset(
    {errno.EPERM, errno.EACCES, errno.EXDEV, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
)


class Row(NamedTuple):
    """A file to fetch; `ours` is set if it was done before, and is gone or changed."""

    id: int
    path: str
    href: str
    size: int | None
    checksum: str
    page: int
    ours: int = 0


class DuplicateRow(NamedTuple):
    """A file to make from another one that exists."""

    id: int
    path: str
    source: str
    size: int | None
    primary: int


def open_link(href: str, rejected: bool) -> Link:
    """Return the link for an href that needs no source; stores' own schemes become https.

    Raises NotOffered if nothing can be requested there; KeyWithheld if the key was in it, and was removed.
    """
    url = https_of(href)
    if REMOVED in url:
        raise KeyWithheld("a link of the server would carry the API key to another host: not followed")
    if not url.lower().startswith(("http://", "https://")):
        words = f"{shown(href)} is no address of a file" if href else "the asset has no href"
        raise NotOffered(words, hint="nothing can be fetched for it: report it to the owner of the catalog")
    return Link(url, azure_headers(url))


class ManifestQueue:
    """A work source of the files of a job.

    Files with one URL are fetched once: the others are hard links to the first one, or copies where the disk
    has no links, and fail with it; `copies` counts them. All paths are relative to `folder`, which is None
    for a store, where what was recorded counts, and the workers make duplicates. `link` gives the link of an
    href, `href` the href that an asset has now, for one whose signature has expired.
    """

    def __init__(
        self,
        manifest: Manifest,
        folder: Path | None,
        link: LinkOf = open_link,
        *,
        href: HrefOf | None = None,
        if_exists: IfExists = IfExists.RESUME,
    ) -> None:
        self._manifest = manifest
        self._tree = None if folder is None else OutputTree(folder)
        self._link, self._href = link, href
        self._if_exists = if_exists
        self._last = 0
        self._checked = False
        self.copies = BatchStats()

    def verify(self, sizes: Sizes | None = None) -> int:
        """Check the files that are done, in a store by `sizes`: what is gone or changed is wanted again.

        Returns how many.
        """
        lost: list[int] = []
        last = 0
        while rows := self._manifest.rows(_DONE, (last, _PAGE)):
            last = rows[-1][0]
            if sizes is not None:
                there = sizes([path for _, path, _, _ in rows])
                lost += [row[0] for row, size in zip(rows, there, strict=True) if size != row[2]]
            elif self._tree is not None:
                lost += [number for number, path, size, mtime in rows if self._stat(path) != (size, mtime)]
        with self._manifest.transaction() as db:
            db.executemany("UPDATE fate SET state = 1 WHERE id = ?", [(number,) for number in lost])
        return len(lost)

    def take(self, most: int) -> Sequence[FileRequest]:
        """Return the next files to fetch; those that cannot be requested fail at once."""
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
        """Return the next files to fetch, in the order of the catalog."""
        if not self._checked:
            self._checked = True
            self._settle_all_duplicates()
        rows = self._manifest.rows(_NEXT, (self._last, most))
        if rows:
            self._last = rows[-1][0]
        return [Row(*row) for row in rows]

    def duplicates(self, after: int, most: int) -> Sequence[DuplicateRow]:
        """Return files behind an id that the workers of a store are to make from files that exist."""
        return [DuplicateRow(*row) for row in self._manifest.rows(_DUPLICATES, (after, most))]

    def settle(self, results: Sequence[FileResult]) -> None:
        """Record results, and settle the duplicates of these files."""
        with self._manifest.transaction() as db:
            numbers = [result.key for result in results]
            paths = dict(_in(db, "SELECT id, path FROM file WHERE id IN ({})", numbers))
            for result in results:
                self._record(db, result, paths[result.key])
            for (primary,) in _in(db, "SELECT DISTINCT leader FROM file WHERE leader IN ({})", numbers):
                self._settle_duplicates(db, primary)

    def relink(self, request: FileRequest) -> Link | None:
        """Return a new link for one that was rejected: signed again, or that of the item as it is now.

        None where it is the same.
        """
        href, *asset = self._manifest.rows(_ASSET, (request.key,))[0]
        found = self._link(href, True)
        signed = "?" in href  # to look for an item in a static catalog may take long
        if signed and found.url == request.link.url and self._href and (now := self._href(*asset)):
            found = self._link(now, True)
        return None if found.url == request.link.url else found

    def _request(self, row: Row) -> FileRequest:
        digest = multihash(row.checksum) if row.checksum else None
        checksums = () if digest is None else (digest,)
        link = self._link(row.href, False)
        return FileRequest(row.id, link, row.path, row.size, checksums, self._if_exists, bool(row.page))

    def _settle_all_duplicates(self) -> None:
        """Settle the duplicates of files that were settled in an earlier run."""
        last = 0
        while rows := self._manifest.rows(_SETTLED_PRIMARIES, (last, _AT_ONCE)):
            last = rows[-1][0]
            with self._manifest.transaction() as db:
                for row in rows:
                    self._settle_duplicates(db, row[0])

    def _settle_duplicates(self, db: sqlite3.Connection, primary: int) -> None:
        state, path, error, hint = db.execute(_PRIMARY, (primary,)).fetchone()
        replace = self._if_exists is IfExists.OVERWRITE
        for number, own in db.execute(_DUPLICATES_OF, (primary,)).fetchall():
            if state == FileStatus.FAILED:
                result = FileResult(number, error=MLHubException(error or "", hint=hint))
            elif self._tree is None:
                continue
            else:
                try:
                    result = FileResult(number, make_duplicate(self._tree, path, own, replace=replace))
                except MLHubException as failure:
                    result = FileResult(number, error=failure)
            self._record(db, result, own)
            self.copies.count(result)

    def _record(self, db: sqlite3.Connection, result: FileResult, path: str) -> None:
        number, error = result.key, result.error
        if error is not None:
            db.execute("UPDATE fate SET state = 3, bytes = NULL, mtime = NULL WHERE id = ?", (number,))
            words = (one_line(redact(text), _LONGEST) for text in (error.message, error.hint))
            db.execute("INSERT OR REPLACE INTO trouble VALUES (?, ?, ?)", (number, *words))
            return
        seen = self._stat(path)
        mtime = None if seen is None else seen[1]  # gone already: the next verification has it fetched again
        done = (result.size, mtime, number)
        db.execute("UPDATE fate SET state = 2, bytes = ?, mtime = ? WHERE id = ?", done)
        db.execute("DELETE FROM trouble WHERE id = ?", (number,))

    def _stat(self, path: str) -> tuple[int, int] | None:
        """Return bytes and time (nanoseconds) of a file; None where it is gone or cannot be looked at."""
        if self._tree is None:
            return None
        try:
            status = os.stat(self._tree.target(path))  # noqa: PTH116  (Path costs several times as much)
        except (OSError, MLHubException):
            return None
        return status.st_size, status.st_mtime_ns


def make_duplicate(tree: OutputTree, source: str, path: str, *, replace: bool = False) -> int:
    """Make a file with the bytes of another one of the same folder; return their number.

    It is a hard link, so that a thousand items that name one file take its room once; a copy where the disk
    has no links. The engine replaces files whole, so that one is never written through the other. Another
    file under its name is replaced if `replace`, or is taken for it if it has the same size.

    Raises FileConflict if there is another file under its name; OutputFolderError if it cannot be written.
    """
    first, target = Path(tree.target(source)), Path(tree.target(path))
    tree.make(str(target))
    try:
        size = first.stat().st_size
        if os.path.lexists(target):
            same = target.is_file() and target.samefile(first)
            if same or (target.is_file() and not replace and target.stat().st_size == size):
                return size
            if not target.is_file() or not replace:
                raise FileConflict(f"another file {one_line(target.name, 80)} is there")
        part = Path(f"{target}.part")
        part.unlink(missing_ok=True)
        try:
            os.link(first, part)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            shutil.copyfile(first, part)
            shutil.copystat(first, part)
        part.replace(target)
    except OSError as error:
        raise translate_os_error(error, target) from error
    return size


def _in(db: sqlite3.Connection, sql: str, numbers: Sequence[int]) -> Iterator[Any]:
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        yield from db.execute(sql.format(", ".join("?" * len(some))), some).fetchall()


_NEXT = """
SELECT file.id, path, href, size, checksum, page, fate.bytes IS NOT NULL
FROM fate JOIN file ON file.id = fate.id
WHERE state = 1 AND fate.id > ? AND job AND leader IS NULL ORDER BY fate.id LIMIT ?
"""
_ASSET = """
SELECT href, c.name, item, k.name FROM file JOIN label AS c ON c.id = collection JOIN label AS k ON k.id = key
WHERE file.id = ?
"""
_DONE = """
SELECT file.id, path, bytes, mtime FROM file JOIN fate ON fate.id = file.id
WHERE state = 2 AND job AND file.id > ? ORDER BY file.id LIMIT ?
"""
_DUPLICATES = """
SELECT own.id, own.path, leader.path, coalesce(done.bytes, leader.size), own.leader
FROM file AS own JOIN fate AS state ON state.id = own.id
JOIN file AS leader ON leader.id = own.leader JOIN fate AS done ON done.id = own.leader
WHERE own.job AND state.state = 1 AND done.state = 2 AND own.id > ? ORDER BY own.id LIMIT ?
"""
_SETTLED_PRIMARIES = """
SELECT DISTINCT leader FROM file JOIN fate AS own ON own.id = file.id JOIN fate AS first ON first.id = leader
WHERE leader > ? AND job AND own.state = 1 AND first.state <> 1 ORDER BY leader LIMIT ?
"""
_PRIMARY = """
SELECT state, path, error, hint FROM file JOIN fate ON fate.id = file.id
LEFT JOIN trouble ON trouble.id = file.id WHERE file.id = ?
"""
_DUPLICATES_OF = """
SELECT file.id, path FROM file JOIN fate ON fate.id = file.id WHERE leader = ? AND job AND state = 1
"""
