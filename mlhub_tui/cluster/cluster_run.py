"""A run over a cluster: shards are submitted, their results settled, and lost ones retried."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import errors
from ..errors import DownloadError, MLHubException
from ..planning.filters import Filters
from ..planning.manifest import LockedManifest
from ..planning.manifest_queue import ManifestQueue
from ..planning.requests import DatasetRequest
from ..planning.resolver import JobContext
from ..text import count, one_line, redact
from ..transfer.config import BatchConfig, TransferProgress
from ..transfer.engine import TransferCancelled
from ..transfer.work_source import BatchStats, FileResult
from .dask_client import connected, some_words
from .object_store import ObjectStore, RunMarker, copy_objects
from .sharding import RunConfig, Shard, ShardResult, shard_files, shards

_TICK = 0.5  # seconds between two looks at the cluster
_WINDOW = 3  # shards with the scheduler for each thread of a worker
_GRACE = 6.0  # seconds in which cancelled shards report the files that they have finished
_LOST = 10.0  # seconds after which a result that does not come is waited for as any other
_TRIES, _BREAKS = 3, 8  # of a shard that its host, or its worker, let down
_COPIES = 500  # at a time, in the store
_NEWS = 100  # pieces of news a second, of all workers together: more would keep the scheduler busy
_UNFIT = (errors.OutputFolderError, errors.AuthenticationError, errors.APIKeyNotFound, errors.ConfigFileError)
"""What one worker may lack that others have."""


@dataclass(slots=True, eq=False)
class PendingShard:
    """A shard that is with the scheduler: the workers it may go to, how far one is, and why nothing comes."""

    key: str
    shard: Shard
    future: Any
    workers: frozenset[str]
    progress: TransferProgress | None = None
    reason: str = ""


class ClusterRun:
    """Fetches what is wanted of a dataset on a cluster; `run` blocks, and `abort` ends it from any thread.

    Files come from `files`, and results go there; `own` has the record of what was sent out. The speed limit
    of `context` holds for all workers together. `store` is host and port of the sample catalog's store; the
    request's source is where it runs then.
    """

    def __init__(
        self,
        request: DatasetRequest,
        files: ManifestQueue,
        own: LockedManifest,
        context: JobContext,
        store: str = "",
    ) -> None:
        assert request.cluster is not None
        self.stats = BatchStats()
        self._cluster = request.cluster
        self._request, self._files, self._own, self._context = request, files, own, context
        self._config = RunConfig(
            run=f"mlhub-{uuid.uuid4().hex[:12]}",
            # Without what no worker needs, and the folders of this machine.
            request=replace(request, filters=Filters(), title="", cluster=None, folder=Path(), assets=None),
            place=request.asset_place if request.url else str(request.asset_folder),
            most=self._cluster.connections or BatchConfig().per_host,
            store=store,
        )
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._pending: dict[str, PendingShard] = {}
        self._again: deque[Shard] = deque()
        self._sent = int(own.get_checkpoint("sent") or 0)
        self._number = 0
        self._rate: float | None = None
        self._blocked: dict[str, float] = {}
        self._looked = 0.0

    def abort(self) -> None:
        """Cancel the shards in flight; results that they report within `_GRACE` seconds are recorded."""
        self._stop.set()
        self._events.put(lambda: None)

    def run(self) -> BatchStats:
        """Fetch everything.

        Raises TransferCancelled if it was aborted; ClusterGone if the scheduler does not answer (the next try
        sends out again what was not settled); TargetBusy if another client runs at the same destination;
        MLHubException if no worker can take part, the disk is full, or what else ended it.
        """
        self._say(f"connecting to {self._cluster.words}")
        config = self._config
        with (
            connected(self._cluster) as self._client,
            RunMarker(config.place, config.run, self._say, self._stop) as self._marker,
        ):
            from . import worker  # it imports `distributed`, which is there now

            self._worker = worker
            self._client.subscribe(self._config.run, lambda news: self._events.put(lambda: self._hear(news)))
            try:
                self._fetch()
            finally:
                self._recall()
        return self.stats

    def _say(self, reason: str) -> None:
        """Show why nothing is fetched at the moment; raise TransferCancelled if the run was aborted."""
        self.stats.reason = reason
        if self._stop.is_set():
            raise TransferCancelled

    def _fetch(self) -> None:
        """Have shards fetched until there are none any more; then have the store make copies."""
        self._look()
        while not self._client.workers:
            self._say(self.stats.reason)
            self._stop.wait(_TICK)
            self._look()
        most = shard_files(self._own.stats().wanted, self._client.threads)
        checked = self._sent if self._own.get_checkpoint("begun") == "empty" else None
        coming, more = shards(self._files.next_rows, most, checked), True
        while more or self._pending or self._again:
            if self._stop.is_set():
                raise TransferCancelled
            threads = self._client.threads
            while threads and len(self._pending) < max(2, threads * _WINDOW) and (more or self._again):
                shard = self._again.popleft() if self._again else next(coming, None)
                if shard is None:
                    more = False
                else:
                    self._send(shard)
            if self._pending or not threads:
                self._handle_events(_TICK)
                self._look_after()
        if self._request.url:
            self._copy(check=checked is None or bool(self._own.get_checkpoint("copying")))

    def _copy(self, *, check: bool) -> None:
        """Have the store copy files that have the URL of others; `check`: some may exist already."""
        self._own.set_checkpoint("copying")
        store, last = ObjectStore(self._config.place, self._say, self._stop), 0
        while rows := self._files.duplicates(last, _COPIES):
            last = rows[-1].id
            self._say("")
            copied = copy_objects(store, rows, self._request.if_exists, check=check)
            self._count(copied)
            self._marker.confirm()

    def _send(self, shard: Shard) -> None:
        if (last := max(row.id for row in shard.rows)) > self._sent:
            self._sent = last
            self._own.set_checkpoint("sent", str(last))
        self._number += 1
        key = f"{self._config.run}-{self._number}"
        future, workers = self._client.submit(self._worker.fetch_shard, key, shard.pack(), self._config)
        pending = self._pending[key] = PendingShard(key, shard, future, workers)
        self._watch(pending)

    def _watch(self, pending: PendingShard) -> None:
        """Have it handled when a shard is over, however it ends."""
        pending.future.add_done_callback(lambda _: self._events.put(lambda: self._ended(pending)))

    def _handle_events(self, patience: float) -> None:
        """Handle what happens: wait for the first event, take those that are there too."""
        with contextlib.suppress(queue.Empty):
            self._events.get(timeout=patience)()
            while True:
                self._events.get_nowait()()

    def _ended(self, pending: PendingShard) -> None:
        if pending.key not in self._pending:
            return
        if pending.future.status == "finished":
            result: ShardResult | None = None
            with contextlib.suppress(Exception):  # it was lost with its worker
                result = pending.future.result(timeout=_LOST)
            if result is not None:
                self._settle(pending, result)
                return
        if pending.future.status == "error":
            self._failed(pending)
        elif pending.future.status in ("pending", "finished"):  # another worker is at it
            self._watch(pending)
        elif not self._stop.is_set():
            raise self._client.gone()

    def _settle(self, pending: PendingShard, result: ShardResult) -> None:
        self._count(result.files)
        self._forget(pending)
        shard, left = pending.shard, pending.shard.again(frozenset(each.key for each in result.files))
        if not left.rows or self._stop.is_set():
            return
        error = result.error
        if isinstance(error, _UNFIT) and not isinstance(error, errors.NoSpaceError):
            self._client.leave_out(result.worker, error)
            self._again.append(replace(left, tries=shard.tries))
            self._look()  # it may have been the last one
            return
        if error is not None and (isinstance(error, errors.NoSpaceError) or shard.tries >= _TRIES):
            raise error
        if shard.tries >= _BREAKS:
            raise DownloadError(f"workers end before their shards: {count(len(left.rows), 'file')} left")
        self._again.append(left)

    def _failed(self, pending: PendingShard) -> None:
        """Handle a shard that ended without a result."""
        error = pending.future.exception(timeout=30)
        self._forget(pending)
        if type(error).__name__ == "KilledWorker":
            self._killed(pending.shard)
        elif pending.shard.tries >= _TRIES:
            what = one_line(redact(f"{type(error).__name__}: {error}"), 200)
            raise DownloadError(f"the workers cannot do it: {what}", hint="look at the workers' logs")
        else:
            self._again.append(pending.shard.again())

    def _killed(self, shard: Shard) -> None:
        """Halve a shard that ended worker after worker, until its file is known, which has failed."""
        if len(shard.rows) > 1:
            self._again.extend(shard.halves())
            return
        words = "worker after worker ended while it was fetched"
        failure = MLHubException(words, hint="look at the workers' logs: it may be their memory")
        self._count([FileResult(row.id, error=failure) for row in shard.rows])

    def _count(self, results: Sequence[FileResult]) -> None:
        if results:
            self._files.settle(results)
            self.stats.last_byte = time.monotonic()
            for result in results:
                self.stats.count(result)

    def _forget(self, pending: PendingShard) -> None:
        """Forget a shard that has ended; what it had is settled now, or lost."""
        del self._pending[pending.key]
        self.stats.large.pop(pending.key, None)
        pending.future.release()
        self._show_reason()

    def _hear(self, news: dict[str, Any]) -> None:
        """Take the news of a worker: how far its shards are, or that a host wants a rest."""
        for key, progress in news.get("shards", {}).items():
            if (pending := self._pending.get(key)) is None:
                continue
            if pending.progress is None:
                pending.progress = self.stats.large[key] = TransferProgress()
            if progress["bytes"] != pending.progress.done:
                pending.progress.wrote(progress["bytes"])
                self.stats.last_byte = time.monotonic()
            pending.reason = progress["reason"]
        if "host" in news:
            self._block(news["host"], news["seconds"])
        self._show_reason()

    def _show_reason(self) -> None:
        """Show why nothing comes where that is so of all shards."""
        reasons = [each.reason for each in self._pending.values() if each.progress is not None]
        self.stats.reason = reasons[0] if reasons and all(reasons) else ""
        if not self._client.workers:
            waited = len(self._client.joining)
            self.stats.reason = (
                f"waiting for {count(waited, 'worker')} of scheduler {self._client.where} to answer"
                if waited
                else f"scheduler {self._client.where} has no workers"
            )

    def _block(self, host: str, seconds: float) -> None:
        until = time.monotonic() + seconds
        if until > self._blocked.get(host, 0.0):
            self._blocked[host] = until
            self._client.broadcast(self._worker.block, host, seconds)

    def _look(self) -> None:
        """Look at the workers: prepare new ones, share connections and the speed limit among all."""
        joined = self._client.refresh(self._config, self._marker.name)
        where = f"on {count(len(self._client.workers), 'worker')}"
        if waited := len(self._client.joining):
            where = f"{where}, {waited} more {'does' if waited == 1 else 'do'} not answer"
        if left_out := self._client.left_out.values():
            words = f"left out: {some_words(left_out)}"
            where = f"{where}; {words}"
            if where != self.stats.where:
                self._own.set_checkpoint("left out", words)
        self.stats.where, self._looked = where, time.monotonic()
        self._show_reason()
        self._config = replace(
            self._config,
            connections=max(1, self._config.most // max(1, self._client.threads)),
            interval=max(_TICK, len(self._client.workers) / _NEWS),
        )
        limit = self._context.limits.bandwidth.rate
        rate = None if limit is None else limit / max(1, len(self._client.workers))
        if rate != self._rate or (joined and rate is not None):
            self._rate = rate
            self._client.broadcast(self._worker.set_rate, self._config.run, rate)
        if joined and self._blocked:
            blocked, self._blocked, now = self._blocked, {}, time.monotonic()
            for host, until in blocked.items():
                if until > now:
                    self._block(host, until - now)

    def _look_after(self) -> None:
        """Look at the cluster now and then; send shards again whose workers are all gone."""
        if time.monotonic() - self._looked < _TICK:
            return
        self._look()
        self._marker.confirm()
        for pending in list(self._pending.values()):
            if pending.workers.isdisjoint(self._client.present):
                self._client.cancel([pending.future])
                self._forget(pending)
                if pending.shard.tries >= _TRIES:
                    self._killed(pending.shard)
                else:
                    self._again.append(pending.shard.again())

    def _recall(self) -> None:
        """Have pending shards stopped, settle what they had done, and forget the rest."""
        if not self._pending or not self._client.alive:
            return
        self._stop.set()
        end = time.monotonic() + _GRACE
        with contextlib.suppress(MLHubException):
            self._client.broadcast(self._worker.stop, self._config.run)
            while (left := end - time.monotonic()) > 0 and any(
                pending.future.status in ("pending", "finished") for pending in self._pending.values()
            ):
                with contextlib.suppress(MLHubException):
                    self._handle_events(min(left, _TICK))
        self._client.cancel([pending.future for pending in self._pending.values()])
        for pending in list(self._pending.values()):
            self._forget(pending)
