"""Work of a job: its source and link, one try at it, what its failure means, tries without the queue."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .. import errors, fileio, paths, planning, sources, text
from ..auth import Credentials, for_profile, same_root
from ..concurrency import in_thread
from ..errors import (
    EntityDoesNotExist,
    MLHubException,
    NotOffered,
    RemoteChanged,
    RequestError,
    VerificationFailed,
)
from ..http.credentials import Link
from ..http.errors import (
    COMMAND_RETRIES,
    PASSING,
    BeingPrepared,
    ConnectionLost,
    LinkRejected,
    LoginRequired,
    RetryPolicy,
    TLSFailure,
    is_lasting,
)
from ..http.urls import shown_id
from ..http.versions import Checksum
from ..models import Document
from ..planning.assets import DocumentOrigin, multihash, requests_for, unverified
from ..planning.requests import SAMPLE, ArchiveRequest, AssetRequest, DatasetRequest, DownloadRequest
from ..planning.resolver import RENEWED, JobContext, OneSource, Resolver, already_there, refusal, showing
from ..transfer.config import DownloadResult, DownloadSpec, ReserveSpace, TransferConfig, TransferProgress
from ..transfer.hosts import PROGRESS
from .database import ROOM, Database, JournalNotWritable, not_writable
from .job import JobState
from .repository import JobRepository
from .runner import transfer_config

if TYPE_CHECKING:
    from ..sources.base import Source


Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there, and of how many; None while that is not known."""


def credentials_for(
    request: DownloadRequest, current: Credentials | None, sample: Callable[[], Credentials]
) -> Credentials:
    """Return the credentials for a job: the sample's, its profile's, or those in use for the same root URL.

    A key never goes to another root URL than the one it was used with when the job was queued, perhaps days
    ago and in another program. `current` are those of the program that runs the job; `sample` returns those
    of the sample catalog, started if necessary. Raises APIKeyNotFound if the job's profile is gone.
    """
    if request.source == SAMPLE:
        return sample()
    if current is not None and not same_root(current.root_url, request.source):
        current = None
    if request.profile is not None and (current is None or current.profile != request.profile):
        found = for_profile(request.profile)
        if same_root(found.root_url, request.source):
            return found
    if current is not None:
        return current
    return Credentials(
        secret=None, root_url=request.source, profile=None, key_origin="no key", kind=request.kind
    )


async def open_for_job(request: DownloadRequest, choose: Callable[[], Credentials]) -> Source:
    """Open the source of a job, away from the event loop: files are read, modules imported."""

    def opened() -> Source:
        found = choose()
        if not isinstance(request, ArchiveRequest):
            # What the kind was when it was queued spares a look at the landing document.
            return sources.open_source.open_source(
                found if found.kind is not None else replace(found, kind=request.kind)
            )
        return sources.open_source.open_mlhub(found)

    return await asyncio.to_thread(opened)


# One try


async def run_job(
    request: DownloadRequest,
    context: JobContext,
    live: TransferProgress,
    reserve: ReserveSpace | None = None,
    *,
    verify: bool,
) -> DownloadResult:
    """Fetch what is requested, or resume it; errors are for `judge`.

    With `verify`, files of a dataset that were there at an earlier try are looked at first.
    """
    if isinstance(request, DatasetRequest):
        fetch = planning.dataset_job.fetch_dataset
        return await fetch(request, context, live, reserve, verify=verify)
    if (there := await in_thread(lambda: already_there(_spec(request, Link(""))))) is not None:
        return there
    if isinstance(request, AssetRequest):
        return await _fetch_asset(request, context, live, reserve)
    return await _fetch_archive(request, context, live, reserve)


async def _fetch_archive(
    request: ArchiveRequest, context: JobContext, live: TransferProgress, reserve: ReserveSpace | None
) -> DownloadResult:
    link = await context.resolver.link(request)
    size = request.size
    if size is None and (info := await context.resolver.info(request)) is not None:
        size = live.total = info.size
    spec = replace(_spec(request, link), size=size, archive=True)
    renew = partial(context.resolver.link, request)
    return await context.fetch_renewed(spec, live, renew, missing_words(request), reserve=reserve)


async def _fetch_asset(
    request: AssetRequest, context: JobContext, live: TransferProgress, reserve: ReserveSpace | None
) -> DownloadResult:
    """Fetch an asset by the href it was queued with; where that fails, by the one it has now."""

    async def fetch(request: AssetRequest, link: Link) -> DownloadResult:
        checksum = multihash(request.checksum)
        known: tuple[Checksum, ...] = (checksum,) if checksum else ()
        spec = replace(_spec(request, link), size=request.size, checksums=known, page=request.page)
        return _with_notes(request, await context.fetch(spec, live, reserve=reserve))

    refused: MLHubException | None = None
    if request.href:
        link = await context.resolver.link(request)
        try:
            return await fetch(request, link)
        except (LinkRejected, EntityDoesNotExist, RemoteChanged, VerificationFailed) as error:
            refused = error
            live.log(f"{error.message}: looks the asset up again")
    found = await context.resolver.again(request)
    if refused is not None:
        announced = (found.request.size, found.request.checksum)
        if found.link.url == link.url and announced == (request.size, request.checksum):  # nothing new
            raise refusal(refused, missing_words(request), link, found.sign_in) from refused
        live.log(RENEWED)
    try:
        return await fetch(found.request, found.link)
    except LinkRejected as error:
        raise refusal(error, missing_words(request), found.link, found.sign_in) from error


def _with_notes(request: AssetRequest, outcome: DownloadResult) -> DownloadResult:
    """Note what the document of an asset says wrongly."""
    if not outcome.fetched:
        return outcome
    notes = [outcome.note, unverified(request.checksum)]
    if request.size is not None and request.size != outcome.size:
        notes.append(f"its document says {text.size(request.size)}")
    return replace(outcome, note="; ".join(filter(None, notes)))


