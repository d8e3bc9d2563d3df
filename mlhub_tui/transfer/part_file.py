"""Part files: which version of which file each is a part of, what of it is on disk, and its checksums.

A file grows as `NAME.part`, which one writer holds open and locked, and gets its name when it is whole.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self, TypeAlias

from ..errors import FileConflict, TargetBusy, VerificationFailed
from ..fileio import (
    check_spelling,
    make_folder,
    remove_link,
    rename_new,
    sync_folder,
    translate_os_error,
    try_lock,
)
from ..http.representation import Inflater
from ..http.versions import Checksum, HashingSink, RemoteVersion

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
_flush = getattr(os, "fdatasync", os.fsync)
_HAS_PWRITE = hasattr(os, "pwrite")
_moving = threading.Lock()  # held from a seek on to what it is for: Windows has no pread and pwrite

_CHUNK = 1 << 20  # bytes that are hashed at once
_POLL = 0.05  # seconds between looks at a file that grows

ENDLESS = 1 << 62
"""The end of a file of unknown size."""


class RestartRequired(Exception):
    """The part cannot be resumed; the message says why."""


class PartFile:
    """An open, locked part file with one writer; created if missing.

    - `fresh`: Whether what an earlier run left in it is thrown away; else its folder is made as well.
    - `names`: How many of the last names of its path must be spelled as they are on disk.

    Raises TargetBusy if another program, or another transfer of this one, has it, and OutputFolderError.
    """

    def __init__(self, path: Path | str, *, fresh: bool = False, names: int = 0) -> None:
        self._path = str(path)
        try:
            if not fresh:
                make_folder(self.path.parent)
                check_spelling(self.path, names)
            self.descriptor = _open_fresh(self._path) if fresh else _open_locked(self._path)
        except OSError as error:
            raise translate_os_error(error, self.path) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """Its path."""
        return Path(self._path)

    @property
    def status(self) -> os.stat_result:
        """Its status: length, inode, time of the last change."""
        return os.fstat(self.descriptor)

    @property
    def allocated(self) -> int:
        """The bytes that it takes on the disk: less than its length while there are holes in it."""
        status = self.status
        return min(status.st_size, getattr(status, "st_blocks", status.st_size) * 512)

    def write_at(self, offset: int, view: memoryview) -> None:
        """Write all of the view at an offset, from any thread; raises OutputFolderError, NoSpaceError."""
        try:
            while view:
                write = os.pwrite if _HAS_PWRITE else _seek_and_write
                written = write(self.descriptor, view, offset)
                view, offset = view[written:], offset + written
        except OSError as error:
            raise translate_os_error(error, self.path) from error

    def read(self, offset: int, count: int) -> bytes:
        """Return up to `count` bytes from an offset."""
        if _HAS_PWRITE:
            return os.pread(self.descriptor, count, offset)
        with _moving:
            os.lseek(self.descriptor, offset, os.SEEK_SET)
            return os.read(self.descriptor, count)

    def truncate(self, size: int) -> None:
        """Cut it to a size in bytes, or make it longer by a hole."""
        if self.status.st_size != size:
            os.ftruncate(self.descriptor, size)

    def sync(self) -> None:
        """Flush what was written to the disk; callable while another thread writes."""
        try:
            _flush(self.descriptor)
        except OSError as error:
            raise translate_os_error(error, self.path) from error

    def close(self) -> None:
        """Close the file, which releases its lock."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def discard(self) -> None:
        """Remove and close it."""
        if self.descriptor >= 0:
            with contextlib.suppress(OSError):
                os.unlink(self._path)  # noqa: PTH108  (Path costs ten times as much, for each file)
            self.close()

    def remove_if_empty(self) -> bool:
        """Remove a file that nothing was written to; return whether it was one."""
        if self.descriptor < 0 or self.status.st_size > 0:
            return False
        self.path.unlink(missing_ok=True)
        return True

    def is_same(self, target: Path | str) -> bool:
        """Return whether another file has the same bytes."""
        with contextlib.suppress(OSError):
            return filecmp.cmp(self._path, target, shallow=False)
        return False

    def rename(self, target: Path | str, *, overwrite: bool) -> None:
        """Give it its final name; OSError where that fails, FileExistsError if it is taken."""
        if os.name != "posix":
            self.close()  # Windows does not rename an open file
        if overwrite:
            os.replace(self._path, target)  # noqa: PTH105
        else:
            rename_new(self._path, target)

    def commit(self, target: Path, *, overwrite: bool) -> None:
        """Give the whole file its final name, safe on disk.

        Raises FileConflict if something stands under the name that is not to be overwritten (the part
        stays), and OutputFolderError.
        """
        try:
            os.fsync(self.descriptor)
            if target.is_dir():
                raise FileConflict(f"{target.name} became a folder")
            self.rename(target, overwrite=overwrite)
        except FileExistsError as error:
            raise FileConflict(f"a file {target.name} appeared meanwhile") from error
        except OSError as error:
            raise translate_os_error(error, target) from error
        sync_folder(target.parent)


