"""What a worker keeps between shards: who is held, who was told to stop, how far each one is.

It is a plugin of the worker, so that it is there on workers that come later too, and ends with them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from distributed import WorkerPlugin

from .. import __version__
from ..http.retry import QUEUE_RETRIES
from ..http.urls import Origin
from ..planning.job_context import JobContext
from ..planning.resolver import SourceResolver
from ..queue.database import Database, QueueUnusable
from ..queue.repository import JobRepository as Records
from ..queue.settings import transfer_config
from ..transfer.journal import PartJournal
from ..transfer.limits import BandwidthLimiter, SharedLimits
from ..transfer.work_source import BatchStats
from .host_limits import HostSemaphores
from .links import Links
from .object_store import ObjectStore
from .object_store_output import Budget
from .sharding import digest_of

NAME = f"mlhub-tui-{__version__}"
_RUNS = 16  # whose speed limits are remembered
_RUNNING = ("executing", "long-running")
_TRIES = 6  # of a file among many
_SLACK = 0.05  # seconds that two holds may differ without being news


@dataclass(slots=True)
class Work:
    """A shard that is being worked on.

    Attributes
    ----------
    every
        Seconds between two pieces of news of it.
    end
        Ends it soon, from any thread.
    dropped
        Whether nobody waits for it any more.
    """

    run: str
    key: str
    every: float
    stats: BatchStats = field(default_factory=BatchStats)
    limits: SharedLimits = field(default_factory=SharedLimits)
    end: Callable[[], None] = lambda: None
    dropped: bool = False


class WorkerState(WorkerPlugin):
    """All of it; the object that is sent to workers is empty, each makes its own when it is set up."""

    name = NAME
    idempotent = True

    def setup(self, worker: Any) -> None:
        """Begin, on a worker."""
        self.worker = worker
        self.links = Links()
        self.budget = Budget()
        self.leases = HostSemaphores()
        self._lock = threading.Lock()
        self._works: dict[str, Work] = {}
        self._stores: dict[str, ObjectStore] = {}
        self._held: dict[str, float] = {}
        self._stopped: deque[str] = deque(maxlen=256)
        self._limits: dict[str, BandwidthLimiter] = {}
        self._journal: PartJournal | None = None
        self._pulsing = False

    def teardown(self, worker: Any) -> None:
        """End what is under way: the worker closes."""
        for work in list(self._works.values()):
            work.end()
        self.links.close()

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def store(self, url: str) -> ObjectStore:
        """Return the store of a URL, opened with this worker's credentials."""
        with self._lock:
            if url not in self._stores:
                self._stores[url] = ObjectStore(url)
            return self._stores[url]

    def kit(self, limits: SharedLimits) -> JobContext:
        """Return what transfers share; parts of large files are recorded on this machine alone."""
        with self._lock:
            if self._journal is None:
                try:
                    database = Database(Path(self.worker.local_directory) / "mlhub-tui" / "parts.db")
                except QueueUnusable:  # large files begin at the start after the worker's end, no more
                    database = Database(None)
                self._journal = PartJournal(database, Records(database))
        return JobContext(
            SourceResolver(_nothing),
            self._journal,
            transfer_config(),
            limits=limits,
            retries=replace(QUEUE_RETRIES, tries=_TRIES),
        )

    def begin(self, work: Work) -> None:
        """Take note of a shard; its news go out now and then."""
        with self._lock:
            self._works[work.key] = work
            work.limits.bandwidth = self._limit(work.run)
            if not self._pulsing:
                self._pulsing = True
                threading.Thread(target=self._pulse, name="news", daemon=True).start()

    def ended(self, work: Work) -> None:
        """Forget it."""
        with self._lock:
            self._works.pop(work.key, None)

    def stopped(self, work: Work) -> bool:
        """Return whether a shard is to end: its run was told to stop, or nobody waits for it any more."""
        return work.dropped or work.run in self._stopped

    def stop(self, run: str) -> None:
        """Have all shards of a run come to an end soon."""
        self._stopped.append(run)
        for work in list(self._works.values()):
            if work.run == run:
                work.end()

    def set_rate(self, run: str, rate: float | None) -> None:
        """Have the shards of a run take so many bytes per second together; None for no limit."""
        with self._lock:
            self._limit(run).set_rate(rate)

    def _limit(self, run: str) -> BandwidthLimiter:
        found = self._limits.get(run)
        if found is None:
            while len(self._limits) >= _RUNS:
                self._limits.pop(next(iter(self._limits)))
            found = self._limits[run] = BandwidthLimiter()
        return found

    def held(self, host: str) -> float:
        """Return until when a host is held (monotonic, seconds)."""
        return self._held.get(host, 0.0)

    def hold(self, host: str, until: float) -> bool:
        """Hold a host until a moment; return whether that is news."""
        if until <= self._held.get(host, 0.0) + _SLACK:
            return False
        with self._lock:
            now = time.monotonic()
            self._held = {name: then for name, then in self._held.items() if then > now} | {host: until}
        return True

    def tell(self, run: str, news: dict[str, Any]) -> None:
        """Send news of a run to its client."""
        self.worker.log_event(run, news)

    def _pulse(self) -> None:
        every = 0.5
        while True:
            time.sleep(every)
            with self._lock:
                works = list(self._works.values())
                if not works:
                    self._pulsing = False
                    return
            every = max(work.every for work in works)
            news: dict[str, dict[str, Any]] = {}
            for work in works:
                if not self._wanted(work):
                    work.dropped = True
                    work.end()
                news.setdefault(work.run, {})[work.key] = numbers(work.stats)
            for run, of in news.items():
                self.tell(run, {"shards": of})

    def _wanted(self, work: Work) -> bool:
        """Return whether the scheduler still waits for a shard; not when its client is gone."""
        state = self.worker.state.tasks.get(work.key)
        return state is not None and state.state in _RUNNING


class RunBackoff:
    """The backoff of a station, as a run sees it: what it finds out is told to all other workers."""

    def __init__(self, station: WorkerState, run: str) -> None:
        self._station = station
        self._run = run

    def blocked_until(self, host: Origin) -> float:
        """Return the monotonic time in seconds before which a host is not to be asked."""
        return self._station.held(_host(host))

    def block(self, host: Origin, until: float) -> None:
        """Have nobody ask a host before a moment, here and elsewhere."""
        name = _host(host)
        if self._station.hold(name, until):
            self._station.tell(self._run, {"host": name, "seconds": until - time.monotonic()})


def numbers(stats: BatchStats) -> dict[str, Any]:
    """Return how far a shard is."""
    coming = sum(live.done for live in stats.large.copy().values())
    done, failed = stats.fetched + stats.there, stats.failed
    return {"done": done, "failed": failed, "bytes": stats.bytes + coming, "reason": stats.reason}


def state_of(worker: Any) -> WorkerState:
    """Return the station of a worker."""
    found: WorkerState = worker.plugins[NAME]
    return found


@lru_cache(maxsize=256)  # asked for each file
def _host(place: Origin) -> str:
    return digest_of(f"{place.scheme}://{place.authority}") if place.host else ""


async def _nothing(_: object) -> Any:
    raise LookupError("workers are given their links")
