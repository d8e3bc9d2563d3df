"""SkipReport: what was left out of an archive and why, counted, with the first of each kind named."""

from __future__ import annotations

from collections.abc import Callable

from ...text import count, one_line

OUTSIDE = "whose name leads out of the archive"
SPECIAL = "that is a link or device"
HUGE = "too large to be read"
NO_JSON = "that is not JSON"
DEEP = "nested too deep to be read"
_PLURALS = {
    OUTSIDE: "whose names lead out of the archive",
    SPECIAL: "that are links or devices",
    NO_JSON: "that are not JSON",
}


class SkipReport:
    """Counts by reason; the first name of each reason is kept."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: dict[str, str] = {}
        self.damage = ""

    def add(self, reason: str, name: str) -> None:
        """Count a member that was left out."""
        self._counts[reason] = self._counts.get(reason, 0) + 1
        self._first.setdefault(reason, one_line(name, 80))

    def lines(self) -> tuple[str, ...]:
        """Return a line for each reason; what is wrong with the archive as a whole comes first."""
        said = [self.damage] if self.damage else []
        return (*said, *(self._line(reason, number) for reason, number in self._counts.items()))

    def _line(self, reason: str, number: int) -> str:
        why = reason if number == 1 else _PLURALS.get(reason, reason)
        return f"{count(number, 'member')} {why} left out: {self._first[reason]}"


Cancelled = Callable[[], bool]
"""Asked now and then whether to stop."""
