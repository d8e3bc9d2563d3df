"""What calls the user back to the terminal: all is done, or a transfer failed; and how it is written."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence

from ...queue.job import IDLE_STATES, Job, JobState
from ...text import count, one_line, redact
from .batch import GroupProgress

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
