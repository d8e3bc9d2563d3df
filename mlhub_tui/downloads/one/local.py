"""Originals on this machine: a file, or a member of a tar archive, opened to be copied."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol, cast

from ... import text
from ...errors import DownloadError, EntityDoesNotExist
from ...sources.static.place import is_member, local_path, split_member
from ..trouble import Interrupted
from .part import Part

_STRIDE = 16 << 20  # bytes that the system copies in one go: a fraction of a second
_BROKEN = (tarfile.TarError, zlib.error, EOFError)


class Original(Protocol):
    """What is copied: `size` in bytes."""

    size: int

    def into(self, part: Part, step: int) -> Iterator[int]:
        """Copy all of it to an empty part, and yield how many bytes are there now and then."""
        ...

    def changed(self) -> bool:
        """Return whether it is another one now than when it was opened."""
        ...


@contextlib.contextmanager
def opened(url: str, stop: threading.Event) -> Iterator[Original]:
    """Open what a `file` URL names (for members of archives see `sources.static.place`).

    Parameters
    ----------
    stop
        Ends the search for a member.

    Raises
    ------
    EntityDoesNotExist
        If there is no such file or member.
    DownloadError
        If it is no regular file, cannot be read, or its archive is broken.
    """
    archive, member = split_member(url) if is_member(url) else (url, "")
    path = _path(archive)
    try:
        with _Stoppable(path, stop) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise DownloadError(f"{text.one_line(path, 200)} is no file", hint=_HINT)
            if member:
                with tarfile.open(fileobj=file, mode="r:*") as tar:
                    yield _member(tar, member, _Watch(file), path)
            else:
                yield _File(file)
    except FileNotFoundError:
        raise EntityDoesNotExist(f"{text.one_line(path, 200)} does not exist", hint=_HINT) from None
    except _BROKEN as error:
        words = f"the archive {text.one_line(path.name, 100)} cannot be read: {text.one_line(error, 100)}"
        raise DownloadError(words, hint=_HINT) from error
    except OSError as error:
        why = text.one_line(error.strerror or error, 120)
        raise DownloadError(f"cannot read {text.one_line(path, 200)}: {why}", hint=_HINT) from error


_HINT = "look at the catalog on the disk"


class _Stoppable(io.FileIO):
    """A file whose reads end when the transfer was told to stop: a member may be far back in an archive."""

    def __init__(self, path: Path, stop: threading.Event) -> None:
        # A pipe without a writer would hold the opening for ever.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        super().__init__(os.open(path, flags), "rb")
        self._stop = stop

    def read(self, size: int | None = -1, /) -> bytes:
        """Return bytes, or raise Interrupted."""
        if self._stop.is_set():
            raise Interrupted
        return super().read(-1 if size is None else size) or b""


class _Watch:
    """Tells whether an open file was written to."""

    def __init__(self, file: IO[bytes] | io.FileIO) -> None:
        self._file = file
        self._before = self._now()

    def __call__(self) -> bool:
        return self._now() != self._before

    def _now(self) -> tuple[int, int]:
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns


class _File:
    """A file of its own."""

    def __init__(self, file: _Stoppable) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        self.changed: Callable[[], bool] = _Watch(file)

    def into(self, part: Part, step: int) -> Iterator[int]:
        if part.clone(self._file.fileno()):
            yield self.size
            return
        done = 0
        while done < self.size and (count := part.take(self._file.fileno(), done, _STRIDE)):
            done += count
            yield done
        self._file.seek(done)
        yield from _pour(self._file.read, part, step, done)


class _Member:
    """A member of an archive."""

    def __init__(self, file: IO[bytes], size: int, watch: Callable[[], bool]) -> None:
        self._file = file
        self.size = size
        self.changed = watch

    def into(self, part: Part, step: int) -> Iterator[int]:
        return _pour(self._file.read, part, step, 0)


def _pour(read: Callable[[int], bytes], part: Part, step: int, done: int) -> Iterator[int]:
    while data := read(step):
        part.write(done, memoryview(data))
        done += len(data)
        yield done


def _member(tar: tarfile.TarFile, name: str, watch: Callable[[], bool], path: Path) -> _Member:
    """Return a member by its name, read from the start of the archive up to it."""
    for info in tar:
        if info.isreg() and _plain(info.name) == name:
            file = tar.extractfile(info)
            assert file is not None
            return _Member(file, info.size, watch)
        cast(Any, tar).members = []  # it would keep all of them
    words = f"{text.one_line(path.name, 100)} has no file {text.one_line(name, 100)}"
    raise EntityDoesNotExist(words, hint=_HINT)


def _plain(name: str) -> str:
    """Return the name of a member as place URLs have it: forward slashes, no `./`."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def _path(url: str) -> Path:
    """Return the path of a URL; a name that was written with `%20` in it may really have it."""
    path = local_path(url)
    literal = Path(url.removeprefix("file://"))
    return literal if "%" in url and not path.exists() and literal.exists() else path
