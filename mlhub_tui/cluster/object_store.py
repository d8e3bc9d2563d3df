"""Object stores as destinations: whole objects, the marker of a run, its catalog, copies and report."""

from __future__ import annotations

import errno
import getpass
import itertools
import json
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

from .. import fileio, paths
from ..errors import FileConflict, MLHubException, OutputFolderError, TargetBusy
from ..http.errors import COMMAND_RETRIES
from ..options import IfExists
from ..planning import layout
from ..planning.manifest import LockedManifest
from ..planning.manifest_queue import Row
from ..planning.requests import DatasetRequest
from ..text import duration, one_line, redact
from ..transfer.engine import TransferCancelled
from ..transfer.work_source import FileResult
from . import NotInstalled, required

T = TypeVar("T")
P = ParamSpec("P")
Say = Callable[[str], object]
"""Shows why nothing happens at the moment."""
_AT_ONCE = 16
# Stores where an object is there when all of it is: no other name is needed while it is written.
_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "memory"})
_REFUSED = frozenset({"NoCredentialsError", "PartialCredentialsError", "ClientAuthenticationError"})
_INVALID = frozenset({"ParamValidationError", "InvalidRegionError"})
# s3fs: the request itself, or its credentials; that the bucket is in another region
_UNACCEPTED = frozenset({errno.EINVAL, errno.ENOSYS, getattr(errno, "EREMCHG", errno.EINVAL)})
_DAMAGED = re.compile(r"IncompleteBody|BadDigest|Content-MD5|did not provide the number of bytes")
_AWAY = re.compile("Connect|Timeout")  # in the names of what botocore and aiohttp raise
_UNFIT = re.compile(r"[\x00-\x1f\x7f]")


class StoreRefuses(OutputFolderError):
    """The store does not let us write, whatever the file is."""

    default_hint = (
        "give this machine and the workers credentials that may list, read, write and delete there, in their"
        " environment or fsspec's configuration"
    )


class StoreBusy(TargetBusy):
    """The store did not do what was asked this time."""

    default_hint = "retry later"


class ObjectStore:
    """The folder that a URL names; its methods may be called from any thread, and block but for futures.

    - `say`, `stop`: Told why nothing happens, and what ends the wait, where it is used `patiently`.

    Raises NotInstalled if its file system is not installed; StoreRefuses or StoreBusy if it cannot be opened.
    """

    def __init__(self, url: str, say: Say = lambda _: None, stop: threading.Event | None = None) -> None:
        self.url = url
        self._say, self._stop = say, stop or threading.Event()
        try:
            self.system, self.root = _file_system(url)
        except OSError as error:  # FTP connects at once
            raise self.translate(error) from error
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
        said = (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
        why, where = one_line(redact(said), 160).rstrip("."), one_line(self.url, 200)
        if isinstance(error, PermissionError) or type(error).__name__ in _REFUSED:
            return StoreRefuses(f"{where} refuses access: {why}")
        code = error.errno if isinstance(error, OSError) else None
        if type(error).__name__ in _INVALID or (code in _UNACCEPTED and not _DAMAGED.search(said)):
            hint = "check the URL of the output, and the region and address of the store in the environment"
            return StoreRefuses(f"{where} cannot be used: {why}", hint=hint)
        if isinstance(error, FileNotFoundError):
            hint = "create the bucket first, or choose another"
            return StoreRefuses(f"{where} does not exist: {why}", hint=hint)
        is_away = isinstance(error, ConnectionError | TimeoutError | socket.gaierror)
        words = "is busy" if code == errno.EBUSY else "failed"
        words = "does not answer" if is_away or _AWAY.search(type(error).__name__) else words
        return StoreBusy(f"{where} {words}: {why}")

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


_PREFIX = ".mlhub-tui-run-"
_CONFIRM = 20.0  # seconds
_STALE = 120.0  # seconds after which a marker that was not confirmed is of a client that was killed
_DOCUMENTS, _COPIES = 64, 16  # at once


class RunMarker:
    """The marker of a run at an absolute folder or a URL; a context manager.

    Raises TargetBusy if another client runs there; MLHubException if nothing can be written there.
    """

    def __init__(self, place: str, run: str, say: Say, stop: threading.Event) -> None:
        self.name = f"{_PREFIX}{run}.json"
        self._place, self._run = place, run
        self._folder = None if "://" in place else Path(place)
        # fsspec takes a file's URL as it is: nothing in it is quoted.
        self._store = ObjectStore(place if self._folder is None else f"file://{place}", say, stop)
        self._path = self._store.path(self.name)
        self._since, self._confirmed = time.time(), time.monotonic()

    def __enter__(self) -> Self:
        try:
            if self._folder is not None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._write().result()
        except OSError as error:
            raise fileio.translate_os_error(error, Path(self._place)) from error
        try:
            self._store.patiently(lambda: self._write().result())
            self._store.patiently(self._keep_away)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):
            self._store.remove(self._path)

    def confirm(self) -> None:
        """Confirm, now and then, that the run still is at work; does not wait for that."""
        if time.monotonic() - self._confirmed >= _CONFIRM:
            self._confirmed = time.monotonic()
            self._write()

    def _write(self) -> Future[None]:
        try:
            user = getpass.getuser()
        except (OSError, KeyError, ImportError):  # no entry in the password database
            user = "somebody"
        who = f"{user}@{socket.gethostname()} (process {os.getpid()})"
        marker = {"run": self._run, "who": who, "home": _home(), "since": self._since, "seen": time.time()}
        return self._store.put(self._path, json.dumps(marker).encode())

    def _keep_away(self) -> None:
        """Keep away from another run that began earlier; remove the markers of those that have ended."""
        for path in self._store.names(self._path.rpartition("/")[0]):
            name = path.rpartition("/")[2]
            if not name.startswith(_PREFIX) or not name.endswith(".json") or name == self.name:
                continue
            try:
                marker = json.loads(self._store.read(path))
                run, who, home = (str(marker[key]) for key in ("run", "who", "home"))
                since, age = float(marker["since"]), time.time() - float(marker["seen"])
            except (FileNotFoundError, ValueError, KeyError, TypeError):
                continue
            if home == _home() or age > _STALE:
                with suppress(Exception):
                    self._store.remove(path)
            elif (since, run) < (self._since, self._run):
                when = datetime.fromtimestamp(since).astimezone().strftime("%Y-%m-%d %H:%M %Z")
                left = duration(max(1.0, _STALE - age))
                raise TargetBusy(
                    f"{one_line(who, 80)} downloads to {one_line(self._place, 200)} since {when}",
                    hint=f"wait until that ends, or choose another folder; if it was killed, retry in {left}",
                )


