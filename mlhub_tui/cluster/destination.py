"""Destination of a run, as its client cares for it: a marker that keeps others away, catalog, copies, report.

The marker is `.mlhub-tui-run-ID.json` in the dataset's folder or below its URL: who runs there, since when,
and when that was last confirmed. It goes with the run; one that a killed client left behind is old after two
minutes, and of no account for another run of the same program's home, which has the lock of the manifest.
"""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Self

from .. import fileio, paths
from ..errors import FileConflict, MLHubException, TargetBusy
from ..options import IfExists
from ..planning import layout
from ..planning.manifest import LockedManifest, Row
from ..planning.requests import DatasetRequest
from ..text import duration, one_line
from ..transfer.engine import TransferCancelled
from ..transfer.work_source import FileResult
from .object_store import ObjectStore, Say, StoreRefuses

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
        self._store = ObjectStore(place if self._folder is None else self._folder.as_uri(), say, stop)
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
    done = 0
    while some := list(islice(documents, _DOCUMENTS)):
        if stop.is_set():
            raise TransferCancelled
        files = {
            file: store.path(f"{request.name}/{file.relative_to(folder).as_posix()}")
            for file in some
            if file != folder / layout.REPORT  # of the job itself
        }
        store.patiently(put, files, look=not fresh and not replaces)
        done += len(files)
        show(done)
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
