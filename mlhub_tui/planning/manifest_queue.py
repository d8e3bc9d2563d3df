"""Work source of a dataset: the files of its manifest that are to be fetched, and what became of each."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import MLHubException
from ..http.credentials import Link
from ..options import IfExists
from ..output import OutputTree
from ..text import one_line, redact
from ..transfer.work_source import BatchStats, FileRequest, FileResult
from .assets import multihash
from .manifest import BATCH, FileStatus, Found, Manifest

if TYPE_CHECKING:
    from .resolver import DatasetLinks

_LONGEST = 500


class Row(NamedTuple):
    """A file to fetch; `ours` is set if it was done before, and is gone or changed.

    Where its href may be signed, `collection`, `item` and `key` tell which asset it is.
    """

    id: int
    path: str
    href: str
    size: int | None
    checksum: str
    page: int
    ours: int = 0
    collection: str = ""
    item: str | None = None
    key: str = ""


class ManifestQueue:
    """A work source of the files of a job, for the transfer engine or a cluster.

    Files with one URL are fetched once: the others are hard links to the first one, or copies where the disk
    has no links, and fail with it; `copies` counts them. All paths are relative to `folder`, which is None
    for a store, where what was recorded counts, and the client makes duplicates. `links` gives the links of
    hrefs; without it they are their own.
    """

    def __init__(
        self,
        manifest: Manifest,
        folder: Path | None,
        links: DatasetLinks | None = None,
        *,
        if_exists: IfExists = IfExists.RESUME,
    ) -> None:
        self._manifest = manifest
        self._tree = None if folder is None else OutputTree(folder)
        self._links, self._if_exists = links, if_exists
        self._last = 0
        self._begun = False
        self.copies = BatchStats()

    def verify(
        self,
        look: Callable[[Sequence[str]], Sequence[Found | None]] | None = None,
        *,
        gone_only: bool = False,
    ) -> None:
        """Have the files fetched again that are done, and gone or changed; in a store by `look`."""
        look = look or (lambda files: [self._stat(path) for path in files])
        found = list(self._manifest.lost(look, gone_only=gone_only))
        with self._manifest.transaction() as db:
            db.executemany("UPDATE fate SET state = 1 WHERE id = ?", [(number,) for number, _ in found])

    def take(self, most: int) -> Sequence[FileRequest]:
        """Return the next files to fetch; those that cannot be requested fail at once."""
        while rows := self.next_rows(most):
            requests, results = [], []
            for row in rows:
                try:
                    requests.append(file_request(row, self._link_of(row.href), self._if_exists))
                except MLHubException as error:
                    results.append(FileResult(row.id, error=error))
            if results:
                self.settle(results)
            if requests:
                return requests
        return ()

    def next_rows(self, most: int) -> Sequence[Row]:
        """Return the next files to fetch, in the order of the catalog."""
        if not self._begun:
            self._begun = True
            self._settle_duplicates()  # of files that were settled in an earlier run
        [(found,)] = self._manifest.rows(_NEXT, (self._last, most))
        rows = [Row(*row) for row in json.loads(found)]
        if rows:
            self._last = rows[-1].id
        return rows

    def duplicates(self, after: int, most: int) -> Sequence[Row]:
        """Return files behind an id that are to be copied in a store; `href` is the path of the original."""
        return [Row(*row) for row in self._manifest.rows(_DUPLICATES, (after, most))]

    def settle(self, results: Sequence[FileResult]) -> None:
        """Record results, and settle the duplicates of these files."""
        numbers = json.dumps([result.key for result in results])
        unseen = json.dumps([each.key for each in results if each.mtime is None and each.error is None])
        with self._manifest.transaction() as db:
            paths = dict(json.loads(db.execute(_PATHS, (unseen,)).fetchone()[0]))
            self._record(db, [(result, paths.get(result.key, "")) for result in results])
        self._settle_duplicates(numbers)

    def relink(self, request: FileRequest) -> Link | None:
        """Return a new link for one that was rejected: signed again, or that of the item as it is now.

        None where it is the same.
        """
        href, *asset = self._manifest.rows(_ASSET, (request.key,))[0]
        found = self._link_of(href, rejected=True)
        looked_up = self._links if "?" in href else None  # in a static catalog that may take long
        same = found.url == request.link.url
        if same and looked_up is not None and (now := looked_up.current_href(*asset)):
            found = self._link_of(now, rejected=True)
        return None if found.url == request.link.url else found

    def _link_of(self, href: str, *, rejected: bool = False) -> Link:
        return Link(href) if self._links is None else self._links(href, rejected)

    def _settle_duplicates(self, leaders: str = "") -> None:
        """Settle the duplicates of files that are settled: of those with the ids, a JSON array, or of all."""
        which = "IN (SELECT value FROM json_each(:leaders))" if leaders else "IS NOT NULL"
        sql = _OPEN_DUPLICATES.format(which=which, most=BATCH)
        replaces = self._if_exists is IfExists.OVERWRITE
        values = {"leaders": leaders, "least": FileStatus.FAILED if self._tree is None else FileStatus.DONE}
        while rows := self._manifest.rows(sql, values):
            results: list[tuple[FileResult, str]] = []
            with self._manifest.transaction() as db:
                for number, own, path, state, error, hint in rows:
                    result = FileResult(number, error=MLHubException(error or "", hint=hint))
                    if state == FileStatus.DONE and self._tree is not None:
                        try:
                            result = FileResult(number, self._tree.duplicate(path, own, replace=replaces))
                        except MLHubException as failure:
                            result = FileResult(number, error=failure)
                    results.append((result, own))
                    self.copies.count(result)
                self._record(db, results)

    def _record(self, db: sqlite3.Connection, results: Sequence[tuple[FileResult, str]]) -> None:
        """Record results of files with these paths: all that are done in one statement."""
        done: list[tuple[int, int | None, int | None]] = []
        for result, path in results:
            if (error := result.error) is None:
                mtime = result.mtime
                if mtime is None and (seen := self._stat(path)) is not None:
                    mtime = seen[1]  # else it is gone: the next verification has it fetched again
                done.append((result.key, result.size, mtime))
                continue
            db.execute("UPDATE fate SET state = 3, bytes = NULL, mtime = NULL WHERE id = ?", (result.key,))
            words = (one_line(redact(text), _LONGEST) for text in (error.message, error.hint))
            db.execute("INSERT OR REPLACE INTO trouble VALUES (?, ?, ?)", (result.key, *words))
        for sql in _RECORD_DONE:
            db.execute(sql, (json.dumps(done),))

    def _stat(self, path: str) -> Found | None:
        """Return bytes and time of a file; None where it is gone or cannot be looked at, or is in a store."""
        if self._tree is None:
            return None
        try:
            status = os.stat(self._tree.target(path))  # noqa: PTH116  (Path costs several times as much)
        except (OSError, MLHubException):
            return None
        return status.st_size, status.st_mtime_ns


def file_request(row: Row, link: Link, if_exists: IfExists) -> FileRequest:
    """Return the request for a file."""
    digest = multihash(row.checksum) if row.checksum else None
    checksums = () if digest is None else (digest,)
    return FileRequest(row.id, link, row.path, row.size, checksums, if_exists, bool(row.page))


_RECORD_DONE = (
    "UPDATE fate SET state = 2, bytes = json_extract(value, '$[1]'), mtime = json_extract(value, '$[2]') "
    "FROM json_each(?) WHERE fate.id = json_extract(value, '$[0]')",
    "DELETE FROM trouble WHERE id IN (SELECT json_extract(value, '$[0]') FROM json_each(?))",
)
_PATHS = (
    "SELECT json_group_array(json_array(id, path)) FROM file WHERE id IN (SELECT value FROM json_each(?))"
)
"""In one row, as `_NEXT`: sqlite3 gives up the interpreter for each, and takes it from the engine's loop."""
_NEXT = """
SELECT json_group_array(json_array(id, path, href, size, checksum, page, ours,
    CASE WHEN href LIKE '%?%' THEN (SELECT name FROM label WHERE id = collection) ELSE '' END,
    CASE WHEN href LIKE '%?%' THEN item END,
    CASE WHEN href LIKE '%?%' THEN (SELECT name FROM label WHERE id = key) ELSE '' END))
FROM (
    SELECT file.*, fate.bytes IS NOT NULL AS ours FROM fate JOIN file ON file.id = fate.id
    WHERE state = 1 AND fate.id > ? AND job AND leader IS NULL ORDER BY fate.id LIMIT ?
)
"""
_ASSET = """
SELECT href, c.name, item, k.name FROM file JOIN label AS c ON c.id = collection JOIN label AS k ON k.id = key
WHERE file.id = ?
"""
_DUPLICATES = """
SELECT own.id, own.path, leader.path, coalesce(done.bytes, leader.size), own.checksum, own.page
FROM file AS own JOIN fate AS state ON state.id = own.id
JOIN file AS leader ON leader.id = own.leader JOIN fate AS done ON done.id = own.leader
WHERE own.job AND state.state = 1 AND done.state = 2 AND own.id > ? ORDER BY own.id LIMIT ?
"""
_OPEN_DUPLICATES = """
SELECT own.id, own.path, leader.path, done.state, error, hint
FROM file AS own JOIN fate AS state ON state.id = own.id
JOIN file AS leader ON leader.id = own.leader JOIN fate AS done ON done.id = own.leader
LEFT JOIN trouble ON trouble.id = own.leader
WHERE own.leader {which} AND own.job AND state.state = 1 AND done.state >= :least LIMIT {most}
"""
