"""Object store as the output of a batch: small files are put several at a time, large ones in parts.

A large file comes in ranges, several of them fetched ahead, and is sent on in their order, without a copy on
this machine; what does not come in ranges goes through a temporary file. A cancellation leaves nothing of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import sys
import tempfile
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import errors, text
from ..concurrency import in_thread_to_end
from ..content import GZIP_MAGIC, START
from ..errors import MLHubException
from ..http.credentials import CookieJar, is_local
from ..http.errors import PASSING, ConnectionLost
from ..http.exchange import Exchange
from ..http.representation import BodyCollector, Inflater, codings, parse_content_range
from ..http.versions import Checksum, HashingSink, RemoteVersion, remote_version
from ..options import IfExists
from . import content_checks
from .config import TransferContext, TransferPhase, TransferProgress
from .engine import TransferCancelled
from .local_files import open_local
from .part_file import RestartRequired
from .resumption import validate_range
from .single_file import NO_RANGE, fetch_file
from .work_source import FileRequest, FileResult, FileTask, OutputCallbacks, OutputFile

PART = 8 << 20
"""Bytes of a part: a store takes 5 MB at least (Amazon S3 User Guide, "Multipart upload limits") ..."""
_PARTS = 9000
"""... and 10,000 parts at most."""
_WINDOW = 4  # ranges in memory
_TRIES = 4  # of a range, before all is restarted
_FILES = 16  # of a shard on their way: what is fetched again where a worker dies


@dataclass(slots=True)
class Budget:
    """Bytes that all shards of a worker hold together, waiting to be put; of the engine's loop alone."""

    most: int = 64 << 20
    held: int = 0


class _Body(BodyCollector):
    """A body in memory, as an object is put whole."""

    @property
    def size(self) -> int:
        return len(self.data)

    def discard(self) -> None:
        self.data.clear()


