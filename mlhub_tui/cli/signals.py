"""The signals that end a command in order, instead of killing it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable


def listen(act: Callable[[int], None]) -> None:
    """Call `act` with the number of a signal that ends the command; nohup's SIGHUP stays ignored.

    Must be called in the running event loop of the main thread.
    """
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
            continue
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, act, int(number))
