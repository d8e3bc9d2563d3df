"""What follows the transfers: notifications, the window title, and the marks of what is downloaded."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ...queue.download_marks import DownloadMarks, Mark, read_marks
from ...queue.job import IDLE_STATES, Job, JobState
from ...text import clean, count, one_line, redact, size
from ..terminal.tty import tmux
from .job_view import RateHistory, fraction

if TYPE_CHECKING:
    from textual.app import App
    from textual.timer import Timer

    from ...models import Entry
    from ..configured import ConfiguredApp

BELL = "\a"
_LONGEST = 200
_EACH = 3  # more that ended together are counted, not named
_BY_HAND = frozenset({JobState.PAUSED, JobState.CANCELLED})


class Word(NamedTuple):
    """A notification."""

    title: str
    text: str
    severity: Literal["information", "error"]


@dataclass(frozen=True, slots=True)
class GroupProgress:
    """How far the transfers are that run together, and those that joined them.

    - `total`, `done`, `failed`: Transfers.
    - `open`: Those at which something happens by itself, now or later.
    - `part`: How far all together are, from 0 to 1.
    """

    total: int = 0
    done: int = 0
    failed: int = 0
    open: int = 0
    part: float = 0.0

    @classmethod
    def of(cls, jobs: Sequence[Job], open_jobs: int) -> GroupProgress:
        """Return the progress of jobs: by bytes where all sizes are known, else each counts the same."""
        weights = [job.bytes_total or 0 for job in jobs]
        weights = weights if all(weights) else [1] * len(jobs)
        part = sum(weight * (fraction(job) or 0.0) for weight, job in zip(weights, jobs, strict=True))
        done, failed = (sum(job.state is state for job in jobs) for state in (JobState.DONE, JobState.FAILED))
        return cls(len(jobs), done, failed, open_jobs, part / max(sum(weights), 1))

    @property
    def title(self) -> str:
        """The window's title during and after transfers; empty before the first."""
        if not self.total:
            return ""
        failed = f", {self.failed:,} failed" if self.failed else ""
        if not self.open:
            return f"{NAME} {self.done:,} of {self.total:,} done{failed}"
        return f"{NAME} {int(self.part * 100)}% {self.done:,} of {self.total:,}{failed}"


class TransferWatch:
    """Compares the transfers with those at the last look; what was at rest at the first is no news."""

    def __init__(self) -> None:
        self.progress = GroupProgress()
        self._before: dict[int, JobState] | None = None
        self._group: set[int] = set()
        self._ended: list[Job] = []

    def look(self, jobs: Sequence[Job], *, seen: bool = False) -> str:
        """Take note of the transfers as they are now; return what to call the user for, if anything.

        What was paused or cancelled ended by the user's own hand: nobody is called for that.

        - `seen`: Whether the user has them in front: then their ends are not worth a notification.
        """
        before, now = self._before, {job.id: job.state for job in jobs}
        self._before = now
        was_open, now_open = (
            {number for number, state in (states or {}).items() if state not in IDLE_STATES}
            for states in (before, now)
        )
        if now_open and not was_open:
            self._group.clear()
        self._group |= now_open
        group = [job for job in jobs if job.id in self._group and job.state is not JobState.CANCELLED]
        self.progress = GroupProgress.of(group, len(now_open))
        if before is None:
            return ""
        changed = [job for job in jobs if job.state is not before.get(job.id)]
        if not seen:
            known = {number for number, state in before.items() if state.finished}
            self._ended += [job for job in changed if job.state.finished and job.id not in known]
        if not now_open and any(job.id in was_open and job.state not in _BY_HAND for job in jobs):
            return f"nothing left to download: {self._outcome()}"
        failed = [job for job in changed if job.state is JobState.FAILED]
        if len(failed) == 1:
            return one_line(redact(f"failed: {failed[0].name}: {failed[0].reason}"), _LONGEST)
        return f"{count(len(failed), 'transfer')} failed" if failed else ""

    def _outcome(self) -> str:
        total, done, failed = self.progress.total, self.progress.done, self.progress.failed
        parts = (("done", done), ("failed", failed), ("stopped", total - done - failed))
        return ", ".join(f"{number:,} {word}" for word, number in parts if number)

    @property
    def has_ended(self) -> bool:
        """Whether there is something for `words`."""
        return bool(self._ended)

    def words(self) -> list[Word]:
        """Return the notifications of what ended, once."""
        fresh, self._ended = self._ended, []
        if len(fresh) <= _EACH:
            return [_word(job) for job in fresh]
        states = Counter(str(job.state) for job in fresh)
        text = ", ".join(f"{number:,} {state}" for state, number in states.most_common())
        severity: Literal["information", "error"] = "error" if states["failed"] else "information"
        return [Word(f"{count(len(fresh), 'transfer')} ended", text, severity)]


