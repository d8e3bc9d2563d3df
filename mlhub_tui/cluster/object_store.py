"""Object store as the place that files go to: whole objects, several at a time, through fsspec."""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

from ..errors import FileConflict, MLHubException, OutputFolderError, TargetBusy
from ..http.retry import COMMAND_RETRIES
from ..options import IfExists
from ..planning.manifest_queue import DuplicateRow
from ..text import duration, one_line, redact
from ..transfer.engine import TransferCancelled
from ..transfer.work_source import FileResult
from .optional_dependencies import file_system

T = TypeVar("T")
_AT_ONCE = 16
# Stores where an object is there when all of it is: no other name is needed while it is written.
_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "memory"})
_REFUSED = frozenset({"NoCredentialsError", "PartialCredentialsError", "ClientAuthenticationError"})
_UNFIT = re.compile(r"[\x00-\x1f\x7f]")
_RETRIES = replace(COMMAND_RETRIES, tries=6)


class StoreRefuses(OutputFolderError):
    """The store does not let us write, whatever the file is."""

    default_hint = "give the workers credentials for it, in their environment or fsspec's configuration"


class StoreBusy(TargetBusy):
    """The store did not do what was asked this time."""

    default_hint = "retry later"


class ObjectStore:
    """The folder that a URL names; its methods may be called from any thread.

    Parameters
    ----------
    url
        Of the folder.

    Raises
    ------
    NotInstalled
        If its file system is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.system, self.root = file_system(url)
        names = self.system.protocol
        self.whole = bool(({names} if isinstance(names, str) else set(names)) & _WHOLE)
        self._asynchronous = bool(getattr(self.system, "async_impl", False))
        self._failures, self._busy_until, self._reason = 0, 0.0, ""

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_AT_ONCE, "store")

    def path(self, relative: str) -> str:
        """Return the path of a file in the file system.

        Raises
        ------
        OutputFolderError
            If it leads outside, or is no name for a file.
        """
        if any(part in ("", ".", "..") for part in relative.split("/")) or _UNFIT.search(relative):
            raise OutputFolderError(f"{one_line(relative, 200)} is no path inside the output folder")
        return f"{self.root}/{relative}"

    def put(self, path: str, data: bytes) -> Future[None]:
        """Put an object; it is not to be seen before it is whole."""

        def work() -> None:
            self.make_parent(path)
            self.system.pipe_file(path if self.whole else f"{path}.part", data)
            if not self.whole:
                self.system.mv(f"{path}.part", path)

        return self._run(lambda: self.system._pipe_file(path, data), work)

    def copy(self, source: str, path: str) -> Future[None]:
        """Have the store copy an object."""

        def work() -> None:
            self.make_parent(path)
            self.system.cp_file(source, f"{path}.part")
            self.system.mv(f"{path}.part", path)

        return self._run(lambda: self.system._cp_file(source, path), work)

    def size(self, path: str) -> Future[int | None]:
        """Return the bytes of an object; None if there is none."""

        def look() -> int | None:
            try:
                return _size(self.system.info(path))
            except FileNotFoundError:
                return None

        return self._run(lambda: self._info(path), look)

    def read(self, path: str) -> bytes:
        """Return an object; FileNotFoundError if there is none; blocks."""
        return bytes(self.system.cat_file(path))

    def remove(self, path: str) -> None:
        """Remove an object; blocks."""
        self.system.rm_file(path)

    def names(self, path: str) -> list[str]:
        """Return what lies directly below a path, asking for no more than that folder; blocks."""
        self.system.invalidate_cache()
        try:
            return [str(name) for name in self.system.ls(path, detail=False)]
        except FileNotFoundError:
            return []
        finally:
            self.system.invalidate_cache()

    def sizes(self) -> Callable[[Sequence[str]], list[int | None]]:
        """List all objects; return what gives their bytes by their relative paths; blocks."""
        self.system.invalidate_cache()
        try:
            found = self.system.find(self.root, detail=True)
        except FileNotFoundError:
            found = {}
        except Exception as error:
            raise store_error(error, self) from error
        finally:
            self.system.invalidate_cache()
        known = {path: _size(info) for path, info in found.items()}
        folder = self.root.rstrip("/")
        return lambda paths: [known.get(f"{folder}/{path}") for path in paths]

    def writer(self, path: str, block: int) -> ObjectWriter:
        """Return what writes an object piece by piece; blocks."""
        return ObjectWriter(self, path, block)

    def translate(self, error: BaseException) -> MLHubException:
        """Return what an error of the store means."""
        return store_error(error, self)

    def make_parent(self, path: str) -> None:
        """Make the folders of a file where the file system has such; blocks."""
        if not self.whole:
            self.system.makedirs(path.rpartition("/")[0], exist_ok=True)

    def failed(self, error: MLHubException) -> None:
        """Record that the store was busy: nothing more is put before `waits` is over."""
        now = time.monotonic()
        if now >= self._busy_until:  # else it was asked before that wait began
            self._failures += 1
            self._busy_until = now + _RETRIES.delay(self._failures)
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

    def patiently(self, work: Callable[[], T], say: Callable[[str], object], stop: threading.Event) -> T:
        """Do blocking work; where the store is busy, report that, wait as workers do, and try again.

        Raises
        ------
        TransferCancelled
            If it was stopped while it waited.
        MLHubException
            If the store refuses, or stays busy.
        """
        for failures in itertools.count(1):
            try:
                return work()
            except TransferCancelled:
                raise
            except Exception as error:
                known, seconds = store_error(error, self), _RETRIES.wait(failures)
                if not isinstance(known, StoreBusy) or seconds is None:
                    raise known from error
                say(f"{known.message}; next try in {duration(seconds)}")
                if stop.wait(seconds):
                    raise TransferCancelled from None
        raise AssertionError

    async def _info(self, path: str) -> int | None:
        ask = getattr(self.system, "_call_s3", None)
        try:
            if ask is None:
                return _size(await self.system._info(path))
            # s3fs would list the bucket for each object that is not there, in case it is a folder.
            bucket, key, _ = self.system.split_path(path)
            found = await ask("head_object", self.system.kwargs, Bucket=bucket, Key=key)
            return int(found["ContentLength"])
        except FileNotFoundError:
            return None

    def _run(self, call: Callable[[], Awaitable[T]], work: Callable[[], T]) -> Future[T]:
        """Run a coroutine in fsspec's own loop where objects are whole, else what blocks in a thread."""
        if not (self._asynchronous and self.whole):
            return self._threads.submit(work)

        async def called() -> T:
            return await call()

        return asyncio.run_coroutine_threadsafe(called(), self.system.loop)