class ObjectStoreOutput:
    """Output backend of a folder of a store.

    - `store`: The cluster's `ObjectStore`, which imports this package.
    - `check`: Whether some files may be there; else nothing is asked of the store before a file is put.
    - `budget`: What may be held in memory.
    - `connections`: To fetch one large file with.
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
        return self._budget.held >= self._budget.most or self._away >= _FILES or self._store.waits

    async def examine(self, requests: Sequence[FileRequest]) -> Sequence[FileTask | FileResult]:
        """Look up the existing objects of all requests in the store, at the same time."""
        return await in_thread_to_end(lambda: self._examine(requests)) if requests else ()

    def _examine(self, requests: Sequence[FileRequest]) -> Sequence[FileTask | FileResult]:
        found: list[FileTask | FileResult] = []
        asked: list[tuple[int, FileTask, Future[int | None]]] = []
        for request in requests:
            try:
                target, origin = self._store.path(request.path), request.link.origin
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

    def begin(self, settle: Callable[[Sequence[FileResult]], None], callbacks: OutputCallbacks) -> None:
        """Begin a run."""
        self._settle, self._callbacks = settle, callbacks

    def create(self, task: FileTask) -> _Body:
        """Return a body in memory."""
        return _Body(sys.maxsize)

    def store(self, task: FileTask, file: OutputFile) -> None:
        """Put an object."""
        assert isinstance(file, _Body)
        size = file.size
        self._budget.held += size
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

    flush = tick

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
        try:
            return await _LargeFile(task, self._store, context, progress, window).run()
        except (MLHubException, TransferCancelled):
            raise
        except Exception as error:
            raise self._store.translate(error) from error

    def _stored(self, task: FileTask, size: int, future: Future[None]) -> None:
        self._away -= 1
        self._budget.held -= size
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
        """Record the waiting results in a thread, until none are left."""
        while self._results:
            results, self._results = self._results, []
            try:
                await in_thread_to_end(lambda results=results: self._settle(results))  # type: ignore[misc]
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


class _LargeFile:
    """Brings one large or local file into a store; all of it belongs to the engine's loop."""

    def __init__(
        self, task: FileTask, store: Any, context: TransferContext, progress: TransferProgress, window: int
    ) -> None:
        self._task, self._store, self._context, self._progress = task, store, context, progress
        self._window = window
        self._cookies = CookieJar()

    async def run(self) -> FileResult:
        if is_local(self._task.link.url):
            return await self._copied(self._task.link.url, self._task.request.checksums)
        doubted = NO_RANGE | {202}  # some answer so to each range, and give the whole file
        async with self._exchange({"Range": f"bytes=0-{PART - 1}"}, doubted) as exchange:
            response = exchange.response
            version = remote_version(response)
            span = parse_content_range(response.headers.get("content-range"))
            # In a content coding it is fetched as a whole: the bytes of a range could not be decoded.
            plain = response.status not in doubted and not codings(response.headers)
            if plain and (there := self._there(version.total)) is not None:
                return there
            ranged = response.status == 206 and span is not None and span.first == 0 and plain
            if ranged and span is not None and span.last is not None and version.total is not None:
                first = span.last + 1
                if first == version.total or version.is_identifiable:  # else two versions look alike
                    try:
                        return await self._send(version, self._ranges(exchange, version, first))
                    except (RestartRequired, errors.RequestError) as doubt:
                        if isinstance(doubt, errors.RequestError) and not self._needs_whole(doubt):
                            raise
                        self._progress.log(f"the rest is not to be had ({doubt}): requests the whole file")
                        self._progress.wrote(0)
        return await self._through_a_file()

    def _needs_whole(self, error: errors.RequestError) -> bool:
        """Return whether a range was refused, or the server failed at it, where the whole file may be had."""
        return error.status is not None and error.status not in (408, 425, 429, 503)

    async def _copied(self, url: str, checksums: tuple[Checksum, ...] = ()) -> FileResult:
        """Send a file of this machine, which has been verified unless there are checksums for it."""
        stop = threading.Event()

        def work() -> FileResult:
            with open_local(url, stop) as original:
                if (there := self._there(original.size)) is not None:
                    return there
                with _ObjectUpload(self._task, self._store, original.size, checksums) as upload:
                    for data in original.chunks(PART):
                        upload.write(data)
                    if original.changed:
                        raise errors.RemoteChanged("the file changed while it was copied")
                    return upload.commit()

        return await in_thread_to_end(work, stop=stop.set)

    async def _through_a_file(self) -> FileResult:
        """Fetch what does not come in ranges to a temporary file: it begins again where it breaks off."""
        with tempfile.TemporaryDirectory(prefix="mlhub-tui-", ignore_cleanup_errors=True) as folder:
            target = Path(folder) / self._task.name
            spec = replace(self._task.spec(target), if_exists=IfExists.RESUME)
            await fetch_file(spec, self._context, self._progress, holds_slot=True)
            return await self._copied(target.as_uri())

    def _exchange(self, headers: Mapping[str, str], allowed: frozenset[int] = frozenset()) -> Exchange:
        task = self._task
        return self._context.exchange(task.link, task.name, headers, self._cookies, allowed)

    def _there(self, total: int | None) -> FileResult | None:
        """Return the result where the object that is there is the server's, by its size."""
        task = self._task
        if task.existing is None or task.request.if_exists is IfExists.OVERWRITE or total is None:
            return None
        if task.existing == total:
            return task.already_there(total)
        sizes = "{} here, {} on the server".format(*text.sizes(task.existing, total))
        raise errors.FileConflict(f"another file {task.name} is there ({sizes})")

    async def _send(self, version: RemoteVersion, pieces: AsyncGenerator[bytearray, None]) -> FileResult:
        """Write the pieces, and have the object be there if it is what it should be."""
        self._progress.total = version.total
        self._progress.enter(TransferPhase.DOWNLOADING)
        known = (*version.checksums, *self._task.request.checksums)
        upload = _ObjectUpload(self._task, self._store, version.total, known)
        try:
            async with contextlib.aclosing(pieces) as coming:
                async for data in coming:
                    await in_thread_to_end(functools.partial(upload.write, data))
            return await in_thread_to_end(upload.commit)
        except BaseException:
            await in_thread_to_end(upload.discard)
            raise

    async def _ranges(
        self, exchange: Exchange, version: RemoteVersion, first: int
    ) -> AsyncGenerator[bytearray, None]:
        """Yield the file's ranges in their order, some of them fetched ahead."""
        assert version.total is not None
        yield await self._collected(exchange, first)
        flying: deque[asyncio.Task[bytearray]] = deque()
        try:
            for start in range(first, version.total, PART):
                last = min(start + PART, version.total) - 1
                flying.append(asyncio.create_task(self._range(version, start, last)))
                if len(flying) == self._window:
                    yield await flying.popleft()
            while flying:
                yield await flying.popleft()
        finally:
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)

    async def _range(self, version: RemoteVersion, first: int, last: int) -> bytearray:
        """Return a range, requested again where the server fails."""
        for tries in itertools.count(1):
            try:
                async with self._exchange(version.range_headers(first, last)) as exchange:
                    response = exchange.response
                    if response.status != 206 or codings(response.headers):
                        raise RestartRequired("the server gives no ranges any more")
                    if validate_range(response, version, first) != last + 1:
                        raise RestartRequired("the server sent another range")
                    return await self._collected(exchange, last - first + 1)
            except PASSING as error:
                if tries >= _TRIES:
                    raise
                await asyncio.sleep(self._context.retries.delay(tries, error.retry_after))
        raise AssertionError  # the count has no end

    async def _collected(self, exchange: Exchange, count: int) -> bytearray:
        """Return so many bytes of a body."""
        sink = _RangeSink(count, self._progress)
        await exchange.pour(sink)
        if len(sink.data) < count:
            raise ConnectionLost(f"{count - len(sink.data)} bytes of a range did not come")
        return sink.data


