"""Job of a dataset: fetch its catalog, choose files, unpack, fetch, report; each part once for a request."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ..auth.location import Kind
from ..concurrency import in_thread, in_thread_to_end
from ..errors import DownloadError, EntityDoesNotExist, MLHubException, OutputFolderError, RequestError
from ..fileio import same_names
from ..options import IfExists
from ..sources.base import Source
from ..sources.static.tar_reader import DamagedArchive
from ..text import count, one_line
from ..text import size as size_words
from ..transfer.batch import BatchDownload
from ..transfer.config import DownloadResult, ReserveSpace, TransferPhase, TransferProgress
from ..transfer.engine import TransferCancelled
from ..transfer.work_source import BatchStats
from ..unpack.archive import marker, unpack
from . import layout
from .dataset_plan import copy_catalog, fetch_catalog, index_of_dataset
from .index import Index
from .index_cache import archive_validator
from .manifest import LockedManifest, ManifestStats
from .manifest_queue import ManifestQueue
from .report import write_report
from .requests import CHOOSE_KEYS, SAMPLE, DatasetRequest
from .resolver import DatasetLinks, JobContext, cluster_package, links_of, showing
from .selection import PAID_HINT, PlannedFile, count_files, files, lacks_keys, notes, paid_words

_LISTED_AGAIN = "retry lists the items again, and fetches what is missing"
_NO_ITEMS = "`mlhub-tui list items COLLECTION` lists its items"
_READ_AGAIN = "retry requests the documents that err_report.csv names, and fetches what is missing"
_CHECK_EVERY = 500  # files between two checks for a stop


@dataclass(slots=True)
class BatchProgress:
    """Copies how far a batch is to the progress of its job.

    `saved` is what the manifest had at first, `copies` are duplicates made since, and `before` is the size of
    the catalog's archive in bytes.
    """

    live: TransferProgress
    stats: BatchStats
    before: int
    saved: ManifestStats
    copies: BatchStats = field(default_factory=BatchStats)
    _seen: tuple[int, int] = (0, 0)
    _reason: str = ""
    _where: str = ""
    _failures: int = 1

    def show(self) -> None:
        """Copy once."""
        live, stats, saved, copies = self.live, self.stats, self.saved, self.copies
        large = list(stats.large.copy().values())
        done, arrived = stats.fetched + stats.there, stats.bytes
        live.files_total = saved.files
        live.files_done = min(saved.done + done + copies.fetched, saved.files)
        live.files_failed = saved.failed + stats.failed + copies.failed
        live.done = self.before + saved.bytes_done + arrived + copies.bytes + sum(each.done for each in large)
        live.total = None if saved.bytes_total is None else self.before + saved.bytes_total
        live.connections = max(1, len(large))
        live.last_byte = max([live.last_byte, stats.last_byte, *(each.last_byte for each in large)])
        failed = f", {live.files_failed:,} failed" if live.files_failed else ""
        where = f", {stats.where}" if stats.where else ""
        waiting = f"; waiting: {stats.reason}" if stats.reason else ""
        live.words = f"{live.files_done:,} of {live.files_total:,} files{failed}{where}{waiting}"
        self._log()
        moved = (done + stats.failed, arrived) != self._seen
        if moved or (live.phase is TransferPhase.CONNECTING and any(each.done for each in large)):
            self._seen = (done + stats.failed, arrived)
            live.enter(TransferPhase.DOWNLOADING)

    def _log(self) -> None:
        """Log who fetches, why nothing comes, and failures whenever they doubled."""
        if self.stats.where != self._where:
            self._where = self.stats.where
            self.live.log(self._where)
        if self.stats.reason != self._reason:
            self._reason = self.stats.reason
            if self._reason:
                self.live.log(self._reason)
        if self.live.files_failed >= self._failures:
            self._failures = 2 * self.live.files_failed
            self.live.log(f"{count(self.live.files_failed, 'file')} failed so far")


class NothingMatches(EntityDoesNotExist, RuntimeError):
    """The filters leave nothing to download."""

    default_hint = "widen the area or the time, or choose other collections and asset keys"


class FilesFailed(DownloadError):
    """A dataset is done but for some of its files."""

    default_hint = "retry fetches only those; err_report.csv says why each failed"


async def fetch_dataset(
    request: DatasetRequest,
    context: JobContext,
    live: TransferProgress,
    room: ReserveSpace | None,
    *,
    verify: bool = True,
) -> DownloadResult:
    """Download what is wanted of a dataset, or resume: whatever ended a request, it continues where it was.

    The layout is that of radiant_mlhub (see `layout`); what failed is in `err_report.csv`. With `verify` the
    files of an earlier try are looked at first: some may be gone since.

    Raises NothingMatches if the filters leave nothing; then only the catalog's archive was fetched;
    FilesFailed if some of the files cannot be fetched; all others are complete; MLHubException what else went
    wrong; what had arrived is saved.
    """
    own = LockedManifest(request)
    async with context.resolver.opened(request) as source:
        try:
            await in_thread_to_end(own.open, stop=own.give_up)
            return await _DatasetJobRunner(request, context, live, room, source, own, verify).run()
        finally:
            await in_thread_to_end(own.close)


async def report_unfetched(request: DatasetRequest, error: Exception) -> None:
    """Write the report of a dataset that failed as a whole: every file that was not fetched, and why.

    Does nothing where its files were not chosen yet, or another program has its manifest.
    """
    if not isinstance(error, RequestError):
        return

    def work() -> None:
        own = LockedManifest(request)
        with contextlib.suppress(MLHubException, OSError, sqlite3.Error):
            own.open()
            try:
                if own.get_checkpoint("stamp") == request.request_id and own.get_checkpoint("listed"):
                    _write_report(request, own, error.message)
            finally:
                own.close()

    await in_thread(work)


def _write_report(request: DatasetRequest, own: LockedManifest, unfetched: str = "") -> int:
    """Write the report, at the URL too; return how many files are in it."""
    failed = write_report(own, request.asset_folder, request.dataset_id, unfetched)
    if request.url:
        cluster_package().publish_report(request)
    return failed


@dataclass(slots=True)
class _DatasetJobRunner:
    """The parts of one try, in their order; checkpoints of the manifest record which are done."""

    request: DatasetRequest
    context: JobContext
    live: TransferProgress
    room: ReserveSpace | None
    source: Source
    own: LockedManifest
    verify: bool
    before: int = 0
    """Bytes of the catalog's archive."""
    fetched: bool = False

    async def run(self) -> DownloadResult:
        request, own = self.request, self.own
        has_archive, catalog_only = request.kind is Kind.MLHUB, request.filters.catalog_only
        await in_thread(lambda: own.begin(request.request_id))
        if request.url:
            note = cluster_package().note_beginning
            await self._hold(lambda stop: note(request, own, self._say_waiting, stop))
        if has_archive:
            await self._catalog()
        try:
            if catalog_only:
                await in_thread(lambda: own.want(()))
            else:
                await self._choose_files()
            if has_archive and not own.get_checkpoint("unpacked"):
                self._say("unpacking the catalog")
                await self._hold(self._unpack)
                self.live.log("the catalog is unpacked")
        except DamagedArchive as error:
            if not self.fetched:  # it stood there before, of the announced size
                hint = f"use --if-exists overwrite, or remove {one_line(self._archive, 200)}"
                raise DamagedArchive(error.message, hint=hint) from error
            for path in (self._archive, marker(self._archive)):  # the next try fetches and unpacks it again
                await in_thread(partial(path.unlink, missing_ok=True))
            self.live.log(f"removed {one_line(self._archive.name, 80)}; what could be unpacked of it stays")
            self.live.wrote(0)
            raise
        return await self._end(ManifestStats() if catalog_only else await self._fetch())

    async def _hold(
        self, work: Callable[[threading.Event], None], interrupt: Callable[[], None] | None = None
    ) -> None:
        """Run work in a thread, and wait for its end also after a cancel: it has the manifest."""
        stop = threading.Event()

        def end() -> None:
            stop.set()
            if interrupt is not None:
                interrupt()

        await in_thread_to_end(lambda: work(stop), stop=end)

    @property
    def _archive(self) -> Path:
        return layout.catalog_file(self.request.folder, self.request.dataset_id)

    async def _catalog(self) -> None:
        """Fetch the catalog's archive, unless the one that was recorded is complete."""
        own, archive = self.own, self._archive

        def recorded() -> int | None:
            with contextlib.suppress(OSError, OutputFolderError):
                if own.get_checkpoint("catalog") == archive_validator(archive):
                    return archive.stat().st_size
            return None

        size = await in_thread(recorded)
        if size is None:
            found = await self._fetch_catalog(archive)
            size, self.fetched = found.size, found.fetched
            await in_thread(lambda: own.set_checkpoint("catalog", archive_validator(archive)))
            await in_thread(lambda: own.set_checkpoint("unpacked", ""))
            self.live.log(f"the catalog is there: {size_words(size)}")
        self.before = self.live.done = size

    async def _fetch_catalog(self, archive: Path) -> DownloadResult:
        live, whole, request = TransferProgress(), self.live, self.request

        def show() -> None:
            while live.events:
                whole.events.append(live.events.popleft())
            whole.done, whole.total, whole.connections = live.done, live.total, live.connections
            whole.words, whole.last_byte, whole.host = "the catalog", live.last_byte, live.host
            if live.phase is not whole.phase:
                whole.enter(live.phase)

        resumes = request.if_exists is IfExists.RESUME
        copied = resumes and await in_thread(lambda: copy_catalog(request, archive))
        async with showing(show):
            return await fetch_catalog(request, self.source, archive, self.context, live, ours=copied)

    async def _choose_files(self) -> None:
        """Fill the manifest, unless that was done."""
        own = self.own
        if own.get_checkpoint("listed") and not own.get_checkpoint("incomplete"):
            await in_thread(own.want_again)  # what failed may have failed with the network
            if self.verify:
                self._say("checking files")
                # What was changed since may be the work of the user, who need not wait for the end.
                await self._hold(lambda _: self._verify(gone_only=True))
            return
        self.source.session.on_wait = self._say

        def show(words: str, *_: object) -> None:
            self._say(words)

        index = await index_of_dataset(self.request, self.source, self._archive, show, allow_gaps=True)
        try:
            self._say("choosing files")
            await self._hold(lambda stop: self._fill(index, stop), index.interrupt)
            self.live.log(f"{count((await in_thread(own.stats)).files, 'file')} chosen")
        finally:
            await in_thread(index.close)

    def _fill(self, index: Index, stop: threading.Event) -> None:
        """Choose the files and save them; a choice that is interrupted leaves nothing."""
        request, own, filters = self.request, self.own, self.request.filters
        counts, unknown = count_files(index, filters), index.unknown_keys(filters)
        namesakes: int = index.facts["namesakes"]
        lost = [*index.facts.get("missing", ()), *index.facts.get("gaps", ())]
        own.set_checkpoint("missing", json.dumps(lost) if lost else "")
        if lacks_keys(counts, filters, unknown) and not index.facts.get("incomplete"):
            raise NothingMatches("; ".join(unknown), hint=CHOOSE_KEYS)
        if counts.empty:
            name = request.title or request.dataset_id
            if index.facts.get("incomplete"):
                _write_report(request, own)
                raise FilesFailed(f"{name}: {'; '.join(index.facts['notes'])}", hint=_hint(index))
            if counts.paid:
                raise NothingMatches(f"{name}: {paid_words(counts)}", hint=PAID_HINT)
            if not filters.selects_items:
                why = (*notes(counts, by_time=False, by_place=False), *index.facts["notes"])
                raise NothingMatches("; ".join((no_assets(request), *why)), hint=_NO_ITEMS)
            raise NothingMatches(f"nothing in {name} matches the filters")
        same = str if request.url else same_names(request.asset_folder)
        own.want(_until(files(index, filters, same), stop))
        if request.if_exists is IfExists.OVERWRITE:
            own.want_again(failed_only=False)
        else:
            self._verify()
        apart = f"{count(namesakes, 'item')} with the id of another, in a folder apart" if namesakes else ""
        known = notes(counts, by_time=filters.when is not None, by_place=filters.by_place)
        told = filter(None, (*unknown, *known, apart))
        own.set_checkpoint("told", "; ".join(told))
        own.set_checkpoint("noted", "\n".join(index.facts["notes"]))
        own.set_checkpoint("incomplete", _hint(index) if index.facts.get("incomplete") else "")
        own.set_checkpoint("listed")

    def _verify(self, *, gone_only: bool = False) -> None:
        """Have files fetched again that are gone or changed: somebody may have emptied folder or store."""
        look = cluster_package().ObjectStore(self.request.asset_place).look() if self.request.url else None
        self._queue().verify(look, gone_only=gone_only)

    def _unpack(self, stop: threading.Event) -> None:
        """Unpack the catalog to disk, and to the URL."""
        request, own = self.request, self.own

        def show(done: int, *_: int | None) -> None:
            self._say(f"unpacking the catalog: {count(done, 'file')}")

        def show_sent(done: int) -> None:
            self._say(f"sending the catalog: {count(done, 'file')}")

        top, how = request.dataset_id, request.if_exists
        done = unpack(self._archive, request.folder, top=top, if_exists=how, show=show, stopped=stop)
        for line in done.notes:
            self.live.log(f"skipped {line}")
        if request.filters.catalog_only and not done.files:
            words = f"the archive of the catalog has no file in the folder {one_line(top, 80)}"
            raise MLHubException(words, hint=f"what it has is in {one_line(self._archive.name, 80)}")
        words = f"skipped {count(done.skipped, 'member')} of the catalog archive"
        own.set_checkpoint("skipped", "\n".join((words, *done.notes)) if done.skipped else "")
        if request.url:
            cluster_package().publish_catalog(request, own, stop, show_sent, self._say_waiting)
        own.set_checkpoint("unpacked")

    async def _fetch(self) -> ManifestStats:
        """Fetch the wanted files, with this program or the workers of a cluster; return the numbers."""
        own, live, request = self.own, self.live, self.request
        saved = await in_thread(own.stats)
        if saved.wanted:
            links = await links_of(request, self.source)
            batch: BatchDownload  # or a run of the cluster, which has the same methods
            if request.cluster is None:
                queue = self._queue(links)
                batch = BatchDownload(queue, request.asset_folder, self.context.context)
            else:
                queue = self._queue()
                at = replace(request, source=self.source.root_url) if request.source == SAMPLE else request
                batch = cluster_package().ClusterRun(at, queue, own, self.context, links.store)
            await self._run(batch, queue, saved)
            saved = await in_thread(own.stats)
        live.files_done, live.files_failed, live.files_total = saved.done, saved.failed, saved.files
        return saved

    async def _run(self, batch: BatchDownload, queue: ManifestQueue, saved: ManifestStats) -> None:
        live, room = self.live, self.room
        there = f"; {saved.done:,} are there" if saved.done else ""
        live.log(f"begins with {count(saved.wanted, 'file')}{there}")
        live.begin_at(saved.bytes_done + (0 if self.fetched else self.before))
        progress = BatchProgress(live, batch.stats, self.before, saved, queue.copies)
        progress.show()
        live.enter(TransferPhase.CONNECTING)
        if room is not None and not self.request.url:
            left, total = saved.bytes_known - saved.bytes_done, self.before + saved.bytes_known
            await in_thread(lambda: room(left, total))

        def work(_: threading.Event) -> None:
            batch.run()

        async with showing(progress.show):
            await self._hold(work, batch.abort)
        self.fetched |= batch.stats.fetched > 0

    def _queue(self, links: DatasetLinks | None = None) -> ManifestQueue:
        folder = None if self.request.url else self.request.asset_folder
        return ManifestQueue(self.own, folder, links, if_exists=self.request.if_exists)

    async def _end(self, saved: ManifestStats) -> DownloadResult:
        """Write the report, and return or raise how it went."""
        request, live, own = self.request, self.live, self.own
        catalog_only = request.filters.catalog_only
        live.words = ""
        failed = await in_thread(lambda: _write_report(request, own))
        live.done = live.total = self.before + saved.bytes_done
        noted, told = ("" if catalog_only else own.get_checkpoint(name) for name in ("noted", "told"))
        skipped = [told, own.get_checkpoint("left out"), own.get_checkpoint("skipped")]
        if failed:
            there = f"{saved.done:,} of {count(saved.files, 'file')} are there"
            words = f"done with {failed:,} failed: {there}"
            raise FilesFailed("; ".join(filter(None, (words, *skipped, *noted.splitlines()))))
        if noted and own.get_checkpoint("incomplete"):
            words = f"done with {count(saved.files, 'file')}, but not all could be listed"
            words = f"{words}: {'; '.join(noted.splitlines())}"
            raise FilesFailed(
                "; ".join(filter(None, (words, *skipped))), hint=own.get_checkpoint("incomplete")
            )
        done = ["the catalog" if catalog_only else count(saved.files, "file")]
        note = "\n".join(filter(None, ("; ".join(filter(None, (*done, *skipped))), noted)))
        await in_thread(lambda: own.set_checkpoint("ended"))
        return DownloadResult(request.folder / request.name, live.done, self.fetched, note=note)

    def _say(self, words: str) -> None:
        self.live.words = words
        self.live.enter(TransferPhase.PREPARING)

    def _say_waiting(self, reason: str) -> None:
        self._say(f"the catalog; waiting: {reason}")


def no_assets(request: DatasetRequest) -> str:
    """Return the message for a dataset that has no file although all items of what is wanted are."""
    wanted = ", ".join(one_line(name, 80) for name, _ in request.filters.collections)
    return f"no item of {wanted or request.title or request.dataset_id} has an asset to download"


def _hint(index: Index) -> str:
    """Return what to do about what could not be listed."""
    return _LISTED_AGAIN if index.facts.get("gaps") else _READ_AGAIN


def _until(planned: Iterator[PlannedFile], stop: threading.Event) -> Iterator[PlannedFile]:
    for number, file in enumerate(planned):
        if number % _CHECK_EVERY == 0 and stop.is_set():
            raise TransferCancelled
        yield file
