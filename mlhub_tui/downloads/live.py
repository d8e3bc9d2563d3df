"""What a transfer tells while it runs: a few fields that one thread writes and others look at."""

from __future__ import annotations

import time
from collections.abc import Callable

from .job import State


class Live:
    """The present of one transfer; looked at twice a second, so that no byte costs a message.

    Parameters
    ----------
    on_phase
        Called from the transfer's thread when the phase changes.

    Attributes
    ----------
    phase
        Connecting, downloading or verifying.
    done
        Bytes in the part file.
    total
        Bytes of the whole file, once known.
    heard
        Monotonic time in seconds of the last byte.
    host
        Where the bytes come from, once known.
    connections
        How many there are at the moment.
    landed
        The size of the whole file once it has its final name, which no interruption takes back.
    promised
        Bytes that the part will have in the end, for which the disk must keep room.
    """

    def __init__(self, on_phase: Callable[[], None] | None = None) -> None:
        self.phase = State.CONNECTING
        self.done = 0
        self.total: int | None = None
        self.heard = time.monotonic()
        self.promised = 0
        self.host = ""
        self.connections = 1
        self.landed: int | None = None
        self._on_phase = on_phase

    def enter(self, phase: State) -> None:
        """Go to a phase."""
        self.heard = time.monotonic()
        if phase != self.phase:
            self.phase = phase
            if self._on_phase is not None:
                self._on_phase()

    def wrote(self, done: int) -> None:
        """Tell how many bytes are written."""
        self.done = done
        self.heard = time.monotonic()

    def waits(self) -> None:
        """Tell that it waits for its turn under the speed limit, not for the server."""
        self.heard = time.monotonic()
