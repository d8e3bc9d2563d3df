"""Which moves between the states of a transfer are legal: one table, for memory and database alike."""

from __future__ import annotations

from collections.abc import Mapping

from .job import State

_ENDS = frozenset(
    {
        State.RETRYING,
        State.PAUSED,
        State.NEEDS_KEY,
        State.NO_SPACE,
        State.FAILED,
        State.CANCELLED,
        State.QUEUED,
    }
)

_AT_WORK = frozenset({State.CONNECTING, State.PREPARING, State.DOWNLOADING, State.STALLED, State.VERIFYING})

MOVES: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.CONNECTING, State.PAUSED, State.CANCELLED}),
    **{state: (_ENDS | _AT_WORK | {State.DONE}) - {state} for state in _AT_WORK},
    State.RETRYING: frozenset({State.QUEUED, State.PAUSED, State.CANCELLED}),
    State.PAUSED: frozenset({State.QUEUED, State.CANCELLED, State.DONE}),
    State.NEEDS_KEY: frozenset({State.QUEUED, State.PAUSED, State.CANCELLED}),
    State.NO_SPACE: frozenset({State.QUEUED, State.PAUSED, State.CANCELLED}),
    State.DONE: frozenset({State.QUEUED}),
    State.FAILED: frozenset({State.QUEUED, State.CANCELLED}),
    State.CANCELLED: frozenset({State.QUEUED, State.DONE}),
}
"""From each state, the states it may go to. A program that ends puts what it was at back to queued.

What was paused or cancelled while it got its final name is done: the file is there.
"""

ACTIVE = _AT_WORK
"""States in which a transfer holds one of the places at work (a wait for the next try holds none)."""


class IllegalMove(ValueError):
    """A move that is not in the table."""

    def __init__(self, start: State, end: State) -> None:
        super().__init__(f"a transfer cannot go from {start} to {end}")
        self.start = start
        self.end = end


def check(start: State, end: State) -> None:
    """Raise IllegalMove unless a transfer may go from `start` to `end`."""
    if end not in MOVES[start]:
        raise IllegalMove(start, end)