def _spec(request: DownloadRequest, link: Link) -> DownloadSpec:
    names = request.name.count("/") + 1
    return DownloadSpec(link, request.folder / request.name, request.if_exists, names=names)


def missing_words(request: ArchiveRequest | AssetRequest) -> str:
    """Return what to say where the file of a request is not there."""
    collection = f"collection {shown_id(request.collection_id)}"
    if isinstance(request, ArchiveRequest):
        return f"the archive of {collection} does not exist; it may still be generating"
    place = f"item {shown_id(request.item_id)}" if request.item_id else collection
    return f"the file of asset {shown_id(request.key)} of {place} does not exist"


# What a failure means


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure of a job in words; `delay` is the seconds until the next try where it is retried."""

    action: JobState
    reason: str
    hint: str
    delay: float | None = None


_KEY = (errors.APIKeyNotFound, errors.AuthenticationError)
_DOUBTFUL = (errors.UnexpectedAnswer, LinkRejected, TLSFailure)
_MAY_PASS = (*PASSING, errors.RemoteChanged, BeingPrepared, JournalNotWritable, *_DOUBTFUL)


def judge(error: BaseException, failures: int, retries: RetryPolicy, path: Path) -> Failure:
    """Return what becomes of a job that writes `path` after so many failures in a row without progress."""
    known = translate(error, path)
    reason, hint = text.one_line(text.redact(known.message), 300), text.one_line(known.hint, 200)
    if isinstance(known, _KEY):
        return Failure(JobState.NEEDS_KEY, reason, hint)
    if isinstance(known, errors.NoSpaceError):
        return Failure(JobState.NO_SPACE, reason, hint)
    delay = None
    if isinstance(known, _MAY_PASS) and not isinstance(known, LoginRequired) and not is_lasting(known):
        retry_after = known.retry_after if isinstance(known, RequestError) else None
        preparing = isinstance(known, BeingPrepared) and retry_after is not None
        tried = 1 if preparing else failures  # the server works on it, and says when: waiting is no failure
        delay = retries.wait(tried, retry_after=retry_after, doubtful=isinstance(known, _DOUBTFUL))
    if delay is None:
        return Failure(JobState.FAILED, reason, hint)
    if isinstance(known, ConnectionLost):
        hint = "it resumes by itself where it stopped"
    return Failure(JobState.RETRYING, reason, hint, delay)


def translate(error: BaseException, path: Path) -> MLHubException:
    """Return an error of the package's own tree for any error of a transfer to a path."""
    if isinstance(error, MLHubException):
        return error
    if isinstance(error, OSError):
        return fileio.translate_os_error(error, path)
    if isinstance(error, sqlite3.Error):
        return not_writable(error)
    what = text.one_line(text.redact(f"{type(error).__name__}: {error}"), 200)
    return errors.DownloadError(
        f"the transfer of {path.name} failed: {what}", hint="retry; if it fails again, report it"
    )


class FailureCounter:
    """Counts failures in a row; bytes that were not there before, `done` of them, reset it."""

    def __init__(self, done: int = 0) -> None:
        self._high, self._failures = done, 0

    def failed(self, done: int) -> int:
        """Return the failures in a row, this one counted, with so many bytes there at its end."""
        if done >= self._high + PROGRESS:
            self._high, self._failures = done, 0
        self._failures += 1
        return self._failures


# Without the queue


async def fetch_asset(
    source: Source, document: Document, key: str, folder: Path, *, on_progress: Progress | None = None
) -> Path:
    """Download one asset of an item, or of a collection, and return its path: `collection/item/key.ext`.

    Errors are those of `fetch`; NotOffered if it cannot be fetched over https, or its reader has to pay.
    """
    selection = requests_for(DocumentOrigin.of(source), [document], fileio.absolute(folder), keys=(key,))
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
    """Download without the queue, and return the path; a later call, or the app, resumes what is half done.

    `on_progress` is called a few times a second, in the event loop. Raises EntityDoesNotExist if there is no
    such file; RequestError or DownloadError if it cannot be fetched as often as `retries` allows.
    """
    live, counter, failure = TransferProgress(), FailureCounter(), None
    path, report = request.folder / request.name, on_progress or (lambda *_: None)
    async with showing(lambda: report(live.done, live.total)), job_context(resolver, config, tls) as context:
        while True:
            try:
                outcome = await run_job(request, context, live, verify=failure is None)
                live.done = live.total = outcome.size
                return outcome.path
            except Exception as error:
                failure = judge(error, counter.failed(live.done), retries, path)
                if failure.delay is None:
                    await report_failed(request, error)
                    raise translate(error, path) from error
                await asyncio.sleep(failure.delay)


async def report_failed(request: DownloadRequest, error: Exception) -> None:
    """Write the report of a dataset that failed for good."""
    if isinstance(request, DatasetRequest):
        await planning.dataset_job.report_unfetched(request, error)


@asynccontextmanager
async def job_context(
    resolver: Resolver, config: TransferConfig | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[JobContext]:
    """Give what jobs outside the queue share; their parts are recorded with those of the queue."""

    def open_repository() -> JobRepository:
        database = Database(paths.queue(), in_memory=True, room=ROOM)
        try:
            return JobRepository(database)
        except sqlite3.Error as error:
            database.close()
            raise not_writable(error) from error

    def close() -> None:
        with contextlib.suppress(sqlite3.Error):
            repository.leave()
        repository.close()

    repository = await in_thread(open_repository)
    try:
        yield JobContext(resolver, repository.journal, config or transfer_config(), tls)
    finally:
        await in_thread(close)
