"""Connections to hosts as the whole cluster has them: leased of the scheduler, kept from shard to shard."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from distributed import Semaphore

from ..transfer.failures import TransferCancelled

_WAIT = 1.0  # seconds of one wait for a connection, between two looks whether it is still wanted
_IDLE = 1.0  # seconds after which a worker gives back what it does not use


@dataclass(slots=True)
class _Pool:
    """The leases of a host that this worker holds and does not use at the moment."""

    semaphore: Any
    free: int = 0
    since: float = 0.0


class HostSemaphores:
    """The leases of one worker, for all of its shards.

    Each lease is a word with the scheduler, which has better things to do: a shard goes on with those of the
    one before it. What nobody uses for a second goes back; a worker that dies loses its own when they are not
    renewed (`distributed.scheduler.locks.lease-timeout`).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pools: dict[tuple[str, int], _Pool] = {}
        self._tidying = False

    @contextmanager
    def take(self, host: str, most: int, wanted: int, stopped: Callable[[], bool]) -> Iterator[int]:
        """Give so many connections to a host, or fewer: at least one.

        One is waited for; the others are taken only if they are free, so that shards never wait for each
        other.

        Parameters
        ----------
        host
            What the host is called among the cluster's own things.
        most
            Connections to it, of the whole cluster: who names the same number shares them.
        stopped
            Returns whether nobody wants it any more.

        Raises
        ------
        TransferCancelled
            If it was stopped.
        """
        pool = self._pool(host, most)
        held = self._reuse(pool, wanted)
        try:
            while not held:
                if stopped():
                    raise TransferCancelled
                held = int(pool.semaphore.acquire(timeout=_WAIT))
            while held < wanted and pool.semaphore.acquire(timeout=0):
                held += 1
            yield held
        finally:
            self._put_back(pool, held)

    def _pool(self, host: str, most: int) -> _Pool:
        with self._lock:
            pool = self._pools.get((host, most))
            if pool is None:
                pool = self._pools[host, most] = _Pool(Semaphore(most, f"mlhub-{host}-{most}"))
            return pool

    def _reuse(self, pool: _Pool, wanted: int) -> int:
        with self._lock:
            held = min(pool.free, wanted)
            pool.free -= held
            return held

    def _put_back(self, pool: _Pool, held: int) -> None:
        with self._lock:
            pool.free += held
            pool.since = time.monotonic()
            if not self._tidying:
                self._tidying = True
                threading.Thread(target=self._tidy, name="leases", daemon=True).start()

    def _tidy(self) -> None:
        """Give back what is not used, until nothing is held any more."""
        while True:
            time.sleep(_IDLE / 4)
            with self._lock:
                idle = [pool for pool in self._pools.values() if pool.free]
                if not idle:
                    self._tidying = False
                    return
                old = [pool for pool in idle if time.monotonic() - pool.since >= _IDLE]
                counts = [(pool, pool.free) for pool in old]
                for pool in old:
                    pool.free = 0
            for pool, count in counts:
                for _ in range(count):
                    with contextlib.suppress(Exception):  # the scheduler is gone, and with it all leases
                        pool.semaphore.release()
