"""The title of the terminal's window: how far all transfers are, once a second at most."""

from __future__ import annotations

from .batch import GroupProgress

NAME = "mlhub-tui"
EVERY = 1.0
"""Seconds between two titles."""


def title_of(standing: GroupProgress) -> str:
    """Return the title while something goes on, and after it; empty before anything did."""
    if not standing.total:
        return ""
    failed = f", {standing.failed:,} failed" if standing.failed else ""
    if not standing.open:
        return f"{NAME} {standing.done:,} of {standing.total:,} done{failed}"
    return f"{NAME} {int(standing.part * 100)}% {standing.done:,} of {standing.total:,}{failed}"


class TitleUpdater:
    """Lets a title be written when it is another one, and not too soon after the last.

    Attributes
    ----------
    written
        The last one that was let through.
    """

    def __init__(self) -> None:
        self.written = ""
        self._at = float("-inf")

    def wait(self, title: str, now: float) -> float | None:
        """Return how many seconds to wait until a title may be written; None where there is no need to."""
        return None if title == self.written else max(0.0, self._at + EVERY - now)

    def wrote(self, title: str, now: float) -> None:
        """Take note that a title was written."""
        self.written, self._at = title, now
