"""Where one was: the places that were left by a jump, to go back to and forward again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..widgets.entries import TreeEntry

HISTORY_SIZE = 20
"""Places that are remembered; the oldest go first."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A place one was at.

    Parameters
    ----------
    place
        By what its source is opened.
    path
        The keys of the rows that lead to it in the tree.
    subject
        What was open there, on a screen of its own.
    """

    place: str
    path: tuple[str, ...]
    subject: TreeEntry | None = field(default=None, compare=False)
    is_open: bool = False


class NavigationHistory:
    """The places in the order in which they were visited, and which of them one is at."""

    def __init__(self) -> None:
        self.stops: list[HistoryEntry] = []
        self.at = -1

    @property
    def current(self) -> HistoryEntry | None:
        """The place that was visited last, or gone back to."""
        return self.stops[self.at] if self.stops else None

    def visit(self, stop: HistoryEntry) -> None:
        """Take note of a place; what was ahead of it is forgotten. The same twice in a row is once."""
        del self.stops[self.at + 1 :]
        if not self.stops or self.stops[-1] != stop:
            self.stops.append(stop)
        del self.stops[: max(len(self.stops) - HISTORY_SIZE, 0)]
        self.at = len(self.stops) - 1

    def go(self, here: HistoryEntry, step: int) -> HistoryEntry | None:
        """Return the place before (-1) or behind (1) the one that one is at; None at the end.

        Where one went somewhere else meanwhile, that place is the one to come back to.
        """
        if not self.stops:
            self.visit(here)
            return None
        if self.stops[self.at] != here:
            if self.at > 0 and self.stops[self.at - 1] == here:
                self.at -= 1  # what was open there was closed by hand
            elif step < 0:
                self.visit(here)
        following = self.at + step
        if not 0 <= following < len(self.stops):
            return None
        self.at = following
        return self.stops[following]
