"""Reading members of an archive by their place URLs, through its index; every call blocks."""

from __future__ import annotations

import gzip
import sqlite3
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path

from ...errors import EntityDoesNotExist, NotOffered, RequestError
from ...http.hrefs import shown
from ...http.json_document import MAX_DOCUMENT
from ...http.link import Link
from .archive import Cancelled, Progress
from .archive_index import index_of
from .document_urls import file_url, is_member, member_names, member_url, split_member
from .files import of_system
from .parse import Fetched, too_large, unreadable
from .shelf import LRUCache

_BLOCKS = 16 * 1024 * 1024  # bytes of unpacked blocks that are remembered
_ROW = "SELECT offset, size, block, start FROM members WHERE name = ?"


class ArchiveMembers:
    """The members of one archive.

    Parameters
    ----------
    archive
        The archive's path.
    where
        The folder of indexes; by default that in MLHUB_HOME.
    progress, cancelled
        As `index_of`: making the index of a large archive takes seconds.

    Raises
    ------
    OSError
        If the archive cannot be read.
    """

    def __init__(
        self,
        archive: Path,
        *,
        where: Path | None = None,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> None:
        self._archive = archive
        self._url = file_url(archive)
        index = index_of(archive, where=where, progress=progress, cancelled=cancelled)
        self._db = sqlite3.connect(index, check_same_thread=False)
        self._lock = threading.Lock()
        self._blocks: LRUCache[bytes] = LRUCache(_BLOCKS)

    @property
    def root_url(self) -> str:
        """The place URL of the document that the catalog begins with.

        Raises
        ------
        EntityDoesNotExist
            If there is none.
        """
        with self._lock:
            row = self._db.execute("SELECT value FROM about WHERE name = 'root'").fetchone()
        if not row or not row[0]:
            raise EntityDoesNotExist(
                f"there is no catalog.json or collection.json in {shown(self._url)}",
                hint="name an archive of a STAC catalog",
            )
        return member_url(self._url, row[0])

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out of the archive, and why."""
        with self._lock:
            return tuple(line for (line,) in self._db.execute("SELECT line FROM notes"))

    def read(self, urls: Sequence[str]) -> list[Fetched | RequestError]:
        """Return the documents of place URLs, or for each why it cannot be read."""
        with self._lock:
            return [self._read(url) for url in urls]

    def link(self, href: str) -> Link:
        """Return the link to a member's bytes.

        Raises
        ------
        NotOffered
            If it is no place in this archive: whoever made it must not make anybody copy their own files.
        """
        if not is_member(href) or split_member(href)[0] != self._url:
            raise NotOffered(
                f"a file outside of the archive is not followed: {shown(href)}",
                hint="nothing can be fetched for it: report it to the owner of the catalog",
            )
        return Link(href)

    def close(self) -> None:
        """Close the index."""
        with self._lock:
            self._db.close()

    def _read(self, url: str) -> Fetched | RequestError:
        archive, _ = split_member(url)
        if archive != self._url:
            return unreadable(url, "a member of another archive is not followed")
        rows = (self._db.execute(_ROW, (name,)).fetchone() for name in member_names(url))
        row = next(filter(None, rows), None)
        if row is None:
            return _missing(url)
        offset, size, block, start = row
        if size > MAX_DOCUMENT:
            return too_large(url, size)
        try:
            if block is None:
                return Fetched(url, _at(self._archive, offset, size))
            return Fetched(url, self._block(block)[start : start + size])
        except OSError as error:
            return of_system(error, url)
        except (EOFError, zlib.error, sqlite3.Error) as error:
            return unreadable(url, f"the archive's index is damaged ({type(error).__name__})")

    def _block(self, number: int) -> bytes:
        known = self._blocks.get(str(number))
        if known is None:
            row = self._db.execute("SELECT body FROM blocks WHERE id = ?", (number,)).fetchone()
            if row is None:
                raise sqlite3.DatabaseError("a block is missing")
            known = zlib.decompress(row[0])
            self._blocks.put(str(number), known, len(known))
        return known


def _missing(url: str) -> EntityDoesNotExist:
    where = shown(url)
    return EntityDoesNotExist(f"not in the archive: {where}", url=where, hint="the archive lacks it")


def _at(archive: Path, offset: int, size: int) -> bytes:
    """Return data of the unpacked archive; of a packed one all before it is unpacked too."""
    with archive.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        if not packed:
            file.seek(offset)
            return file.read(size)
    with gzip.open(archive, "rb") as unpacked:
        unpacked.seek(offset)
        return unpacked.read(size)
