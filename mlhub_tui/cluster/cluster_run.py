"""One run over a cluster: a window of shards is with the scheduler, what comes back is settled."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .. import errors
from ..errors import DownloadError, MLHubException
from ..planning.job_context import JobContext
from ..planning.manifest_lock import LockedManifest
from ..planning.manifest_queue import ManifestQueue
from ..planning.requests import DatasetRequest
from ..text import count, one_line, redact
from ..transfer.config import BatchConfig
from ..transfer.failures import TransferCancelled
from ..transfer.work_source import BatchStats, FileResult
from .dask_client import DaskClient
from .flights import PendingShard, PendingShards
from .payloads import RunConfig, ShardResult
from .sharding import Limits, Shard, Sharder, twin_shards

_NAMED = 3  # workers that are left out
_TICK = 0.5  # seconds between two looks at the cluster
_WINDOW = 3  # shards with the scheduler for each thread of a worker
_GRACE = 6.0  # seconds in which shards that were told to stop report what they have done
_LOST = 10.0  # seconds after which a result that does not come is waited for as any other
_TRIES, _BREAKS = 3, 8  # of a shard that its host, or its worker, let down
_NEWS = 100  # pieces of news a second, of all workers together: more would be work for the scheduler
_REMIND = 5.0  # seconds after which workers that came later are told of held hosts too
_ENDING = (
    errors.NoSpaceError,
    errors.OutputFolderError,
    errors.AuthenticationError,
    errors.APIKeyNotFound,
    errors.ConfigFileError,
)

Following = Callable[[], Shard | None]


class ClusterRun:
    """One run over one connection.

    Parameters
    ----------
    request, feed, own, kit, store
        As of `harvest.ClusterHarvest`.
    stats
        Where its progress is shown.
    session
        The connection.
    """

    def __init__(
        self,
        request: DatasetRequest,
        feed: ManifestQueue,
        own: LockedManifest,
        kit: JobContext,
        stats: BatchStats,
        session: DaskClient,
        store: str = "",
    ) -> None:
        assert request.cluster is not None
        self._request = request
        self._feed = feed
        self._own = own
        self._kit = kit
        self._stats = stats
        self._session = session
        self._store = store
        self._most = request.cluster.connections or BatchConfig().per_host
        self._name = f"mlhub-{uuid.uuid4().hex[:12]}"
        self._flights = PendingShards(stats)
        self._again: deque[Shard] = deque()
        self._sent = int(own.noted("sent") or 0)
        self._numbers = 0
        self._threads = self._workers = 0
        self._rate: float | None = None
        self._held: dict[str, float] = {}
        self._looked = self._reminded = 0.0

    def run(self, news: queue.SimpleQueue[Callable[[], None]], stop: threading.Event) -> None:
        """Fetch everything; errors as `harvest.ClusterHarvest.run`.

        Parameters
        ----------
        news
            What is to be done in this thread; filled from others.
        stop
            Ends it.
        """
        self._news, self._stop = news, stop
        self._wait_for_workers()
        self._errand = self._make_errand()
        self._session.listen(self._name, lambda told: news.put(lambda: self._heard(told)))
        self._session.equip(self._errand)
        self._look()
        if left_out := list(self._session.left_out.values()):
            told = self._own.noted("told")
            lines = [f"left out: {line}" for line in left_out[:_NAMED] if line not in told]
            self._own.note("told", "; ".join(filter(None, (told, *lines))))
        self._follow_limit()
        wanted = self._own.files.standing().wanted
        limits = Limits.of(wanted, self._threads)
        checked = self._sent if self._own.noted("begun") == "empty" else None
        try:
            self._serve(Sharder(self._feed.next_rows, limits, checked).next)
            if self._request.url:
                look = checked is None or bool(self._own.noted("copying"))
                self._own.note("copying")
                self._serve(twin_shards(self._feed.twins, limits, look))
        finally:
            self._recall()

    def _wait_for_workers(self) -> None:
        while not self._look():
            self._stats.reason = f"the scheduler {self._session.where} has no workers yet"
            if self._stop.wait(_TICK):
                raise TransferCancelled
        self._stats.reason = ""

    def _make_errand(self) -> RunConfig:
        request = self._request
        return RunConfig(
            run=self._name,
            source=request.source,
            profile=request.profile,
            kind=request.kind,
            dataset=request.dataset_id,
            folder="" if request.url else str(request.asset_folder),
            url=request.asset_place if request.url else "",
            if_exists=request.if_exists,
            most=self._most,
            connections=self._share(),
            store=self._store,
            every=max(_TICK, self._workers / _NEWS),
        )

    def _share(self) -> int:
        """Return the connections of one shard, so that all threads together have what is allowed."""
        return max(1, self._most // max(1, self._threads))

    def _serve(self, following: Following) -> None:
        """Have shards fetched until there are none any more."""
        more = True
        while True:
            if self._stop.is_set():
                raise TransferCancelled
            while len(self._flights) < max(2, self._threads * _WINDOW) and (more or self._again):
                shard = self._again.popleft() if self._again else following()
                if shard is None:
                    more = False
                else:
                    self._send(shard)
            if not more and not self._flights and not self._again:
                return
            self._hear(_TICK)
            self._look_after()

    def _send(self, shard: Shard) -> None:
        from .worker import fetch_shard

        if shard.last > self._sent:
            self._sent = shard.last
            self._own.note("sent", str(self._sent))
        self._numbers += 1
        flight = PendingShard(f"{self._name}-{self._numbers}", shard)
        self._flights.add(flight)
        flight.future = self._session.submit(fetch_shard, flight.key, shard.parcel(), self._errand)
        self._watch(flight)

    def _watch(self, flight: PendingShard) -> None:
        """Have it told when a shard is over, however it ends."""
        flight.future.add_done_callback(lambda _: self._news.put(lambda: self._came(flight)))

    def _hear(self, patience: float) -> None:
        """Do what news ask for: wait for the first, take those that are there too."""
        with contextlib.suppress(queue.Empty):
            self._news.get(timeout=patience)()
            while True:
                self._news.get_nowait()()

    def _came(self, flight: PendingShard) -> None:
        """Take a shard that is over, however it ended."""
        if self._flights.get(flight.key) is None:
            return
        status = flight.future.status
        if status == "finished":
            report = self._fetched(flight)
            if report is not None:
                self._settle(flight, report)
                return
            status = flight.future.status
        if status == "error":
            self._broke(flight)
        elif status == "pending":  # its result was lost with its worker: another one is at it
            self._watch(flight)
        elif not self._stop.is_set():
            raise self._session.gone()

    def _fetched(self, flight: PendingShard) -> ShardResult | None:
        """Return the report of a shard; None if it was lost with its worker."""
        try:
            report: ShardResult = flight.future.result(timeout=_LOST)
        except Exception:
            return None
        return report

    def _settle(self, flight: PendingShard, report: ShardResult) -> None:
        results = report.results()
        if results:
            self._feed.settle(results)
            self._stats.heard = time.monotonic()
            for result in results:
                self._stats.count(result)
        self._flights.remove(flight)
        flight.future.release()
        shard, left = flight.shard, flight.shard.without(frozenset(result.key for result in results))
        if left is None or self._stop.is_set():
            return
        trouble = report.trouble.error() if report.trouble else None
        if trouble is not None and (isinstance(trouble, _ENDING) or shard.tries >= _TRIES):
            raise trouble
        if shard.tries >= _BREAKS:
            raise DownloadError(f"workers end before their shards: {count(len(left.ids), 'file')} left")
        self._again.append(left)

    def _broke(self, flight: PendingShard) -> None:
        """Take a shard that came to nothing: one that ends its workers is halved until its file is known."""
        error = flight.future.exception(timeout=30)
        self._flights.remove(flight)
        flight.future.release()
        shard = flight.shard
        if type(error).__name__ == "KilledWorker":
            if len(shard.rows) > 1:
                self._again.extend(shard.halves())
                return
            words = "worker after worker ended while it was fetched"
            failure = MLHubException(words, hint="look at the workers' logs: it may be their memory")
            results = [FileResult(row.id, error=failure) for row in shard.rows]
            self._feed.settle(results)
            for result in results:
                self._stats.count(result)
            return
        if shard.tries >= _TRIES:
            what = one_line(redact(f"{type(error).__name__}: {error}"), 200)
            raise DownloadError(f"the workers cannot do it: {what}", hint="look at the workers' logs")
        left = shard.without(frozenset())
        assert left is not None
        self._again.append(left)

    def _heard(self, told: dict[str, Any]) -> None:
        """Take the news of a worker: how far its shards are, or that a host wants a rest."""
        if "shards" in told:
            self._flights.heard(told["shards"])
        if "host" in told:
            self._hold(told["host"], told["seconds"])

    def _hold(self, host: str, seconds: float) -> None:
        from .worker import hold

        until = time.monotonic() + seconds
        if until > self._held.get(host, 0.0):
            self._held[host] = until
            self._session.everywhere(hold, host, seconds)

    def _look(self) -> int:
        """Look at the workers, and say how many there are; return their threads."""
        found = self._session.threads()
        self._threads, self._workers = sum(found.values()), len(found)
        left_out = "; ".join(list(self._session.left_out.values())[:_NAMED])
        self._stats.where = f"on {count(len(found), 'worker')}{', left out: ' if left_out else ''}{left_out}"
        self._looked = time.monotonic()
        return self._threads

    def _look_after(self) -> None:
        """Now and then: follow the cluster's size and the speed limit, remind of what is held."""
        now = time.monotonic()
        if now - self._looked < _TICK:
            return
        if not self._look():
            self._stats.reason = f"the scheduler {self._session.where} has no workers any more"
        elif self._errand.connections != self._share():
            self._errand = replace(self._errand, connections=self._share())
        self._follow_limit()
        if now - self._reminded >= _REMIND:
            self._reminded = now
            held, self._held = self._held, {}
            for host, until in held.items():
                if until > now:
                    self._hold(host, until - now)

    def _follow_limit(self) -> None:
        """Have the workers share the speed limit in equal parts."""
        from .worker import set_rate

        limit = self._kit.limits.bandwidth.rate
        rate = None if limit is None else limit / max(1, self._workers)
        if rate != self._rate:
            self._rate = rate
            self._session.everywhere(set_rate, self._name, rate)

    def _out(self) -> bool:
        """Return whether a report may still come."""
        return any(flight.future.status in ("pending", "finished") for flight in self._flights)

    def _recall(self) -> None:
        """Have what is out stopped, keep what it had done, and forget the rest."""
        if not len(self._flights) or not self._session.alive:
            return
        from .worker import stop

        self._stop.set()
        end = time.monotonic() + _GRACE
        with contextlib.suppress(MLHubException):
            self._session.everywhere(stop, self._name)
            while self._out() and (left := end - time.monotonic()) > 0:
                with contextlib.suppress(MLHubException):
                    self._hear(min(left, _TICK))
        self._session.cancel([flight.future for flight in self._flights])
        for flight in self._flights:
            self._flights.remove(flight)