def _word(job: Job) -> Word:
    if job.state is JobState.FAILED:
        return Word("failed", clean(f"{job.name}: {job.reason}"), "error")
    return Word(clean(str(job.state)), clean(f"{job.name}, {size(job.bytes_total)}"), "information")


def notification(how: str, words: str) -> str:
    """Return the bytes that call the user: `bell`, `osc9` (iTerm2 and others) or `osc777` (rxvt and others).

    - `words`: May quote a server: they are made one short line of plain characters here.
    """
    plain = one_line(words, _LONGEST)
    if how == "osc9":
        return f"\x1b]9;mlhub-tui: {plain}{BELL}"
    if how == "osc777":
        return f"\x1b]777;notify;mlhub-tui;{plain.replace(';', ',')}{BELL}"
    return BELL if how == "bell" else ""


def passed_through(sequence: str) -> str:
    """Return a sequence as tmux hands it to the terminal around it (tmux(1), `allow-passthrough`)."""
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"


async def for_terminal(how: str, words: str) -> str:
    """Return what to write to the terminal there is: inside tmux, which hands on only where it may.

    Where it may not, the bell is left, which tmux passes on in its own way.
    """
    sequence = notification(how, words)
    if how not in ("osc9", "osc777") or not os.environ.get("TMUX"):
        return sequence
    pane = os.environ.get("TMUX_PANE")
    target = ("-t", pane) if pane else ()
    passes = await tmux("display-message", "-p", *target, "#{allow-passthrough}") in ("on", "all", "1", "2")
    return passed_through(sequence) if passes else BELL


NAME = "mlhub-tui"
EVERY = 1.0
"""Seconds between two titles."""


class TransferMonitor:
    """Looks at the transfers at each news of the queue; all of it belongs to the app's event loop.

    - `rates`: How fast transfers were in the last half minute.
    """

    def __init__(self, app: ConfiguredApp) -> None:
        self._app = app
        self.rates = RateHistory()
        self._watch = TransferWatch()
        self._saying: Timer | None = None
        self._title = ""
        self._title_rests: Timer | None = None

    def look(self, jobs: Sequence[Job], *, seen: bool) -> None:
        """Take note of the transfers as they are now; `seen` is whether the user has them in front."""
        self.rates.feed(time.monotonic(), jobs)
        words, how = self._watch.look(jobs, seen=seen), self._app.loaded.config.notify
        if words and how != "none":
            call: Callable[[], Awaitable[None]] = partial(self._call, how, words)
            self._app.run_worker(call, group="attention")
        self.name_window()
        if self._watch.has_ended and self._saying is None:
            # A moment later, so that one notification covers all that end together: thousands may.
            self._saying = self._app.set_timer(0.5, self._say_endings)

    def _say_endings(self) -> None:
        self._saying = None
        for word in self._watch.words():
            self._app.notify(word.text, title=word.title, severity=word.severity)

    async def _call(self, how: str, words: str) -> None:
        if sequence := await for_terminal(how, words):
            self._app.write_terminal(sequence)

    def name_window(self) -> None:
        """Set or clear the window's title as the settings say, if it is another one and it is time."""
        title = self._watch.progress.title if self._app.loaded.config.title else ""
        title = title or (NAME if self._title else "")
        if title == self._title or self._title_rests is not None:
            return
        self._title, self._title_rests = title, self._app.set_timer(EVERY, self._name_later)
        if (change := getattr(self._app.terminal, "set_title", None)) is not None:
            change(title)

    def _name_later(self) -> None:
        self._title_rests = None
        self.name_window()


SIGNS = {Mark.NONE: "", Mark.QUEUED: "○", Mark.PARTLY: "◐", Mark.DOWNLOADED: "●"}
DELAY = 0.3
"""Seconds from the news of a transfer until the marks are read: many in a row are read once."""
REST = 10
"""How many times as long as the reading took nothing is read after it."""


class MarksReader:
    """The marks of the source in use, as they were read last; `changed` is called when there are others."""

    def __init__(self, app: App[Any], changed: Callable[[], None]) -> None:
        self._app, self._changed = app, changed
        self._jobs: Sequence[Job] = ()
        self._marks = DownloadMarks()
        self._seen: dict[int, tuple[str, bool]] = {}
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
        seen = {
            job.id: (job.state if job.state.finished else "", bool(job.bytes_done or job.files_done))
            for job in jobs
        }
        changed = (subject, seen) != (self._subject, self._seen)
        if subject is None or self._subject is None or subject[0] != self._subject[0]:
            self._marks = DownloadMarks()  # those were of another source
        self._jobs, self._subject, self._seen = jobs, subject, seen
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