def _home() -> str:
    """Return what tells the home of this program from those on other machines."""
    found = paths.home().stat()
    return f"{socket.gethostname()}:{found.st_dev}:{found.st_ino}"


def note_beginning(request: DatasetRequest, own: LockedManifest, say: Say, stop: threading.Event) -> None:
    """Record, once for a request, whether its URL is empty: then no object is looked for.

    Raises MLHubException if the store cannot be listed.
    """
    if not own.get_checkpoint("begun"):
        store = ObjectStore(request.url, say, stop)
        found = store.patiently(store.names, f"{store.root}/{request.name}")
        own.set_checkpoint("begun", "there" if found else "empty")


def publish_catalog(
    request: DatasetRequest, own: LockedManifest, stop: threading.Event, show: Callable[[int], None], say: Say
) -> None:
    """Upload the catalog's archive and its unpacked documents, which are removed here; blocks.

    Existing objects are judged as files on a disk: `skip` leaves them, `resume` those of the right size.
    `show` is called with the number of documents that are uploaded. Raises TransferCancelled if it was
    stopped; MLHubException if the store does not take something.
    """
    store, replaces = ObjectStore(request.url, say, stop), request.if_exists is IfExists.OVERWRITE
    folder = layout.catalog_folder(request.folder, request.dataset_id)
    fresh = own.get_checkpoint("begun") == "empty" and not own.get_checkpoint("publishing")
    own.set_checkpoint("publishing")

    def put(files: dict[Path, str], *, look: bool) -> None:
        sizes = {file: store.size(path) for file, path in files.items() if look}
        skips = request.if_exists is IfExists.SKIP
        there = {
            file
            for file, future in sizes.items()
            if (size := future.result()) is not None and (skips or size == file.stat().st_size)
        }
        for future in [store.upload(path, file) for file, path in files.items() if file not in there]:
            future.result()

    archive = layout.catalog_file(request.folder, request.dataset_id)
    store.patiently(put, {archive: store.path(archive.name)}, look=not replaces)
    documents = (path for path in sorted(folder.rglob("*")) if path.is_file())
    sizes: dict[str, int] = {}
    while some := list(islice(documents, _DOCUMENTS)):
        if stop.is_set():
            raise TransferCancelled
        names = {
            file: file.relative_to(folder).as_posix()
            for file in some
            if file != folder / layout.REPORT  # of the job itself
        }
        files = {file: store.path(f"{request.name}/{name}") for file, name in names.items()}
        store.patiently(put, files, look=not fresh and not replaces)
        sizes |= {name: file.stat().st_size for file, name in names.items()}
        show(len(sizes))
    own.set_checkpoint("published", json.dumps(sizes))
    shutil.rmtree(folder, ignore_errors=True)


def publish_report(request: DatasetRequest) -> None:
    """Upload the report of what failed; blocks; MLHubException if the store does not take it."""
    store = ObjectStore(request.url)
    data = (request.asset_folder / layout.REPORT).read_bytes()
    path = store.path(f"{request.name}/{layout.REPORT}")
    store.patiently(lambda: store.put(path, data).result())


def copy_objects(
    store: ObjectStore, rows: Sequence[Row], if_exists: IfExists, *, check: bool
) -> list[FileResult]:
    """Make copies of objects, several at a time; existing ones are judged as on a disk.

    Raises StoreRefuses if the store takes nothing.
    """

    def look_and_copy(row: Row) -> FileResult:
        path = store.path(row.path)
        if check and if_exists is not IfExists.OVERWRITE and (size := store.size(path).result()) is not None:
            if size != row.size and if_exists is not IfExists.SKIP:
                raise FileConflict(f"another file {one_line(path.rpartition('/')[2], 80)} is there")
            return FileResult(row.id, size, fetched=False)
        store.copy(store.path(row.href), path).result()
        return FileResult(row.id, row.size)

    def copy(row: Row) -> FileResult:
        try:
            return store.patiently(look_and_copy, row)
        except StoreRefuses:
            raise
        except MLHubException as error:
            return FileResult(row.id, error=error)

    with ThreadPoolExecutor(_COPIES, "copies") as pool:
        return list(pool.map(copy, rows))