def _seek_and_write(descriptor: int, view: memoryview, offset: int) -> int:
    with _moving:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.write(descriptor, view)


def inode(status: os.stat_result) -> str:
    """Return what tells a file from another one under its name."""
    return f"{status.st_dev}:{status.st_ino}"


def drop_second_name(part: Path, status: os.stat_result) -> None:
    """Remove the part's name if the program ended between giving the final name and taking this one away."""
    with contextlib.suppress(FileNotFoundError):
        if inode(part.stat()) == inode(status):
            part.unlink()


def _open_fresh(path: str) -> int:
    """Return the descriptor of a part file that is empty, and locked."""
    try:
        descriptor = os.open(path, _FLAGS | os.O_EXCL, 0o666)
    except FileExistsError:
        remove_link(path)
        descriptor = _open_locked(path)
        os.ftruncate(descriptor, 0)
        return descriptor
    return _locked(descriptor, path)


def _open_locked(path: str) -> int:
    """Return the descriptor of a part file, locked; TargetBusy if another program writes it."""
    for _ in range(8):
        descriptor = _locked(os.open(path, _FLAGS, 0o666), path)
        with contextlib.suppress(FileNotFoundError):
            if inode(os.stat(path)) == inode(os.fstat(descriptor)):  # noqa: PTH116
                return descriptor
        os.close(descriptor)  # the last writer just gave it its final name
    raise TargetBusy(f"another program is writing {os.path.basename(path)}")  # noqa: PTH119


def _locked(descriptor: int, path: str) -> int:
    if not try_lock(descriptor):
        os.close(descriptor)
        raise TargetBusy(f"another program is writing {os.path.basename(path)}")  # noqa: PTH119
    return descriptor


Extents: TypeAlias = tuple[tuple[int, int], ...]
"""Stretches of bytes, each from its first to the one after its last: sorted, none empty, none touching."""


