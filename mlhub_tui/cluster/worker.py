"""A worker's side of a run: it downloads shards with the transfer engine and reports what became of them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from distributed import Event, Semaphore, WorkerPlugin, get_worker

from .. import errors, fileio
from ..auth import resolve
from ..errors import DownloadError, MLHubException, NotOffered
from ..http.credentials import Link
from ..http.errors import QUEUE_RETRIES
from ..http.limits import BandwidthLimiter
from ..http.urls import Origin
from ..options import IfExists
from ..planning.manifest_queue import Row, file_request
from ..planning.resolver import DatasetLinks, links_of
from ..queue.database import Database
from ..queue.part_repository import PartRepository
from ..queue.repository import JobRepository
from ..queue.run_job import credentials_for, open_for_job
from ..queue.runner import transfer_config
from ..sources.base import Source
from ..text import one_line, redact
from ..transfer.batch import BatchDownload
from ..transfer.config import BatchConfig, TransferContext
from ..transfer.engine import SharedLimits, TransferCancelled, shared_engine
from ..transfer.object_store_output import Budget, ObjectStoreOutput
from ..transfer.work_source import BatchStats, FileRequest, FileResult, OutputBackend
from ..version import __version__
from .object_store import ObjectStore
from .sharding import RunConfig, Shard, ShardResult, digest_of, plain_error, split_mark

_NAME = f"mlhub-tui-{__version__}"
_RUNS = 16  # whose sources stay open
_AT_ONCE = 3  # single files of a shard
_RETRIES = replace(QUEUE_RETRIES, tries=6)  # of a file among many
_SLACK = 0.05  # seconds that two waits may differ without being news
_WAIT = 1.0  # seconds of one wait for a connection, between two looks whether it is still wanted


class WorkerState(WorkerPlugin):
    """What a worker has between shards; as a plugin it ends with the worker."""

    def __init__(self, worker: Any) -> None:
        self.worker = worker
        self.budget = Budget()
        self.tasks: dict[str, ShardTask] = {}
        self.stopped: deque[str] = deque(maxlen=256)  # runs
        self._lock = threading.Lock()
        self._shared: dict[object, Any] = {}
        self._sources: dict[str, Future[tuple[Source, DatasetLinks]]] = {}
        self._blocked: dict[str, float] = {}
        self._reporter: asyncio.Task[None] | None = None
        database = Database(None)  # parts of large files end with the worker, as its local directory does
        self._journal = PartRepository(database, JobRepository(database))

    def teardown(self, worker: Any) -> None:
        """End what is in progress: the worker closes."""
        for task in list(self.tasks.values()):
            task.stop()

    def shared(self, name: object, make: Callable[[], Any]) -> Any:
        """Return what all shards share under a name, made by the first: stores, speed limits, semaphores."""
        with self._lock:
            if name not in self._shared:
                self._shared[name] = make()
            return self._shared[name]

    def store(self, url: str) -> ObjectStore:
        """Return the store of a URL, opened with this worker's credentials."""
        found: ObjectStore = self.shared(url, lambda: ObjectStore(url))
        return found

    def limiter(self, run: str) -> BandwidthLimiter:
        """Return the speed limit that all shards of a run have together on this worker."""
        found: BandwidthLimiter = self.shared(run, BandwidthLimiter)
        return found

    def context(self, limits: SharedLimits) -> TransferContext:
        """Return what transfers share; on the engine's loop."""
        config = transfer_config()
        client = shared_engine().client(None, config.connect_timeout)
        return TransferContext(client, self._journal, config, limits, _RETRIES)

    async def close_idle(self) -> None:
        """Close the connections that no shard uses; on the engine's loop."""
        self.context(SharedLimits()).client.close_idle()

    def links(self, config: RunConfig) -> DatasetLinks:
        """Return what gives links for a run; blocks while its source is opened.

        Raises MLHubException if the source cannot be opened with this worker's credentials.
        """
        with self._lock:
            found = self._sources.get(config.run)
            if found is None or (found.done() and found.exception() is not None):
                while len(self._sources) >= _RUNS:
                    oldest = self._sources.pop(next(iter(self._sources)))
                    if oldest.done() and oldest.exception() is None:
                        shared_engine().submit(oldest.result()[0].aclose())
                found = self._sources[config.run] = shared_engine().submit(_open_source(config))
        return found.result()[1]

    def blocked_until(self, host: str) -> float:
        """Return the monotonic time in seconds before which a host is not to be asked."""
        return self._blocked.get(host, 0.0)

    def block(self, host: str, until: float) -> bool:
        """Have no shard ask a host before a moment; return whether that is news."""
        if until <= self.blocked_until(host) + _SLACK:
            return False
        with self._lock:
            now = time.monotonic()
            self._blocked = {each: at for each, at in self._blocked.items() if at > now} | {host: until}
        return True

    def start_reporting(self) -> None:
        """Have the news of shards sent; on the worker's loop."""
        if self._reporter is None or self._reporter.done():
            self._reporter = asyncio.ensure_future(self._report())

    async def _report(self) -> None:
        """Send news of all shards until there are none, and end those that nobody waits for."""
        while tasks := list(self.tasks.values()):
            await asyncio.sleep(max(task.config.interval for task in tasks))
            news: dict[str, dict[str, Any]] = {}
            for task in tasks:
                known = self.worker.state.tasks.get(task.key)
                if known is None or known.state not in ("executing", "long-running"):  # nobody waits for it
                    task.stop()
                news.setdefault(task.config.run, {})[task.key] = task.progress()
            for run, shards in news.items():
                self.worker.log_event(run, {"shards": shards})


