"""Copies of files of this machine, or of members of archives on it: clone, copy_file_range, else read."""

from __future__ import annotations

import contextlib
import errno
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
from ..errors import DownloadError, EntityDoesNotExist
from ..fileio import clone, translate_os_error
from ..options import IfExists
from .checksums import StreamingHasher, verifiable
from .config import DownloadResult, DownloadSpec, ReserveSpace, TransferContext
from .engine import in_thread
from .failures import TransferCancelled
from .journal import PartRecord
from .part_file import PartFile
from .progress import TransferPhase, TransferProgress

_STRIDE = 16 << 20  # bytes that the system copies in one go: a fraction of a second
_BUFFER = 1 << 20
_BROKEN = (tarfile.TarError, zlib.error, EOFError)
_NO_COPY_RANGE = frozenset(
    {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EPERM, errno.EBADF}
)
_HINT = "check the catalog on the disk"


async def copy_file(
    spec: DownloadSpec, context: TransferContext, progress: TransferProgress, reserve: ReserveSpace
) -> DownloadResult:
    """Copy a file of this machine as a transfer: part, checksums, name.

    It begins again each time: reading what is there to compare it takes as long as copying it.

    Raises
    ------
    EntityDoesNotExist, DownloadError
        What went wrong.
    """
    stop = threading.Event()
    return await in_thread(lambda: _Copy(spec, context, progress, reserve, stop).run(), stop=stop.set)


