"""One stretch of a file on its way over one connection, as far as it has come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Lane:
    """A stretch of a file that one connection fetches.

    Its own thread moves `at`; others may lower `end`, to fetch the rest themselves.

    Parameters
    ----------
    start, end
        First byte, and the one after the last.

    Attributes
    ----------
    at
        Up to where it is written.
    reach
        Up to where the answer goes, which may be further than `end`.
    active
        Whether somebody fetches it: what a lane that is given up has left is free again.
    retired
        Set by others to make it stop.
    """

    start: int
    end: int
    at: int = 0
    reach: int = 0
    active: bool = True
    retired: bool = False

    def __post_init__(self) -> None:
        self.at = self.start

    @property
    def left(self) -> int:
        """Bytes to come."""
        return self.end - self.at
