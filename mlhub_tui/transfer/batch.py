"""Batch downloads: all files of a work source over several connections, each of them verified.

A slot requests one file after the other; its body goes from the connection's buffer into the part file. What
is large, local, in a content coding, or to be compared with a file that is there is fetched as a single file.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any

from .. import text
from ..concurrency import in_thread_to_end, uncancelled
from ..content import GZIP_MAGIC, START
from ..errors import MLHubException
from ..http.credentials import LOCAL
from ..http.errors import BodyNotWanted, ConnectionLost
from ..http.representation import BodyCollector, codings, is_ambiguous, raise_for_response
from ..http.response import BodySink, Response
from ..http.urls import host_label
from ..http.versions import HashingSink, checksums
from . import content_checks
from .config import BatchConfig, TransferContext, TransferProgress
from .engine import TransferCancelled, shared_engine
from .hosts import PROGRESS, HostScheduler, HostState, SharedBackoff
from .resumption import head_tells
from .work_source import (
    BatchStats,
    FileRequest,
    FileResult,
    FileTask,
    OutputBackend,
    OutputCallbacks,
    OutputFile,
    WorkSource,
)

_LOW, _TAKE, _WINDOW = 256, 512, 4096  # requests: taken when fewer are ready, so many, up to so many open
_TICK = 0.05
_ERROR_BODY = 64 << 10  # bytes of an error's body that are read to keep the connection
_SAID = 512  # bytes of it in which the server's words are looked for


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


class _BodyReceiver:
    """Sink of one response: into the output's file, or into memory for an error, whose words are shown.

    `single` is whether the file is to be fetched as a single one: it is too large for a slot, it is in a
    content coding or sent as a part, or only its own end tells whether all of it came.
    """

    def __init__(self, task: FileTask, runner: _BatchRunner) -> None:
        self.response: Response | None = None
        self.single = False
        self._error_body: BodyCollector | None = None
        self._sums: HashingSink | None = None
        self._file: OutputFile | None = None
        self._start = b""
        self._task, self._runner = task, runner

    def open(self, response: Response) -> BodySink:
        """Return where the body goes; BodyNotWanted if it is not for a slot."""
        self.response = response
        task, length = self._task, response.content_length
        if response.status not in (200, 206) or response.method == "HEAD":
            self._error_body = BodyCollector(_ERROR_BODY)
            return self._error_body
        raise_for_response(response, task.name, page=True)  # the first bytes tell one better than its label
        endless = not self._framed and task.request.expected.gzip
        large = (length or 0) > self._runner.config.max_small
        if large or endless or response.status == 206 or codings(response.headers):
            self.single = True
            raise BodyNotWanted
        if known := checksums(response.headers, catalog=task.request.checksums):
            self._sums = HashingSink(known)
        self._file = self._runner.output.create(task)
        return self

    @property
    def progressed(self) -> bool:
        """Whether so much of the body has come that it is worth to be resumed."""
        return self._file is not None and self._file.size >= PROGRESS

    @property
    def _framed(self) -> bool:
        """Whether the end of the body can be told from the end of the connection."""
        assert self.response is not None
        return self.response.content_length is not None or "transfer-encoding" in self.response.headers

    def write(self, view: memoryview, /) -> None:
        """Write bytes of the body."""
        assert self._file is not None
        self._runner.stats.last_byte = time.monotonic()
        if len(self._start) < START:
            self._start += bytes(view[: START - len(self._start)])
        if self._sums is not None:
            self._sums.write(view)
        self._file.write(view)

    def discard(self) -> None:
        """Remove what was written."""
        if self._file is not None:
            self._file.discard()
            self._file = None

    def require_file(self) -> Response:
        """Return the response; raise what it means if it is not the file."""
        response, task = self.response, self._task
        assert response is not None
        if self._file is None:
            said = bytes(self._error_body.data[:_SAID]) if self._error_body is not None else b""
            link, page = task.link, task.request.page
            raise_for_response(
                response, task.name, page=page, body=said, key_sent=link.sends_key, hidden=link.hidden
            )
        return response

    def finish(self) -> OutputFile:
        """Return the file that was written, verified by all that is known of it.

        Raises VerificationFailed if a checksum differs, UnexpectedAnswer if it is something else, as a
        document that tells of an error, ConnectionLost if it is short of the size that is known.
        """
        request, response, file = self._task.request, self.require_file(), self._file
        assert file is not None
        size, expected = file.size, request.expected
        media_type = response.headers.get("content-type", "")
        if kind := content_checks.contradiction(expected, self._start, size, media_type):
            raise content_checks.refused(expected, kind, self._start, size, place=host_label(response.url))
        if not response.complete and size != request.size:
            raise ConnectionLost("the connection ended without the end of the file")
        if request.size is not None and size < request.size and not self._framed:
            words = f"{text.size(size)} of {text.size(request.size)} came before the connection ended"
            raise ConnectionLost(words, hint="the server announces no length: retry starts over")
        if self._sums is not None:
            self._task.single = self._start.startswith(GZIP_MAGIC)  # then its content may have the sums
            self._sums.verify()
        return file


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
        self._timeouts = context.config.timeouts
        hosts, retries = context.limits.hosts, context.retries
        self._scheduler = HostScheduler(
            config.per_host, retries, backoff, hosts, self._record, self._end, self._look_up_link
        )
        self._paths: dict[int, str] = {}  # of the requests in progress, by their keys
        self._taken: set[str] = set()  # these paths: each is for one request at a time
        self._waiting: list[FileRequest] = []  # for a path that is taken
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
            self._scheduler.show(self.stats)
            self._notify()

    async def _take_requests(self) -> None:
        """Keep enough requests at hand, until the work source is exhausted."""
        exhausted = False
        while True:
            waiting, self._waiting = self._waiting, []
            if free := [request for request in waiting if self._claim(request)]:
                await self._admit(free)
            elif not exhausted and self._scheduler.ready < _LOW and len(self._paths) < _WINDOW:
                taken = await in_thread_to_end(lambda: self._source.take(_TAKE))
                exhausted = self._scheduler.complete = not taken
                if exhausted and not self._open:
                    self.output.flush()
                await self._admit([request for request in taken if self._claim(request)])
            elif exhausted and not self._paths:
                return self._end()
            else:
                await self._changed.wait()

    def _claim(self, request: FileRequest) -> bool:
        """Take a path for a request; False if another one has it, and this one waits for it now."""
        if request.key in self._paths:
            raise ValueError(f"the work source gave request {request.key} twice")
        path = os.path.normcase(request.path)
        if path in self._taken:
            self._waiting.append(request)
            return False
        self._taken.add(path)
        self._paths[request.key] = path
        return True

    async def _admit(self, requests: Sequence[FileRequest]) -> None:
        self._open += len(requests)
        for found in await self.output.examine(requests):
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
                elif task.single or not await self._fetch(task, host):
                    task.single = True
                    self._large.put_nowait(task)
                else:
                    host.succeeded()
            except (MLHubException, OSError) as error:
                self._scheduler.failed(task, error, now)
            finally:
                host.end()

    async def _fetch(self, task: FileTask, host: HostState) -> bool:
        """Request a file, or first its size; return False if it is to be fetched as a single one."""
        if task.existing is not None:
            try:
                head = await self._request("HEAD", task)
            except ConnectionLost:
                return False
            if head.response is None or not head_tells(head.response, task.request.expected):
                return False
            response = head.require_file()
            found = codings(response.headers)
            encoded = found and not is_ambiguous(found, task.name)
            if encoded or response.content_length != task.existing:
                return False
            self._record(task, task.already_there(task.existing))
            return True
        receiver = await self._request("GET", task)
        if receiver.single:
            return False
        try:
            self.output.store(task, receiver.finish())
        except BaseException:
            receiver.discard()
            raise
        host.dismiss(task)
        self._handed_over()
        return True

    async def _request(self, method: str, task: FileTask) -> _BodyReceiver:
        """Return the receiver of a response, whatever its status is."""
        context, link, receiver = self.context, task.link, _BodyReceiver(task, self)
        try:
            await context.client.request(
                method,
                link.url,
                receiver.open,
                headers=link.headers,
                credentials=link.credentials,
                timeouts=self._timeouts,
                bandwidth=context.limits.bandwidth,
            )
        except BodyNotWanted:
            receiver.discard()
        except BaseException:
            task.single = task.single or receiver.progressed  # which has a journal: the next try resumes it
            receiver.discard()
            raise
        return receiver

    async def _serve_large(self) -> None:
        while True:
            task = await self._large.get()
            host = self._scheduler.host(task.origin)
            await self._take_slot(host, task)
            began, path = time.monotonic(), task.request.path
            progress = self.stats.large[path] = TransferProgress()
            host.watch(progress)
            try:
                if host.error is not None:
                    raise host.error
                self._record(task, await self.output.fetch_single(task, self.context, progress))
                host.succeeded()
            except (MLHubException, OSError) as error:
                self._scheduler.failed(task, error, began, progress.done)
            finally:
                host.unwatch(progress)
                host.end()
                self.stats.large.pop(path, None)

    async def _take_slot(self, host: HostState, task: FileTask) -> None:
        """Wait for one of a host's slots for a large file."""
        fresh = task.fresh
        host.awaited += fresh
        try:
            while not host.begin(time.monotonic(), fresh=fresh):
                await self._changed.wait()
        finally:
            host.awaited -= fresh

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
        self._scheduler.failed(task, error, time.monotonic())

    def _look_up_link(self, task: FileTask) -> None:
        async def look_up() -> None:
            try:
                link = await in_thread_to_end(lambda: self._source.relink(task.request))
                self._scheduler.relinked(task, link)
            except MLHubException as error:
                self._record(task, task.failed(error))
            self._notify()

        self._spawn(look_up())

    def _settled(self, results: Iterable[FileResult]) -> None:
        for result in results:
            self.stats.count(result)
            self._taken.discard(self._paths.pop(result.key))
        self._notify()