class LocalOriginal:
    """A regular file of this machine, or a member of a tar archive, opened to be copied; `size` in bytes."""

    def __init__(self, file: IO[bytes] | io.FileIO, size: int, watched: io.FileIO, *, whole: bool) -> None:
        self.size = size
        self._file = file
        self._watched = watched
        self._before = _state(watched)
        self._whole = whole

    @property
    def changed(self) -> bool:
        """Whether it is another one now than when it was opened."""
        return _state(self._watched) != self._before

    def copy_into(self, part: PartFile) -> Iterator[int]:
        """Copy all of it to an empty part; yield how many bytes are there now and then."""
        done = 0
        if self._whole:
            if clone(part.descriptor, self._watched.fileno()):
                yield self.size
                return
            while done < self.size and (count := _copy_range(part, self._watched.fileno(), done)):
                done += count
                yield done
            self._file.seek(done)
        for data in self.chunks(_BUFFER):
            part.write(done, memoryview(data))
            done += len(data)
            yield done

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield the bytes from the present position on, so many at a time."""
        while data := self._file.read(size):
            yield data


@contextlib.contextmanager
def open_local(url: str, stop: threading.Event) -> Iterator[LocalOriginal]:
    """Open what a `file` URL names (for members of archives see `sources.static.place`).

    Parameters
    ----------
    stop
        Ends the search for a member, and reading, with TransferCancelled.

    Raises
    ------
    EntityDoesNotExist
        If there is no such file or member.
    DownloadError
        If it is no regular file, cannot be read, or its archive is broken.
    """
    from ..sources.static.document_urls import is_member, local_path, member_names, split_member

    archive, member = split_member(url) if is_member(url) else (url, "")
    path = local_path(archive)
    try:
        with _StoppableFile(path, stop) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise DownloadError(f"{text.one_line(path, 200)} is no file", hint=_HINT)
            if member:
                with tarfile.open(fileobj=file, mode="r:*") as tar:
                    found, size = _find_member(tar, member_names(url), path)
                    yield LocalOriginal(found, size, file, whole=False)
            else:
                yield LocalOriginal(file, os.fstat(file.fileno()).st_size, file, whole=True)
    except FileNotFoundError:
        raise EntityDoesNotExist(f"{text.one_line(path, 200)} does not exist", hint=_HINT) from None
    except _BROKEN as error:
        words = f"the archive {text.one_line(path.name, 100)} cannot be read: {text.one_line(error, 100)}"
        raise DownloadError(words, hint=_HINT) from error
    except OSError as error:
        why = text.one_line(error.strerror or error, 120)
        raise DownloadError(f"cannot read {text.one_line(path, 200)}: {why}", hint=_HINT) from error


class _Copy:
    """Copies one file; blocks."""

    def __init__(
        self,
        spec: DownloadSpec,
        context: TransferContext,
        progress: TransferProgress,
        reserve: ReserveSpace,
        stop: threading.Event,
    ) -> None:
        self._spec = spec
        self._journal = context.journal
        self._progress = progress
        self._reserve = reserve
        self._stop = stop

    def run(self) -> DownloadResult:
        spec = self._spec
        self._journal.claim(spec.part)
        try:
            with open_local(spec.link.url, self._stop) as original:
                if self._is_there(original.size):
                    return DownloadResult(spec.target, original.size, fetched=False)
                return self._copied(original)
        finally:
            self._journal.release(spec.part)

    def _is_there(self, size: int) -> bool:
        """Return whether the file is there, by its size, which is the seed library's rule for `resume`."""
        if self._spec.if_exists is not IfExists.RESUME:
            return False
        try:
            there = self._spec.target.stat().st_size
        except FileNotFoundError:
            return False
        if there != size:
            sizes = f"{text.size(there)} here, {text.size(size)} in the original"
            raise errors.FileConflict(f"another file {self._spec.target.name} is there ({sizes})")
        return True

    def _copied(self, original: LocalOriginal) -> DownloadResult:
        spec, size, progress = self._spec, original.size, self._progress
        progress.total = size
        with PartFile(spec.part) as part:
            try:
                self._reserve(max(0, size - part.allocated), size)
                # What the part was of before is gone: no record may say that its bytes are good.
                self._journal.begin(spec.part, PartRecord(inode=part.inode))
                part.truncate(0)
                progress.log(f"begins: {text.size(size)}, copied from this machine")
                progress.begin_at(0)
                progress.enter(TransferPhase.DOWNLOADING)
                self._copy(original, part)
            except BaseException:
                if part.remove_if_empty():
                    self._journal.forget(part.path)
                raise
            if self._stop.is_set():
                raise TransferCancelled
            part.commit(spec.target, overwrite=spec.if_exists is IfExists.OVERWRITE)
            progress.committed = size
            self._journal.forget(part.path)
        return DownloadResult(spec.target, size, fetched=True, checksums=spec.checksums)

    def _copy(self, original: LocalOriginal, part: PartFile) -> None:
        """Copy all bytes, with the checksums close behind."""
        progress, checksums = self._progress, verifiable(self._spec.checksums)
        hasher = StreamingHasher(part.path, checksums, lambda: progress.done) if checksums else None
        if hasher is not None:
            hasher.start()
        try:
            for done in original.copy_into(part):
                progress.wrote(done)
                if self._stop.is_set():
                    raise TransferCancelled
            progress.enter(TransferPhase.VERIFYING)
            if part.size != original.size or original.changed:
                raise errors.RemoteChanged(f"{self._spec.target.name} changed while it was copied")
            if hasher is not None:
                hasher.finish(original.size)
        finally:
            if hasher is not None:
                hasher.stop()


class _StoppableFile(io.FileIO):
    """A file whose reads end when the transfer was told to stop: a member may be far back in an archive."""

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


def _state(file: io.FileIO) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def _copy_range(part: PartFile, source: int, offset: int) -> int:
    """Let the system copy bytes to the same offset of a part (Linux); 0 where it cannot."""
    copy = getattr(os, "copy_file_range", None)
    if copy is None:
        return 0
    try:
        return int(copy(source, part.descriptor, _STRIDE, offset, offset))
    except OSError as error:
        if error.errno in _NO_COPY_RANGE:
            return 0
        raise translate_os_error(error, part.path) from error


def _find_member(tar: tarfile.TarFile, names: Sequence[str], path: Path) -> tuple[IO[bytes], int]:
    """Return the first member of some names and its size, read from the start of the archive up to it."""
    while (info := tar.next()) is not None:
        tar.members = []  # type: ignore[attr-defined]  # it would keep all of them
        if info.isreg() and _plain(info.name) in names:
            file = tar.extractfile(info)
            assert file is not None
            return file, info.size
    words = f"{text.one_line(path.name, 100)} has no file {text.one_line(names[0], 100)}"
    raise EntityDoesNotExist(words, hint=_HINT)


def _plain(name: str) -> str:
    """Return the name of a member as place URLs have it: forward slashes, no `./`."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))
