"""What a worker does with a shard: takes connections to its host, fetches, puts, and reports."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distributed import Event, get_worker

from .. import fileio
from ..errors import DownloadError, MLHubException
from ..http.link import Link
from ..options import IfExists
from ..planning.manifest_queue import LinkOf, Row
from ..text import one_line, redact
from ..transfer.batch import BatchDownload
from ..transfer.checksums import multihash
from ..transfer.config import BatchConfig
from ..transfer.failures import TransferCancelled
from ..transfer.outputs import OutputBackend
from ..transfer.work_source import FileRequest, FileResult
from .copies import make_copies
from .object_store_output import ObjectStoreOutput
from .payloads import RunConfig, ShardPayload, ShardResult, unpack_rows
from .worker_state import RunBackoff, Work, WorkerState, state_of

_AT_ONCE = 3  # single files of a shard


def fetch_shard(parcel: ShardPayload, errand: RunConfig) -> ShardResult:
    """Fetch the files of a shard; whatever goes wrong is in the report.

    It runs in a thread of a worker. Another one may have begun the very same shard and died: then some of
    the files may be there.
    """
    worker = get_worker()
    station, feed = state_of(worker), _Feed()
    work = Work(errand.run, worker.get_current_task(), errand.every)
    station.begin(work)
    try:
        _work(parcel, errand, station, work, feed)
        return ShardResult.of(feed.results)
    except TransferCancelled:
        return ShardResult.of(feed.results)
    except MLHubException as error:
        return ShardResult.of(feed.results, error, worker.address)
    except OSError as error:
        trouble = fileio.translate_os_error(error, Path(errand.folder or errand.url))
        return ShardResult.of(feed.results, trouble, worker.address)
    except Exception as error:
        what = one_line(redact(f"{type(error).__name__}: {error}"), 200)
        known = DownloadError(f"a shard broke: {what}", hint="retry; if it stays so, report it")
        return ShardResult.of(feed.results, known, worker.address)
    finally:
        station.ended(work)


def _work(parcel: ShardPayload, errand: RunConfig, station: WorkerState, work: Work, feed: _Feed) -> None:
    if parcel.copies:
        results = make_copies(station.store(errand.url), parcel, errand.if_exists)
        feed.settle(results)
        return
    with _begun(work.key, bool(errand.url)) as before, _connections(parcel, errand, station, work) as count:
        link = station.links.of(errand)
        feed.of(unpack_rows(parcel.data), errand, link)
        work.limits.connections = count if parcel.alone else 1
        run = _batch(parcel, errand, station, work, feed, count, check=parcel.check or before)
        work.end = run.abort
        if not station.stopped(work):
            run.run()


def _batch(
    parcel: ShardPayload,
    errand: RunConfig,
    station: WorkerState,
    work: Work,
    feed: _Feed,
    count: int,
    *,
    check: bool,
) -> BatchDownload:
    output: Path | OutputBackend = Path(errand.folder)
    if errand.url:
        store, alone = station.store(errand.url), count if parcel.alone else 1
        output = ObjectStoreOutput(store, check=check, budget=station.budget, connections=alone)
    return BatchDownload(
        feed,
        output,
        station.kit(work.limits).context,
        work.stats,
        config=BatchConfig(slots=count, per_host=count, large=min(_AT_ONCE, count)),
        backoff=RunBackoff(station, errand.run),
    )


class _Feed:
    """The files of one shard, whose links are looked up when they are taken."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._hrefs: dict[int, str] = {}
        self._lock = threading.Lock()
        self.results: list[FileResult] = []

    def of(self, rows: Sequence[Row], errand: RunConfig, link: LinkOf) -> None:
        """Give it its files."""
        self._rows = list(rows)[::-1]
        self._hrefs = {row.id: row.href for row in rows}
        self._link, self._if_exists = link, errand.if_exists

    def take(self, most: int) -> Sequence[FileRequest]:
        """Return the next requests; those that cannot be asked for fail at once."""
        requests: list[FileRequest] = []
        while self._rows and len(requests) < most:
            row = self._rows.pop()
            try:
                requests.append(self._request(row))
            except MLHubException as error:
                self.settle([FileResult(row.id, error=error)])
        return requests

    def settle(self, results: Sequence[FileResult]) -> None:
        """Keep results for the report."""
        with self._lock:
            self.results.extend(results)

    def relink(self, request: FileRequest) -> Link | None:
        """Return a new link for one that was refused; None where it is the same one."""
        found = self._link(self._hrefs[request.key], True)
        return None if found.url == request.link.url else found

    def _request(self, row: Row) -> FileRequest:
        digest = multihash(row.checksum) if row.checksum else None
        checksums = () if digest is None else (digest,)
        link = self._link(row.href, False)
        how = IfExists.OVERWRITE if row.ours and self._if_exists is IfExists.RESUME else self._if_exists
        return FileRequest(row.id, link, row.path, row.size, checksums, how, bool(row.page))


@contextmanager
def _begun(key: str, noted: bool) -> Iterator[bool]:
    """Note with the scheduler that a shard was begun; give whether another worker had begun it and died."""
    if not noted:
        yield False
        return
    event = Event(f"begun-{key}")
    before = bool(event.is_set())
    if not before:
        event.set()
    try:
        yield before
    finally:
        event.clear()


@contextmanager
def _connections(parcel: ShardPayload, errand: RunConfig, station: WorkerState, work: Work) -> Iterator[int]:
    """Take connections to a host out of those that the whole cluster has; give how many."""
    if not parcel.host:
        yield errand.connections
        return
    leases = station.leases.take(parcel.host, errand.most, errand.connections, lambda: station.stopped(work))
    with leases as count:
        yield count


async def hold(host: str, seconds: float, dask_worker: Any) -> None:
    """Have a worker hold a host for so long: another one was refused by it."""
    state_of(dask_worker).hold(host, time.monotonic() + seconds)


async def stop(run: str, dask_worker: Any) -> None:
    """Have a worker end its shards of a run."""
    state_of(dask_worker).stop(run)


async def set_rate(run: str, rate: float | None, dask_worker: Any) -> None:
    """Have the shards of a run on a worker take so many bytes per second together."""
    state_of(dask_worker).set_rate(run, rate)
