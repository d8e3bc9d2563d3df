"""What a transfer tells while it runs: a few fields that one thread writes and others look at."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from .job import Job, State

MOST_NEWS = 200
"""What happened to a transfer between two looks at it is forgotten beyond so many."""

FILES = ("files_done", "files_failed", "files_total")
"""What jobs of many files count."""


class Live:
    """The present of one transfer; looked at twice a second, so that no byte costs a message.

    Parameters
    ----------
    on_phase
        Called from the transfer's thread when the phase changes.

    Attributes
    ----------
    phase
        Connecting, downloading or verifying.
    done
        Bytes in the part file.
    total
        Bytes of the whole file, once known.
    heard
        Monotonic time in seconds of the last byte.
    host
        Where the bytes come from, once known.
    connections
        How many there are at the moment.
    landed
        The size of the whole file once it has its final name, which no interruption takes back.
    promised
        Bytes that the part will have in the end, for which the disk must keep room.
    words
        What it is at, where the state does not say it all.
    files_done, files_failed, files_total
        Of a dataset; None until that is known.
    kept
        Bytes that were there before this try; None until that is known.
    news
        What happened, with its time in seconds since the epoch, for the log of the job; whoever looks takes
        it from the left.
    """

    def __init__(self, on_phase: Callable[[], None] | None = None) -> None:
        self.phase = State.CONNECTING
        self.done = 0
        self.total: int | None = None
        self.heard = time.monotonic()
        self.promised = 0
        self.host = ""
        self.connections = 1
        self.landed: int | None = None
        self.words = ""
        self.files_done = 0
        self.files_failed = 0
        self.files_total: int | None = None
        self.kept: int | None = None
        self.news: deque[tuple[float, str]] = deque(maxlen=MOST_NEWS)
        self._on_phase = on_phase

    def tell(self, words: str) -> None:
        """Take note of what happened, for the log of the job."""
        self.news.append((time.time(), words))

    def pass_on(self, other: Live) -> None:
        """Tell what another transfer told that is a part of this one."""
        while other.news:
            self.news.append(other.news.popleft())

    def keeps(self, there: int) -> None:
        """Take note of how many bytes this try begins with; of several beginnings, the first counts."""
        if self.kept is None:
            self.kept = there

    def enter(self, phase: State) -> None:
        """Go to a phase."""
        self.heard = time.monotonic()
        if phase != self.phase:
            self.phase = phase
            if self._on_phase is not None:
                self._on_phase()

    def wrote(self, done: int) -> None:
        """Tell how many bytes are written."""
        self.done = done
        self.heard = time.monotonic()

    def numbers(self, job: Job) -> dict[str, Any]:
        """Return the fields of a job that count; what is not known yet stays as it was."""
        numbers = {"bytes_done": self.done or job.bytes_done, "bytes_total": self.total or job.bytes_total}
        if self.files_total is None:
            return numbers
        return numbers | {name: getattr(self, name) for name in FILES} | {"bytes_total": self.total}

    def waits(self) -> None:
        """Tell that it waits for its turn under the speed limit, not for the server."""
        self.heard = time.monotonic()


def known(shown: Job, stored: Job) -> dict[str, Any]:
    """Return the numbers of a job that the board has newer than the store."""
    files = {name: getattr(shown, name) for name in FILES} if shown.files_total is not None else {}
    return files | {"bytes_done": max(shown.bytes_done, stored.bytes_done)}
