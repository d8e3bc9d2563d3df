"""The terminal's side: signals, a terminal that went away, the clipboard, pages, motion over SSH."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

    from textual.driver import Driver

HANGUP_CHECK = 1.0
"""Seconds between looks whether the terminal is still there."""

END_GRACE = 2.0
"""Seconds after a signal to end within which the end must have come."""


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


def ascii_only() -> bool:
    """Tell whether the terminal draws no braille patterns: the Linux console, or a locale without Unicode."""
    if os.environ.get("TERM", "") in ("linux", "vt100", "vt220", "dumb"):
        return True
    locale = next((v for n in ("LC_ALL", "LC_CTYPE", "LANG") if (v := os.environ.get(n))), "")
    return bool(locale) and "utf" not in locale.lower() and sys.platform != "win32"


def own_driver(usual: type[Driver]) -> type[Driver]:
    """Return our driver in place of Textual's for a POSIX terminal, any other (Windows, tests) as it is."""
    if usual.__name__ != "LinuxDriver":
        return usual
    from .driver import TerminalDriver

    return TerminalDriver


def let_threads_go() -> None:
    """Do not wait for threads at the end: one may hang for half a minute in the look-up of a host's name."""
    from ..downloads.threads import DaemonExecutor

    asyncio.get_running_loop().set_default_executor(DaemonExecutor())


def on_end_signals(act: Callable[[int], None]) -> None:
    """Call `act` with the signal's number on SIGTERM and SIGHUP, and insist on the end.

    A SIGHUP that was ignored before (nohup) stays ignored. A terminal that takes no more output (a stalled
    connection) holds up the event loop: then the process ends without it.
    """
    loop = asyncio.get_running_loop()

    def insist(number: int) -> None:
        time.sleep(END_GRACE)
        os._exit(128 + number)

    def end(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(act, number)
        threading.Thread(target=insist, args=[number], name="end", daemon=True).start()

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


def hung_up() -> bool:
    """Tell whether the terminal behind stdin is gone: its reads end at once and would spin."""
    if sys.platform == "win32" or sys.__stdin__ is None:
        return False
    import termios

    try:
        termios.tcgetattr(sys.__stdin__.fileno())
    except (termios.error, OSError, ValueError):
        return True
    return False


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
