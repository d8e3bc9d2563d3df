"""Planning a dataset before it is queued: its catalog archive, its index, and what other ways would cost.

`plan_dataset` returns an `Index`, on which `selection.count_files` counts; nothing is written to the
dataset's folders.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from .. import fileio, paths
from ..auth.location import Kind
from ..concurrency import in_thread, together
from ..errors import (
    EntityDoesNotExist,
    FileConflict,
    MLHubException,
    NotOffered,
    OutputFolderError,
    TargetBusy,
)
from ..http.credentials import Link
from ..http.urls import shown_id
from ..models import Search
from ..options import IfExists
from ..sources.base import Source
from ..transfer.config import DownloadResult, DownloadSpec, TransferProgress
from .index import Index
from .index_cache import Show, index_of_archive, index_of_pages
from .requests import SAMPLE, DatasetRequest
from .resolver import JobContext, OneSource, Resolver, already_there, showing

OpenContext: TypeAlias = Callable[[Resolver], AbstractAsyncContextManager[JobContext]]
_AGAIN = 0.5  # seconds between two looks whether another program has finished the same index
_MAX_CATALOGS = 2 << 30  # bytes of catalog archives in the cache
_AT_ONCE = 4  # requests for sizes


async def plan_dataset(
    request: DatasetRequest, source: Source, job_context: OpenContext, show: Show = lambda *_: None
) -> Index:
    """Return the index of a dataset, its catalog archive in the cache.

    The filters of the request restrict only what a STAC API is requested for; `job_context` opens what
    transfers share: `queue.run_job.job_context`.

    Raises EntityDoesNotExist if the dataset has no catalog archive; MLHubException if it cannot be fetched or
    read; what was fetched is saved for the next time.
    """
    if not os.access(fileio.nearest(paths.home()), os.W_OK):
        paths.use_temporary()  # a plan needs no more than a cache
    archive = cached_catalog(request)
    if request.kind is Kind.MLHUB:
        await in_thread(partial(_make_room, archive))
        live = TransferProgress()
        async with (
            showing(lambda: show("the catalog", live.done, live.total)),
            job_context(OneSource(source)) as context,
        ):
            await fetch_catalog(request, source, archive, context, live, ours=True)
    return await index_of_dataset(request, source, archive, show, allow_gaps=False)


async def index_of_dataset(
    request: DatasetRequest, source: Source, archive: Path, show: Show, *, allow_gaps: bool
) -> Index:
    """Return the index of a dataset's catalog archive, or of the items of its collections.

    An index of items is valid for the day of the request; a STAC API with a search is requested for what area
    and time leave, unless all was read to plan with. `allow_gaps` is that of `index_of_pages`.

    Raises MLHubException as of `index_of_archive` and `index_of_pages`.
    """
    where, dataset = request.source, request.dataset_id
    if request.kind is Kind.MLHUB:
        stop, keys = threading.Event(), source.session.keys
        read_archive = partial(
            index_of_archive, archive, source=where, dataset=dataset, show=show, stopped=stop, keys=keys
        )
        while True:
            try:
                return await in_thread(read_archive, interrupt=stop.set)
            except TargetBusy:  # another program makes the very same one
                await asyncio.sleep(_AGAIN)
    read_pages = partial(
        index_of_pages,
        source,
        request.collections,
        location=where,
        dataset=dataset,
        validator=request.day,
        allow_gaps=allow_gaps,
        show=show,
    )
    filters = request.filters
    if request.kind is Kind.STAC_API and filters.selects_items:
        when = "" if filters.when is None else str(filters.when)
        search = Search(request.collections, bbox=filters.bbox, intersects=filters.intersects, datetime=when)
        with suppress(NotOffered):  # it has no search: all items are read, and filtered locally
            return await read_pages(search=search)
    return await read_pages()


async def fetch_catalog(
    request: DatasetRequest,
    source: Source,
    target: Path,
    context: JobContext,
    live: TransferProgress,
    *,
    ours: bool,
) -> DownloadResult:
    """Download the catalog archive of a dataset to `target`, or resume.

    `ours` is whether an existing one is a copy that this program made, which another version replaces.

    Raises NotOffered if the source has no catalog archives; EntityDoesNotExist if the dataset has none;
    MLHubException what else went wrong.
    """
    if_exists = IfExists.RESUME if ours else request.if_exists
    if request.source == SAMPLE:  # whose catalogs name another port at each start
        if_exists = IfExists.OVERWRITE
    spec = DownloadSpec(Link(""), target, if_exists, archive=True)
    if (there := await in_thread(lambda: already_there(spec))) is not None:
        return there
    renew = partial(source.catalog_link, request.dataset_id)
    link = await renew()
    with suppress(MLHubException):  # the store tells the size as well
        live.total = (await source.catalog_info(request.dataset_id)).stac_catalog_size
    spec = replace(spec, link=link, size=live.total)
    dataset = f"dataset {shown_id(request.dataset_id)}"
    missing = f"the catalog of {dataset} does not exist; it may still be generating"
    try:
        return await context.fetch_renewed(spec, live, renew, missing)
    except FileConflict:
        if not ours or spec.if_exists is IfExists.OVERWRITE:
            raise
        spec = replace(spec, if_exists=IfExists.OVERWRITE)
        return await context.fetch_renewed(spec, live, renew, missing)


def catalog_cache() -> Path:
    """Return the folder of the catalog archives fetched for planning."""
    return paths.cache() / "catalogs"


def cached_catalog(request: DatasetRequest) -> Path:
    """Return the path of a dataset's catalog archive in the cache, existing or not."""
    name = hashlib.sha256(json.dumps([request.source, request.dataset_id]).encode()).hexdigest()[:24]
    return catalog_cache() / f"{name}.tar.gz"


