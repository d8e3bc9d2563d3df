"""Reads the marks of what is downloaded, again whenever a transfer begins or ends, and gives the news."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...queue.job import Job
from ...queue.library import DownloadMarks, Mark, read_marks

if TYPE_CHECKING:
    from textual.app import App
    from textual.timer import Timer

    from ...models import Entry

SIGNS = {Mark.NONE: "", Mark.QUEUED: "○", Mark.PARTLY: "◐", Mark.DOWNLOADED: "●"}
DELAY = 0.3
"""Seconds from the news of a transfer until the marks are read: many in a row are read once."""
REST = 10
"""How many times as long as the reading took nothing is read after it."""


class MarksReader:
    """The marks of the source in use, as they were read last.

    - `app`: Runs the reading.
    - `changed`: Called when there are other marks.
    """

    def __init__(self, app: App[Any], changed: Callable[[], None]) -> None:
        self._app, self._changed = app, changed
        self._jobs: Sequence[Job] = ()
        self._marks = DownloadMarks()
        self._seen: dict[int, tuple[Job, tuple[str, bool]]] = {}
        self._subject: tuple[str, Path] | None = None
        self._pending: Timer | None = None
        self._took = 0.0

    def sign(self, entry: Entry) -> str:
        """Return the sign of what is downloaded of an entry; empty for nothing."""
        return SIGNS[self._marks.of(entry)]

    @property
    def has_any(self) -> bool:
        """Whether anything of the source is downloaded or queued."""
        return bool(self._marks)

    def look(self, jobs: Sequence[Job], subject: tuple[str, Path] | None) -> None:
        """Take note of the transfers as they are now; of those that only move on nothing is read.

        - `subject`: What the queue calls the source in use, and the output folder; None while no source is
          open.
        """
        changed = subject != self._subject or len(jobs) != len(self._seen)
        if subject is None or self._subject is None or subject[0] != self._subject[0]:
            self._marks = DownloadMarks()  # those were of another source
        self._jobs, self._subject = jobs, subject
        for job in jobs:
            before = self._seen.get(job.id)
            if before is None or before[0] is not job:
                phase = (_phase(job), bool(job.bytes_done or job.files_done))
                changed = changed or before is None or before[1] != phase
                self._seen[job.id] = (job, phase)
        if len(jobs) != len(self._seen):
            ids = {job.id for job in jobs}
            self._seen = {number: seen for number, seen in self._seen.items() if number in ids}
        if changed and self._pending is None:
            self._pending = self._app.set_timer(max(DELAY, REST * self._took), self._read)

    def _read(self) -> None:
        self._pending = None
        load: Callable[[], Awaitable[None]] = self._load
        self._app.run_worker(load, group="marks", exclusive=True)

    async def _load(self) -> None:
        subject, began = self._subject, time.monotonic()
        found = DownloadMarks()
        if subject is not None:
            source, folder = subject
            found = await asyncio.to_thread(read_marks, self._jobs, folder, source)
        self._took = time.monotonic() - began
        if subject == self._subject and found != self._marks:
            self._marks = found
            self._changed()


def _phase(job: Job) -> str:
    return job.state if job.state.finished else ""