class ObjectWriter:
    """An object that is written piece by piece, as a multipart upload where the store has that; blocks.

    Nothing is to be seen of it before `commit`; `discard` leaves nothing behind.

    Parameters
    ----------
    block
        Bytes of a part, of which one is in memory.
    """

    def __init__(self, store: ObjectStore, path: str, block: int) -> None:
        self._store, self._path = store, path
        self._written = path if store.whole else f"{path}.part"
        store.make_parent(path)
        options = {"autocommit": False} if store.whole else {}
        self._file = store.system.open(self._written, "wb", block_size=block, **options)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write the next bytes."""
        self._file.write(data)

    def commit(self) -> None:
        """Have the object be there."""
        self._file.close()
        if self._store.whole:
            self._file.commit()
        else:
            self._store.system.mv(self._written, self._path)

    def discard(self) -> None:
        """Give it up; never raises."""
        try:
            if self._store.whole:
                self._file.discard()
                self._file.closed = True  # fsspec would write the rest of it when it is collected
            else:
                self._file.close()
                self._store.system.rm_file(self._written)
        except Exception:  # noqa: S110  (what is left is not to be seen, and the next try does not need it)
            pass


def store_error(error: BaseException, store: ObjectStore) -> MLHubException:
    """Return what an error of a store means: that it refuses us, or that it is to be tried again."""
    if isinstance(error, MLHubException):
        return error
    why = one_line(redact(str(error) or type(error).__name__), 160)
    where = one_line(store.url, 200)
    if isinstance(error, PermissionError) or type(error).__name__ in _REFUSED:
        return StoreRefuses(f"{where} refuses access: {why}")
    if isinstance(error, FileNotFoundError):
        return StoreRefuses(
            f"{where} does not exist: {why}", hint="create the bucket first, or choose another"
        )
    return StoreBusy(f"{where} is busy: {why}")


def _size(info: Any) -> int | None:
    size = info.get("size") if info.get("type") != "directory" else None
    return None if size is None else int(size)


def copy_objects(
    store: ObjectStore, rows: Sequence[DuplicateRow], if_exists: IfExists, *, check: bool
) -> list[FileResult]:
    """Make copies of objects, several at a time; existing ones are judged as `planning.duplicates` does.

    Raises
    ------
    StoreRefuses
        If the store takes nothing.
    """

    def look_and_copy(row: DuplicateRow) -> FileResult:
        path = store.path(row.path)
        if check and if_exists is not IfExists.OVERWRITE and (size := store.size(path).result()) is not None:
            if size != row.size and if_exists is not IfExists.SKIP:
                raise FileConflict(f"another file {one_line(path.rpartition('/')[2], 80)} is there")
            return FileResult(row.id, size, fetched=False)
        store.copy(store.path(row.source), path).result()
        return FileResult(row.id, row.size)

    def copy(row: DuplicateRow) -> FileResult:
        try:
            return store.patiently(lambda: look_and_copy(row), lambda _: None, threading.Event())
        except StoreRefuses:
            raise
        except MLHubException as error:
            return FileResult(row.id, error=error)

    with ThreadPoolExecutor(_AT_ONCE, "copies") as pool:
        return list(pool.map(copy, rows))
