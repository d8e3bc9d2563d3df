"""A single file from its server to a store without a copy on this machine: ranges in, parts out, in order."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from .. import errors
from ..http.connection import BodySink, Response
from ..http.credentials import CookieJar
from ..http.decoding import BodyCollector, DecodingSink, codings, decoder
from ..http.link import is_local
from ..http.response_headers import Checksum, RemoteVersion, parse_content_range, remote_version
from ..options import IfExists
from ..transfer import content_checks
from ..transfer.checksums import HashingSink, compare, new_hash, verifiable
from ..transfer.config import TransferContext
from ..transfer.content_checks import Undecodable
from ..transfer.engine import in_thread
from ..transfer.failures import RestartRequired, TransferCancelled
from ..transfer.gzip_check import Gzip
from ..transfer.limits import Throttle
from ..transfer.local_files import open_local
from ..transfer.outputs import FileTask
from ..transfer.parallel import Exchange, range_headers, validate_range
from ..transfer.progress import TransferPhase, TransferProgress
from ..transfer.work_source import FileResult
from .object_store import ObjectStore, ObjectWriter, store_error

PART = 8 << 20
"""Bytes of a part: a store takes 5 MB at least (Amazon S3 User Guide, "Multipart upload limits") ..."""
_PARTS = 9000
"""... and 10,000 parts at most."""
_WINDOW = 4  # ranges in memory
_TRIES = 4  # of a range, before all begins anew
_PASSING = (errors.ServerUnreachable, errors.ServerTimeout, errors.ServerError)


async def upload(
    task: FileTask, store: ObjectStore, context: TransferContext, progress: TransferProgress, connections: int
) -> FileResult:
    """Bring a file into a store; a cancel leaves nothing of it. On the engine's loop.

    Parameters
    ----------
    connections
        To the file's server, at most.

    Raises
    ------
    MLHubException
        What went wrong, of the server or the store.
    """
    return await _Upload(task, store, context, progress, max(1, min(_WINDOW, connections))).run()


class _Upload:
    """One file; all of it belongs to the engine's loop."""

    def __init__(
        self,
        task: FileTask,
        store: ObjectStore,
        context: TransferContext,
        progress: TransferProgress,
        window: int,
    ) -> None:
        self._task = task
        self._store = store
        self._context = context
        self._progress = progress
        self._window = window
        self._cookies = CookieJar()

    async def run(self) -> FileResult:
        try:
            if is_local(self._task.link.url):
                stop = threading.Event()
                return await in_thread(lambda: self._copy_local(stop), stop=stop.set)
            return await self._remote()
        except (errors.MLHubException, TransferCancelled):
            raise
        except RestartRequired as error:
            raise errors.RemoteChanged(f"{self._task.name} changed while it was fetched: {error}") from error
        except Exception as error:
            raise store_error(error, self._store) from error

    def _copy_local(self, stop: threading.Event) -> FileResult:
        with open_local(self._task.link.url, stop) as original:
            if (there := self._there(original.size)) is not None:
                return there
            upload = _ObjectWriter(self, RemoteVersion(original.size), decoded=False)
            try:
                for data in original.chunks(PART):
                    upload.write(data)
                if original.changed:
                    raise errors.RemoteChanged("the file changed while it was copied")
                return upload.commit()
            except BaseException:
                upload.discard()
                raise

    async def _remote(self) -> FileResult:
        async with self._exchange({"Range": f"bytes=0-{PART - 1}"}, frozenset({416})) as exchange:
            response = exchange.response
            if response.status != 416:  # what an empty file answers, RFC 9110, section 14.4
                version = remote_version(response)
                # In a content coding it is fetched as a whole: the bytes of a range could not be decoded.
                coded = codings(response.headers)
                if not coded and (there := self._there(version.total)) is not None:
                    return there
                if response.status == 200:
                    return await self._send_whole(exchange)
                span = parse_content_range(response.headers.get("content-range"))
                if not coded and span is not None and span.first == 0 and span.last is not None:
                    first = span.last + 1
                    if first == version.total or (version.total is not None and version.is_identifiable):
                        return await self._send(version, self._ranges(exchange, version, first))
        try:
            return await self._whole({})  # ranges of two versions could not be told apart
        except Undecodable:
            return await self._whole(content_checks.IDENTITY)

    async def _whole(self, headers: Mapping[str, str]) -> FileResult:
        async with self._exchange(headers) as exchange:
            return await self._send_whole(exchange)

    async def _send_whole(self, exchange: Exchange) -> FileResult:
        """Bring a file that comes in one response to the store, without the content codings it came with."""
        response, expected = exchange.response, self._task.request.expected
        version, start = remote_version(response), bytes(exchange.first[: content_checks.START])
        found = codings(response.headers)
        undone = content_checks.to_undo(found, expected, start, version.total) if found else ()
        if not undone and (there := self._there(version.total)) is not None:
            return there
        sent = replace(version, total=None, checksums=()) if undone else version
        return await self._send(sent, self._stream(exchange, undone), decoded=bool(undone))

    def _exchange(self, headers: Mapping[str, str], allowed: frozenset[int] = frozenset()) -> Exchange:
        task = self._task
        return Exchange(self._context, task.link, task.name, headers, self._cookies, allowed=allowed)

    def _there(self, total: int | None) -> FileResult | None:
        """Return the result where the object that is there is the server's, by its size."""
        task = self._task
        if task.existing is None or task.request.if_exists is IfExists.OVERWRITE:
            return None
        if task.matches(total):
            return task.already_there(task.existing)
        raise errors.FileConflict(f"another file {task.name} is there")

    async def _send(
        self, version: RemoteVersion, pieces: AsyncIterator[bytes | bytearray], *, decoded: bool = False
    ) -> FileResult:
        """Write the pieces, and have the object be there if it is what it should be."""
        self._progress.total = version.total
        self._progress.enter(TransferPhase.DOWNLOADING)
        writer = _ObjectWriter(self, version, decoded=decoded)
        try:
            async with contextlib.aclosing(pieces) as coming:  # type: ignore[type-var]
                async for data in coming:
                    await in_thread(lambda data=data: writer.write(data))  # type: ignore[misc]
            return await in_thread(writer.commit)
        except BaseException:
            await in_thread(writer.discard)
            raise

    async def _ranges(
        self, exchange: Exchange, version: RemoteVersion, first: int
    ) -> AsyncIterator[bytes | bytearray]:
        """Yield the file's ranges in their order, some of them fetched ahead."""
        assert version.total is not None
        yield await self._collected(exchange, first)
        starts = iter(range(first, version.total, PART))
        flying: deque[asyncio.Task[bytearray]] = deque()
        try:
            while True:
                while len(flying) < self._window and (start := next(starts, None)) is not None:
                    last = min(start + PART, version.total) - 1
                    flying.append(asyncio.create_task(self._range(version, start, last)))
                if not flying:
                    return
                yield await flying.popleft()
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    async def _range(self, version: RemoteVersion, first: int, last: int) -> bytearray:
        """Return a range, requested again where the server fails."""
        tries = 0
        while True:
            tries += 1
            try:
                async with self._exchange(range_headers(version, first, last)) as exchange:
                    response = exchange.response
                    if response.status != 206 or codings(response.headers):
                        raise RestartRequired("the server gives no ranges any more")
                    if validate_range(response, version, first) != last + 1:
                        raise RestartRequired("the server sent another range")
                    return await self._collected(exchange, last - first + 1)
            except _PASSING as error:
                if tries >= _TRIES:
                    raise
                await asyncio.sleep(self._context.retries.delay(tries, error.retry_after))

    async def _collected(self, exchange: Exchange, count: int) -> bytearray:
        """Return so many bytes of a body."""
        collector = BodyCollector(count)
        await exchange.pour(self._paid(collector, exchange.response))
        if len(collector.data) < count:
            raise errors.ServerUnreachable(f"{count - len(collector.data)} bytes of a range did not come")
        return collector.data

    async def _stream(self, exchange: Exchange, undone: tuple[str, ...]) -> AsyncIterator[bytearray]:
        """Yield a body that comes as a whole, held back while the store takes its time."""
        response = exchange.response
        pieces = _PieceSink(response)
        announced = verifiable(remote_version(response).checksums) if undone else ()
        hashes = [new_hash(each.algorithm) for each in announced]
        decoding = DecodingSink(pieces, decoder(undone)) if undone else None
        sink = HashingSink(decoding or pieces, hashes) if hashes else decoding or pieces

        async def pour() -> None:
            try:
                await exchange.pour(self._paid(sink, response))
                if decoding is not None:
                    decoding.finish()
                    compare(announced, hashes)
            finally:
                pieces.end()

        pouring = asyncio.create_task(pour())
        try:
            while (piece := await pieces.next()) is not None:
                yield piece
            await pouring
            if not response.complete:
                raise errors.ServerUnreachable("the connection ended without the end of the file")
        finally:
            pouring.cancel()
            await asyncio.wait({pouring})
            if not pouring.cancelled():
                pouring.exception()  # seen

    def _paid(self, sink: BodySink, response: Response) -> BodySink:
        return _ProgressSink(sink, self._progress, Throttle(self._context.limits.bandwidth, response))


