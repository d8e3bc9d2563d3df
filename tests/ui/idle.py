"""When the app under Pilot has nothing left to do: looked up in its message queues, not guessed from time.

Textual's Pilot takes a process that used little of the CPU for some milliseconds for one that is idle. On a
busy machine that is a process that was not let run, too, and a test goes on before its key was looked at.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from textual import app as textual_app
from textual import pilot as textual_pilot
from textual._context import active_app
from textual.app import App
from textual.message_pump import MessagePump

PATIENCE = 5.0
"""Seconds to wait for a message that takes its time; what a test then asks for says what is wrong."""

_HOPS = 4
"""Turns of the loop that a key takes from the driver, which is another thread's, into the app's queue."""

_TURNS = 500
"""Turns of the loop after which something is waited for that takes time."""


def use() -> None:
    """Let Pilot wait by this."""
    for module in (textual_app, textual_pilot):
        vars(module)["wait_for_idle"] = wait_for_idle


async def wait_for_idle(min_sleep: float = 0.0, max_sleep: float = PATIENCE) -> None:
    """Wait until every message of the active app was dealt with and what it changed is laid out.

    Timers, threads and the network are not waited for: a test that needs what comes of them waits for that.

    Parameters
    ----------
    min_sleep
        Not used: there is nothing to guess.
    max_sleep
        Seconds after which it gives up.
    """
    app, end = active_app.get(), time.monotonic() + max(max_sleep, PATIENCE)
    loop: Any = asyncio.get_running_loop()
    quiet, turns = 0, 0
    while quiet < _HOPS and time.monotonic() < end:
        turns += 1
        await asyncio.sleep(0 if turns < _TURNS else 0.002)
        if loop._ready or any(map(_busy, [app, *app._registry])):
            quiet = 0
        else:
            quiet += 1
            if _must_draw(app):
                app.screen._on_timer_update()
                quiet = 0


def _busy(pump: MessagePump) -> bool:
    """Tell whether a widget has a message to deal with, or deals with one."""
    queue: Any = pump._message_queue
    waits = queue.empty() and queue.ready_event._waiters
    return bool(pump._running and not pump._closed and not waits)


def _must_draw(app: App[Any]) -> bool:
    """Tell whether something waits for the next time the screen is drawn."""
    if not app._running or not app.screen_stack or not app.screen.is_current or app._batch_count:
        return False
    screen = app.screen
    pending = screen._layout_required, screen._scroll_required, screen._repaint_required
    return bool(any(pending) or screen._dirty_widgets or screen._recompose_required or screen._callbacks)