def merge(stretches: Iterable[tuple[int, int]]) -> Extents:
    """Return stretches in any order, overlapping or not, as extents."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if end <= start:
            continue
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return tuple(result)


def gaps(extents: Extents, total: int) -> Extents:
    """Return what is missing of a file of `total` bytes."""
    starts = [0, *(end for _, end in extents)]
    ends = [*(start for start, _ in extents), total]
    return tuple((start, end) for start, end in zip(starts, ends, strict=True) if start < end)


def covered(extents: Extents) -> int:
    """Return the number of bytes."""
    return sum(end - start for start, end in extents)


def prefix(extents: Extents) -> int:
    """Return how many bytes are there from the start of the file on without a gap."""
    return extents[0][1] if extents and extents[0][0] == 0 else 0


@dataclass(frozen=True, slots=True)
class PartRecord:
    """The record of one part file."""

    url: str = ""  # where the bytes come from, without query or user information
    version: RemoteVersion = field(default_factory=RemoteVersion)
    generation: int = 0  # counts the beginnings: bytes of an older one never count for a newer one
    synced: int = 0  # bytes from the start of the file that were flushed to disk
    inode: str = ""  # so that another file under the name is noticed
    more: Extents = ()  # what was flushed beyond them

    @property
    def extents(self) -> Extents:
        """All that was flushed to disk."""
        return merge([(0, self.synced), *self.more])


class StreamingHasher(threading.Thread):
    """Hashes a file from its start in a thread of its own, from the page cache, while it is written.

    On the loop hashing would take more time than the transfer (MD5: 0.6 GB/s); beside it, it is done a
    moment after the last byte. `written` returns how many bytes are there from the start on; `sums` are of
    what was hashed so far.
    """

    def __init__(
        self,
        path: Path,
        checksums: tuple[Checksum, ...],
        written: Callable[[], int],
        previous: StreamingHasher | None = None,
    ) -> None:
        super().__init__(name=f"hash {path.name}", daemon=True)
        self._path, self._checksums, self._written = path, checksums, written
        self._position, self.sums = 0, HashingSink(checksums)
        self._carried = False
        if previous is not None and previous._checksums == checksums and previous.ended(written()):
            self._position, self.sums, self._carried = previous._position, previous.sums, True
        self._total: int | None = None
        self._stopped = False
        self._wake = threading.Event()
        self._error: OSError | None = None

    def stop(self) -> None:
        """End without a result."""
        self._stopped = True
        self._wake.set()

    def ended(self, most: int) -> bool:
        """Return whether it was stopped, without an error, in the first `most` bytes; waits a moment."""
        self.join(_POLL)
        return not self.is_alive() and self._error is None and 0 < self._position <= most

    def finish(self, total: int) -> str:
        """Wait for the hash of so many bytes, and verify it as `HashingSink.verify` does; blocks."""
        self._total = total
        self._wake.set()
        self.join()
        if self._error is not None:
            raise self._error
        if self._stopped:
            return ""
        try:
            return self.sums.verify()
        except VerificationFailed:
            if not self._carried:
                return self.sums.verify(self._hash_content())
        # The file may have been changed between two transfers, unseen: only all of it can tell.
        self._position, self.sums, self._carried = 0, HashingSink(self._checksums), False
        self.run()
        return self.finish(total)

    def _hash_content(self) -> HashingSink:
        """Hash what a gzip file contains: its catalog may have the checksum of that."""
        sums, inflater = HashingSink(self._checksums), Inflater("gzip")
        with contextlib.suppress(VerificationFailed), self._path.open("rb") as file:
            while not self._stopped and (data := file.read(_CHUNK)):
                for piece in inflater.pieces(data):
                    sums.write(memoryview(piece))
        return sums if inflater.whole else self.sums

    def run(self) -> None:
        """Follow the writer until the end."""
        try:
            if self._checksums:
                self._follow()
        except OSError as error:
            self._error = error

    def _follow(self) -> None:
        limit = self._position
        buffer = memoryview(bytearray(_CHUNK))
        with self._path.open("rb", buffering=0) as file:
            file.seek(self._position)
            while not self._stopped and self._position != self._total:
                if self._position >= limit:
                    limit = self._written() if self._total is None else self._total
                room = min(limit - self._position, _CHUNK)
                count = file.readinto(buffer[:room]) if room > 0 else 0
                if count:
                    self.sums.write(buffer[:count])
                    self._position += count
                elif self._total is not None and room > 0:
                    return  # cut shorter behind our back: the sums will differ
                else:
                    self._wake.wait(_POLL)


class PartJournal(Protocol):
    """The records of part files; its methods block and may be called from any thread.

    `hashers` are, in memory, what hashed parts so far, and which state of them: hashlib's cannot be stored.
    """

    hashers: dict[Path, tuple[str, StreamingHasher]]

    def claim(self, part: Path, /) -> None:
        """Become the writer of a part; TargetBusy if another running program is."""

    def release(self, part: Path, /) -> None:
        """Stop being the writer; a record that says nothing goes."""

    def load(self, part: Path, /) -> PartRecord | None:
        """Return the record of a part; None if nothing is known of it."""
        ...

    def begin(self, part: Path, record: PartRecord, /) -> PartRecord:
        """Record a new beginning of a part before its first byte; return it with its generation."""
        ...

    def advance(self, part: Path, generation: int, extents: Extents, /) -> None:
        """Record what of a beginning is on disk, soon."""

    def forget(self, part: Path, /) -> None:
        """Delete the record of a part that was removed."""


@dataclass(slots=True, eq=False)
class Segment:
    """A stretch of a file, `start` to the byte before `end`, that one connection fetches.

    Its connection moves `position`, up to where it is written; others may lower `end`, to fetch the rest
    themselves. The response goes up to `reach`, which may be further. What is left of a segment that is not
    `active` is free again.
    """

    start: int
    end: int
    position: int = field(init=False)
    reach: int = 0
    active: bool = True

    def __post_init__(self) -> None:
        self.position = self.start

    @property
    def left(self) -> int:
        """Bytes to come."""
        return self.end - self.position


class SegmentTable:
    """Which stretches of a file of `total` bytes are there, and which of the missing ones are being fetched.

    `min_segment` bytes are worth a connection of their own.
    """

    def __init__(self, there: Extents, total: int, min_segment: int) -> None:
        self.total = total
        self._there, self._there_size = there, covered(there)
        self._min_segment = min_segment
        self.segments: list[Segment] = []

    @property
    def done(self) -> int:
        """How many bytes are there."""
        return self._there_size + sum(segment.position - segment.start for segment in self.segments)

    @property
    def whole(self) -> bool:
        """Whether nothing is missing of a file of known size."""
        return self.done >= self.total

    def written(self) -> Extents:
        """Return the byte ranges that are written."""
        return merge([*self._there, *((segment.start, segment.position) for segment in self.segments)])

    def known_before(self, start: int, most: int) -> int:
        """Return how many bytes, `most` at most, are there just before an offset."""
        found = (start - first for first, end in self.written() if first < start <= end)
        return min(next(found, 0), most)

    def claim(self) -> Segment | None:
        """Return a stretch that nobody fetches, or half of the longest rest; None if that is too short."""
        for start, end in self._free():
            return self._add(Segment(start, end))
        longest = max(self._divisible(), key=lambda each: each.left, default=None)
        if longest is None or self.total == ENDLESS:
            return None
        middle, end = longest.position + longest.left // 2, longest.end
        longest.end = middle
        return self._add(Segment(middle, end))

    def claimable(self) -> bool:
        """Return whether there is a stretch for one more connection."""
        return bool(self._free() or self._divisible())

    def extend(self, segment: Segment) -> bool:
        """Move the end of a segment on, where its response continues and nobody else has taken over."""
        for start, end in self._free():
            if start == segment.end and segment.reach > start:
                segment.end = min(end, segment.reach)
                return True
        return False

    def _divisible(self) -> list[Segment]:
        return [each for each in self.segments if each.active and each.left >= 2 * self._min_segment]

    def _free(self) -> Extents:
        taken = ((s.start, max(s.end, s.position) if s.active else s.position) for s in self.segments)
        return gaps(merge([*self._there, *taken]), self.total)

    def _add(self, segment: Segment) -> Segment:
        self.segments.append(segment)
        return segment
