"""Object store as the output of a batch: small files are put several at a time, large ones in parts.

A large file comes in ranges, several of them fetched ahead, and is sent on in their order, without a copy on
this machine; a cancellation leaves nothing of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from .. import errors
from ..errors import MLHubException
from ..http.connection import BodySink, Response
from ..http.cookies import CookieJar
from ..http.decoding import BodyCollector, DecodingSink, codings, decoder
from ..http.exchange import Exchange
from ..http.link import is_local
from ..http.response_headers import RemoteVersion, parse_content_range, remote_version
from ..options import IfExists
from . import content_checks
from .checksums import HashingSink, compare, new_hash, verifiable
from .config import TransferContext, TransferPhase, TransferProgress
from .engine import TransferCancelled, in_thread
from .limits import Throttle
from .parallel import range_headers, validate_range
from .part_file import RestartRequired
from .work_source import FileRequest, FileResult, FileTask, OutputCallbacks, OutputFile, origin_of

PART = 8 << 20
"""Bytes of a part: a store takes 5 MB at least (Amazon S3 User Guide, "Multipart upload limits") ..."""
_PARTS = 9000
"""... and 10,000 parts at most."""
_WINDOW = 4  # ranges in memory
_TRIES = 4  # of a range, before all is restarted
_PASSING = (errors.ServerUnreachable, errors.ServerTimeout, errors.ServerError)
_MAX_HELD = 64 << 20  # bytes
_FILES = 16  # of a shard on their way: what is fetched again where a worker dies


class Budget:
    """Bytes that all shards of a worker hold together, waiting to be put."""

    def __init__(self, most: int = _MAX_HELD) -> None:
        self._lock = threading.Lock()
        self._most, self._held = most, 0

    @property
    def full(self) -> bool:
        """Whether no more is to be requested for now."""
        return self._held >= self._most

    def take(self, count: int) -> None:
        """Hold bytes, or release them if `count` is negative."""
        with self._lock:
            self._held += count


class _Body:
    """A body in memory, as an object is put whole."""

    def __init__(self) -> None:
        self.data = bytearray()

    @property
    def size(self) -> int:
        return len(self.data)

    def write(self, view: memoryview, /) -> None:
        self.data += view

    def discard(self) -> None:
        self.data.clear()


class ObjectStoreOutput:
    """Output backend of a folder of a store.

    Parameters
    ----------
    store
        The cluster's `ObjectStore`, which imports this package.
    check
        Whether some of the files may be there; else nothing is asked of the store before a file is put.
    budget
        What may be held in memory.
    connections
        To fetch one large file with.
    """

    def __init__(self, store: Any, *, check: bool, budget: Budget, connections: int) -> None:
        self._store, self._check, self._budget, self._connections = store, check, budget, connections
        self._away = 0
        self._results: list[FileResult] = []
        self._recording: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._broken = False

    @property
    def full(self) -> bool:
        """Whether enough is on its way to the store, or the store is busy."""
        return self._budget.full or self._away >= _FILES or self._store.waits

    def examine(self, requests: Sequence[FileRequest]) -> Sequence[FileTask | FileResult]:
        """Ask the store for what is there, of all requests at the same time."""
        found: list[FileTask | FileResult] = []
        asked: list[tuple[int, FileTask, Future[int | None]]] = []
        for request in requests:
            try:
                target, origin = self._store.path(request.path), origin_of(request.link)
            except MLHubException as error:
                found.append(FileResult(request.key, error=error))
                continue
            task = FileTask(request, target, origin, request.link)
            if self._check and request.if_exists is not IfExists.OVERWRITE:
                asked.append((len(found), task, self._store.size(target)))
            found.append(task)
        for place, task, future in asked:
            try:
                task.existing = future.result()
            except Exception as error:
                found[place] = task.failed(self._store.translate(error))
                continue
            skips = task.request.if_exists is IfExists.SKIP or task.existing == task.request.size
            if task.existing is not None and skips:
                found[place] = task.already_there(task.existing)
        return found

    def existing(self, task: FileTask) -> bytes:
        """Return the object that is there."""
        return bytes(self._store.read(task.target))

    def begin(self, settle: Callable[[Sequence[FileResult]], None], callbacks: OutputCallbacks) -> None:
        """Begin a run."""
        self._settle, self._callbacks = settle, callbacks

    def create(self, task: FileTask) -> _Body:
        """Return a body in memory."""
        return _Body()

    def store(self, task: FileTask, file: OutputFile) -> None:
        """Put an object."""
        assert isinstance(file, _Body)
        size = file.size
        self._budget.take(size)
        self._away += 1
        future = self._store.put(task.target, bytes(file.data))
        file.discard()
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._stored, task, size, future))

    def record(self, result: FileResult) -> None:
        """Have a result recorded."""
        self._results.append(result)
        if self._recording is None:
            self._recording = asyncio.create_task(self._record_all())

    def tick(self) -> None:
        """Do nothing: each file is recorded as soon as it is there."""

    def flush(self) -> None:
        """Do nothing: each file is recorded as soon as it is there."""

    async def aclose(self) -> None:
        """Wait until all that was put is there, and recorded."""
        while self._away or self._recording is not None:
            self._idle.clear()
            await self._idle.wait()

    async def fetch_single(
        self, task: FileTask, context: TransferContext, progress: TransferProgress
    ) -> FileResult:
        """Fetch a file in ranges, and send them on in their order."""
        window = max(1, min(_WINDOW, self._connections))
        return await _Upload(task, self._store, context, progress, window).run()

    def _stored(self, task: FileTask, size: int, future: Future[None]) -> None:
        self._away -= 1
        self._budget.take(-size)
        if (error := future.exception()) is None:
            self._store.succeeded()
            self.record(FileResult(task.request.key, size))
        elif isinstance(known := self._store.translate(error), errors.OutputFolderError):
            self._break(known)
        else:
            self._store.failed(known)
            self._callbacks.refused(task, known)
        self._callbacks.drained()
        self._idle.set()

    async def _record_all(self) -> None:
        """Record what there is, in a thread, until nothing is left."""
        while self._results:
            results, self._results = self._results, []
            try:
                await in_thread(lambda results=results: self._settle(results))  # type: ignore[misc]
            except Exception as error:
                self._break(error)
            else:
                self._callbacks.settled(results)
        self._recording = None
        self._idle.set()

    def _break(self, error: BaseException) -> None:
        if not self._broken:
            self._broken = True
            self._callbacks.broken(error)


class _Upload:
    """Brings one file into a store; all of it belongs to the engine's loop."""

    def __init__(
        self,
        task: FileTask,
        store: Any,
        context: TransferContext,
        progress: TransferProgress,
        window: int,
    ) -> None:
        self._task, self._store, self._context, self._progress = task, store, context, progress
        self._window = window
        self._cookies = CookieJar()

    async def run(self) -> FileResult:
        try:
            if is_local(self._task.link.url):
                stop = threading.Event()
                return await in_thread(lambda: self._copy_local(stop), stop=stop.set)
            return await self._fetch()
        except (MLHubException, TransferCancelled):
            raise
        except RestartRequired as error:
            raise errors.RemoteChanged(f"{self._task.name} changed while it was fetched: {error}") from error
        except Exception as error:
            raise self._store.translate(error) from error

    def _copy_local(self, stop: threading.Event) -> FileResult:
        from .local_files import open_local  # only where there are such: tarfile takes a while to import

        with open_local(self._task.link.url, stop) as original:
            if (there := self._there(original.size)) is not None:
                return there
            upload = _ObjectUpload(self._task, self._store, RemoteVersion(original.size), framed=True)
            try:
                for data in original.chunks(PART):
                    upload.write(data)
                if original.changed:
                    raise errors.RemoteChanged("the file changed while it was copied")
                return upload.commit()
            except BaseException:
                upload.discard()
                raise

    async def _fetch(self) -> FileResult:
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
                        return await self._send(version, self._ranges(exchange, version, first), framed=True)
        try:
            async with self._exchange({}) as exchange:  # ranges of two versions could not be told apart
                return await self._send_whole(exchange)
        except content_checks.Undecodable:
            async with self._exchange(content_checks.IDENTITY) as exchange:
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
        framed = bool(undone) or version.total is not None
        return await self._send(sent, self._stream(exchange, undone), framed=framed)

    def _exchange(self, headers: Mapping[str, str], allowed: frozenset[int] = frozenset()) -> Exchange:
        task = self._task
        return self._context.exchange(task.link, task.name, headers, self._cookies, allowed)

    def _there(self, total: int | None) -> FileResult | None:
        """Return the result where the object that is there is the server's, by its size."""
        task = self._task
        if task.existing is None or task.request.if_exists is IfExists.OVERWRITE:
            return None
        if task.matches(total):
            return task.already_there(task.existing)
        raise errors.FileConflict(f"another file {task.name} is there")

    async def _send(
        self, version: RemoteVersion, pieces: AsyncIterator[bytes | bytearray], *, framed: bool
    ) -> FileResult:
        """Write the pieces, and have the object be there if it is what it should be."""
        self._progress.total = version.total
        self._progress.enter(TransferPhase.DOWNLOADING)
        upload = _ObjectUpload(self._task, self._store, version, framed=framed)
        try:
            async with contextlib.aclosing(pieces) as coming:  # type: ignore[type-var]
                async for data in coming:
                    await in_thread(lambda data=data: upload.write(data))  # type: ignore[misc]
            return await in_thread(upload.commit)
        except BaseException:
            await in_thread(upload.discard)
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
        await exchange.pour(_ProgressSink(collector, self._progress, self._throttle(exchange.response)))
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
        sink = HashingSink(decoding or pieces, hashes)

        async def pour() -> None:
            try:
                await exchange.pour(_ProgressSink(sink, self._progress, self._throttle(response)))
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
            await asyncio.gather(pouring, return_exceptions=True)

    def _throttle(self, response: Response) -> Throttle:
        return Throttle(self._context.limits.bandwidth, response)


