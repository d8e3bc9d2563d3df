"""The terminal's side: signals, a terminal that went away, the clipboard, pages, motion over SSH."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import shutil
import signal
import sys
from collections.abc import Callable

HANGUP_CHECK = 1.0
"""Seconds between looks whether the terminal is still there."""


def over_ssh() -> bool:
    """Tell whether the session came over SSH."""
    return any(os.environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))


def plain_colours() -> bool:
    """Tell whether to use the terminal's own 16 colours: the Linux console, or NO_COLOR."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM", "") in (
        "linux",
        "vt100",
        "vt220",
        "dumb",
    )


def on_end_signals(act: Callable[[int], None]) -> None:
    """Call `act` with the signal's number on SIGTERM and SIGHUP.

    A SIGHUP that was ignored before (nohup) stays ignored.
    """
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
            continue
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, act, number)


def hung_up() -> bool:
    """Tell whether the terminal behind stdin is gone: its reads end at once and would spin."""
    if not hasattr(select, "poll") or sys.__stdin__ is None:
        return False
    try:
        poll = select.poll()
        poll.register(sys.__stdin__.fileno(), 0)
        return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
    except (OSError, ValueError):
        return True


async def copy(text: str, osc52: Callable[[str], None]) -> str:
    """Copy text to the clipboard and return how, for people.

    Inside tmux its own buffer is set and passed on (tmux drops bare OSC 52 by default); elsewhere OSC 52.

    Parameters
    ----------
    text
        What to copy; cleaned, without keys.
    osc52
        Writes the OSC 52 sequence.
    """
    if os.environ.get("TMUX") and shutil.which("tmux"):
        with contextlib.suppress(OSError, TimeoutError):
            process = await asyncio.create_subprocess_exec(
                "tmux",
                *("load-buffer", "-w", "-"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            async with asyncio.timeout(2):
                await process.communicate(text.encode())
            if process.returncode == 0:
                return "copied to the tmux buffer and the terminal's clipboard"
    osc52(text)
    return "sent to the terminal's clipboard (OSC 52), where the terminal allows it"
