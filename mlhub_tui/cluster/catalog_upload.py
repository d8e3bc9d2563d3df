"""What a job makes here and brings to its URL: the catalog, packed and unpacked, and the report."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from itertools import islice
from pathlib import Path

from ..errors import MLHubException
from ..options import IfExists
from ..planning import layout
from ..planning.manifest_lock import LockedManifest
from ..planning.requests import DatasetRequest
from ..transfer.failures import TransferCancelled
from .object_store import ObjectStore, StoreBusy, trouble
from .upload import PART

_AT_ONCE = 64
_TRIES = 4

Show = Callable[[int], None]
"""Told how many documents are there."""


def note_beginning(request: DatasetRequest, own: LockedManifest) -> None:
    """Take note, once for a wish, whether there is nothing yet where its files go.

    Then nothing has to be looked for before it is put; see `cutting.Sharder`.

    Raises
    ------
    MLHubException
        If the store cannot be asked.
    """
    if own.noted("begun"):
        return
    store = ObjectStore(request.url)
    try:
        empty = store.empty(f"{store.root}/{request.name}")
    except Exception as error:
        raise trouble(error, store) from error
    own.note("begun", "empty" if empty else "there")


def publish_catalog(request: DatasetRequest, own: LockedManifest, stop: threading.Event, show: Show) -> None:
    """Bring the archive of the catalog and the documents that were unpacked of it to the URL; blocks.

    What is there already is judged as on a disk: `skip` leaves it, `resume` leaves what has the right size.
    The documents here are removed when they are there.

    Raises
    ------
    TransferCancelled
        If it was stopped.
    MLHubException
        If the store does not take something.
    """
    store = ObjectStore(request.url)
    archive = layout.catalog_file(request.folder, request.dataset_id)
    folder = layout.catalog_folder(request.folder, request.dataset_id)
    fresh = own.noted("begun") == "empty" and not own.noted("publishing")
    look = not fresh and request.if_exists is not IfExists.OVERWRITE
    own.note("publishing")
    try:
        _put_large(store, archive, request.if_exists, stop)
        _put_all(store, request, folder, look, stop, show)
    except (MLHubException, TransferCancelled):
        raise
    except Exception as error:
        raise trouble(error, store) from error
    shutil.rmtree(folder, ignore_errors=True)


def publish_report(request: DatasetRequest) -> None:
    """Bring the report of what failed to the URL; blocks.

    Raises
    ------
    MLHubException
        If the store does not take it.
    """
    store = ObjectStore(request.url)
    data = (request.asset_folder / layout.REPORT).read_bytes()
    try:
        store.put(store.path(f"{request.name}/{layout.REPORT}"), data).result()
    except Exception as error:
        raise trouble(error, store) from error


def _put_large(store: ObjectStore, file: Path, if_exists: IfExists, stop: threading.Event) -> None:
    path = store.path(file.name)
    if if_exists is not IfExists.OVERWRITE and _good(file, store.size(path).result(), if_exists):
        return
    with file.open("rb") as source:
        data = source.read(PART)
        if len(data) < PART:
            store.put(path, data).result()
            return
        writer = store.writer(path, PART)
        try:
            while data:
                writer.write(data)
                if stop.is_set():
                    raise TransferCancelled
                data = source.read(PART)
            writer.commit()
        except BaseException:
            writer.discard()
            raise


def _put_all(
    store: ObjectStore, request: DatasetRequest, folder: Path, look: bool, stop: threading.Event, show: Show
) -> None:
    """Put all documents, so many at a time, but those that are there."""
    files, done = _files(folder), 0
    while some := list(islice(files, _AT_ONCE)):
        if stop.is_set():
            raise TransferCancelled
        paths = [store.path(f"{request.name}/{file.relative_to(folder).as_posix()}") for file in some]
        there = [future.result() for future in map(store.size, paths)] if look else [None] * len(some)
        put = [
            (file, path, store.put(path, file.read_bytes()))
            for file, path, size in zip(some, paths, there, strict=True)
            if not _good(file, size, request.if_exists)
        ]
        for file, path, future in put:
            _settled(store, file, path, 1, future)
        done += len(some)
        show(done)


def _good(file: Path, there: int | None, if_exists: IfExists) -> bool:
    """Return whether an object may stay as it is."""
    return there is not None and (if_exists is IfExists.SKIP or there == file.stat().st_size)


def _settled(store: ObjectStore, file: Path, path: str, tries: int, future: Future[None]) -> None:
    """Wait until a document is there; it is put again where the store was busy."""
    try:
        future.result()
    except Exception as error:
        known = trouble(error, store)
        if not isinstance(known, StoreBusy) or tries >= _TRIES:
            raise known from error
        _settled(store, file, path, tries + 1, store.put(path, file.read_bytes()))


def _files(folder: Path) -> Iterator[Path]:
    """Yield the catalog's files; what else the job keeps there is not among them."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / layout.REPORT:
            yield path
