"""When the app under Pilot has nothing left to do: seen at its event loop, not guessed from time.

Textual's Pilot takes a process that used little of the CPU for some milliseconds for one that is idle. On a
busy machine that is a process that was not let run, too, and a test goes on before its key was looked at.
"""

from __future__ import annotations

import asyncio

from textual import app as textual_app
from textual import pilot as textual_pilot
from textual.screen import UPDATE_PERIOD

from ..support.event_loop import WatchedLoop

_PAINTS = 2
"""Screens are laid out and painted this often before all is as it stays."""


def use() -> None:
    """Let Pilot wait by this."""
    for module in (textual_app, textual_pilot):
        vars(module)["wait_for_idle"] = wait_for_idle


async def wait_for_idle(min_sleep: float = 0.0, max_sleep: float = 0.0) -> None:
    """Wait until every message of the app was dealt with and what it changed is laid out.

    Other timers, threads and the network are not waited for: a test that needs what comes of them waits for
    that.

    Parameters
    ----------
    min_sleep, max_sleep
        Not used: there is nothing to guess.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, WatchedLoop)
    await loop.idle()
    for _ in range(_PAINTS):
        await asyncio.sleep(UPDATE_PERIOD)  # the screen's own timer is due before this one
        await loop.idle()