class ShardTask:
    """A shard in progress on this worker: its work source, its progress, and the run's waits for hosts."""

    def __init__(self, state: WorkerState, config: RunConfig, key: str) -> None:
        self.state, self.config, self.key = state, config, key
        self.results: list[FileResult] = []
        self._stats = BatchStats()
        self._store: ObjectStore | None = None
        self._batch: BatchDownload | None = None
        self._stopped = False

    def run(self, shard: Shard) -> None:
        """Fetch the files; `results` are those that are settled, whatever ends it."""
        config, state = self.config, self.state
        with self._begun(shard.check) as check, self._connections(shard) as count:
            single = count if shard.alone else 1
            limits = SharedLimits()
            limits.bandwidth, limits.connections = state.limiter(config.run), single
            self._links = state.links(config)
            self._rows = {row.id: row for row in shard.rows}
            self._requests = self._made(shard.rows)
            output: Path | OutputBackend = Path(config.place)
            if config.folder is None:
                self._store = state.store(config.place)
                output = ObjectStoreOutput(self._store, check=check, budget=state.budget, connections=single)
            self._batch = BatchDownload(
                self,
                output,
                lambda: state.context(limits),
                self._stats,
                config=BatchConfig(slots=count, per_host=count, large=min(_AT_ONCE, count)),
                backoff=self,
            )
            if not self.stopped:
                self._batch.run()

    @property
    def stopped(self) -> bool:
        """Whether it is to end: its run was stopped, or nobody waits for it any more."""
        return self._stopped or self.config.run in self.state.stopped

    def stop(self) -> None:
        """Have it come to an end soon; from any thread."""
        self._stopped = True
        if self._batch is not None:
            self._batch.abort()

    def progress(self) -> dict[str, Any]:
        """Return the bytes that arrived, and why nothing comes at the moment."""
        coming = sum(each.done for each in self._stats.large.copy().values())
        reason = self._stats.reason or (self._store.wait_reason() if self._store else "")
        return {"bytes": self._stats.bytes + coming, "reason": reason}

    @contextmanager
    def _begun(self, check: bool) -> Iterator[bool]:
        """Note with the scheduler that a shard was begun; give whether some of its files may exist already.

        That is so where another worker had begun it and died.
        """
        if check:
            yield True
            return
        event = Event(f"begun-{self.key}")
        before = bool(event.is_set())
        event.set()
        try:
            yield before
        finally:
            event.clear()

    @contextmanager
    def _connections(self, shard: Shard) -> Iterator[int]:
        """Take connections to a host from those of the whole cluster; give how many.

        One is waited for; the others are taken only if they are free, so that shards never wait for each
        other. A worker that dies loses its own (`distributed.scheduler.locks.lease-timeout`). Raises
        TransferCancelled if the shard was stopped meanwhile.
        """
        most, wanted, held = self.config.most, self.config.connections, 0
        if not shard.host:
            yield wanted
            return
        name = f"mlhub-{shard.host}-{most}"  # runs with the same limit share it
        semaphore = self.state.shared(name, lambda: Semaphore(most, name))
        try:
            while not held:
                if self.stopped:
                    raise TransferCancelled
                held += semaphore.acquire(timeout=_WAIT)
            while held < wanted and semaphore.acquire(timeout=0):
                held += 1
            yield held
        finally:
            if held > 1:  # they would stay open beside those of other workers, who may have as many now
                shared_engine().submit(self.state.close_idle()).result()
            for _ in range(held):
                with contextlib.suppress(Exception):  # the scheduler is gone, and with it all leases
                    semaphore.release()

    # As a work source: links are looked up when a file is taken, which fails without one

    def take(self, most: int) -> Sequence[FileRequest]:
        """Return the next requests."""
        return list(islice(self._requests, most))

    def settle(self, results: Sequence[FileResult]) -> None:
        """Add results to the report, without times: caches of a shared folder may differ by machine."""
        self.results.extend(result._replace(mtime=None) for result in results)

    def relink(self, request: FileRequest) -> Link | None:
        """Return a new link for one that was rejected: signed again, or that of the item as it is now.

        None where it is the same.
        """
        row = self._rows[request.key]
        found = self._link(row, fresh=True)
        if found.url == request.link.url and (now := self._current_href(row)):
            found = self._links(now, True)
        return None if found.url == request.link.url else found

    def _link(self, row: Row, *, fresh: bool = False) -> Link:
        """Return the link of a file; of one whose signature was not sent, that of its item as it is now.

        Raises NotOffered if the item cannot be read, or has none.
        """
        href, secret_removed = split_mark(row.href)
        made = self._links(href, fresh)
        if secret_removed and not made.sends_key and "?" not in made.url:
            if not (now := self._current_href(row)):
                words = "its href carries a signature, which is not sent to a cluster"
                raise NotOffered(words, hint="download it with --engine local")
            made = self._links(now, fresh)
        return made

    def _current_href(self, row: Row) -> str:
        return self._links.current_href(row.collection, row.item, row.key) if row.key else ""

    def _made(self, rows: Sequence[Row]) -> Iterator[FileRequest]:
        if_exists = self.config.request.if_exists
        for row in rows:
            how = IfExists.OVERWRITE if row.ours and if_exists is IfExists.RESUME else if_exists
            try:
                request = file_request(row, self._link(row), how)
            except MLHubException as error:
                self.settle([FileResult(row.id, error=error)])
            else:
                yield request

    # As the waits for hosts: new ones are reported to all other workers

    def blocked_until(self, host: Origin, /) -> float:
        """Return the monotonic time in seconds before which a host is not to be asked."""
        return self.state.blocked_until(_digest(host))

    def block(self, host: Origin, until: float, /) -> None:
        """Have no worker ask a host before a monotonic time."""
        if self.state.block(_digest(host), until):
            news = {"host": _digest(host), "seconds": until - time.monotonic()}
            self.state.worker.log_event(self.config.run, news)


