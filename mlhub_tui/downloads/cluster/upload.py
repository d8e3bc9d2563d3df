"""A single file from its server to a store without a copy on this machine: ranges in, parts out, in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any, cast

import httpx

from ... import errors
from ...sources.link import Link
from .. import content_checks, content_coding
from ..attempt import Kit, is_local
from ..gzip_check import Gzip
from ..job import IfExists, State
from ..limit import Limit
from ..live import Live
from ..many.feed import Result
from ..many.item import Item, compared
from ..one import piece
from ..one.answer import Digest, Remote, content_range, remote
from ..one.body import Body, DecodedBody
from ..one.local import opened
from ..one.part import Part
from ..one.pour import Pace
from ..one.verify import compare, new_hash
from ..one.wire import Wire, refuse
from ..threads import in_thread
from ..trouble import Interrupted
from .store import Store, Writer, trouble

PART = 8 << 20
"""Bytes of a part: a store takes 5 MB at least (Amazon S3 User Guide, "Multipart upload limits") ..."""
_PARTS = 9000
"""... and 10,000 parts at most."""
_WINDOW = 4  # ranges in memory
_TRIES = 4  # of a range, before all begins anew
_PASSING = (errors.ServerUnreachable, errors.ServerTimeout, errors.ServerError)


async def upload(item: Item, store: Store, kit: Kit, live: Live, connections: int) -> Result:
    """Bring a file into a store, shown in `live`; a cancel leaves nothing of it.

    Parameters
    ----------
    connections
        To the file's server, at most.

    Raises
    ------
    MLHubException
        What went wrong, of the server or the store.
    """
    work = _Upload(item, store, kit, live, max(1, min(_WINDOW, connections)))
    return await in_thread(work.run, interrupt=work.abort)


class _Upload:
    """One file."""

    def __init__(self, item: Item, store: Store, kit: Kit, live: Live, window: int) -> None:
        self._item = item
        self._store = store
        self._kit = kit
        self._live = live
        self._window = window
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._wires: set[Wire] = set()
        self._idle: list[Wire] = []

    def abort(self) -> None:
        self._stop.set()
        with self._lock:
            for wire in self._wires:
                wire.cut()

    def run(self) -> Result:
        try:
            if is_local(self._item.link.url):
                return self._local()
            return self._remote()
        except (errors.MLHubException, Interrupted):
            raise
        except piece.StartOver as error:
            raise errors.RemoteChanged(f"{self._item.name} changed while it was fetched: {error}") from error
        except Exception as error:
            raise trouble(error, self._store) from error
        finally:
            for wire in self._wires:
                wire.close()

    def _local(self) -> Result:
        with opened(self._item.link.url, self._stop) as original:
            if (there := self._there(original.size)) is not None:
                return there
            return self._send(Remote(original.size), _read_local(original))

    def _remote(self) -> Result:
        wire = self._wire()
        with wire.ask("GET", {"Range": f"bytes=0-{PART - 1}"}) as response:
            if response.status_code != 416:  # what an empty file answers, RFC 9110, section 14.4
                version, body = self._opened(response, wire)
                # In a content coding it is fetched as a whole: the bytes of a range could not be decoded.
                coded = content_coding.codings(response.headers)
                if not coded and (there := self._there(version.total)) is not None:
                    return there
                if response.status_code == 200:
                    return self._send_whole(response, version, body)
                span = content_range(response.headers.get("content-range"))
                if not coded and span is not None and span.first == 0 and span.last is not None:
                    first = span.last + 1
                    if first == version.total or (version.total is not None and version.spliceable):
                        return self._send(version, self._ranges(response, body, version, first))
        try:
            return self._whole(wire, {})  # ranges of two versions could not be told apart
        except content_coding.Undecodable:
            return self._whole(wire, content_coding.IDENTITY)

    def _whole(self, wire: Wire, headers: Mapping[str, str]) -> Result:
        with wire.ask("GET", headers) as response:
            return self._send_whole(response, *self._opened(response, wire))

    def _send_whole(self, response: httpx.Response, version: Remote, body: Body) -> Result:
        """Bring a file that comes in one answer to the store, without the content codings it came with."""
        pieces = self._stream(body)
        first, undone = bytearray(), tuple[str, ...]()
        if found := content_coding.codings(response.headers):
            first, expected = next(pieces, first), self._item.wish.expected
            start = bytes(first[: content_checks.START])
            undone = content_coding.to_undo(found, expected, start, version.total)
        if undone:
            decoded = self._stream(DecodedBody(body, undone, bytes(first), version.digests))
            return self._send(replace(version, total=None, digests=()), decoded, decoded=True)
        if (there := self._there(version.total)) is not None:
            return there
        return self._send(version, chain([first] if first else [], pieces))

    def _opened(self, response: httpx.Response, wire: Wire) -> tuple[Remote, Body]:
        """Return what an answer says of the file, and its body; raise what it means that is not the file."""
        refuse(response, self._item.name, page=True)
        version = remote(response.status_code, response.headers)
        return version, Body(response, wire, self._kit.tuning.tick)

    def _there(self, total: int | None) -> Result | None:
        """Return the result where the object that is there is the server's, by its size."""
        item = self._item
        if item.there is None or item.wish.if_exists is IfExists.OVERWRITE:
            return None
        if compared(item, total):
            return item.there_already(item.there)
        raise errors.FileConflict(f"another file {item.name} is there")

    def _send(self, version: Remote, pieces: Iterator[bytes | bytearray], *, decoded: bool = False) -> Result:
        """Write the pieces, and have them be there if they are what they should be."""
        total = version.total
        self._live.total = total
        self._live.enter(State.DOWNLOADING)
        digests = (*version.digests, *self._item.wish.digests)
        check = _Check(self._item, digests, total, framed=decoded or total is not None)
        first = next(pieces, b"")
        if total is not None and len(first) == total:
            check.feed(first)
            check.finish(total)
            self._store.put(self._item.target, bytes(first)).result()
            return Result(self._item.wish.key, len(first))
        block = max(PART, -(-(total or 0) // _PARTS))
        writer = self._store.writer(self._item.target, block)
        try:
            size = self._write(writer, first, pieces, check)
            check.finish(total)
            if self._stop.is_set():
                raise Interrupted
            writer.commit()
        except BaseException:
            writer.discard()
            raise
        return Result(self._item.wish.key, size)

    def _write(
        self, writer: Writer, first: bytes | bytearray, pieces: Iterator[bytes | bytearray], check: _Check
    ) -> int:
        size, data = 0, first
        while data:
            check.feed(data)
            writer.write(data)
            size += len(data)
            data = next(pieces, b"")
        return size

    def _ranges(
        self, response: httpx.Response, body: Body, version: Remote, first: int
    ) -> Iterator[bytearray]:
        """Yield the file's ranges in their order, some of them fetched ahead."""
        assert version.total is not None
        yield self._fill(body, first)
        response.close()
        starts = iter(range(first, version.total, PART))
        flying: deque[Future[bytearray]] = deque()
        with ThreadPoolExecutor(self._window, "ranges") as pool:
            try:
                while True:
                    while len(flying) < self._window and (start := next(starts, None)) is not None:
                        last = min(start + PART, version.total) - 1
                        flying.append(pool.submit(self._range, version, start, last))
                    if not flying:
                        return
                    yield flying.popleft().result()
            finally:
                if flying:
                    self.abort()  # nobody wants the others any more

    def _range(self, version: Remote, first: int, last: int) -> bytearray:
        """Return a range, tried again where the server fails."""
        tries = 0
        while True:
            tries += 1
            try:
                with self._borrowed() as wire:
                    return self._one_range(wire, version, first, last)
            except _PASSING as error:
                if tries >= _TRIES:
                    raise
                if self._stop.wait(self._kit.patience.delay(tries, error.retry_after)):
                    raise Interrupted from error

    def _one_range(self, wire: Wire, version: Remote, first: int, last: int) -> bytearray:
        with wire.ask("GET", piece.headers(version, first, last)) as response:
            refuse(response, self._item.name, page=True)
            if response.status_code != 206 or content_coding.codings(response.headers):
                raise piece.StartOver("the server gives no ranges any more")
            if piece.check(response, version, first) != last + 1:
                raise piece.StartOver("the server sent another range")
            return self._fill(Body(response, wire, self._kit.tuning.tick), last - first + 1)

    def _stream(self, body: Body) -> Iterator[bytearray]:
        """Yield a body that comes as a whole."""
        while data := self._fill(body, PART, short=True):
            yield data

    def _fill(self, body: Body, count: int, *, short: bool = False) -> bytearray:
        """Return so many bytes of a body; fewer at its end, if they may be."""
        buffer, at = bytearray(count), 0
        view, pace, limit = memoryview(buffer), Pace(self._kit.tuning, 0), self._kit.line.limit
        while at < count:
            got = body.readinto(view[at : at + limit.share(count - at)])
            if got == 0:
                break
            if got:
                at += got
                with self._lock:
                    self._live.wrote(self._live.done + got)
                _pay(body, limit, got, pace)
            pace.check(at)
        view.release()
        if at < count:
            if not short:
                raise errors.ServerUnreachable(f"{count - at} bytes of a range did not come")
            del buffer[at:]
        return buffer

    def _wire(self) -> Wire:
        link: Link = self._item.link
        wire = Wire(link, self._kit.tuning, self._stop, self._kit.tls, page=self._item.wish.page)
        with self._lock:
            self._wires.add(wire)
        return wire

    @contextmanager
    def _borrowed(self) -> Iterator[Wire]:
        """Give a connection that nobody else uses, kept for the next range."""
        with self._lock:
            wire = self._idle.pop() if self._idle else None
        wire = wire or self._wire()
        try:
            yield wire
        finally:
            with self._lock:
                self._idle.append(wire)


class _Check:
    """Follows a file piece by piece by all that is known of it."""

    def __init__(self, item: Item, digests: Sequence[Digest], total: int | None, *, framed: bool) -> None:
        self._item = item
        self._digests = digests
        self._hashes = [new_hash(digest.algorithm) for digest in digests]
        self._total = total
        self._framed = framed
        self._gzip = Gzip(item.name) if item.wish.expected.gzip and not framed else None
        self._size = 0

    def feed(self, data: bytes | bytearray) -> None:
        """Take the next piece; UnexpectedAnswer if the first one is of something else."""
        if not self._size:
            expected, start = self._item.wish.expected, bytes(data[: content_checks.START])
            if kind := content_checks.contradiction(expected, start, self._total):
                raise content_checks.refused(expected, kind, start, self._total)
        self._size += len(data)
        for known in self._hashes:
            known.update(memoryview(data))
        if self._gzip is not None:
            self._gzip.feed(memoryview(data))

    def finish(self, total: int | None) -> None:
        """Raise VerificationFailed or ServerUnreachable unless that was the file."""
        wanted = self._item.wish.size if total is None and not self._framed else total
        if wanted is not None and self._size < wanted:
            words = f"{self._size:,} of {wanted:,} bytes came before the connection ended"
            raise errors.ServerUnreachable(words, hint="the server announces no length: retry starts over")
        compare(self._digests, self._hashes)
        if self._gzip is not None:
            self._gzip.finish()


class _Drain:
    """Takes what is copied from this machine piece by piece, as a part file would."""

    def __init__(self) -> None:
        self.data = b""

    def clone(self, _: int) -> bool:
        return False

    def take(self, *_: int) -> int:
        return 0

    def write(self, _: int, data: memoryview) -> None:
        self.data = bytes(data)


def _read_local(original: Any) -> Iterator[bytes]:
    drain = _Drain()
    for _ in original.into(cast(Part, drain), PART):
        yield drain.data
    if original.changed():
        raise errors.RemoteChanged("the file changed while it was copied")


def _pay(body: Body, limit: Limit, count: int, pace: Pace) -> None:
    if limit.rate is None:
        return
    due = limit.book(count)
    while not limit.wait(due, pace.tick):
        pace.excuse()
        body.check_cut()
