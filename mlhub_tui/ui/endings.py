"""What is said of transfers that ended while another screen is in front: each, or many in one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..text import clean, count, size

if TYPE_CHECKING:
    from ..queue.job import Job

_EACH = 3  # more that ended together are counted, not named


class Word(NamedTuple):
    """A notification."""

    title: str
    text: str
    severity: Literal["information", "error"]


class CompletionNotifier:
    """Takes note of what ended; what had ended before the first look is no news."""

    def __init__(self) -> None:
        self._known: set[int] | None = None
        self._fresh: list[Job] = []

    def look(self, jobs: Iterable[Job], *, seen: bool) -> bool:
        """Take note of the jobs as they are now; return whether there is something to say.

        Parameters
        ----------
        seen
            Whether the user has them in front already.
        """
        ended = {job.id: job for job in jobs if job.state.finished}
        if self._known is not None and not seen:
            self._fresh += [job for number, job in ended.items() if number not in self._known]
        self._known = set(ended)
        return bool(self._fresh)

    def words(self) -> list[Word]:
        """Return what is to be said, once."""
        fresh, self._fresh = self._fresh, []
        if len(fresh) <= _EACH:
            return [_word(job) for job in fresh]
        states = Counter(str(job.state) for job in fresh)
        text = ", ".join(f"{number:,} {state}" for state, number in states.most_common())
        severity: Literal["information", "error"] = "error" if states["failed"] else "information"
        return [Word(f"{count(len(fresh), 'transfer')} ended", text, severity)]


def _word(job: Job) -> Word:
    if job.state == "failed":
        return Word("failed", clean(f"{job.name}: {job.reason}"), "error")
    return Word(clean(str(job.state)), clean(f"{job.name}, {size(job.bytes_total)}"), "information")
