"""A transfer at work, as the engine knows it, and what the log of its job is told of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..text import count
from ..transfer.config import DownloadResult, RateEstimator, TransferPhase, TransferProgress
from . import event_messages

Tell = Callable[[str, float | None], None]
"""Takes words for the log of the job, and when that was (seconds since the epoch; None for now)."""


@dataclass(slots=True)
class ActiveTransfer:
    """A transfer at work.

    Parameters
    ----------
    live
        What it tells while it runs.
    tell
        Where the log of its job is written.
    """

    live: TransferProgress
    tell: Tell
    began: float = field(default_factory=time.monotonic)
    meter: RateEstimator = field(init=False)
    connections: int = 1
    task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.meter = RateEstimator(self.began)

    def hear(self) -> None:
        """Have the log say what the transfer told, and over how many connections it goes on."""
        live = self.live
        while live.events:
            at, words = live.events.popleft()
            self.tell(words, at)
        # Of a dataset it is how many large files are on their way, which changes all the time.
        alone = live.files_total is None and live.phase is TransferPhase.DOWNLOADING
        if alone and live.connections != self.connections:
            self.connections = live.connections
            self.tell(count(live.connections, "connection"), None)

    def end(self, outcome: DownloadResult) -> str:
        """Return what the log says of a good end, after all that happened before it."""
        self.hear()
        kept = self.live.resumed_from
        fetched = None if kept is None else max(outcome.size - kept, 0)
        return event_messages.done(outcome, fetched, time.monotonic() - self.began)