class _RangeSink(BodyCollector):
    """Collects a range, and shows it."""

    def __init__(self, count: int, progress: TransferProgress) -> None:
        super().__init__(count)
        self._progress = progress

    def write(self, view: memoryview, /) -> None:
        """Take the bytes."""
        super().write(view)
        self._progress.wrote(self._progress.done + len(view))


class _ObjectUpload:
    """Writes an object of known size, if it is what it should be; a small one at once; blocks."""

    def __init__(
        self, task: FileTask, store: Any, total: int | None, checksums: tuple[Checksum, ...] = ()
    ) -> None:
        self._task, self._store, self._total = task, store, total or 0
        self._sums, self._of_content = HashingSink(checksums), HashingSink(task.request.checksums)
        self._inflater: Inflater | None = None  # the catalog may have the sums of what a gzip file contains
        self._first: bytes | bytearray = b""
        self._writer: Any = None
        self._size = 0

    def __enter__(self) -> _ObjectUpload:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.discard()

    def write(self, data: bytes | bytearray) -> None:
        """Write the next piece; UnexpectedAnswer if the first one is of something else."""
        if not self._size:
            expected, start = self._task.request.expected, bytes(data[:START])
            if kind := content_checks.contradiction(expected, start, self._total):
                raise content_checks.refused(expected, kind, start, self._total)
            if self._task.request.checksums and start.startswith(GZIP_MAGIC):
                self._inflater = Inflater("gzip")
        self._size += len(data)
        self._sums.write(memoryview(data))
        if self._inflater is not None:
            try:
                for piece in self._inflater.pieces(bytes(data)):
                    self._of_content.write(memoryview(piece))
            except errors.VerificationFailed:
                self._inflater = None  # no gzip data after all
        if self._writer is None and not self._first:
            self._first = data
        else:
            self._begun().write(data)

    def commit(self) -> FileResult:
        """Have the object be there; VerificationFailed or ConnectionLost unless that was the file."""
        if not self._size:
            self.write(b"")
        if self._size < self._total:
            raise ConnectionLost(f"{self._size:,} of {self._total:,} bytes came")
        whole = self._inflater is not None and self._inflater.whole
        self._sums.verify(self._of_content if whole else None)
        if self._writer is None:
            self._store.put(self._task.target, bytes(self._first)).result()
        else:
            self._writer.commit()
        return FileResult(self._task.request.key, self._size)

    def discard(self) -> None:
        """Give it up."""
        if self._writer is not None:
            self._writer.discard()

    def _begun(self) -> Any:
        if self._writer is None:
            self._writer = self._store.writer(self._task.target, max(PART, -(-self._total // _PARTS)))
            self._writer.write(self._first)
        return self._writer
