"""One file, from a link to its final name: resumed where it can be, verified, never mixed of two versions."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from .. import errors, text
from ..sources.link import Link
from . import existing, folder, probe
from .answer import Remote, content_range, difference, length, remote
from .body import Body
from .job import IfExists, State
from .journal import Entry, Journal
from .live import Live
from .part import Part
from .sink import Sink
from .trouble import Interrupted
from .tuning import Tuning
from .verify import gzip_whole
from .wire import Wire, refuse

Room = Callable[[int, int], None]
_BEGINNINGS = 3  # from zero in one try; more mean that the file changes faster than it is fetched
_PAGE = (b"<!doctype html", b"<html")


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
    """

    target: Path
    part: Path
    if_exists: IfExists
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a transfer ended well: `fetched` is False if the file was there already; `size` in bytes."""

    path: Path
    size: int
    fetched: bool


class _StartOver(Exception):
    """What is there cannot be gone on with; the message says why."""


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
    ) -> None:
        self._task = task
        self._link = link
        self._journal = journal
        self._live = live
        self._tuning = tuning
        self._context = context
        self._room = room or (lambda needed, _: folder.check_room(task.target.parent, needed))
        self._stop = threading.Event()
        self._wire: Wire | None = None

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
        self._wire = wire = Wire(self._link, self._tuning, self._stop, self._context)
        try:
            self._journal.claim(task.part)
            try:
                if task.if_exists is IfExists.RESUME and existing.whole(
                    task.target, task.part, wire, self._journal, self._tuning
                ):
                    self._journal.forget(task.part)
                    return self._there()
                return self._verified(wire)
            finally:
                self._journal.release(task.part)
        finally:
            wire.close()

    def _there(self) -> Outcome:
        return Outcome(self._task.target, self._task.target.stat().st_size, fetched=False)

    def _verified(self, wire: Wire) -> Outcome:
        """Fetch it, and once more if it was not what the server announced."""
        try:
            return self._whole(wire)
        except errors.VerificationFailed:
            self._live.enter(State.CONNECTING)
            return self._whole(wire)

    def _whole(self, wire: Wire) -> Outcome:
        for _ in range(_BEGINNINGS):
            with contextlib.suppress(_StartOver):
                return self._try(wire)
            self._forget_progress()
        raise errors.RemoteChanged(f"{self._task.target.name} keeps changing on the server")

    def _try(self, wire: Wire) -> Outcome:
        """Ask for what is missing until nothing is; a server may give less than was asked for."""
        while True:
            entry = self._resume_point(wire)
            headers = self._range(entry) if entry else {}
            with wire.ask("GET", headers) as response:
                total = self._take(wire, response, entry)
            if total is not None:
                return Outcome(self._task.target, total, fetched=True)

    def _resume_point(self, wire: Wire) -> Entry | None:
        """Return the record to go on from, its `synced` corrected by what is really there; None to begin."""
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
        at = min(entry.synced, status.st_size, entry.remote.total)
        return Entry(entry.url, entry.remote, entry.generation, at, entry.inode) if at > 0 else None

    def _orphan(self, wire: Wire, size: int, identity: str) -> Entry | None:
        """Take over a part that no record tells of (a lost database), if it agrees with the server's file."""
        if size == 0:
            return None
        version = probe.head(wire, self._task.target.name)
        fits = version.spliceable and version.total is not None and size <= version.total
        if not fits or not probe.agrees(wire, self._task.part, size, version, self._tuning):
            return None
        return self._journal.begin(self._task.part, Entry(wire.url, version, synced=size, inode=identity))

    def _range(self, entry: Entry) -> dict[str, str]:
        """Return the headers that ask for the rest and a piece before it (closed, for old stores)."""
        total = entry.remote.total
        assert total is not None
        headers = {"Range": f"bytes={self._seam(entry)}-{total - 1}"}
        if entry.remote.strong and entry.remote.etag:
            headers["If-Range"] = entry.remote.etag
        return headers

    def _seam(self, entry: Entry) -> int:
        return max(0, entry.synced - self._tuning.overlap)

    def _take(self, wire: Wire, response: httpx.Response, entry: Entry | None) -> int | None:
        """Write the answer to the part; return the size if the file is whole now, under its final name."""
        name = self._task.target.name
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and entry:
            raise _StartOver("the server has no such range")
        refuse(response, name)
        answer = remote(response.status_code, response.headers)
        if response.status_code == httpx.codes.PARTIAL_CONTENT:
            if entry is None:
                raise errors.UnexpectedAnswer(
                    f"the server sent a piece of {name} without being asked for one"
                )
            self._check_piece(response, answer, entry)
        with Part(self._task.part) as part:
            try:
                return self._write(wire, response, answer, entry, part)
            except BaseException:
                if part.remove_if_empty():
                    self._journal.forget(part.path)
                raise

    def _check_piece(self, response: httpx.Response, answer: Remote, entry: Entry) -> None:
        """Raise _StartOver unless a 206 is the piece that was asked for, of the version that is recorded."""
        span = content_range(response.headers.get("content-range"))
        if span is None or span.first != self._seam(entry) or span.last is None:
            raise _StartOver("the server sent another range")
        carried = length(response.headers)
        if carried is not None and carried != span.last - span.first + 1:
            raise _StartOver("the range and its length do not agree")
        if why := difference(entry.remote, answer):
            raise _StartOver(why)

    def _write(
        self, wire: Wire, response: httpx.Response, answer: Remote, entry: Entry | None, part: Part
    ) -> int | None:
        body = Body(response, wire, self._tuning.tick)
        view, filled = memoryview(bytearray(self._tuning.buffer)), 0
        expected = answer.total or self._task.size or 0
        self._room(max(0, expected - part.size), expected)
        if response.status_code == httpx.codes.PARTIAL_CONTENT and entry is not None:
            self._compare_seam(body, part, entry)
        else:
            # Looked at before anything is given up for it: the page of a portal may not say that it is one.
            filled = body.read_within(view, self._tuning.stall)
            self._refuse_page(view[:filled])
            entry = self._journal.begin(self._task.part, Entry(wire.url, answer, inode=part.inode))
            part.truncate(0)
        total = entry.remote.total
        self._live.total = total or self._task.size
        self._live.wrote(entry.synced)
        self._live.enter(State.DOWNLOADING)
        digests = entry.remote.digests
        with Sink(part, entry, self._journal, self._live, self._tuning, digests) as sink:
            end = sink.pour(body, view, filled)
            if total is not None and end < total:
                return None
            self._finish(response, part, entry, end, sink)
            return end

    def _compare_seam(self, body: Body, part: Part, entry: Entry) -> None:
        """Read the piece that is there already and compare: validators have lied before."""
        seam = self._seam(entry)
        count = entry.synced - seam
        if probe.read(body, count, self._tuning.stall) != part.read(seam, count):
            raise _StartOver("the bytes before the resume point are others")

    def _refuse_page(self, view: memoryview) -> None:
        """Refuse a web page that does not say it is one."""
        if bytes(view[:64]).lstrip().lower().startswith(_PAGE):
            raise errors.UnexpectedAnswer(f"the server sent a web page instead of {self._task.target.name}")

    def _finish(self, response: httpx.Response, part: Part, entry: Entry, size: int, sink: Sink) -> None:
        """Verify and commit."""
        self._live.total = size
        self._live.enter(State.VERIFYING)
        part.truncate(size)
        try:
            if entry.remote.total is None and "transfer-encoding" not in response.headers:
                self._check_unframed(part, size)
            sink.check(size, self._stop)
        except errors.VerificationFailed:
            self._forget_progress()
            raise
        if self._stop.is_set():
            raise Interrupted
        part.commit(self._task.target, overwrite=self._task.if_exists is IfExists.OVERWRITE)
        self._journal.forget(part.path)

    def _check_unframed(self, part: Part, size: int) -> None:
        """Check what came without any length, where a broken connection looks like the end."""
        announced = self._task.size
        if announced is not None and size < announced:
            words = f"{text.size(size)} of {text.size(announced)} came before the connection ended"
            raise errors.ServerUnreachable(words, hint="the server announces no length, so it starts over")
        gzip_whole(part.path, self._stop)

    def _forget_progress(self) -> None:
        """Let the next try begin at zero; the bytes stay until it writes."""
        entry = self._journal.load(self._task.part)
        if entry is not None:
            self._journal.begin(self._task.part, Entry(entry.url, inode=entry.inode))
        self._live.wrote(0)
