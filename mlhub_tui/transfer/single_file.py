"""One file from a link to its final name: resumed where possible, over parallel ranges, verified.

On disk::

    NAME.part    the bytes fetched so far, locked by their writer; with holes while several connections
                 fetch it, and then one byte longer than the file, so that it is never taken for a whole one
    NAME         the whole file, verified

What of the part is safe, and which version it is of, is recorded in the journal.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from .. import errors, text
from ..concurrency import in_thread_to_end, stoppable_in_thread
from ..content import START
from ..fileio import check_fits, check_free_space, check_writable, remove_link
from ..http.credentials import CookieJar, is_local
from ..http.errors import PASSING_STATUSES, ConnectionLost
from ..http.exchange import Exchange
from ..http.representation import (
    IDENTITY,
    DecodingSink,
    Undecodable,
    codings,
    is_whole,
    raise_for_response,
    to_undo,
)
from ..http.response import BodySink, Response
from ..http.urls import address, host_label
from ..http.versions import Checksum, HashingSink, RemoteVersion, comparable, remote_version
from ..options import IfExists
from . import content_checks
from .config import (
    DownloadResult,
    DownloadSpec,
    ReserveSpace,
    TransferContext,
    TransferPhase,
    TransferProgress,
)
from .parallel import OVERLAP, ParallelDownloader, SegmentedFile, SegmentSink
from .part_file import ENDLESS, PartFile, PartRecord, RestartRequired, Segment, covered, gaps, inode
from .resumption import Existing, Resumption, validate_range

_BEGINNINGS = 3  # from zero in one try; more mean that the file changes faster than it is fetched
NO_RANGE = frozenset({304, 405, 412, 416, 501})  # to a request for a range: the whole file may be had yet
# To the same: the server failed, for now or at each range.
_FAILED = PASSING_STATUSES - {408, 425, 429, 503}
# And: the file is refused, or all ranges are; 401, 407 and 511 want a login, others more time.
_DOUBTED = frozenset(range(400, 600)) - NO_RANGE - PASSING_STATUSES - {401, 407, 511}
_FAILURES = 4  # in a row of requests for a range, after which the whole file is requested
_HOST_POLL = 0.05  # seconds between looks whether a host has room for one more request

_failures: Counter[Path] = Counter()
"""Requests in a row for the rest of a part at which its server failed; of the engine's loop alone."""
_writers: dict[Path, asyncio.Task[object]] = {}
"""The tasks that write part files; only the engine's loop touches it."""


async def fetch_file(
    spec: DownloadSpec,
    context: TransferContext,
    progress: TransferProgress,
    *,
    reserve: ReserveSpace | None = None,
    holds_slot: bool = False,
) -> DownloadResult:
    """Fetch a file, or continue with it; on the engine's loop.

    Cancelling flushes and records what has arrived; nothing is repeated then. A RequestError or DownloadError
    says what went wrong; the part and its record stay, for the next try.

    - `reserve`: Reserves room on the disk; by default it is looked at only.
    - `holds_slot`: Whether the caller has counted the first connection at its host already.
    """
    part, task = spec.part, asyncio.current_task()
    assert task is not None
    earlier = _writers.get(part)
    if earlier is not None and earlier.cancelling():
        await asyncio.wait({earlier})  # paused and resumed at once: it still records what had arrived
    _writers[part] = task
    try:
        folder = spec.target.parent
        await in_thread_to_end(lambda: check_writable(folder))
        await in_thread_to_end(lambda: remove_link(part))
        if await in_thread_to_end(spec.is_settled):
            return DownloadResult(spec.target, spec.target.stat().st_size, fetched=False)
        room = reserve or (lambda needed, _: check_free_space(folder, needed))
        if is_local(spec.link.url):
            from .local_files import copy_file  # only where there are such: tarfile takes a while to import

            return await copy_file(spec, context, progress, room)
        return await _Download(spec, context, progress, room).run(holds_slot=holds_slot)
    finally:
        if _writers.get(part) is task:
            del _writers[part]


