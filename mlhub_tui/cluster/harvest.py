"""Fetches the files of a plan over the workers of a cluster: the face that a dataset's job sees."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from ..planning.job_context import JobContext
from ..planning.manifest_lock import LockedManifest
from ..planning.manifest_queue import ManifestQueue
from ..planning.requests import DatasetRequest
from ..transfer.failures import TransferCancelled
from ..transfer.work_source import BatchStats
from .cluster_run import ClusterRun
from .dask_client import connected


class ClusterHarvest:
    """Fetches what is wanted; `run` blocks, so it wants a thread, and `abort` ends it from any other.

    Parameters
    ----------
    request
        What is wanted, with its cluster.
    feed
        Where files come from and results go.
    own
        The record of what is done, and of what was sent out.
    kit
        What all transfers share: the speed limit holds for all workers together.
    store
        Host and port of the store of the sample catalogue; the request's source is where it runs then.
    """

    def __init__(
        self,
        request: DatasetRequest,
        feed: ManifestQueue,
        own: LockedManifest,
        kit: JobContext,
        store: str = "",
    ) -> None:
        self.stats = BatchStats()
        self._store = store
        self._request = request
        self._feed = feed
        self._own = own
        self._kit = kit
        self._news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stop = threading.Event()

    def abort(self) -> None:
        """End it soon: shards are told to stop, and what they report within some seconds is kept."""
        self._stop.set()
        self._news.put(lambda: None)

    def run(self) -> BatchStats:
        """Fetch everything.

        Raises
        ------
        TransferCancelled
            If it was aborted.
        ClusterGone
            If the scheduler does not answer; what was not settled is sent out again by the next try.
        NoSpaceError, OutputFolderError
            If the place that the files go to cannot be written.
        AuthenticationError, APIKeyNotFound
            If the workers have no good key.
        MLHubException
            What else ended it.
        """
        cluster = self._request.cluster
        assert cluster is not None
        self.stats.reason = self.stats.where = ""
        with connected(cluster) as session:
            if self._stop.is_set():
                raise TransferCancelled
            made = ClusterRun(
                self._request, self._feed, self._own, self._kit, self.stats, session, self._store
            )
            made.run(self._news, self._stop)
        return self.stats
