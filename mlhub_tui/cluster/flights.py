"""The shards that are with the scheduler, and how far they are by the news of their workers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..transfer.progress import TransferProgress
from ..transfer.work_source import BatchStats
from .sharding import Shard


@dataclass(slots=True)
class PendingShard:
    """A shard that is with the scheduler.

    Attributes
    ----------
    live
        How far it is; None until a worker has begun with it.
    """

    key: str
    shard: Shard
    future: Any = None
    live: TransferProgress | None = None
    reason: str = ""


class PendingShards:
    """All of them, shown in the statistics of a run.

    Parameters
    ----------
    stats
        Where everybody looks: what is settled is counted there, what comes is among its large files.
    """

    def __init__(self, stats: BatchStats) -> None:
        self._stats = stats
        self._known: dict[str, PendingShard] = {}

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[PendingShard]:
        return iter(list(self._known.values()))

    def add(self, flight: PendingShard) -> None:
        """Take one."""
        self._known[flight.key] = flight

    def get(self, key: str) -> PendingShard | None:
        """Return one; None if it has ended."""
        return self._known.get(key)

    def remove(self, flight: PendingShard) -> None:
        """Forget one that has ended; what it had is settled now, or lost."""
        self._known.pop(flight.key, None)
        self._stats.large.pop(flight.key, None)
        self._show()

    def heard(self, news: Mapping[str, Mapping[str, Any]]) -> None:
        """Take note of how far shards are."""
        for key, numbers in news.items():
            flight = self._known.get(key)
            if flight is None:
                continue
            if flight.live is None:
                flight.live = self._stats.large[key] = TransferProgress()
            if numbers["bytes"] != flight.live.done:
                flight.live.wrote(numbers["bytes"])
                self._stats.heard = time.monotonic()
            flight.reason = numbers["reason"]
        self._show()

    def _show(self) -> None:
        """Tell why nothing comes where that is so of all of them."""
        reasons = [flight.reason for flight in self if flight.live is not None]
        self._stats.reason = reasons[0] if reasons and all(reasons) else ""
