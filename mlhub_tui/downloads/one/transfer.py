"""One file, from a link to its final name: resumed where it can be, verified, never mixed of two versions."""

from __future__ import annotations

import contextlib
import filecmp
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from ... import errors, text
from ...sources.link import Link
from .. import content_checks, content_coding, folder
from ..content_checks import Expected
from ..gzip_check import gzip_whole
from ..job import IfExists, State
from ..line import Line
from ..live import Live
from ..trouble import Interrupted
from ..tuning import Tuning
from . import existing, extents, piece, probe
from .answer import Digest, Remote, remote
from .body import Body, DecodedBody
from .crew import Crew
from .existing import Existing
from .journal import Entry, Journal
from .lane import Lane
from .part import Part
from .piece import StartOver
from .pour import Pace, pour
from .sink import ENDLESS, SEAM, Sink
from .wire import Wire, address, place, refuse

Room = Callable[[int, int], None]
_BEGINNINGS = 3  # from zero in one try; more mean that the file changes faster than it is fetched
_LOOKED_AT = 512  # first bytes that are waited for where they tell what a file is


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be fetched, to where.

    Parameters
    ----------
    target, part
        Final name and part file.
    if_exists
        What to do with a file that is there.
    size
        Bytes as the API announced them; used where the store does not tell.
    digests
        Checksums that are known beforehand (an asset's `file:checksum`); verified beside the server's.
    page
        Whether the file is a web page; else one that arrives is that of a portal.
    archive
        Whether the API promises a `.tar.gz`, whose size it announces.
    """

    target: Path
    part: Path
    if_exists: IfExists
    size: int | None = None
    digests: tuple[Digest, ...] = ()
    page: bool = False
    archive: bool = False

    @property
    def expected(self) -> Expected:
        """What is known of the file's content."""
        return Expected(self.target.name, self.size, self.archive, self.page)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a transfer ended well.

    `fetched` is False if the file was there already, `size` is in bytes, `digests` are the checksums that it
    was verified with, and `note` is what the user should know of it.
    """

    path: Path
    size: int
    fetched: bool
    digests: tuple[Digest, ...] = ()
    note: str = ""


class Transfer:
    """Fetches one file; `run` blocks, so it wants a thread, and `abort` ends it from any other.

    Parameters
    ----------
    task
        The file.
    link
        Where its bytes are now.
    journal
        Where its progress is recorded.
    live
        Where it is shown.
    tuning
        Time-outs and sizes.
    context
        TLS settings; the system's by default.
    room
        Called with the bytes that are still needed and the size of the whole; raises NoSpaceError if the
        disk has not so many.
    line
        What all transfers share; one of its own by default.
    """

    def __init__(
        self,
        task: Task,
        link: Link,
        journal: Journal,
        live: Live,
        *,
        tuning: Tuning,
        context: ssl.SSLContext | None = None,
        room: Room | None = None,
        line: Line | None = None,
    ) -> None:
        self._task = task
        self._link = link
        self._journal = journal
        self._live = live
        self._tuning = tuning
        self._context = context
        self._room = room or (lambda needed, _: folder.check_room(task.target.parent, needed))
        self._shared = line or Line()
        self._stop = threading.Event()
        self._wire: Wire | None = None
        self._alone = tuning.connections < 2
        self._begun = False
        self._verified_with: tuple[Digest, ...] = ()
        self._existing = Existing.NONE
        self._note = ""
        self._accept: dict[str, str] = {}

    def abort(self) -> None:
        """End it at once; `run` raises Interrupted, with all it has fetched recorded."""
        self._stop.set()
        if self._wire is not None:
            self._wire.cut()

    def run(self) -> Outcome:
        """Fetch the file.

        Raises
        ------
        Interrupted
            If it was aborted.
        RequestError, DownloadError
            What went wrong; the part and its record stay, for the next try.
        """
        task = self._task
        folder.check(task.target.parent)
        if existing.settled(task.target, task.if_exists):
            return self._there()
        self._wire = wire = self._connect()
        try:
            self._journal.claim(task.part)
            try:
                if task.if_exists is IfExists.RESUME:
                    self._existing = existing.examined(
                        task.target, task.part, task.expected, wire, self._journal, self._tuning, self._stop
                    )
                if self._existing is Existing.WHOLE:
                    self._journal.forget(task.part)
                    return self._there()
                if self._existing is Existing.OTHER:
                    self._live.tell(f"what stands as {task.target.name} is something else: it is replaced")
                return self._verified(wire)
            finally:
                self._journal.release(task.part)
        finally:
            wire.close()

    def _connect(self) -> Wire:
        return Wire(self._link, self._tuning, self._stop, self._context, page=self._task.page)

    def _there(self) -> Outcome:
        return Outcome(self._task.target, self._task.target.stat().st_size, fetched=False)

    def _verified(self, wire: Wire) -> Outcome:
        """Fetch it, and once more if it was not what the server announced."""
        try:
            return self._whole(wire)
        except errors.VerificationFailed as error:
            self._live.tell(f"verification failed: {error}; it is fetched once more")
            self._alone = True
            self._live.enter(State.CONNECTING)
            return self._whole(wire)

    def _whole(self, wire: Wire) -> Outcome:
        for _ in range(_BEGINNINGS):
            self._begun = False
            try:
                return self._try(wire)
            except StartOver as doubt:
                self._live.tell(f"starts over: {doubt}")
            self._alone = True
            self._forget_progress()
        raise errors.RemoteChanged(f"{self._task.target.name} keeps changing on the server")

    def _try(self, wire: Wire) -> Outcome:
        """Ask for what is missing until nothing is; a server may give less than was asked for."""
        while True:
            entry = self._resume_point(wire)
            headers = _rest(entry, self._tuning.overlap) if entry else {}
            try:
                with wire.ask("GET", headers | self._accept) as response:
                    total = self._take(wire, response, entry)
            except content_coding.Undecodable as error:
                if self._accept:
                    raise
                self._live.tell(f"{error}: asks for it as it is")
                self._accept = content_coding.IDENTITY
                continue
            if total is not None:
                fetched = self._existing is not Existing.WHOLE
                return Outcome(self._task.target, total, fetched, self._verified_with, self._note)

    def _resume_point(self, wire: Wire) -> Entry | None:
        """Return the record to go on from, corrected by what is really there; None to begin."""
        part = self._task.part
        try:
            status = part.stat()
        except FileNotFoundError:
            return None
        entry = self._journal.load(part)
        if entry is None or entry.inode != f"{status.st_dev}:{status.st_ino}":
            entry = self._orphan(wire, status.st_size, f"{status.st_dev}:{status.st_ino}")
        if entry is None or entry.remote.total is None or not entry.remote.spliceable:
            return None
        if entry.url != wire.url and not entry.remote.etag:
            return None
        there = extents.clipped(entry.extents, min(status.st_size, entry.remote.total))
        return replace(entry, synced=extents.prefix(there), more=there) if there else None

    def _orphan(self, wire: Wire, size: int, identity: str) -> Entry | None:
        """Take over a part that no record tells of (a lost database), if it agrees with the server's file."""
        if size == 0:
            return None
        version = probe.head(wire, self._task.expected)
        fits = version.spliceable and version.total is not None and size <= version.total
        if not fits or not probe.agrees(wire, self._task.part, size, version, self._tuning):
            return None
        return self._journal.begin(self._task.part, Entry(wire.url, version, synced=size, inode=identity))

    def _take(self, wire: Wire, response: httpx.Response, entry: Entry | None) -> int | None:
        """Write the answer to the part; return the size if the file is whole now, under its final name."""
        name = self._task.target.name
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and entry:
            raise StartOver("the server has no such range")
        refuse(response, name, page=True)  # a page is told by its first bytes: a label may be wrong
        answer = remote(response.status_code, response.headers)
        if response.status_code == httpx.codes.PARTIAL_CONTENT and entry is None:
            raise errors.UnexpectedAnswer(f"the server sent a piece of {name} without being asked for one")
        with Part(self._task.part) as part:
            try:
                return self._write(wire, response, answer, entry, part)
            except BaseException:
                if part.remove_if_empty():
                    self._journal.forget(part.path)
                raise

    def _write(
        self, wire: Wire, response: httpx.Response, answer: Remote, entry: Entry | None, part: Part
    ) -> int | None:
        body = Body(response, wire, self._tuning.tick)
        view, filled = memoryview(bytearray(self._tuning.buffer)), 0
        expected = answer.total or self._task.size or 0
        there = extents.covered(entry.extents) if entry else part.allocated
        self._room(max(0, expected - there), expected)
        if response.status_code == httpx.codes.PARTIAL_CONTENT and entry is not None:
            self._check_coding(response, entry, part)
            start, _, known = _gap(entry, self._tuning.overlap)
            reach = piece.check(response, entry.remote, start - known)
            piece.compare(body, part, start, known, self._tuning.stall)
            if len(entry.extents) > 1:  # it has holes: see Crew
                part.truncate((entry.remote.total or 0) + 1)
        else:
            # Looked at before anything is given up for it: the page of a portal may not say that it is one.
            filled = self._first_bytes(body, view)
            if undone := self._codings(response, answer, bytes(view[:filled])):
                self._live.tell(f"sent as {', '.join(undone)}: it is decoded")
                body = DecodedBody(body, undone, bytes(view[:filled]), answer.digests)
                answer = replace(answer, total=None, digests=())
                filled = self._first_bytes(body, view)
            self._refuse_other(response, bytes(view[: min(filled, content_checks.START)]), answer.total)
            entry = self._journal.begin(self._task.part, Entry(wire.url, answer, inode=part.inode))
            part.truncate(0)
            reach = ENDLESS
        self._live.total = entry.remote.total or self._task.size
        self._begin(entry)
        self._live.wrote(extents.covered(entry.extents))
        self._live.enter(State.DOWNLOADING)
        with Sink(part, entry, self._journal, self._live, self._tuning, self._task.digests) as sink:
            lane = sink.claim() or Lane(sink.total, sink.total)
            lane.reach = min(reach, sink.total)
            self._pour(body, sink, lane, view, filled, response)
            sink.flush()
            if entry.remote.total is not None and not sink.whole:
                return None
            size = lane.at if entry.remote.total is None else entry.remote.total
            self._finish(response, part, entry, size, sink, decoded=isinstance(body, DecodedBody))
            return size

    def _begin(self, entry: Entry) -> None:
        """Tell from where it goes on; once, though a server may give its file in many pieces."""
        there, total = extents.covered(entry.extents), self._live.total
        self._live.keeps(there)
        if self._begun:
            return
        self._begun = True
        whole = text.size(total)
        if there:
            start = _gap(entry, 0)[0]
            words = f"goes on at byte {start:,}: {text.size(there)} of {whole} are there"
        else:
            words = f"begins: {whole}"
        self._live.tell(f"{words}, from {self._live.host}" if self._live.host else words)

    def _pour(
        self,
        body: Body,
        sink: Sink,
        lane: Lane,
        view: memoryview,
        filled: int,
        response: httpx.Response,
    ) -> None:
        """Take what this answer has of the file, with the help of others where that is allowed."""

        def first() -> None:
            pour(body, sink, lane, view, filled, Pace(self._tuning, lane.at), self._shared.limit)

        if self._splits(sink, response):
            name = self._task.target.name
            coded = content_coding.codings(response.headers)
            Crew(sink, self._connect, name, self._live, self._tuning, self._shared, coded).run(first)
        else:
            first()
            if not sink.seams_agree():
                raise StartOver("the bytes do not agree where they meet")

    def _splits(self, sink: Sink, response: httpx.Response) -> bool:
        """Return whether more connections may help, and cannot do harm."""
        told = sink.version.etag or ""
        sound = bool(told) and not told.startswith("W/")
        refused = response.headers.get("accept-ranges", "").strip().lower() == "none"
        large = self._tuning.split_above <= sink.total < ENDLESS
        return not self._alone and sound and large and not refused

    def _first_bytes(self, body: Body, view: memoryview) -> int:
        """Read enough to tell what it is, as far as it comes in time; return how much."""
        filled, deadline = body.read_within(view, self._tuning.stall), time.monotonic() + self._tuning.stall
        wanted = min(_LOOKED_AT, len(view))
        with contextlib.suppress(errors.RequestError):  # what came before it broke is written all the same
            while 0 < filled < wanted and time.monotonic() < deadline:
                count = body.readinto(view[filled:])
                if count == 0:
                    break
                filled += count or 0
        return filled

    def _codings(self, response: httpx.Response, answer: Remote, start: bytes) -> tuple[str, ...]:
        """Return the content codings of an answer that are to be undone."""
        found = content_coding.codings(response.headers)
        if not found:
            return ()
        return content_coding.to_undo(found, self._task.expected, start[: content_checks.START], answer.total)

    def _check_coding(self, response: httpx.Response, entry: Entry, part: Part) -> None:
        """Raise StartOver if the rest of a file comes in a content coding that the part does not have."""
        start = part.read(0, content_checks.START)
        try:
            undone = self._codings(response, entry.remote, start)
        except content_coding.Undecodable as error:
            raise StartOver(str(error)) from error
        if undone:
            raise StartOver(f"the server sends it as {', '.join(undone)}")

    def _refuse_other(self, response: httpx.Response, start: bytes, total: int | None) -> None:
        """Refuse what cannot be the file by its first bytes, before anything is given up for it."""
        expected = self._task.expected
        kind = content_checks.contradiction(expected, start, total, response.headers.get("content-type", ""))
        if kind is not None:
            host, url = place(response.url), address(str(response.url))
            raise content_checks.refused(expected, kind, start, total, place=host, url=url)

    def _finish(
        self, response: httpx.Response, part: Part, entry: Entry, size: int, sink: Sink, *, decoded: bool
    ) -> None:
        """Verify and commit."""
        self._live.total = size
        self._live.enter(State.VERIFYING)
        part.truncate(size)
        try:
            if entry.remote.total is None and not decoded and "transfer-encoding" not in response.headers:
                self._check_unframed(part, size)
            sink.check(size, self._stop)
        except errors.VerificationFailed:
            self._forget_progress()
            raise
        if self._stop.is_set():
            raise Interrupted
        self._check_content(response, part)
        self._verified_with = sink.digests
        if self._existing is Existing.UNKNOWN and self._task.target.exists():
            self._compare(part)
            return
        overwrite = self._task.if_exists is IfExists.OVERWRITE or self._existing is Existing.OTHER
        part.commit(self._task.target, overwrite=overwrite)
        self._live.landed = size
        self._journal.forget(part.path)

    def _check_content(self, response: httpx.Response, part: Part) -> None:
        """Check that it is the file; what is not leaves no part behind."""
        media_type = response.headers.get("content-type", "")
        try:
            self._note = content_checks.check_whole(self._task.expected, part.path, self._stop, media_type)
        except (errors.VerificationFailed, errors.UnexpectedAnswer):
            part.truncate(0)
            raise

    def _compare(self, part: Part) -> None:
        """Take a file that is there for the one that came if they are the same."""
        target = self._task.target
        if not filecmp.cmp(part.path, target, shallow=False):
            sizes = f"{text.size(target.stat().st_size)} here, {text.size(part.size)} on the server"
            raise errors.FileConflict(f"another file {target.name} is there ({sizes})")
        self._existing = Existing.WHOLE
        part.truncate(0)
        part.remove_if_empty()
        self._journal.forget(part.path)

    def _check_unframed(self, part: Part, size: int) -> None:
        """Check what came without any length, where a broken connection looks like the end."""
        announced = self._task.size
        if announced is not None and size < announced:
            words = f"{text.size(size)} of {text.size(announced)} came before the connection ended"
            raise errors.ServerUnreachable(words, hint="the server announces no length: retry starts over")
        if self._task.expected.gzip and not self._task.archive:
            gzip_whole(part.path, self._stop)

    def _forget_progress(self) -> None:
        """Let the next try begin at zero; the bytes stay until it writes."""
        entry = self._journal.load(self._task.part)
        if entry is not None:
            self._journal.begin(self._task.part, Entry(entry.url, inode=entry.inode))
        self._live.wrote(0)


def _gap(entry: Entry, overlap: int) -> tuple[int, int, int]:
    """Return the first stretch that is missing, and how many bytes before it are fetched again to compare."""
    total = entry.remote.total
    assert total is not None
    start, end = next(iter(extents.gaps(entry.extents, total)), (total, total))
    known = next((end - first for first, end in entry.extents if end == start), 0)
    return start, end, min(known, overlap)


def _rest(entry: Entry, overlap: int) -> dict[str, str]:
    """Return the headers that ask for what is missing first, and a little at both its ends."""
    start, end, known = _gap(entry, overlap)
    assert entry.remote.total is not None
    return piece.headers(entry.remote, start - known, min(end + SEAM, entry.remote.total) - 1)
