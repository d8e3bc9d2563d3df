"""One try at a dataset: its catalog, what is wanted of it, the files; each part is done once for a wish."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from ..auth.kind import Kind
from ..errors import (
    DownloadError,
    EntityDoesNotExist,
    FileConflict,
    MLHubException,
    NotOffered,
    OutputFolderError,
    RequestError,
)
from ..options import IfExists
from ..storage import same_names
from ..text import count
from ..text import size as size_words
from ..threads import in_thread
from ..transfer.batch import BatchDownload
from ..transfer.config import DownloadResult, ReserveSpace, TransferPhase, TransferProgress
from ..transfer.engine import TransferCancelled
from ..transfer.work_source import BatchStats
from ..unpack.archive import Unpacked, unpack
from . import layout
from .dataset_links import links_of
from .dataset_plan import copy_catalog, fetch_catalog, index_of_dataset, progress_words
from .index import Index, IndexProgress
from .index_cache import archive_validator
from .job_context import JobContext, cluster_package
from .manifest import ManifestStats
from .manifest_lock import LockedManifest, Opening
from .manifest_queue import LinkOf, ManifestQueue, Sizes, open_link
from .output_probe import NullProbe
from .planned_files import PlannedFile, files
from .progress_reporter import ProgressReporter
from .report import write_report
from .requests import SAMPLE, DatasetRequest
from .resolver import JobSource, Opener, say_waits
from .selection import PAID_HINT, SelectionCounter, paid_words

T = TypeVar("T")
_EVERY = 0.1
_LOOK_EVERY = 500  # files between two looks whether to stop


class Fetcher(Protocol):
    """What fetches the files of a plan."""

    @property
    def stats(self) -> BatchStats:
        """Where its progress is shown."""
        ...

    def run(self) -> BatchStats:
        """Fetch everything; blocks."""
        ...

    def abort(self) -> None:
        """End it soon, from any thread."""
        ...


class NothingMatches(EntityDoesNotExist, RuntimeError):
    """The filters leave nothing to download."""

    default_hint = "widen the area or the time, or choose other collections and asset keys"


class FilesFailed(DownloadError):
    """A dataset is done but for some of its files."""

    default_hint = "retry fetches only those; err_report.csv says why each failed"


async def fetch_dataset(
    request: DatasetRequest, kit: JobContext, live: TransferProgress, room: ReserveSpace | None
) -> DownloadResult:
    """Fetch what is wanted of a dataset, or go on with it.

    The layout is the seed library's (see `plan.layout`); what failed is in `err_report.csv`, and a wish that
    was begun goes on where it was, whatever ended it.

    Raises
    ------
    NothingMatches
        If the filters leave nothing; then nothing but the catalog's archive was fetched.
    FilesFailed
        If some of the files cannot be had; all others are there.
    MLHubException
        What else went wrong, for `trouble.verdict` to judge; what had arrived is kept.
    """
    if not isinstance(kit.resolver, Opener):
        raise NotOffered("whole datasets cannot be fetched here")
    opening = Opening(request)
    async with kit.resolver.opened(request) as source:
        own = await in_thread(opening.open, interrupt=opening.leave)
        try:
            return await _Run(request, kit, live, room, source, own).run()
        finally:
            await in_thread(own.release)


async def report_unfetched(request: DatasetRequest, error: Exception) -> None:
    """Write the report of a dataset that failed as a whole: every file that is not there, and why.

    Does nothing where it did not come so far that its files were chosen, or another program is at them.
    """
    if not isinstance(error, RequestError):
        return

    def work() -> None:
        with contextlib.suppress(MLHubException, OSError, sqlite3.Error):
            own = LockedManifest(request, threading.Event())
            try:
                if own.noted("stamp") == request.stamp and own.noted("listed"):
                    _write_report(request, own, str(error))
            finally:
                own.release()

    await in_thread(work)


def _write_report(request: DatasetRequest, own: LockedManifest, unfetched: str = "") -> int:
    """Write the report, at the URL too; return how many files are in it."""
    failed = write_report(own.files, request.asset_folder, request.dataset_id, unfetched)
    if request.url:
        cluster_package().publish_report(request)
    return failed


@dataclass(slots=True)
class _Run:
    """The parts of one try, in their order."""

    request: DatasetRequest
    kit: JobContext
    live: TransferProgress
    room: ReserveSpace | None
    source: JobSource
    own: LockedManifest
    before: int = 0
    came: bool = False

    async def run(self) -> DownloadResult:
        request, own = self.request, self.own
        await in_thread(lambda: own.begin(request.stamp))
        if request.url:
            await self._note_beginning()
        if request.kind is Kind.MLHUB:
            await self._catalog()
        if request.filters.catalog_only:
            await in_thread(lambda: own.files.want(()))
        else:
            await self._plan()
        if request.kind is Kind.MLHUB:
            await self._unpack()
        standing = ManifestStats() if request.filters.catalog_only else await self._fetch()
        return await self._end(standing)

    async def _catalog(self) -> None:
        """Have the catalog's archive, of which it is taken note once it is whole."""
        target = layout.catalog_file(self.request.folder, self.request.dataset_id)

        def there() -> int | None:
            with contextlib.suppress(OSError, OutputFolderError):
                if self.own.noted("catalog") == archive_validator(target):
                    return target.stat().st_size
            return None

        size = await in_thread(there) if self.own.noted("catalog") else None
        if size is None:
            found = await self._fetch_catalog(target)
            size, self.came = found.size, found.fetched
            await in_thread(lambda: self.own.note("catalog", archive_validator(target)))
            self.live.log(f"the catalog is there: {size_words(size)}")
        self.before = self.live.done = size

    async def _fetch_catalog(self, target: Path) -> DownloadResult:
        live, request = TransferProgress(), self.request
        resumes = request.if_exists is IfExists.RESUME
        taken = resumes and await in_thread(lambda: copy_catalog(request, target))
        async with self._shown(lambda: self._show_catalog(live)):
            try:
                return await fetch_catalog(request, self.source, target, self.kit, live)
            except FileConflict:
                if not taken:
                    raise
                await in_thread(target.unlink)  # our own copy of an older one
            return await fetch_catalog(request, self.source, target, self.kit, live)

    def _show_catalog(self, live: TransferProgress) -> None:
        self.live.take_events_of(live)
        self.live.done, self.live.total, self.live.connections = live.done, live.total, live.connections
        self.live.words = "the catalog"
        if live.phase is not self.live.phase:
            self.live.enter(live.phase)
        self.live.last_byte, self.live.host = live.last_byte, live.host

    async def _plan(self) -> None:
        """Have the list of files, of which it is taken note once it is whole."""
        if self.own.noted("listed"):
            await in_thread(self.own.files.retry)  # what failed may have failed with the network
            return
        index = await self._index()
        try:
            stop = threading.Event()
            self._say("choosing files")
            work = self.own.holding(lambda: self._list(index, stop))
            await in_thread(work, interrupt=_both(stop.set, index.interrupt))
            standing = await in_thread(self.own.files.standing)
            self.live.log(f"{count(standing.files, 'file')} chosen")
        finally:
            await in_thread(index.close)

    async def _index(self) -> Index:
        request = self.request
        say_waits(self.source, self._say)
        archive = layout.catalog_file(request.folder, request.dataset_id)
        return await index_of_dataset(request, self.source, archive, self._show_index)

    def _show_index(self, progress: IndexProgress) -> None:
        self._say(progress_words(progress))

    def _list(self, index: Index, stop: threading.Event) -> None:
        """Choose the files and keep them; nothing is kept of a choice that is broken off."""
        request, own = self.request, self.own
        counts = SelectionCounter(index).counts(request.filters)
        unknown = index.unknown_keys(request.filters.collections)
        if counts.empty:
            name = request.title or request.dataset_id
            if unknown:
                raise NothingMatches("; ".join(unknown), hint="choose from these asset keys")
            if counts.paid:
                raise NothingMatches(f"{name}: {paid_words(counts)}", hint=PAID_HINT)
            raise NothingMatches(f"nothing in {name} matches the filters")
        own.files.want(_until(files(index, request.filters, self._same_names()), stop))
        if request.if_exists is IfExists.OVERWRITE:
            own.want_all_again()
        else:
            self._feed().verify(self._sizes() if request.url else None)
        lone = counts.no_items and request.filters.selects_items
        told = unknown + (["no item matches, these are the collections' own"] if lone else [])
        if counts.faults:
            told.append(f"{count(counts.faults, 'asset')} without an href")
        if namesakes := index.facts["namesakes"]:
            told.append(f"{count(namesakes, 'item')} with the id of another, in a folder apart")
        timeless = sum(items.timeless for items in counts.items.values())
        if timeless and request.filters.when is not None:
            told.append(f"{count(timeless, 'item')} without a time that can be read kept")
        if counts.paid:
            told.append(paid_words(counts))
        own.note("told", "; ".join(told))
        own.note("noted", "\n".join(index.facts["notes"]))
        own.note("listed")

    def _sizes(self) -> Sizes:
        """Return what lists the store, as somebody may have emptied it since."""
        sizes: Sizes = cluster_package().ObjectStore(self.request.asset_place).sizes()
        return sizes

    def _same_names(self) -> Callable[[str], str] | None:
        """Return the key under which the output folder's file system keeps a name; None for a store."""
        return None if self.request.url else same_names(self.request.asset_folder)

    async def _unpack(self) -> None:
        """Have the catalog's documents on disk, or at the URL."""
        if self.own.noted("unpacked"):
            return
        request, stop = self.request, threading.Event()
        archive = layout.catalog_file(request.folder, request.dataset_id)

        def show(done: int, *_: int | None) -> None:
            self._say(f"unpacking the catalog: {count(done, 'file')}")

        def work() -> None:
            top, how = request.dataset_id, request.if_exists
            done = unpack(archive, request.folder, top=top, if_exists=how, show=show, stopped=stop)
            self._note_skipped(done)
            if request.url:
                self._publish(stop)
            self.own.note("unpacked")

        self._say("unpacking the catalog")
        await in_thread(self.own.holding(work), interrupt=stop.set)
        self.live.log("the catalog is unpacked")

    def _note_skipped(self, done: Unpacked) -> None:
        """Keep what is said of members that were not unpacked, for the job's log and its outcome."""
        for line in done.notes:
            self.live.log(f"skipped {line}")
        words = f"skipped {count(done.skipped, 'member')} of the catalog archive"
        self.own.note("skipped", "\n".join((words, *done.notes)) if done.skipped else "")

    async def _fetch(self) -> ManifestStats:
        """Fetch the files; return how many are there in the end, and how many failed."""
        own, live = self.own, self.live
        standing = await in_thread(own.files.standing)
        if standing.wanted:
            batch = await self._batch()

            def work() -> None:
                batch.run()

            there = f"; {standing.done:,} are there" if standing.done else ""
            live.log(f"begins with {count(standing.wanted, 'file')}{there}")
            live.begin_at(standing.bytes_done + (0 if self.came else self.before))
            watch = ProgressReporter(live, batch.stats, self.before, standing)
            watch.show()
            live.enter(TransferPhase.CONNECTING)
            await in_thread(lambda: self._keep_room(standing))
            watching = asyncio.create_task(watch.run(own.files))
            try:
                await in_thread(own.holding(work), interrupt=batch.abort)
            finally:
                watch.show()
                watching.cancel()
                await asyncio.wait({watching})
            self.came |= batch.stats.fetched > 0
            standing = await in_thread(own.files.standing)
        live.files_done, live.files_failed = standing.done, standing.failed
        live.files_total = standing.files
        return standing

    async def _batch(self) -> Fetcher:
        """Return what fetches the files: this program, or the workers of a cluster."""
        request = self.request
        if request.cluster is not None:
            links = await links_of(request, self.source)
            if request.source == SAMPLE:
                request = replace(request, source=self.source.root_url)
            made: Fetcher = cluster_package().ClusterRun(
                request, self._feed(), self.own, self.kit, links.store
            )
            return made
        feed = self._feed(await links_of(request, self.source))
        return BatchDownload(feed, request.asset_folder, self.kit.context)

    def _feed(self, links: LinkOf = open_link) -> ManifestQueue:
        place = NullProbe() if self.request.url else self.request.asset_folder
        return ManifestQueue(self.own.files, place, links, if_exists=self.request.if_exists)

    async def _note_beginning(self) -> None:
        stop = threading.Event()
        note = cluster_package().note_beginning
        work = self.own.holding(lambda: note(self.request, self.own, self._say_waiting, stop))
        await in_thread(work, interrupt=stop.set)

    def _publish(self, stop: threading.Event) -> None:
        def show(done: int) -> None:
            self._say(f"sending the catalog: {count(done, 'file')}")

        cluster_package().publish_catalog(self.request, self.own, stop, show, self._say_waiting)

    def _say_waiting(self, reason: str) -> None:
        self._say(f"the catalog; waiting: {reason}")

    def _keep_room(self, standing: ManifestStats) -> None:
        """Have the disk keep room for what is known to come."""
        if self.room is not None and not self.request.url:
            left = standing.bytes_known - standing.bytes_done
            self.room(left, self.before + standing.bytes_known)

    async def _end(self, standing: ManifestStats) -> DownloadResult:
        """Write the report, and say how it went."""
        request, live = self.request, self.live
        live.words = ""
        failed = await in_thread(lambda: _write_report(request, self.own))
        live.done = live.total = self.before + standing.bytes_done
        if failed:
            there = f"{standing.done:,} of {count(standing.files, 'file')} are there"
            skipped = "; ".join(filter(None, (self.own.noted("left out"), self.own.noted("skipped"))))
            lines = ["; ".join(filter(None, (f"done with {failed:,} failed: {there}", skipped)))]
            raise FilesFailed("\n".join(filter(None, (*lines, self._noted()))))
        note = "the catalog" if request.filters.catalog_only else count(standing.files, "file")
        told = "" if request.filters.catalog_only else self.own.noted("told")
        notes = [note, told, self.own.noted("left out"), self.own.noted("skipped")]
        lines = ["; ".join(filter(None, notes)), self._noted()]
        place = request.folder / request.name
        await in_thread(lambda: self.own.note("ended"))
        return DownloadResult(place, live.done, self.came, note="\n".join(filter(None, lines)))

    def _noted(self) -> str:
        """Return what is to be known of the catalog, a line each; empty where nothing of it was chosen."""
        return "" if self.request.filters.catalog_only else self.own.noted("noted")

    def _say(self, words: str) -> None:
        self.live.words = words
        self.live.enter(TransferPhase.PREPARING)

    @asynccontextmanager
    async def _shown(self, show: Callable[[], None]) -> AsyncIterator[None]:
        """Show something again and again while something else is done."""

        async def again() -> None:
            while True:
                show()
                await asyncio.sleep(_EVERY)

        task = asyncio.create_task(again())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
            show()


def _until(planned: Iterator[PlannedFile], stop: threading.Event) -> Iterator[PlannedFile]:
    for number, file in enumerate(planned):
        if number % _LOOK_EVERY == 0 and stop.is_set():
            raise TransferCancelled
        yield file


def _both(*calls: Callable[[], None]) -> Callable[[], None]:
    def call() -> None:
        for each in calls:
            each()

    return call
