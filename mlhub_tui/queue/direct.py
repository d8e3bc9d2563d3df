"""Downloads without the queue, for the Python API: the same engine, whose retries end."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from .. import fileio, paths
from ..errors import EntityDoesNotExist, NotOffered
from ..http.retry import COMMAND_RETRIES, RetryPolicy
from ..http.urls import shown_id
from ..models import Document
from ..options import IfExists
from ..planning.asset_request import DocumentOrigin, Located, requests_for
from ..planning.requests import ArchiveRequest, DatasetRequest, DownloadRequest
from ..planning.resolver import ArchiveSource, AssetSource, JobContext, OneSource, Resolver
from ..threads import in_thread
from ..transfer.config import TransferConfig, TransferProgress
from ..transfer.failures import FailureCounter, JournalNotWritable, judge, translate
from .database import Database
from .repository import JobRepository
from .run_job import run_job
from .settings import transfer_config


class ItemSource(AssetSource, Located, Protocol):
    """What is needed of a source to fetch its assets; every `sources.base.Source` is one."""


Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there, and of how many; None while that is not known."""

_PERIOD = 0.5  # seconds between two reports


async def fetch_archive(
    source: ArchiveSource,
    collection_id: str,
    folder: Path,
    *,
    if_exists: IfExists | str = IfExists.RESUME,
    on_progress: Progress | None = None,
) -> Path:
    """Download the archive of a collection and return its path.

    The file is `<collection id>.tar.gz` in the folder, which is created if missing; until it is whole and
    verified it is `<collection id>.tar.gz.part`, and a later call, or the app, resumes that.

    With `if_exists`, `resume` compares sizes and resumes what is half done, `skip` leaves any file as it is,
    and `overwrite` replaces it once the new one is whole. `on_progress` is called about twice a second, in
    the event loop. Raises EntityDoesNotExist if there is no such archive; RequestError or DownloadError if it
    cannot be fetched after some tries: what was fetched stays for the next call.
    """
    request = ArchiveRequest(
        source=source.root_url,
        profile=None,
        collection_id=collection_id,
        folder=fileio.absolute(folder),
        if_exists=IfExists(if_exists),
    )
    return await fetch(request, OneSource(source), on_progress=on_progress)


async def fetch_asset(
    source: ItemSource,
    document: Document,
    key: str,
    folder: Path,
    *,
    if_exists: IfExists | str = IfExists.RESUME,
    on_progress: Progress | None = None,
) -> Path:
    """Download one asset of an item, or of a collection, and return its path: `collection/item/key.ext`.

    The parameters and errors are those of `fetch_archive`; NotOffered if it cannot be fetched over https, or
    its reader has to pay.
    """
    selection = requests_for(
        DocumentOrigin.of(source),
        [document],
        fileio.absolute(folder),
        keys=(key,),
        if_exists=IfExists(if_exists),
    )
    if selection.left_out:
        raise NotOffered(f"asset {shown_id(key)} cannot be fetched: {selection.left_out[0].why}", hint="")
    if not selection.requests:
        raise EntityDoesNotExist(f"{shown_id(document.id)} has no asset {shown_id(key)}")
    return await fetch(selection.requests[0], OneSource(source), on_progress=on_progress)


async def fetch(
    request: DownloadRequest,
    resolver: Resolver,
    *,
    on_progress: Progress | None = None,
    retries: RetryPolicy = COMMAND_RETRIES,
    config: TransferConfig | None = None,
    tls: ssl.SSLContext | None = None,
) -> Path:
    """Download what is requested, trying again as long as `retries` allows; errors as `fetch_archive`."""
    live, counter = TransferProgress(), FailureCounter()
    path = request.folder / request.name
    reporter = asyncio.create_task(_report(live, on_progress))
    try:
        async with job_context(resolver, config, tls) as context:
            while True:
                try:
                    outcome = await run_job(request, context, live)
                    live.done = live.total = outcome.size
                    return outcome.path
                except Exception as error:
                    failure = judge(error, counter.failed(live.done), retries, path)
                    if failure.delay is None:
                        if isinstance(request, DatasetRequest):
                            from ..planning.dataset_job import report_unfetched  # needed by datasets alone

                            await report_unfetched(request, error)
                        raise translate(error, path) from error
                    await asyncio.sleep(failure.delay)
    finally:
        reporter.cancel()
        if on_progress is not None:
            on_progress(live.done, live.total)


async def _report(live: TransferProgress, on_progress: Progress | None) -> None:
    while on_progress is not None:
        await asyncio.sleep(_PERIOD)
        on_progress(live.done, live.total)


@asynccontextmanager
async def job_context(
    resolver: Resolver, config: TransferConfig | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[JobContext]:
    """Give what jobs outside the queue share; their parts are recorded with those of the queue."""
    repository = await in_thread(_open_repository)
    try:
        yield JobContext(resolver, repository.journal, config or transfer_config(), tls)
    finally:
        await in_thread(lambda: _close_repository(repository))


def _open_repository() -> JobRepository:
    database = Database(paths.queue(), in_memory=True)
    try:
        return JobRepository(database)
    except sqlite3.Error as error:
        database.close()
        raise JournalNotWritable(f"the download queue cannot be written: {error}") from error


def _close_repository(repository: JobRepository) -> None:
    with contextlib.suppress(sqlite3.Error):
        repository.leave()
    repository.close()