def copy_catalog(request: DatasetRequest, target: Path) -> bool:
    """Copy the cached catalog archive to where a job wants it, if nothing is there; return whether it was.

    It may be of another day, so the server is still to be asked.

    Raises OutputFolderError if it cannot be written.
    """
    saved = cached_catalog(request)
    if target.exists() or target.with_name(f"{target.name}.part").exists() or not saved.exists():
        return False
    fileio.make_folder(target.parent)
    copy = target.with_name(f".{target.name}.copy")
    try:
        shutil.copyfile(saved, copy)
        copy.replace(target)
    except OSError as error:
        with suppress(OSError):
            copy.unlink()
        raise fileio.translate_os_error(error, target) from error
    return True


def _make_room(saved: Path) -> None:
    """Make the cache of catalogs, and room in it."""
    try:
        fileio.make_private_folder(saved.parent)
    except OSError as error:
        raise OutputFolderError(f"the cache cannot be used: {error.strerror}") from error
    fileio.shrink_folder(saved.parent, _MAX_CATALOGS, keep=saved.name)


@dataclass(frozen=True, slots=True)
class Costs:
    """What each way to download a dataset costs.

    `archives` are the bytes of each collection's archive, None where unknown; collections in `missing` have
    none. `estimated_size` are the bytes of everything, as the API estimates. `problem` is why the first
    unknown one could not be asked for.
    """

    archives: dict[str, int | None]
    missing: tuple[str, ...] = ()
    problem: MLHubException | None = None
    catalog: bool = False  # whether its catalog can be fetched as one archive
    catalog_size: int | None = None
    estimated_size: int | None = None

    @property
    def archives_size(self) -> int | None:
        """Bytes of all archives; None where one is unknown, or there are none."""
        return None if None in self.archives.values() or not self.archives else self.archives_known

    @property
    def archives_known(self) -> int:
        """Bytes of the archives of known size."""
        return sum(size or 0 for size in self.archives.values())


async def costs(
    source: Source, dataset: str, collections: Sequence[str], show: Callable[[Costs], None] | None = None
) -> Costs:
    """Return the costs of a dataset, or of collections where it is empty.

    `show` gets what is known after each response; with it an archive that cannot be asked for is unknown.

    Raises RequestError if the API refuses the catalog, or without `show` an archive.
    """
    found: dict[str, int | None] = {}
    missing: set[str] = set()
    problems: list[MLHubException] = []

    def known() -> Costs:
        archives = {name: found[name] for name in collections if name in found}
        absent = tuple(name for name in collections if name in missing)
        return Costs(archives, absent, problems[0] if problems else None)

    async def archive(collection: str) -> None:
        try:
            found[collection] = (await source.archive_info(collection)).size
        except (EntityDoesNotExist, NotOffered):
            missing.add(collection)
        except MLHubException as error:
            if show is None:
                raise
            found[collection] = None
            problems.append(error)
        if show is not None:
            show(known())

    await together(archive, collections, _AT_ONCE)
    if not dataset:
        return known()
    try:
        info = await source.catalog_info(dataset)
    except (EntityDoesNotExist, NotOffered):
        return known()
    return replace(
        known(), catalog=True, catalog_size=info.stac_catalog_size, estimated_size=info.estimated_dataset_size
    )
