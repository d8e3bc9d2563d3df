"""A store that fsspec knows, as the place that files go to: whole objects, several at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ..errors import MLHubException, OutputFolderError, TargetBusy
from ..text import one_line, redact
from .optional_dependencies import file_system

_AT_ONCE = 16
# Stores where an object is there when all of it is: no other name is needed while it is written.
_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "memory"})
_REFUSED = frozenset({"NoCredentialsError", "PartialCredentialsError", "ClientAuthenticationError"})
_UNFIT = re.compile(r"[\x00-\x1f\x7f]")


class StoreRefuses(OutputFolderError):
    """The store does not let us write, whatever the file is."""

    default_hint = "give the workers credentials for it, in their environment or fsspec's configuration"


class StoreBusy(TargetBusy):
    """The store did not take a file this time."""

    default_hint = "retry later"


class ObjectStore:
    """The folder that a URL names.

    Parameters
    ----------
    url
        Of the folder.

    Raises
    ------
    NotInstalled
        If its file system is not there.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.system, self.root = file_system(url)
        names = self.system.protocol
        protocols = {names} if isinstance(names, str) else set(names)
        self.whole = bool(protocols & _WHOLE)
        self._asynchronous = bool(getattr(self.system, "async_impl", False))
        self._threads = None if self._asynchronous else ThreadPoolExecutor(_AT_ONCE, "store")

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
        if self._asynchronous and self.whole:
            return self._soon(lambda: self.system._pipe_file(path, data))
        return self._thread(lambda: self._put(path, data))

    def size(self, path: str) -> Future[int | None]:
        """Return the bytes of an object; None if there is none."""
        if self._asynchronous:
            return self._soon(lambda: self._info(path))

        def look() -> int | None:
            try:
                return _size(self.system.info(path))
            except FileNotFoundError:
                return None

        return self._thread(look)

    def copy(self, source: str, path: str) -> Future[None]:
        """Have the store copy an object."""
        if self._asynchronous and self.whole:
            return self._soon(lambda: self.system._cp_file(source, path))

        def work() -> None:
            self._parent(path)
            self.system.cp_file(source, f"{path}.part")
            self.system.mv(f"{path}.part", path)

        return self._thread(work)

    def read(self, path: str) -> bytes:
        """Return an object; blocks.

        Raises
        ------
        FileNotFoundError
            If there is none.
        """
        return bytes(self.system.cat_file(path))

    def remove(self, path: str) -> None:
        """Remove an object; blocks."""
        self.system.rm_file(path)

    def empty(self, path: str) -> bool:
        """Return whether there is nothing below a path, asking for no more than one folder; blocks."""
        self.system.invalidate_cache()
        try:
            return not self.system.ls(path, detail=False)
        except FileNotFoundError:
            return True
        finally:
            self.system.invalidate_cache()

    def listed(self) -> dict[str, int]:
        """Return the bytes of all objects in the folder, by their relative paths; blocks."""
        self.system.invalidate_cache()
        try:
            found = self.system.find(self.root, detail=True)
        except FileNotFoundError:
            return {}
        finally:
            self.system.invalidate_cache()
        folder = f"{self.root.rstrip('/')}/"
        sizes = ((path.removeprefix(folder), _size(info)) for path, info in found.items())
        return {path: size for path, size in sizes if size is not None}

    def writer(self, path: str, block: int) -> ObjectWriter:
        """Return what writes an object piece by piece; blocks."""
        return ObjectWriter(self, path, block)

    def parent(self, path: str) -> None:
        """Make the folders of a file where the file system has such; blocks."""
        if not self.whole:
            self.system.makedirs(path.rpartition("/")[0], exist_ok=True)

    _parent = parent

    def _put(self, path: str, data: bytes) -> None:
        if self.whole:
            self.system.pipe_file(path, data)
            return
        self.parent(path)
        self.system.pipe_file(f"{path}.part", data)
        self.system.mv(f"{path}.part", path)

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

    def _soon(self, call: Callable[[], Awaitable[Any]]) -> Future[Any]:
        """Run a coroutine in fsspec's own loop."""

        async def work() -> Any:
            return await call()

        return asyncio.run_coroutine_threadsafe(work(), self.system.loop)

    def _thread(self, call: Callable[[], Any]) -> Future[Any]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_AT_ONCE, "store")
        return self._threads.submit(call)


class ObjectWriter:
    """An object that is written piece by piece, as a multipart upload where the store has that.

    Nothing is to be seen of it before `commit`; `discard` leaves nothing behind.

    Parameters
    ----------
    block
        Bytes of a part, of which one is in memory.
    """

    def __init__(self, store: ObjectStore, path: str, block: int) -> None:
        self._store, self._path = store, path
        self._written = path if store.whole else f"{path}.part"
        store.parent(path)
        options = {"autocommit": False} if store.whole else {}
        self._file = store.system.open(self._written, "wb", block_size=block, **options)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write the next bytes; blocks."""
        self._file.write(data)

    def commit(self) -> None:
        """Have the object be there; blocks."""
        self._file.close()
        if self._store.whole:
            self._file.commit()
        else:
            self._store.system.mv(self._written, self._path)

    def discard(self) -> None:
        """Give it up; blocks, never raises."""
        try:
            if self._store.whole:
                self._file.discard()
                self._file.closed = True  # fsspec would write the rest of it when it is collected
            else:
                self._file.close()
                self._store.system.rm_file(self._written)
        except Exception:  # noqa: S110  (what is left is not to be seen, and the next try does not need it)
            pass


def trouble(error: BaseException, store: ObjectStore) -> MLHubException:
    """Return what an error of a store means: that it refuses us, or that it is to be tried again."""
    if isinstance(error, MLHubException):
        return error
    why = one_line(redact(str(error) or type(error).__name__), 160)
    where = one_line(store.url, 200)
    if isinstance(error, PermissionError) or type(error).__name__ in _REFUSED:
        return StoreRefuses(f"{where} cannot be written: {why}")
    if isinstance(error, FileNotFoundError):
        return StoreRefuses(f"{where} is not there: {why}", hint="make the bucket first, or name another one")
    return StoreBusy(f"{where} did not take a file: {why}")


def _size(info: Any) -> int | None:
    size = info.get("size") if info.get("type") != "directory" else None
    return None if size is None else int(size)