class _Download:
    """Fetches one file over HTTP."""

    def __init__(
        self, spec: DownloadSpec, context: TransferContext, progress: TransferProgress, reserve: ReserveSpace
    ) -> None:
        self._spec, self._name, self._link = spec, spec.target.name, spec.link
        self._context, self._journal, self._progress = context, context.journal, progress
        self._reserve = reserve
        self._cookies = CookieJar()
        self._resumption = Resumption(spec, context, self._cookies)
        self._alone = context.config.connections < 2
        self._logged_begin = self._of_many = False
        self._existing = Existing.NONE
        self._accept: Mapping[str, str] = {}

    async def run(self, *, holds_slot: bool) -> DownloadResult:
        hosts, host = self._context.limits.hosts, self._link.origin
        self._of_many = holds_slot
        self._progress.host = host_label(self._link.url)
        while not holds_slot and not hosts.try_acquire(host, self):  # noqa: ASYNC110
            await asyncio.sleep(_HOST_POLL)
        try:
            await in_thread_to_end(lambda: self._journal.claim(self._spec.part))
            try:
                return await self._run()
            finally:
                await in_thread_to_end(lambda: self._journal.release(self._spec.part))
        finally:
            if not holds_slot:
                hosts.release(host, self)
            hosts.forget(self)

    async def _run(self) -> DownloadResult:
        spec = self._spec
        if spec.if_exists is IfExists.RESUME:
            self._existing = await self._resumption.examine()
        if self._existing is Existing.WHOLE:
            await in_thread_to_end(lambda: self._journal.forget(spec.part))
            return DownloadResult(spec.target, spec.target.stat().st_size, fetched=False)
        if self._existing is Existing.OTHER:
            self._progress.log(f"what stands as {self._name} is something else: it is replaced")
        try:
            return await self._fetch()
        except errors.VerificationFailed as error:
            self._progress.log(f"verification failed: {error.message}; it is fetched once more")
            self._alone = True
            self._progress.enter(TransferPhase.CONNECTING)
            return await self._fetch()

    async def _fetch(self) -> DownloadResult:
        """Request what is missing until nothing is; start over where there is a doubt."""
        for _ in range(_BEGINNINGS):
            self._logged_begin = False
            try:
                while (result := await self._request(await self._resumption.resume_point())) is None:
                    pass
                return result
            except RestartRequired as doubt:
                self._progress.log(f"starts over: {doubt}")
            except Undecodable as error:
                if self._accept:
                    raise
                self._progress.log(f"{error.message}: requests it as it is")
                self._accept = IDENTITY
            self._alone = True
            await self._forget_progress()
        raise errors.RemoteChanged(f"{self._name} keeps changing on the server")

    async def _forget_progress(self) -> None:
        """Let the next try begin at zero; the bytes stay until it writes."""
        part = self._spec.part

        def forget() -> None:
            if (record := self._journal.load(part)) is not None:
                self._journal.begin(part, PartRecord(record.url, inode=record.inode))

        await in_thread_to_end(forget)
        self._progress.wrote(0)

    # What is requested

    async def _request(self, record: PartRecord | None) -> DownloadResult | None:
        """Write one response, and further segments beside it; return the result if the file is whole."""
        headers = dict[str, str]()
        if record is not None:
            start, end, known = self._gap(record)
            total = record.version.total or 0
            headers = record.version.range_headers(start - known, min(end + OVERLAP, total) - 1)
        allowed = NO_RANGE | _DOUBTED | _FAILED if record is not None else frozenset[int]()
        async with self._exchange({**headers, **self._accept}, allowed) as exchange:
            status, part = exchange.response.status, self._spec.part
            if status in allowed & NO_RANGE:
                raise RestartRequired(f"the server does not send the rest ({status})")
            if status not in allowed:
                _failures.pop(part, None)
                return await self._store(exchange, record)
            _failures[part] += status in _FAILED
            if status in _FAILED and _failures[part] % _FAILURES:
                body, hidden = bytes(exchange.first), self._link.hidden
                raise_for_response(exchange.response, self._name, body=body, hidden=hidden)
        # Nothing is given up before the whole file comes: the link of this one may have expired.
        self._progress.log(f"the rest is refused ({status}): requests the whole file")
        self._alone = True
        return await self._request(None)

    async def _store(self, exchange: Exchange, record: PartRecord | None) -> DownloadResult | None:
        """Write a response to the part file; return the result if the file is whole."""
        spec = self._spec
        if exchange.response.status == 206 and record is None and not is_whole(exchange.response):
            words = f"the server sent a part of {self._name} without being asked for one"
            raise errors.UnexpectedAnswer(words)
        opened: list[PartFile] = []  # also if it is cancelled just then: an open part is locked
        try:
            await in_thread_to_end(lambda: opened.append(PartFile(spec.part, names=spec.names)))
            return await self._receive(exchange, record, opened[0])
        except BaseException as error:
            if opened and isinstance(error, errors.VerificationFailed):
                opened[0].truncate(0)  # what is not the file leaves no part behind
                self._progress.wrote(0)
            if opened and opened[0].remove_if_empty():
                await in_thread_to_end(lambda: self._journal.forget(spec.part))
            raise
        finally:
            for part in opened:
                part.close()

    def _exchange(self, headers: Mapping[str, str], allowed: frozenset[int] = frozenset()) -> Exchange:
        return self._context.exchange(self._link, self._name, headers, self._cookies, allowed)

    def _gap(self, record: PartRecord) -> tuple[int, int, int]:
        """Return the first stretch that is missing, and how many bytes before it are compared."""
        total = record.version.total
        assert total is not None
        start, end = next(iter(gaps(record.extents, total)), (total, total))
        known = next((end - first for first, end in record.extents if end == start), 0)
        return start, end, min(known, self._context.config.resume_overlap)

    async def _receive(
        self, exchange: Exchange, record: PartRecord | None, part: PartFile
    ) -> DownloadResult | None:
        response, spec, progress = exchange.response, self._spec, self._progress
        sent = remote_version(response)
        expected = sent.total or spec.size or 0
        there = covered(record.extents) if record else part.allocated
        if self._of_many:  # the others may fit; a file that is a job of its own has no room
            await in_thread_to_end(lambda: check_fits(spec.target.parent, expected))
        await in_thread_to_end(lambda: self._reserve(max(0, expected - there), expected))
        known, undone, reach = b"", tuple[str, ...](), ENDLESS
        if response.status == 206 and record is not None:
            known, reach = self._continue_part(response, record, part)
        else:
            record, undone = await self._begin_part(exchange, sent, part)
        progress.total = record.version.total or spec.size
        self._log_begin(record)
        progress.wrote(covered(record.extents))
        progress.enter(TransferPhase.DOWNLOADING)
        catalog = () if undone else comparable(spec.checksums, response.headers)
        async with SegmentedFile(catalog, self._context, progress, part, record) as file:
            segment = file.table.claim() or Segment(file.table.total, file.table.total)
            segment.reach = min(reach, file.table.total)
            sink: BodySink = SegmentSink(file, segment, known)
            if undone:
                file.checksums = await self._pour_decoded(exchange, sink, undone, sent)
            elif self._may_split(file, response):
                downloader = ParallelDownloader(file, self._exchange, codings(response.headers))
                await downloader.run(exchange, segment, sink)
                self._alone = downloader.ranges_doubted
            else:
                await exchange.pour(sink)
            if not file.overlaps_match():
                raise RestartRequired("the bytes of two connections do not agree where they meet")
            await file.flush()
            if record.version.total is not None and not file.table.whole:
                return None
            size = segment.position if record.version.total is None else record.version.total
            return await self._finish(response, file, size, decoded=bool(undone))

    def _continue_part(self, response: Response, record: PartRecord, part: PartFile) -> tuple[bytes, int]:
        """Return the bytes before the missing ones, to be compared, and how far the response may reach."""
        self._check_coding(response, record, part)
        start, _, count = self._gap(record)
        reach = validate_range(response, record.version, start - count)
        known = part.read(start - count, count)
        if len(record.extents) > 1:
            part.truncate((record.version.total or 0) + 1)
        return known, reach

    async def _begin_part(
        self, exchange: Exchange, version: RemoteVersion, part: PartFile
    ) -> tuple[PartRecord, tuple[str, ...]]:
        """Empty the part for a response that is the file; return its record, and the codings to undo.

        The first bytes are looked at before: an error's page may not say that it is one.
        """
        response, what = exchange.response, self._spec.expected
        undone, beginning = self._codings(response, version, bytes(exchange.first[:START]))
        if undone:
            self._progress.log(f"sent as {', '.join(undone)}: it is decoded")
            version = replace(version, total=None, checksums=())
        if beginning or not undone:
            media_type = response.headers.get("content-type", "")
            if kind := content_checks.contradiction(what, beginning, version.total, media_type):
                host, url = host_label(response.url), address(response.url)
                raise content_checks.refused(what, kind, beginning, version.total, place=host, url=url)
        fresh = PartRecord(self._resumption.url, version, inode=inode(part.status))
        record = await in_thread_to_end(lambda: self._journal.begin(self._spec.part, fresh))
        part.truncate(0)
        return record, undone

    async def _pour_decoded(
        self, exchange: Exchange, sink: BodySink, undone: tuple[str, ...], sent: RemoteVersion
    ) -> tuple[Checksum, ...]:
        """Write a body without its content codings; return those of its checksums that are of what is left.

        The others may be of the form in which it was sent.
        """
        known = (*sent.checksums, *self._spec.checksums)
        decoding = DecodingSink(inside := HashingSink(known, sink), undone)
        await exchange.pour(outside := HashingSink(known, decoding))
        decoding.finish()
        inside.verify(outside)
        return inside.matching

    def _codings(
        self, response: Response, version: RemoteVersion, start: bytes
    ) -> tuple[tuple[str, ...], bytes]:
        """Return the content codings of a response that are to be undone, and its first bytes then."""
        found = codings(response.headers)
        return to_undo(found, self._name, start, version.total, self._spec.size) if found else ((), start)

    def _check_coding(self, response: Response, record: PartRecord, part: PartFile) -> None:
        """Raise RestartRequired if the rest of a file has a content coding that the part does not have."""
        try:
            undone, _ = self._codings(response, record.version, part.read(0, START))
        except Undecodable as error:
            raise RestartRequired(error.message) from error
        if undone:
            raise RestartRequired(f"the server sends it as {', '.join(undone)}")

    def _may_split(self, file: SegmentedFile, response: Response) -> bool:
        """Return whether more connections may help, and cannot do harm."""
        etag = file.record.version.etag or ""
        strong = bool(etag) and not etag.startswith("W/")
        refused = response.headers.get("accept-ranges", "").strip().lower() == "none"
        large = self._context.config.parallel_threshold <= file.table.total < ENDLESS
        return not self._alone and strong and large and not refused

    def _log_begin(self, record: PartRecord) -> None:
        """Log from where it continues; once, though a server may give its file in many pieces."""
        there, total = covered(record.extents), self._progress.total
        self._progress.begin_at(there)
        if self._logged_begin:
            return
        self._logged_begin = True
        if there:
            start = self._gap(record)[0]
            words = f"resumes at byte {start:,}: {text.size(there)} of {text.size(total)} are there"
        else:
            words = f"begins: {text.size(total)}"
        self._progress.log(f"{words}, from {self._progress.host}")

    async def _finish(
        self, response: Response, file: SegmentedFile, size: int, *, decoded: bool
    ) -> DownloadResult:
        """Verify and commit."""
        spec, progress, part = self._spec, self._progress, file.part
        progress.total = size
        progress.enter(TransferPhase.VERIFYING)
        part.truncate(size)
        if not response.complete and not decoded and size != spec.size:  # nothing shows that it is whole
            raise ConnectionLost("the connection ended without the end of the file")
        if file.record.version.total is None and not decoded:
            await self._check_unframed(response, part, size)
        guess, media_type = await file.verify(size), response.headers.get("content-type", "")
        try:
            note = await stoppable_in_thread(
                lambda stop: content_checks.check_whole(spec.expected, part.path, stop, media_type)
            )
        except errors.UnexpectedAnswer:
            part.truncate(0)
            progress.wrote(0)
            raise
        fetched = await in_thread_to_end(lambda: self._commit(part, size))
        return DownloadResult(
            spec.target, size, fetched, file.checksums, "; ".join(filter(None, [note, guess]))
        )

    def _commit(self, part: PartFile, size: int) -> bool:
        """Give the file its name; return False where the same file has it already."""
        target, same = self._spec.target, False
        replaces = self._spec.if_exists is IfExists.OVERWRITE or self._existing is Existing.OTHER
        if not replaces and target.is_file():  # another program may have fetched it meanwhile
            if not (same := part.is_same(target)):
                apart = "{} here, {} on the server".format(*text.sizes(target.stat().st_size, size))
                raise errors.FileConflict(f"another file {self._name} is there ({apart})")
            part.truncate(0)
            part.remove_if_empty()
        else:
            part.commit(target, overwrite=replaces)
        self._progress.committed = size
        self._journal.forget(part.path)
        return not same

    async def _check_unframed(self, response: Response, part: PartFile, size: int) -> None:
        """Check what came without any length, where a lost connection looks like the end."""
        if "transfer-encoding" in response.headers:
            return
        announced = self._spec.size
        if announced is not None and size < announced:
            words = f"{text.size(size)} of {text.size(announced)} came before the connection ended"
            raise ConnectionLost(words, hint="the server announces no length: retry starts over")
        if self._spec.expected.gzip and not self._spec.archive:
            await stoppable_in_thread(lambda stop: content_checks.gzip_whole(part.path, stop))
