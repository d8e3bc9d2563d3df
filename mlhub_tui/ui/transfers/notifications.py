"""Notifications of finished and failed transfers: toasts, terminal, window title."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from ...queue.job import IDLE_STATES, Job, JobState
from ...text import clean, count, one_line, redact, size
from .job_order import GroupProgress, RateSampler, TransferGroup

if TYPE_CHECKING:
    from textual.timer import Timer

    from ..configured import ConfiguredApp


BELL = "\a"
_LONGEST = 200


class TerminalNotifier:
    """Takes note of transfers, and says once when one failed and when nothing is left to do.

    What was paused or cancelled ended by the user's own hand: nobody is called for that.
    """

    def __init__(self) -> None:
        self._failed: set[int] | None = None
        self._open: set[int] = set()

    def look(self, jobs: Sequence[Job], standing: GroupProgress) -> str:
        """Return what to call the user for; empty where there is nothing. The first look is no news."""
        failures = {job.id: job for job in jobs if job.state is JobState.FAILED}
        fresh = [] if self._failed is None else [failures[i] for i in failures.keys() - self._failed]
        going = {job.id for job in jobs if job.state not in IDLE_STATES}
        ended = (
            any(job.id in self._open and job.state not in _BY_HAND for job in jobs) if not going else False
        )
        self._failed, self._open = set(failures), going
        if ended:
            return _ended(standing)
        if len(fresh) == 1:
            return one_line(redact(f"failed: {fresh[0].name}: {fresh[0].reason}"), _LONGEST)
        return f"{count(len(fresh), 'transfer')} failed" if fresh else ""


_BY_HAND = frozenset({JobState.PAUSED, JobState.CANCELLED})


def _ended(standing: GroupProgress) -> str:
    stopped = standing.total - standing.done - standing.failed
    parts = (("done", standing.done), ("failed", standing.failed), ("stopped", stopped))
    said = ", ".join(f"{number:,} {word}" for word, number in parts if number)
    return f"nothing left to download: {said}"


def notification(how: str, words: str) -> str:
    """Return the bytes that call the user: `bell`, `osc9` (iTerm2 and others) or `osc777` (rxvt and others).

    Parameters
    ----------
    words
        May quote a server: they are made one short line of plain characters here.
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


async def for_terminal(how: str, words: str, environ: Mapping[str, str] | None = None) -> str:
    """Return what to write to the terminal there is: inside tmux, which hands on only where it may.

    Where it may not, the bell is left, which tmux passes on in its own way.
    """
    environ = os.environ if environ is None else environ
    sequence = notification(how, words)
    if how not in ("osc9", "osc777") or not environ.get("TMUX"):
        return sequence
    return passed_through(sequence) if await _tmux_passes() else BELL


def _pane() -> tuple[str, ...]:
    pane = os.environ.get("TMUX_PANE")
    return ("-t", pane) if pane else ()