def fetch_shard(data: bytes, config: RunConfig) -> ShardResult:
    """Fetch the files of a packed shard in a thread of a worker; whatever goes wrong is in the result."""
    worker = get_worker()
    task = ShardTask(state_of(worker), config, worker.get_current_task())
    error: MLHubException | None = None
    task.state.tasks[task.key] = task
    worker.loop.add_callback(task.state.start_reporting)
    try:
        task.run(Shard.unpack(data))
    except TransferCancelled:
        pass
    except Exception as caught:
        error = _known(caught, config.folder or Path(worker.local_directory))
    finally:
        del task.state.tasks[task.key]
    files = [
        each if each.error is None else each._replace(error=plain_error(each.error)) for each in task.results
    ]
    return ShardResult(worker.address, files, error)


def _known(error: Exception, path: Path) -> MLHubException:
    if isinstance(error, OSError):
        return fileio.translate_os_error(error, path)
    if isinstance(error, MLHubException):
        return plain_error(error)
    what = one_line(redact(f"{type(error).__name__}: {error}"), 200)
    return DownloadError(f"a worker failed: {what}", hint="retry; if it fails again, report it")


def state_of(worker: Any) -> WorkerState:
    """Return the state of a worker, made by the first run of this version of the program."""
    found: WorkerState | None = worker.plugins.get(_NAME)
    if found is None:
        found = worker.plugins[_NAME] = WorkerState(worker)
    return found


async def prepare(config: RunConfig, marker: str, dask_worker: Any) -> MLHubException | None:
    """Return what keeps a worker from taking part in a run; None if nothing does.

    It must have the credentials of the source, and see the marker where the files go.
    """
    state = state_of(dask_worker)

    def check() -> bool:
        try:
            state.links(config)
        except errors.AuthenticationError:
            raise
        except errors.RequestError:
            pass  # its shards wait for that server, as those of all other workers do
        if config.folder is not None:
            return (config.folder / marker).exists()
        store = state.store(config.place)
        try:
            return store.size(store.path(marker)).result() is not None
        except Exception as error:
            raise store.translate(error) from error

    try:
        if await asyncio.to_thread(check):
            return None
    except Exception as error:
        return _known(error, config.folder or Path(dask_worker.local_directory))
    return errors.OutputFolderError(
        f"it does not see the folder {one_line(config.place, 200)}",
        hint="choose a folder that all workers have mounted, or a URL such as s3://bucket/folder",
    )


async def block(host: str, seconds: float, dask_worker: Any) -> None:
    """Have a worker not ask a host for some seconds: it refused another worker."""
    state_of(dask_worker).block(host, time.monotonic() + seconds)


async def stop(run: str, dask_worker: Any) -> None:
    """Have a worker end its shards of a run."""
    state = state_of(dask_worker)
    state.stopped.append(run)
    for task in [task for task in state.tasks.values() if task.config.run == run]:
        task.stop()


async def set_rate(run: str, rate: float | None, dask_worker: Any) -> None:
    """Limit the shards of a run on a worker to so many bytes per second together; None for no limit."""
    state_of(dask_worker).limiter(run).set_rate(rate)


async def _open_source(config: RunConfig) -> tuple[Source, DatasetLinks]:
    request = config.request
    source = await open_for_job(
        request, lambda: credentials_for(request, resolve(anonymous=True), _no_sample)
    )
    links = await links_of(request, source)
    links.store = config.store
    return source, links


def _no_sample() -> Any:
    raise NotOffered("a worker has no sample catalog: its client's is used")


@lru_cache(maxsize=256)  # asked for each file
def _digest(host: Origin) -> str:
    return digest_of(f"{host.scheme}://{host.authority}") if host.host else ""