class _ProgressSink:
    """Passes a body on, shows it, and pays for it out of the bandwidth."""

    def __init__(self, sink: BodySink, progress: TransferProgress, throttle: Throttle) -> None:
        self._sink = sink
        self._progress = progress
        self._throttle = throttle

    def write(self, view: memoryview, /) -> None:
        """Take the bytes."""
        self._sink.write(view)
        self._progress.wrote(self._progress.done + len(view))
        self._throttle.consume(len(view))


class _PieceSink:
    """Cuts a body into pieces of a part's size, and holds it back while enough of them wait."""

    _MOST = 2

    def __init__(self, response: Response) -> None:
        self._response = response
        self._piece = bytearray()
        self._queue: asyncio.Queue[bytearray | None] = asyncio.Queue()

    def write(self, view: memoryview, /) -> None:
        """Take the bytes."""
        while view:
            room = PART - len(self._piece)
            self._piece += view[:room]
            view = view[room:]
            if len(self._piece) >= PART:
                self._queue.put_nowait(self._piece)
                self._piece = bytearray()
        if self._queue.qsize() >= self._MOST:
            self._response.pause()

    def end(self) -> None:
        """Let the last piece follow, and the end."""
        if self._piece:
            self._queue.put_nowait(self._piece)
        self._queue.put_nowait(None)

    async def next(self) -> bytearray | None:
        """Return the next piece; None at the end."""
        piece = await self._queue.get()
        if self._queue.qsize() < self._MOST:
            self._response.resume()
        return piece