async def _tmux_passes() -> bool:
    """Ask tmux whether it hands sequences to the terminal around it."""
    if not shutil.which("tmux"):
        return False
    with contextlib.suppress(OSError, TimeoutError):
        process = await asyncio.create_subprocess_exec(
            "tmux",
            *("display-message", "-p", *_pane(), "#{allow-passthrough}"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(2):
            said, _ = await process.communicate()
        return said.strip() in (b"on", b"all", b"1", b"2")
    return False


_EACH = 3  # more that ended together are counted, not named


class Word(NamedTuple):
    """A notification."""

    title: str
    text: str
    severity: Literal["information", "error"]


class CompletionNotifier:
    """Takes note of what ended; what had ended before the first look is no news."""

    def __init__(self) -> None:
        self._known: set[int] | None = None
        self._fresh: list[Job] = []

    def look(self, jobs: Iterable[Job], *, seen: bool) -> bool:
        """Take note of the jobs as they are now; return whether there is something to say.

        Parameters
        ----------
        seen
            Whether the user has them in front already.
        """
        ended = {job.id: job for job in jobs if job.state.finished}
        if self._known is not None and not seen:
            self._fresh += [job for number, job in ended.items() if number not in self._known]
        self._known = set(ended)
        return bool(self._fresh)

    def words(self) -> list[Word]:
        """Return what is to be said, once."""
        fresh, self._fresh = self._fresh, []
        if len(fresh) <= _EACH:
            return [_word(job) for job in fresh]
        states = Counter(str(job.state) for job in fresh)
        text = ", ".join(f"{number:,} {state}" for state, number in states.most_common())
        severity: Literal["information", "error"] = "error" if states["failed"] else "information"
        return [Word(f"{count(len(fresh), 'transfer')} ended", text, severity)]


def _word(job: Job) -> Word:
    if job.state == "failed":
        return Word("failed", clean(f"{job.name}: {job.reason}"), "error")
    return Word(clean(str(job.state)), clean(f"{job.name}, {size(job.bytes_total)}"), "information")


NAME = "mlhub-tui"
EVERY = 1.0
"""Seconds between two titles."""


def title_of(standing: GroupProgress) -> str:
    """Return the title during and after transfers; empty before the first."""
    if not standing.total:
        return ""
    failed = f", {standing.failed:,} failed" if standing.failed else ""
    if not standing.open:
        return f"{NAME} {standing.done:,} of {standing.total:,} done{failed}"
    return f"{NAME} {int(standing.part * 100)}% {standing.done:,} of {standing.total:,}{failed}"


class TitleUpdater:
    """Lets a title be written when it is another one, and not too soon after the last.

    Attributes
    ----------
    written
        The last one that was let through.
    """

    def __init__(self) -> None:
        self.written = ""
        self._at = float("-inf")

    def wait(self, title: str, now: float) -> float | None:
        """Return how many seconds to wait until a title may be written; None where there is no need to."""
        return None if title == self.written else max(0.0, self._at + EVERY - now)

    def wrote(self, title: str, now: float) -> None:
        """Take note that a title was written."""
        self.written, self._at = title, now


class TransferMonitor:
    """Looks at the transfers at each news of the queue; all of it belongs to the app's event loop.

    Attributes
    ----------
    rates
        How fast transfers were in the last minutes.
    """

    def __init__(self, app: ConfiguredApp) -> None:
        self._app = app
        self.rates = RateSampler()
        self._batch = TransferGroup()
        self._standing = GroupProgress()
        self._attention = TerminalNotifier()
        self._endings = CompletionNotifier()
        self._saying: Timer | None = None
        self._titles = TitleUpdater()
        self._naming: Timer | None = None

    def look(self, jobs: Sequence[Job], *, seen: bool) -> None:
        """Take note of the transfers as they are now.

        Parameters
        ----------
        seen
            Whether the user has them in front.
        """
        self.rates.feed(time.monotonic(), jobs)
        self._standing = self._batch.look(jobs)
        self._call_user(jobs)
        self._name_window()
        if self._endings.look(jobs, seen=seen) and self._saying is None:
            # A moment later, so that one notification covers all that end together: thousands may.
            self._saying = self._app.set_timer(0.5, self._say_endings)

    def take_up_settings(self) -> None:
        """Set or clear the window title, as the settings say."""
        self._name_window()

    def _say_endings(self) -> None:
        self._saying = None
        for word in self._endings.words():
            self._app.notify(word.text, title=word.title, severity=word.severity, markup=False)

    # The terminal

    def _call_user(self, jobs: Sequence[Job]) -> None:
        words = self._attention.look(jobs, self._standing)
        how = self._app.loaded.config.notify
        if words and how != "none":
            self._app.run_worker(self._call(how, words), group="attention")

    async def _call(self, how: str, words: str) -> None:
        sequence = await for_terminal(how, words)
        if sequence:
            self._app.write_terminal(sequence)

    def _name_window(self) -> None:
        """Write the title, now or when it is time for it."""
        title = title_of(self._standing) if self._app.loaded.config.title else ""
        if not title and self._titles.written:
            title = NAME
        wait = self._titles.wait(title, time.monotonic()) if self._naming is None else None
        if wait is None:
            return
        if wait > 0:
            self._naming = self._app.set_timer(wait, self._name_later)
            return
        self._titles.wrote(title, time.monotonic())
        change = getattr(self._app.terminal, "set_title", None)
        if change is not None:
            change(title)

    def _name_later(self) -> None:
        self._naming = None
        self._name_window()
