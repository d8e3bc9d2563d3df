"""Object store as the place that files go to: whole objects, several at a time, through fsspec."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from ..errors import MLHubException, OutputFolderError, TargetBusy
from ..http.retry import COMMAND_RETRIES
from ..text import duration, one_line, redact
from ..transfer.engine import TransferCancelled
from .local_cluster import NotInstalled, required

T = TypeVar("T")
P = ParamSpec("P")
Say = Callable[[str], object]
"""Shows why nothing happens at the moment."""
_AT_ONCE = 16
# Stores where an object is there when all of it is: no other name is needed while it is written.
_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "memory"})
_REFUSED = frozenset({"NoCredentialsError", "PartialCredentialsError", "ClientAuthenticationError"})
_UNFIT = re.compile(r"[\x00-\x1f\x7f]")


class StoreRefuses(OutputFolderError):
    """The store does not let us write, whatever the file is."""

    default_hint = "give the workers credentials for it, in their environment or fsspec's configuration"


class StoreBusy(TargetBusy):
    """The store did not do what was asked this time."""

    default_hint = "retry later"


class ObjectStore:
    """The folder that a URL names; its methods may be called from any thread, and block but for futures.

    - `say`, `stop`: Told why nothing happens, and what ends the wait, where it is used `patiently`.

    Raises NotInstalled if its file system is not installed.
    """

    def __init__(self, url: str, say: Say = lambda _: None, stop: threading.Event | None = None) -> None:
        self.url = url
        self._say, self._stop = say, stop or threading.Event()
        self.system, self.root = _file_system(url)
        names = self.system.protocol
        self.whole = bool(({names} if isinstance(names, str) else set(names)) & _WHOLE)
        self._threads = ThreadPoolExecutor(_AT_ONCE, "store")
        self._failures, self._busy_until, self._reason = 0, 0.0, ""

    def path(self, relative: str) -> str:
        """Return the path of a file; OutputFolderError if it leads outside, or is no name for a file."""
        if any(part in ("", ".", "..") for part in relative.split("/")) or _UNFIT.search(relative):
            raise OutputFolderError(f"{one_line(relative, 200)} is no path inside the output folder")
        return f"{self.root}/{relative}"

    def put(self, path: str, data: bytes) -> Future[None]:
        """Put an object; it is not to be seen before it is whole."""
        return self._write(path, lambda name: self.system.pipe_file(name, data))

    def upload(self, path: str, file: Path) -> Future[None]:
        """Put a file of this machine, large ones in parts."""
        return self._write(path, lambda name: self.system.put_file(str(file), name))

    def copy(self, source: str, path: str) -> Future[None]:
        """Have the store copy an object."""
        return self._write(path, lambda name: self.system.cp_file(source, name))

    def _write(self, path: str, write: Callable[[str], object]) -> Future[None]:
        def work() -> None:
            with self.unseen(path) as name:
                write(name)

        return self._threads.submit(work)

    def size(self, path: str) -> Future[int | None]:
        """Return the bytes of an object; None if there is none."""

        def look() -> int | None:
            with suppress(FileNotFoundError):
                if (ask := getattr(self.system, "call_s3", None)) is None:
                    return _size(self.system.info(path))
                # s3fs would list the bucket for each object that is not there, in case it is a folder.
                bucket, key, _ = self.system.split_path(path)
                return int(ask("head_object", self.system.kwargs, Bucket=bucket, Key=key)["ContentLength"])
            return None

        return self._threads.submit(look)

    def read(self, path: str) -> bytes:
        """Return an object; FileNotFoundError if there is none."""
        return bytes(self.system.cat_file(path))

    def remove(self, path: str) -> None:
        """Remove an object."""
        self.system.rm_file(path)

    def names(self, path: str) -> list[str]:
        """Return the paths directly below a path, listing only that folder."""
        self.system.invalidate_cache()
        with suppress(FileNotFoundError):
            return [str(name) for name in self.system.ls(path, detail=False)]
        return []

    def look(self) -> Callable[[Sequence[str]], list[tuple[int, None] | None]]:
        """List all objects; return what gives their bytes by their relative paths, for `Manifest.lost`."""
        self.system.invalidate_cache()
        try:
            found = self.system.find(self.root, detail=True)
        except FileNotFoundError:
            found = {}
        except Exception as error:
            raise self.translate(error) from error
        folder, known = self.root.rstrip("/"), dict[str, tuple[int, None]]()
        for path, info in found.items():
            if (size := _size(info)) is not None:
                known[path] = size, None
        return lambda paths: [known.get(f"{folder}/{path}") for path in paths]

    def writer(self, path: str, block: int) -> ObjectWriter:
        """Return what writes an object in parts of so many bytes, of which one is in memory."""
        return ObjectWriter(self, path, block)

    def translate(self, error: BaseException) -> MLHubException:
        """Return what an error of the store means: that it refuses us, or that it is to be tried again."""
        if isinstance(error, MLHubException):
            return error
        why, where = one_line(redact(str(error) or type(error).__name__), 160), one_line(self.url, 200)
        if isinstance(error, PermissionError) or type(error).__name__ in _REFUSED:
            return StoreRefuses(f"{where} refuses access: {why}")
        if isinstance(error, FileNotFoundError):
            hint = "create the bucket first, or choose another"
            return StoreRefuses(f"{where} does not exist: {why}", hint=hint)
        return StoreBusy(f"{where} is busy: {why}")

    def failed(self, error: MLHubException) -> None:
        """Record that the store was busy: nothing more is put before `waits` is over."""
        now = time.monotonic()
        if now >= self._busy_until:  # else it was asked before that wait began
            self._failures += 1
            self._busy_until = now + COMMAND_RETRIES.delay(self._failures)
        self._reason = error.message

    def succeeded(self) -> None:
        """Record that the store took something."""
        self._failures = 0

    @property
    def waits(self) -> bool:
        """Whether the store was busy, and is not to be asked yet."""
        return time.monotonic() < self._busy_until

    def wait_reason(self) -> str:
        """Return why nothing is put at the moment; empty if something may be."""
        return self._reason if self.waits or self._failures else ""

    def patiently(self, work: Callable[P, T], *values: P.args, **named: P.kwargs) -> T:
        """Do work; where the store is busy, say so, wait as workers do, and try again.

        Raises TransferCancelled if it was stopped while it waited; MLHubException if the store refuses, or
        stays busy.
        """
        for failures in itertools.count(1):
            try:
                return work(*values, **named)
            except TransferCancelled:
                raise
            except Exception as error:
                known, seconds = self.translate(error), COMMAND_RETRIES.wait(failures)
                if not isinstance(known, StoreBusy) or seconds is None:
                    raise known from error
                self._say(f"{known.message}; next try in {duration(seconds)}")
                if self._stop.wait(seconds):
                    raise TransferCancelled from None
        raise AssertionError

    @contextmanager
    def unseen(self, path: str) -> Iterator[str]:
        """Give the name to write an object under: another one where it would be seen before it is whole."""
        if self.whole:
            yield path
            return
        self.system.makedirs(path.rpartition("/")[0], exist_ok=True)
        yield f"{path}.part"
        self.system.mv(f"{path}.part", path)


class ObjectWriter:
    """An object that is written piece by piece, as a multipart upload where the store has that; blocks.

    Nothing is to be seen of it before `commit`; `discard` leaves nothing behind.
    """

    def __init__(self, store: ObjectStore, path: str, block: int) -> None:
        self._store = store
        self._naming = store.unseen(path)
        self._name = self._naming.__enter__()
        options = {"autocommit": False} if store.whole else {}
        self._file = store.system.open(self._name, "wb", block_size=block, **options)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write the next bytes."""
        self._file.write(data)

    def commit(self) -> None:
        """Have the object be there."""
        self._file.close()
        if self._store.whole:
            self._file.commit()
        self._naming.__exit__(None, None, None)

    def discard(self) -> None:
        """Give it up; never raises: what is left is not to be seen, and the next try does not need it."""
        with suppress(Exception):
            if self._store.whole:
                self._file.discard()
                self._file.closed = True  # fsspec would write the rest of it when it is collected
            else:
                self._file.close()
                self._store.system.rm_file(self._name)


def _file_system(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL, and the path in it; NotInstalled if it needs a package."""
    fsspec, scheme = required("fsspec", "an output URL needs `fsspec`"), url.partition("://")[0]
    try:
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        package = required("fsspec.registry", "").known_implementations[scheme]["class"].partition(".")[0]
        if package == "fsspec":
            raise NotInstalled(f"{scheme}:// cannot be used", hint=one_line(error, 200)) from error
        hint = f"pip install {package}, here and on the workers"
        raise NotInstalled(f"{scheme}:// needs {package}, which is not installed", hint=hint) from error
    except ValueError as error:
        raise NotInstalled(f"fsspec knows no {scheme}://", hint=one_line(error, 200)) from error
    return system, path.rstrip("/")


def _size(info: Any) -> int | None:
    size = info.get("size") if info.get("type") != "directory" else None
    return None if size is None else int(size)