class _ObjectWriter:
    """Writes an object piece by piece if it is what it should be: small ones at once; blocks."""

    def __init__(self, upload: _Upload, version: RemoteVersion, *, decoded: bool) -> None:
        self._task = upload._task
        self._store = upload._store
        self._total = version.total
        checksums = verifiable((*version.checksums, *self._task.request.checksums))
        self._check = _Check(
            self._task, checksums, version.total, framed=decoded or version.total is not None
        )
        self._first: bytes | bytearray = b""
        self._writer: ObjectWriter | None = None
        self._size = 0

    def write(self, data: bytes | bytearray) -> None:
        """Write the next piece."""
        self._check.feed(data)
        self._size += len(data)
        if self._writer is None and not self._first:
            self._first = data
            return
        self._begun().write(data)

    def commit(self) -> FileResult:
        """Check the end, and have the object be there."""
        if not self._size:
            self._check.feed(b"")
        self._check.finish(self._total)
        if self._writer is None and self._size == len(self._first):
            self._store.put(self._task.target, bytes(self._first)).result()
        else:
            self._begun().commit()
        return FileResult(self._task.request.key, self._size)

    def discard(self) -> None:
        """Give it up."""
        if self._writer is not None:
            self._writer.discard()

    def _begun(self) -> ObjectWriter:
        if self._writer is None:
            block = max(PART, -(-(self._total or 0) // _PARTS))
            self._writer = self._store.writer(self._task.target, block)
            self._writer.write(self._first)
        return self._writer


class _Check:
    """Follows a file piece by piece by all that is known of it."""

    def __init__(
        self, task: FileTask, checksums: Sequence[Checksum], total: int | None, *, framed: bool
    ) -> None:
        self._task = task
        self._checksums = checksums
        self._hashes = [new_hash(each.algorithm) for each in checksums]
        self._total = total
        self._framed = framed
        self._gzip = Gzip(task.name) if task.request.expected.gzip and not framed else None
        self._size = 0

    def feed(self, data: bytes | bytearray) -> None:
        """Take the next piece; UnexpectedAnswer if the first one is of something else."""
        if not self._size:
            expected, start = self._task.request.expected, bytes(data[: content_checks.START])
            if kind := content_checks.contradiction(expected, start, self._total):
                raise content_checks.refused(expected, kind, start, self._total)
        self._size += len(data)
        for known in self._hashes:
            known.update(memoryview(data))
        if self._gzip is not None:
            self._gzip.feed(memoryview(data))

    def finish(self, total: int | None) -> None:
        """Raise VerificationFailed or ServerUnreachable unless that was the file."""
        wanted = self._task.request.size if total is None and not self._framed else total
        if wanted is not None and self._size < wanted:
            words = f"{self._size:,} of {wanted:,} bytes came before the connection ended"
            raise errors.ServerUnreachable(words, hint="the server announces no length: retry starts over")
        compare(self._checksums, self._hashes)
        if self._gzip is not None:
            self._gzip.finish()
