"""The terminal and the process: end signals, hang-up, clipboard, mouse, colours over SSH."""

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

from ...concurrency import DaemonExecutor

if TYPE_CHECKING:
    from types import FrameType


HANGUP_CHECK = 1.0
"""Seconds between looks whether the terminal is still there."""

TMUX_PATIENCE = 2.0
"""Seconds within which tmux answers."""
END_GRACE = 2.0
"""Seconds after a signal to end within which the end must have come."""


def lacks_braille() -> bool:
    """Tell whether the terminal draws no braille patterns, as the Linux console, whose fonts have none."""
    return os.environ.get("TERM", "") in ("linux", "vt100", "vt220")


def let_threads_go() -> None:
    """Do not wait for threads at the end: one may hang for half a minute in the look-up of a host's name."""
    asyncio.get_running_loop().set_default_executor(DaemonExecutor())


def on_end_signals(act: Callable[[int], None]) -> None:
    """Call `act` with the signal's number on SIGTERM and SIGHUP, and insist on the end.

    A SIGHUP that was ignored before (nohup) stays ignored. A terminal that accepts no output (a stalled
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

    - `text`: What to copy; cleaned, without keys.
    - `osc52`: Writes the OSC 52 sequence.
    """
    if await tmux("load-buffer", "-w", "-", written=text) is not None:
        return "to the tmux buffer and the terminal's clipboard"
    osc52(text)
    return "to the terminal's clipboard (OSC 52), where the terminal allows it"


async def tmux(*command: str, written: str = "") -> str | None:
    """Return what tmux answers to a command; None outside of it, and where it fails or takes too long."""
    if not os.environ.get("TMUX") or not shutil.which("tmux"):
        return None
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    with contextlib.suppress(OSError, TimeoutError):
        process = await asyncio.create_subprocess_exec("tmux", *command, stdin=pipe, stdout=pipe, stderr=null)
        try:
            async with asyncio.timeout(TMUX_PATIENCE):
                answer, _ = await process.communicate(written.encode())
        except TimeoutError:
            process.kill()
            raise
        return answer.decode(errors="replace").strip() if process.returncode == 0 else None
    return None
