"""What a job makes here and brings to its URL: the catalog, packed and unpacked, and the report."""

from __future__ import annotations

import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

from ...errors import MLHubException
from ..dataset_list import OwnList
from ..job import DatasetRequest, IfExists
from ..plan import layout
from ..trouble import Interrupted
from .store import Store, StoreBusy, trouble
from .upload import PART

_AT_ONCE = 32
_TRIES = 4

Show = Callable[[int], None]
"""Told how many documents are there."""


def note_beginning(request: DatasetRequest, own: OwnList) -> None:
    """Take note, once for a wish, whether there is nothing yet where its files go.

    Then nothing has to be looked for before it is put; see `cutting.Cutter`.

    Raises
    ------
    MLHubException
        If the store cannot be asked.
    """
    if own.noted("begun"):
        return
    store = Store(request.url)
    try:
        empty = store.empty(f"{store.root}/{request.name}")
    except Exception as error:
        raise trouble(error, store) from error
    own.note("begun", "empty" if empty else "there")


def publish_catalog(request: DatasetRequest, stop: threading.Event, show: Show) -> None:
    """Bring the archive of the catalog and the documents that were unpacked of it to the URL; blocks.

    What is there already is judged as on a disk: `skip` leaves it, `resume` leaves what has the right size.
    The documents here are removed when they are there.

    Raises
    ------
    Interrupted
        If it was stopped.
    MLHubException
        If the store does not take something.
    """
    store = Store(request.url)
    archive = layout.catalog_file(request.folder, request.dataset_id)
    folder = layout.catalog_folder(request.folder, request.dataset_id)
    try:
        there = {} if request.if_exists is IfExists.OVERWRITE else store.sizes(f"{store.root}/{request.name}")
        _put_large(store, archive, request.if_exists, stop)
        _put_all(store, request, folder, there, stop, show)
    except (MLHubException, Interrupted):
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
    store = Store(request.url)
    data = (request.asset_folder / layout.REPORT).read_bytes()
    try:
        store.put(store.path(f"{request.name}/{layout.REPORT}"), data).result()
    except Exception as error:
        raise trouble(error, store) from error


def _put_large(store: Store, file: Path, if_exists: IfExists, stop: threading.Event) -> None:
    path = store.path(file.name)
    size = None if if_exists is IfExists.OVERWRITE else store.size(path).result()
    if size is not None and (if_exists is IfExists.SKIP or size == file.stat().st_size):
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
                    raise Interrupted
                data = source.read(PART)
            writer.commit()
        except BaseException:
            writer.discard()
            raise


def _put_all(
    store: Store,
    request: DatasetRequest,
    folder: Path,
    there: dict[str, int],
    stop: threading.Event,
    show: Show,
) -> None:
    flying: deque[tuple[Path, str, int, Future[None]]] = deque()
    done = 0

    def land() -> None:
        nonlocal done
        _settled(store, *flying.popleft())
        done += 1
        show(done)

    for file in _files(folder):
        if stop.is_set():
            raise Interrupted
        path = store.path(f"{request.name}/{file.relative_to(folder).as_posix()}")
        size = there.get(path)
        if size is not None and (request.if_exists is IfExists.SKIP or size == file.stat().st_size):
            done += 1
            continue
        flying.append((file, path, 1, store.put(path, file.read_bytes())))
        if len(flying) >= _AT_ONCE:
            land()
    while flying:
        land()


def _settled(store: Store, file: Path, path: str, tries: int, future: Future[None]) -> None:
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
