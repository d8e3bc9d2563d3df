"""Batch downloads: all files of a work source over several connections, each of them verified.

A slot requests one file after the other; its body goes from the connection's buffer into the part file. What
is large, local, or cannot be decoded on the way is fetched as a single file, which resumes.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any

from .. import errors, text
from ..errors import MLHubException, UnexpectedAnswer
from ..http.connection import BodySink, Response
from ..http.decoding import BodyCollector, codings, decoded
from ..http.errors import BodyNotWanted, ConnectionLost
from ..http.response_headers import Checksum, checksums
from ..http.status_errors import raise_for_response
from ..http.urls import address, host_label
from ..threads import in_thread_to_end, uncancelled
from . import content_checks
from .checksums import Hash, compare, new_hash, verifiable, verify_bytes
from .config import BatchConfig, TransferContext, TransferProgress
from .content_checks import ContentKind, Undecodable, recognise
from .engine import Throttle, TransferCancelled, shared_engine
from .failures import HostScheduler, RetryHandler, SharedBackoff
from .work_source import (
    LOCAL,
    BatchStats,
    FileRequest,
    FileResult,
    FileTask,
    OutputBackend,
    OutputCallbacks,
    OutputFile,
    WorkSource,
)

_NO_HEAD = frozenset({400, 403, 405, 501})
_LOW, _TAKE, _WINDOW = 256, 512, 4096  # requests: taken when fewer are ready, so many, up to so many open
_TICK = 0.05
_EXPANDS = 4  # times the size of a small file that a compressed one may have in memory
_ERROR_BODY = 64 << 10  # bytes of an error's body that are read to keep the connection


class BatchDownload:
    """Fetches all files of a work source; `run` blocks, and `abort` ends it from any other thread.

    `output` is the folder that all of them are in, or another output backend; `context` is called on the loop
    of the transfer engine; `backoff` is who else asks the same hosts, only this process by default.
    """

    def __init__(
        self,
        source: WorkSource,
        output: Path | OutputBackend,
        context: Callable[[], TransferContext],
        stats: BatchStats | None = None,
        *,
        config: BatchConfig | None = None,
        backoff: SharedBackoff | None = None,
    ) -> None:
        self.stats = stats or BatchStats()
        self._source, self._output, self._context = source, output, context
        self._config, self._backoff = config or BatchConfig(), backoff
        self._lock = threading.Lock()
        self._aborted = False
        self._future: concurrent.futures.Future[None] | None = None

    def run(self) -> BatchStats:
        """Fetch everything.

        Raises TransferCancelled if it was aborted: what had arrived is stored and recorded. NoSpaceError,
        AuthenticationError and RequestError (no host answers any more) leave the rest in the work source.
        """
        output = self._output
        if isinstance(output, Path):
            from .local_folder import LocalFolder  # not for object stores

            output = LocalFolder(output)
        with self._lock:
            if self._aborted:
                raise TransferCancelled
            self._future = shared_engine().submit(self._run(output))
        try:
            self._future.result()
        except concurrent.futures.CancelledError:
            raise TransferCancelled from None
        except BaseException:
            self.abort()  # Ctrl+C in this thread
            raise
        return self.stats

    def abort(self) -> None:
        """End it: requests are cancelled at once, what has arrived is stored."""
        with self._lock:
            aborted, self._aborted = self._aborted, True
            if self._future is not None and not aborted:
                shared_engine().cancel(self._future)

    async def _run(self, output: OutputBackend) -> None:
        context, config = self._context(), self._config
        await _BatchRunner(self._source, output, context, config, self.stats, self._backoff).run()


class _ActivePaths:
    """The paths in progress, each for one request at a time; others of the same path wait for it."""

    def __init__(self) -> None:
        self._paths: dict[int, str] = {}
        self._waiting: dict[str, deque[FileRequest]] = {}
        self._held_back = 0

    def __len__(self) -> int:
        return len(self._paths) + self._held_back

    def claim(self, request: FileRequest) -> bool:
        """Take a path for a request; False if another one has it, and this one waits for it now."""
        if request.key in self._paths:
            raise ValueError(f"the work source gave request {request.key} twice")
        path = os.path.normcase(request.path)
        if path in self._waiting:
            self._waiting[path].append(request)
            self._held_back += 1
            return False
        self._waiting[path] = deque()
        self._paths[request.key] = path
        return True

    def release(self, result: FileResult) -> FileRequest | None:
        """Give up the path of a result; return the request that waited for it first."""
        path = self._paths.pop(result.key)
        waiting = self._waiting.pop(path)
        if not waiting:
            return None
        following = waiting.popleft()
        self._held_back -= 1
        self._waiting[path] = waiting
        self._paths[following.key] = path
        return following


class _BodyReceiver:
    """Sink of one response: into the output's file, or into memory where only the whole can be judged.

    `response` is None before there is one; `collector` is the body in memory: of an error, in a content
    coding, or to be compared with a file that is there.
    """

    def __init__(self, task: FileTask, runner: _BatchRunner) -> None:
        self.response: Response | None = None
        self.collector: BodyCollector | None = None
        self._file: OutputFile | None = None
        self._start = b""
        self._task, self._output, self._stats = task, runner.output, runner.stats
        self._bandwidth, self._max_small = runner.context.limits.bandwidth, runner.config.max_small
        self._known: Sequence[Checksum] = ()
        self._hashes: list[Hash] = []
        self._throttle: Throttle | None = None

    def open(self, response: Response) -> BodySink:
        """Return where the body goes; BodyNotWanted if it is too large for a slot."""
        self.response = response
        task, length = self._task, response.content_length
        if response.status != 200 or response.method == "HEAD":
            self.collector = BodyCollector(_ERROR_BODY)
            return self.collector
        if (length or 0) > self._max_small:
            raise BodyNotWanted
        if self._bandwidth.rate is not None:
            self._throttle = Throttle(self._bandwidth, response)
        endless = length is None and not self.framed and task.request.expected.gzip  # only its end tells
        if endless or task.existing is not None or "content-encoding" in response.headers:
            self.collector = BodyCollector(self._max_small)
        else:
            self._begin((*checksums(response.headers), *task.request.checksums))
        return self

    @property
    def framed(self) -> bool:
        """Whether the end of the body can be told from the end of the connection."""
        assert self.response is not None
        return self.response.content_length is not None or "transfer-encoding" in self.response.headers

    def write(self, view: memoryview, /) -> None:
        """Take bytes of the body."""
        self._stats.heard = time.monotonic()
        if self.collector is not None:
            self.collector.write(view)
        else:
            self._write(view)
        if self._throttle is not None:
            self._throttle.consume(len(view))

    def discard(self) -> None:
        """Remove what was written."""
        if self._file is not None:
            self._file.discard()
            self._file = None

    def write_collected(self, body: bytes | bytearray, sent: bytes | bytearray) -> None:
        """Write a body that was collected, after what was `sent` in a content coding was verified."""
        assert self.response is not None
        announced, wanted = checksums(self.response.headers), self._task.request.checksums
        if sent is not body:
            verify_bytes(announced, sent)
            try:
                verify_bytes(wanted, body)
            except errors.VerificationFailed:
                verify_bytes(wanted, sent)  # the document may tell of the file as it is stored
            announced = wanted = ()
        self._begin((*announced, *wanted))
        self._write(memoryview(body))

    def finish(self) -> OutputFile:
        """Return the file that was written, verified by all that is known of it.

        Raises VerificationFailed if a checksum differs, UnexpectedAnswer if it is something else, as a
        document that tells of an error, ServerUnreachable if it is short of the size that is known.
        """
        task, response, file = self._task, self.response, self._file
        assert response is not None
        assert file is not None
        request, size = task.request, file.size
        expected, media_type = request.expected, response.headers.get("content-type", "")
        if kind := content_checks.contradiction(expected, self._start, size, media_type):
            raise content_checks.refused(expected, kind, self._start, size, place=host_label(response.url))
        if self._known:
            compare(self._known, self._hashes)
        if not response.complete:
            raise ConnectionLost("the connection ended without the end of the file")
        short = request.size is not None and size < request.size
        if short and not self.framed and not codings(response.headers):
            words = f"{text.size(size)} of {text.size(request.size)} came before the connection ended"
            hint = "the server announces no length: retry starts over"
            raise errors.ServerUnreachable(words, hint=hint)
        return file

    def _begin(self, known: Iterable[Checksum]) -> None:
        self._known = verifiable(known)
        self._hashes = [new_hash(each.algorithm) for each in self._known]
        self._file = self._output.create(self._task)

    def _write(self, view: memoryview) -> None:
        assert self._file is not None
        if len(self._start) < content_checks.START:
            self._start += bytes(view[: content_checks.START - len(self._start)])
        for each in self._hashes:
            each.update(view)
        self._file.write(view)


class _BatchRunner:
    """One run; all of it belongs to the engine's loop."""

    def __init__(
        self,
        source: WorkSource,
        output: OutputBackend,
        context: TransferContext,
        config: BatchConfig,
        stats: BatchStats,
        backoff: SharedBackoff | None,
    ) -> None:
        self.output, self.context, self.config, self.stats = output, context, config, stats
        self._source = source
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()
        self._scheduler = HostScheduler(config.per_host, context.retries, backoff, context.limits.hosts)
        self._retries = RetryHandler(
            self._scheduler, context.retries, self._record, self._end, self._look_up_link
        )
        self._paths = _ActivePaths()
        self._again: list[FileRequest] = []
        self._large: asyncio.Queue[FileTask] = asyncio.Queue()
        self._open = 0  # requests of which the output has nothing yet
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until all is settled or something ends it; then store what has arrived."""
        callbacks = OutputCallbacks(self._settled, self._refused, self._notify, self._end)
        self.output.begin(self._source.settle, callbacks)
        self._spawn(self._take_requests())
        self._spawn(self._tick())
        for _ in range(self.config.slots):
            self._spawn(self._serve())
        for _ in range(self.config.large):
            self._spawn(self._serve_large())
        try:
            await self._over
        finally:
            await uncancelled(asyncio.ensure_future(self._aclose()))

    async def _aclose(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._scheduler.close()
        await self.output.aclose()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._end(error)

    def _end(self, error: BaseException | None = None) -> None:
        if self._over.done():
            return
        if error is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(error)

    def _notify(self) -> None:
        """Wake all who wait for something to change; each then looks for itself."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            self.output.tick()
            self._retries.show(self.stats)
            self._notify()

    async def _take_requests(self) -> None:
        """Keep enough requests at hand, until the work source has no more."""
        exhausted = False
        while True:
            if self._again:
                requests, self._again = self._again, []
                await self._admit(requests)
            elif not exhausted and self._scheduler.ready < _LOW and len(self._paths) < _WINDOW:
                taken = await in_thread_to_end(lambda: self._source.take(_TAKE))
                exhausted = self._scheduler.complete = not taken
                if exhausted and not self._open:
                    self.output.flush()
                await self._admit([request for request in taken if self._paths.claim(request)])
            elif exhausted and not len(self._paths):
                return self._end()
            else:
                await self._changed.wait()

    async def _admit(self, requests: Sequence[FileRequest]) -> None:
        self._open += len(requests)
        for found in await in_thread_to_end(lambda: self.output.examine(requests)) if requests else ():
            if isinstance(found, FileResult):
                self.output.record(found)
                self._handed_over()
            else:
                found.single = found.origin is LOCAL or (found.request.size or 0) > self.config.max_small
                self._scheduler.host(found.origin).admit(found)
                self._scheduler.add(found)
        self._notify()

    async def _serve(self) -> None:
        """Be one slot: fetch what is next, one after the other."""
        while True:
            now = time.monotonic()
            while self.output.full or (task := self._scheduler.next(now)) is None:
                await self._changed.wait()
                now = time.monotonic()
            host = self._scheduler.host(task.origin)
            try:
                if host.error is not None:
                    self._record(task, task.failed(host.error))
                elif await self._fetch(task):
                    host.succeeded()
            except (MLHubException, OSError) as error:
                self._retries.failed(task, error, now)
            finally:
                host.end()

    async def _fetch(self, task: FileTask) -> bool:
        """Request a file, or first its size; return whether its host gave something."""
        if task.single:
            return self._fetch_as_single(task)
        if task.existing is not None and not task.compared:
            receiver = await self._request("HEAD", task)
            response = receiver.response
            assert response is not None
            if response.status in _NO_HEAD:
                return self._fetch_as_single(task)
            self._require_file(receiver, task, body_follows=False)
            task.compared = True
            found = codings(response.headers)
            encoded = bool(found) and not content_checks.is_ambiguous(found, task.request.expected)
            if not encoded and task.matches(response.content_length):
                self._record(task, task.already_there(task.existing))
                return True
        receiver = await self._request("GET", task)
        try:
            if receiver.response is None:  # too large
                return self._fetch_as_single(task)
            self._require_file(receiver, task, body_follows=True)
            if receiver.collector is not None and not await self._write_collected(receiver, task):
                return self._fetch_as_single(task)
            self.output.store(task, receiver.finish())
        except BaseException:
            receiver.discard()
            raise
        self._scheduler.host(task.origin).dismiss(task)
        self._handed_over()
        return True

    async def _request(self, method: str, task: FileTask) -> _BodyReceiver:
        """Return the receiver of a response, whatever its status is; without one if its body is too large."""
        context, link = self.context, task.link
        receiver = _BodyReceiver(task, self)
        try:
            await context.client.request(
                method,
                link.url,
                receiver.open,
                headers=link.headers,
                credentials=link.credentials,
                timeouts=context.config.timeouts,
            )
        except BodyNotWanted:
            receiver.discard()
            if receiver.response is not None and receiver.response.status == 200:
                receiver.response = None
        except BaseException:
            receiver.discard()
            raise
        bandwidth = context.limits.bandwidth
        if bandwidth.rate is not None:
            try:
                # Small bodies are whole before they are paid for.
                await bandwidth.wait(bandwidth.consume(0))
            except BaseException:
                receiver.discard()
                raise
        return receiver

    async def _write_collected(self, receiver: _BodyReceiver, task: FileTask) -> bool:
        """Write a body that had to be whole first; return False if only a single file can be decoded.

        Raises FileConflict if the file that is there is another one, rather than the beginning of this, and
        VerificationFailed if the body is damaged, or truncated.
        """
        assert receiver.collector is not None
        assert receiver.response is not None
        sent = body = receiver.collector.data
        expected, found = task.request.expected, codings(receiver.response.headers)
        if found:
            try:
                start = bytes(body[: content_checks.START])
                undone = content_checks.to_undo(found, expected, start, len(body))
            except Undecodable:
                return False
            if undone:
                plain = decoded(undone, body, _EXPANDS * self.config.max_small)
                if plain is None:
                    return False
                body = plain
        if sent is body and expected.gzip and not receiver.framed:
            gzip = content_checks.Gzip(task.name)
            gzip.feed(bytes(body))
            gzip.finish()
        if task.existing is not None and not await self._continues(task, body, encoded=sent is not body):
            sizes = f"{text.size(task.existing)} here, {text.size(len(body))} on the server"
            raise errors.FileConflict(f"another file {task.name} is there ({sizes})")
        receiver.write_collected(body, sent)
        return True

    async def _continues(self, task: FileTask, body: bytes | bytearray, *, encoded: bool) -> bool:
        """Return whether a body begins with the file that is there: what another tool left half done.

        A file that has an encoded form of it, as an earlier version stored what came, is replaced as well.
        """
        try:
            before = await in_thread_to_end(lambda: self.output.existing(task))
        except FileNotFoundError:
            return True
        if encoded and not task.request.expected.gzip and recognise(before) is ContentKind.GZIP:
            return True
        return body.startswith(before)

    @staticmethod
    def _require_file(receiver: _BodyReceiver, task: FileTask, *, body_follows: bool) -> None:
        """Raise what a response means that is not the file, as `raise_for_response` does."""
        response = receiver.response
        assert response is not None
        if response.status == 200 and body_follows:
            return  # its first bytes tell a web page better than its label
        said = bytes(receiver.collector.data[:512]) if receiver.collector is not None else b""
        key_sent = task.link.sends_key
        page = task.request.page or body_follows
        raise_for_response(response, task.name, page=page, body=said, key_sent=key_sent)
        if response.status != 200:
            words = f"the server sent a part of {task.name} without being asked for one"
            raise UnexpectedAnswer(words, url=address(response.url))

    def _fetch_as_single(self, task: FileTask) -> bool:
        task.single = True
        self._large.put_nowait(task)
        return False

    async def _serve_large(self) -> None:
        while True:
            task = await self._large.get()
            host = self._scheduler.host(task.origin)
            while not host.begin(time.monotonic()):
                await self._changed.wait()
            began, path = time.monotonic(), task.request.path
            progress = self.stats.large[path] = TransferProgress()
            try:
                if host.error is not None:
                    raise host.error
                self._record(task, await self.output.fetch_single(task, self.context, progress))
                host.succeeded()
            except (MLHubException, OSError) as error:
                self._retries.failed(task, error, began)
            finally:
                host.end()
                self.stats.large.pop(path, None)

    def _record(self, task: FileTask, result: FileResult) -> None:
        self._scheduler.host(task.origin).dismiss(task)
        self.output.record(result)
        self._handed_over()

    def _handed_over(self) -> None:
        """Count what the output has; do not let the last ones wait for more."""
        self._open -= 1
        if not self._open and self._scheduler.complete:
            self.output.flush()

    def _refused(self, task: FileTask, error: MLHubException) -> None:
        self._open += 1
        self._scheduler.host(task.origin).admit(task)
        self._retries.failed(task, error, time.monotonic())

    def _look_up_link(self, task: FileTask) -> None:
        async def look_up() -> None:
            try:
                link = await in_thread_to_end(lambda: self._source.relink(task.request))
            except MLHubException as error:
                self._record(task, task.failed(error))
            else:
                self._retries.relinked(task, link)
            self._notify()

        self._spawn(look_up())

    def _settled(self, results: Iterable[FileResult]) -> None:
        for result in results:
            self.stats.count(result)
            if (following := self._paths.release(result)) is not None:
                self._again.append(following)
        self._notify()
