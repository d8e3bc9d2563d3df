"""Upload of what the client makes itself: the catalog's archive, its documents, and the report."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from ..options import IfExists
from ..planning import layout
from ..planning.manifest import LockedManifest
from ..planning.requests import DatasetRequest
from ..transfer.engine import TransferCancelled
from ..transfer.object_store_output import PART
from .object_store import ObjectStore

_AT_ONCE = 64

Say = Callable[[str], object]
"""Shows why nothing is uploaded at the moment."""


def note_beginning(request: DatasetRequest, own: LockedManifest, say: Say, stop: threading.Event) -> None:
    """Record, once for a request, whether its destination is empty: then no object is looked for.

    Raises
    ------
    MLHubException
        If the store cannot be listed.
    """
    if not own.get_checkpoint("begun"):
        store = ObjectStore(request.url)
        found = store.patiently(lambda: store.names(f"{store.root}/{request.name}"), say, stop)
        own.set_checkpoint("begun", "there" if found else "empty")


def publish_catalog(
    request: DatasetRequest,
    own: LockedManifest,
    stop: threading.Event,
    show: Callable[[int], None],
    say: Say,
) -> None:
    """Upload the catalog's archive and its unpacked documents, which are removed here; blocks.

    Existing objects are judged as files on a disk: `skip` leaves them, `resume` those of the right size.

    Parameters
    ----------
    show
        Called with the number of documents that are uploaded.

    Raises
    ------
    TransferCancelled
        If it was stopped.
    MLHubException
        If the store does not take something.
    """
    store = ObjectStore(request.url)
    folder = layout.catalog_folder(request.folder, request.dataset_id)
    fresh = own.get_checkpoint("begun") == "empty" and not own.get_checkpoint("publishing")
    look = not fresh and request.if_exists is not IfExists.OVERWRITE
    own.set_checkpoint("publishing")

    def exists(file: Path, size: int | None) -> bool:
        return size is not None and (request.if_exists is IfExists.SKIP or size == file.stat().st_size)

    def put_archive() -> None:
        file = layout.catalog_file(request.folder, request.dataset_id)
        path = store.path(file.name)
        if request.if_exists is IfExists.OVERWRITE or not exists(file, store.size(path).result()):
            _put_file(store, file, path, stop)

    def put_documents(files: list[Path]) -> None:
        paths = [store.path(f"{request.name}/{file.relative_to(folder).as_posix()}") for file in files]
        sizes = [future.result() for future in map(store.size, paths)] if look else [None] * len(files)
        known = zip(files, paths, sizes, strict=True)
        missing = [(file, path) for file, path, size in known if not exists(file, size)]
        for future in [store.put(path, file.read_bytes()) for file, path in missing]:
            future.result()

    store.patiently(put_archive, say, stop)
    documents, done = _documents(folder), 0
    while some := list(islice(documents, _AT_ONCE)):
        if stop.is_set():
            raise TransferCancelled
        store.patiently(lambda some=some: put_documents(some), say, stop)  # type: ignore[misc]
        done += len(some)
        show(done)
    shutil.rmtree(folder, ignore_errors=True)


def publish_report(request: DatasetRequest) -> None:
    """Upload the report of what failed; blocks; MLHubException if the store does not take it."""
    store = ObjectStore(request.url)
    data = (request.asset_folder / layout.REPORT).read_bytes()
    path = store.path(f"{request.name}/{layout.REPORT}")
    store.patiently(lambda: store.put(path, data).result(), lambda _: None, threading.Event())


def _put_file(store: ObjectStore, file: Path, path: str, stop: threading.Event) -> None:
    if file.stat().st_size < PART:
        store.put(path, file.read_bytes()).result()
        return
    writer = store.writer(path, PART)
    try:
        with file.open("rb") as source:
            while data := source.read(PART):
                writer.write(data)
                if stop.is_set():
                    raise TransferCancelled
        writer.commit()
    except BaseException:
        writer.discard()
        raise


def _documents(folder: Path) -> Iterator[Path]:
    """Yield the catalog's files; what else the job keeps there is not among them."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / layout.REPORT:
            yield path
