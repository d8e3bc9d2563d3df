"""Copies of files of this machine, or of members of archives on it: a clone where possible, else read."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tarfile
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from .. import errors, text
from ..concurrency import in_thread_to_end
from ..content import LFS_MAGIC, MAX_POINTER, ContentKind
from ..errors import DownloadError, EntityDoesNotExist
from ..fileio import clone
from ..http.versions import Checksum, verifiable
from ..options import IfExists
from .config import (
    DownloadResult,
    DownloadSpec,
    ReserveSpace,
    TransferContext,
    TransferPhase,
    TransferProgress,
)
from .engine import TransferCancelled
from .part_file import PartFile, PartRecord, StreamingHasher, inode

_BUFFER = 1 << 20
_BROKEN = (tarfile.TarError, zlib.error, EOFError)
_HINT = "check the catalog on the disk"
_PULL = "`git lfs pull` in the clone fetches its content, then retry"


class LocalOriginal:
    """A regular file of this machine, or a member of a tar archive, opened to be copied; `size` in bytes.

    Raises DownloadError for the pointer that a clone has in place of a file.
    """

    def __init__(self, file: IO[bytes] | io.FileIO, size: int, watched: io.FileIO, name: str) -> None:
        if size <= MAX_POINTER and file.read(len(LFS_MAGIC)) == LFS_MAGIC:
            raise DownloadError(f"{text.one_line(name, 200)} is {ContentKind.POINTER}", hint=_PULL)
        file.seek(0)
        self.size = size
        self._file, self._watched = file, watched
        self._before = self._state

    @property
    def _state(self) -> tuple[int, int]:
        status = os.fstat(self._watched.fileno())
        return status.st_size, status.st_mtime_ns

    @property
    def changed(self) -> bool:
        """Whether it is another one now than when it was opened."""
        return self._state != self._before

    def copy_into(self, part: PartFile) -> Iterator[int]:
        """Copy all of it to an empty part; yield how many bytes are there now and then."""
        if self._file is self._watched and clone(part.descriptor, self._watched.fileno()):
            yield self.size
            return
        done = 0
        for data in self.chunks(_BUFFER):
            part.write_at(done, memoryview(data))
            done += len(data)
            yield done

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield the bytes, so many at a time."""
        yield from iter(lambda: self._file.read(size), b"")


@contextlib.contextmanager
def open_local(url: str, stop: threading.Event) -> Iterator[LocalOriginal]:
    """Open what a `file` URL names (for members of archives see `sources.static.document_urls`).

    `stop` ends the search for a member, and reading, with TransferCancelled. Raises EntityDoesNotExist if
    there is no such file or member; DownloadError if it is no regular file, a Git LFS pointer, or cannot be
    read.
    """
    # Copies of local files alone need it.
    from ..sources.static.document_urls import is_member, local_path, member_names, split_member

    archive, member = split_member(url) if is_member(url) else (url, "")
    path = local_path(archive)
    try:
        with _StoppableFile(path, stop) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise DownloadError(f"{text.one_line(path, 200)} is no file", hint=_HINT)
            if member:
                with tarfile.open(fileobj=file, mode="r:*") as tar:
                    yield LocalOriginal(*_find_member(tar, member_names(url), path), file, member)
            else:
                yield LocalOriginal(file, os.fstat(file.fileno()).st_size, file, str(path))
    except FileNotFoundError:
        raise EntityDoesNotExist(f"{text.one_line(path, 200)} does not exist", hint=_HINT) from None
    except _BROKEN as error:
        words = f"the archive {text.one_line(path.name, 100)} cannot be read: {text.one_line(error, 100)}"
        raise DownloadError(words, hint=_HINT) from error
    except OSError as error:
        why = text.one_line(error.strerror or error, 120)
        raise DownloadError(f"cannot read {text.one_line(path, 200)}: {why}", hint=_HINT) from error


