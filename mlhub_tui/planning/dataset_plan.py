"""Planning a dataset before it is queued: its index, with the catalog in the cache until it is wanted.

The seam of the plan screen and of dry runs: `plan_dataset` gives an `Index`, on which `plan.counts.Counter`
counts selections, `plan.bins` draws them, and `plan.summary` writes them down; `request` makes the
request of what was chosen, for `DownloadQueue.add`; `files` lists its files while it runs.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from .. import fileio, paths
from ..auth.kind import Kind
from ..errors import FileConflict, OutputFolderError
from ..options import IfExists
from ..queue.fetch import kit_over
from ..storage import make_private_folder
from ..threads import in_thread
from ..transfer.progress import TransferProgress
from .catalog_archive import fetch_catalog
from .dataset_index import index_of_archive, index_of_items, words_of
from .index import Index
from .job_context import JobContext
from .progress import Progress
from .requests import DatasetRequest
from .resolver import JobSource, OneSource, keys_of

Say = Callable[[str, int, int | None], None]
"""Told what is done, and bytes done of how many (None: not known); from any thread."""
_EVERY = 0.2
_MOST = 2 << 30  # bytes of catalogs in the cache


async def plan_dataset(request: DatasetRequest, source: JobSource, say: Say | None = None) -> Index:
    """Return the index of a dataset: nothing is written to its folders.

    Parameters
    ----------
    request
        What is wanted; its filters count only where a STAC API is asked for what they leave.
    source
        The source, open.
    say
        Told how far it is.

    Raises
    ------
    EntityDoesNotExist
        If the dataset has no catalog archive.
    MLHubException
        If it cannot be had or read; what was fetched stays for the next time.
    """

    def show(progress: Progress) -> None:
        if say is not None:
            say(words_of(progress), progress.bytes_read, progress.bytes_total)

    if request.kind is not Kind.MLHUB:
        return await index_of_items(request, source, show)
    archive = await _catalog(request, source, say)
    return await index_of_archive(request, archive, show, keys_of(source))


def kept_catalog(request: DatasetRequest) -> Path:
    """Return where the catalog archive of a dataset is kept that was planned and not queued yet."""
    name = hashlib.sha256(json.dumps([request.source, request.dataset_id]).encode()).hexdigest()[:24]
    return catalogs() / f"{name}.tar.gz"


def catalogs() -> Path:
    """Return the folder of the catalog archives that were planned."""
    return paths.cache() / "catalogs"


def clear_catalogs() -> None:
    """Remove them."""
    for path in catalogs().glob("*"):
        with suppress(OSError):
            path.unlink()


def take_catalog(request: DatasetRequest, target: Path) -> bool:
    """Copy the catalog archive that planning has fetched to where a job wants it, if nothing is there.

    Returns
    -------
    bool
        Whether it was; it may be of another day, so the server is to be asked.

    Raises
    ------
    OutputFolderError
        If it cannot be written.
    """
    kept = kept_catalog(request)
    if target.exists() or target.with_name(f"{target.name}.part").exists() or not kept.exists():
        return False
    fileio.make_folder(target.parent)
    copy = target.with_name(f".{target.name}.copy")
    try:
        shutil.copyfile(kept, copy)
        copy.replace(target)
    except OSError as error:
        with suppress(OSError):
            copy.unlink()
        raise fileio.translate_os_error(error, target) from error
    return True


async def _catalog(request: DatasetRequest, source: JobSource, say: Say | None) -> Path:
    kept = kept_catalog(request)
    await in_thread(lambda: _make_room(kept))
    live = TransferProgress()

    async def tell() -> None:
        while say is not None:
            say("the catalog", live.done, live.total)
            await asyncio.sleep(_EVERY)

    telling = asyncio.create_task(tell())
    try:
        async with kit_over(OneSource(source)) as kit:
            await _fetch(replace(request, if_exists=IfExists.RESUME), source, kept, kit, live)
    finally:
        telling.cancel()
    return kept


async def _fetch(
    request: DatasetRequest, source: JobSource, kept: Path, kit: JobContext, live: TransferProgress
) -> None:
    try:
        await fetch_catalog(request, source, kept, kit, live)
    except FileConflict:  # there is a new one
        anew = replace(request, if_exists=IfExists.OVERWRITE)
        await fetch_catalog(anew, source, kept, kit, live)


def _make_room(kept: Path) -> None:
    """Remove the catalogs that were fetched first where all of them take too much room."""
    try:
        make_private_folder(kept.parent)
        stats = [(path, path.stat()) for path in kept.parent.iterdir()]
        found = sorted(((status.st_mtime, status.st_size, path) for path, status in stats), reverse=True)
    except OSError as error:
        raise OutputFolderError(f"the cache cannot be used: {error.strerror}") from error
    whole = 0
    for _, size, path in found:
        whole += size
        if whole > _MOST and path != kept:
            with suppress(OSError):
                path.unlink()