class _ProgressSink:
    """Passes a body on, shows it, and pays for it out of the bandwidth."""

    def __init__(self, sink: BodySink, progress: TransferProgress, throttle: Throttle) -> None:
        self._sink, self._progress, self._throttle = sink, progress, throttle

    def write(self, view: memoryview, /) -> None:
        """Take the bytes."""
        self._sink.write(view)
        self._progress.wrote(self._progress.done + len(view))
        self._throttle.consume(len(view))


class _PieceSink:
    """Cuts a body into pieces of a part's size, and holds it back while two of them wait."""

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
        if self._queue.qsize() >= 2:
            self._response.pause()

    def end(self) -> None:
        """Let the last piece follow, and the end."""
        if self._piece:
            self._queue.put_nowait(self._piece)
        self._queue.put_nowait(None)

    async def next(self) -> bytearray | None:
        """Return the next piece; None at the end."""
        piece = await self._queue.get()
        if self._queue.qsize() < 2:
            self._response.resume()
        return piece


class _ObjectUpload:
    """Writes an object piece by piece if it is what it should be: small ones at once; blocks.

    `framed` is whether the end of the file can be told from the end of the connection.
    """

    def __init__(self, task: FileTask, store: Any, version: RemoteVersion, *, framed: bool) -> None:
        self._task, self._store, self._total, self._framed = task, store, version.total, framed
        self._checksums = verifiable((*version.checksums, *task.request.checksums))
        self._hashes = [new_hash(each.algorithm) for each in self._checksums]
        endless = task.request.expected.gzip and not framed
        self._gzip = content_checks.Gzip(task.name) if endless else None
        self._first: bytes | bytearray = b""
        self._writer: Any = None
        self._size = 0

    def write(self, data: bytes | bytearray) -> None:
        """Write the next piece; UnexpectedAnswer if the first one is of something else."""
        if not self._size:
            expected, start = self._task.request.expected, bytes(data[: content_checks.START])
            if kind := content_checks.contradiction(expected, start, self._total):
                raise content_checks.refused(expected, kind, start, self._total)
        self._size += len(data)
        for known in self._hashes:
            known.update(memoryview(data))
        if self._gzip is not None:
            self._gzip.feed(memoryview(data))
        if self._writer is None and not self._first:
            self._first = data
        else:
            self._begun().write(data)

    def commit(self) -> FileResult:
        """Have the object be there; VerificationFailed or ServerUnreachable unless that was the file."""
        if not self._size:
            self.write(b"")
        wanted = self._total if self._framed else self._task.request.size
        if wanted is not None and self._size < wanted:
            words = f"{self._size:,} of {wanted:,} bytes came before the connection ended"
            raise errors.ServerUnreachable(words, hint="the server announces no length: retry starts over")
        compare(self._checksums, self._hashes)
        if self._gzip is not None:
            self._gzip.finish()
        if self._writer is None and self._size == len(self._first):
            self._store.put(self._task.target, bytes(self._first)).result()
        else:
            self._begun().commit()
        return FileResult(self._task.request.key, self._size)

    def discard(self) -> None:
        """Give it up."""
        if self._writer is not None:
            self._writer.discard()

    def _begun(self) -> Any:
        if self._writer is None:
            block = max(PART, -(-(self._total or 0) // _PARTS))
            self._writer = self._store.writer(self._task.target, block)
            self._writer.write(self._first)
        return self._writer