async def copy_file(
    spec: DownloadSpec, context: TransferContext, progress: TransferProgress, reserve: ReserveSpace
) -> DownloadResult:
    """Copy a file of this machine as a transfer: part, checksums, name.

    It restarts each time: reading an existing part to compare it takes as long as copying it.
    """
    stop, journal = threading.Event(), context.journal

    def work() -> DownloadResult:
        journal.claim(spec.part)
        matching: tuple[Checksum, ...] = ()
        try:
            with open_local(spec.link.url, stop) as original:
                if fetched := not _is_there(spec, original.size):
                    with PartFile(spec.part, names=spec.names) as part:
                        try:
                            reserve(max(0, original.size - part.allocated), original.size)
                            # What the part was of before is gone: no record may say that its bytes are good.
                            journal.begin(spec.part, PartRecord(inode=inode(part.status)))
                            part.truncate(0)
                            matching = _copy(spec, original, part, progress, stop)
                        except BaseException:
                            if part.remove_if_empty():
                                journal.forget(part.path)
                            raise
                        part.commit(spec.target, overwrite=spec.if_exists is IfExists.OVERWRITE)
                        progress.committed = original.size
                        journal.forget(part.path)
                return DownloadResult(spec.target, original.size, fetched, matching)
        finally:
            journal.release(spec.part)

    return await in_thread_to_end(work, stop=stop.set)


def _is_there(spec: DownloadSpec, size: int) -> bool:
    """Return whether the file is there, by its size, which is radiant_mlhub's rule for `resume`."""
    if spec.if_exists is not IfExists.RESUME or not spec.target.exists():
        return False
    if (there := spec.target.stat().st_size) != size:
        sizes = "{} here, {} in the original".format(*text.sizes(there, size))
        raise errors.FileConflict(f"another file {spec.target.name} is there ({sizes})")
    return True


def _copy(
    spec: DownloadSpec,
    original: LocalOriginal,
    part: PartFile,
    progress: TransferProgress,
    stop: threading.Event,
) -> tuple[Checksum, ...]:
    """Copy all bytes, with the checksums close behind; return those that are the file's."""
    progress.total = original.size
    progress.log(f"begins: {text.size(original.size)}, copied from this machine")
    progress.begin_at(0)
    progress.enter(TransferPhase.DOWNLOADING)
    hasher = StreamingHasher(part.path, verifiable(spec.checksums), lambda: progress.done)
    hasher.start()
    try:
        for done in original.copy_into(part):
            progress.wrote(done)
            if stop.is_set():
                raise TransferCancelled
        progress.enter(TransferPhase.VERIFYING)
        if part.status.st_size != original.size or original.changed:
            raise errors.RemoteChanged(f"{spec.target.name} changed while it was copied")
        hasher.finish(original.size)
        if stop.is_set():
            raise TransferCancelled
        return hasher.sums.matching
    finally:
        hasher.stop()


class _StoppableFile(io.FileIO):
    """A file whose reads end when the transfer is cancelled: a member may be far back in an archive."""

    def __init__(self, path: Path, stop: threading.Event) -> None:
        # A pipe without a writer would hold the opening for ever.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        super().__init__(os.open(path, flags), "rb")
        self._stop = stop

    def read(self, size: int | None = -1, /) -> bytes:
        """Return bytes, or raise TransferCancelled."""
        if self._stop.is_set():
            raise TransferCancelled
        return super().read(-1 if size is None else size) or b""


def _find_member(tar: tarfile.TarFile, names: Sequence[str], path: Path) -> tuple[IO[bytes], int]:
    """Return the first member of some names and its size, read from the start of the archive up to it."""
    while (info := tar.next()) is not None:
        tar.members = []  # type: ignore[attr-defined]  # it would keep all of them
        parts = info.name.replace("\\", "/").split("/")  # as URLs of members have them: no `./`
        if info.isreg() and "/".join(part for part in parts if part not in ("", ".")) in names:
            file = tar.extractfile(info)
            assert file is not None
            return file, info.size
    words = f"{text.one_line(path.name, 100)} has no file {text.one_line(names[0], 100)}"
    raise EntityDoesNotExist(words, hint=_HINT)
