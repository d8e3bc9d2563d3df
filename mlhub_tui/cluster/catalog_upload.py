"""Upload of what the client makes itself: the catalog's archive, its documents, and the report."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from ..options import IfExists
from ..planning import layout
from ..planning.manifest import LockedManifest
from ..planning.requests import DatasetRequest
from ..transfer.engine import TransferCancelled
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

    def put(files: dict[Path, str], *, look: bool) -> None:
        sizes = {file: store.size(path) for file, path in files.items() if look}
        missing = [file for file in files if not look or not exists(file, sizes[file].result())]
        for future in [store.upload(files[file], file) for file in missing]:
            future.result()

    archive = layout.catalog_file(request.folder, request.dataset_id)
    again = request.if_exists is not IfExists.OVERWRITE
    store.patiently(lambda: put({archive: store.path(archive.name)}, look=again), say, stop)
    documents = (path for path in sorted(folder.rglob("*")) if path.is_file())
    done = 0
    while some := list(islice(documents, _AT_ONCE)):
        if stop.is_set():
            raise TransferCancelled
        files = {
            file: store.path(f"{request.name}/{file.relative_to(folder).as_posix()}")
            for file in some
            if file != folder / layout.REPORT  # of the job itself
        }
        store.patiently(lambda files=files: put(files, look=look), say, stop)  # type: ignore[misc]
        done += len(files)
        show(done)
    shutil.rmtree(folder, ignore_errors=True)


def publish_report(request: DatasetRequest) -> None:
    """Upload the report of what failed; blocks; MLHubException if the store does not take it."""
    store = ObjectStore(request.url)
    data = (request.asset_folder / layout.REPORT).read_bytes()
    path = store.path(f"{request.name}/{layout.REPORT}")
    store.patiently(lambda: store.put(path, data).result(), lambda _: None, threading.Event())
