"""Sort order, filters and figures of the Downloads screen: progress and speed of the transfers."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ...planning.requests import DatasetRequest
from ...queue.job import Job, JobState

_MANY, _CALM = 4, 0.95
"""With more than so many transfers at work, seconds between two drawings of their progress."""
_NAMED = 3  # transfers that a question names
_RESTLESS_EVERY = 3.0  # seconds between two sorts by what changes all the time


class JobSort(StrEnum):
    """What transfers are sorted by."""

    QUEUE = "queue"
    NAME = "name"
    STATE = "state"
    SIZE = "size"
    PROGRESS = "progress"
    SPEED = "speed"

    @property
    def next(self) -> JobSort:
        """The one that comes after it."""
        ways = list(JobSort)
        return ways[(ways.index(self) + 1) % len(ways)]


class JobGroup(StrEnum):
    """States as people look for them."""

    ALL = "all"
    RUNNING = "running"
    WAITING = "waiting"
    STUCK = "stuck"
    PAUSED = "paused"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DONE = "done"


_GROUPS: Mapping[JobState, JobGroup] = {
    **{state: JobGroup.RUNNING for state in JobState if state.running},
    JobState.QUEUED: JobGroup.WAITING,
    JobState.NEEDS_KEY: JobGroup.STUCK,
    JobState.NO_SPACE: JobGroup.STUCK,
    JobState.PAUSED: JobGroup.PAUSED,
    JobState.FAILED: JobGroup.FAILED,
    JobState.CANCELLED: JobGroup.CANCELLED,
    JobState.DONE: JobGroup.DONE,
}
_RANKS = {group: rank for rank, group in enumerate(JobGroup)}


def group_of(job: Job) -> JobGroup:
    """Return the group of a transfer's state."""
    return _GROUPS[job.state]


def counts_of(jobs: Iterable[Job]) -> Counter[JobGroup]:
    """Return how many transfers there are of each group."""
    return Counter(map(group_of, jobs))


def fraction(job: Job) -> float | None:
    """Return how far a transfer is, from 0 to 1: by its files where it has many, else by its bytes."""
    if job.state is JobState.DONE:
        return 1.0
    if job.files_total:
        return min((job.files_done + job.files_failed) / job.files_total, 1.0)
    return min(job.bytes_done / job.bytes_total, 1.0) if job.bytes_total else None


def _pace(job: Job) -> int:
    """Return how fast a transfer is, in steps of two: so that those that are about as fast stay in place."""
    rate = job.rate if job.state is JobState.DOWNLOADING else None
    return -int(math.log2(rate)) - 1 if rate and rate >= 1 else 0


_KEYS: Mapping[JobSort, Callable[[Job], object]] = {
    JobSort.QUEUE: lambda job: 0,
    JobSort.NAME: lambda job: job.name.casefold(),
    JobSort.STATE: lambda job: _RANKS[_GROUPS[job.state]],
    JobSort.SIZE: lambda job: -(job.bytes_total or job.bytes_done),
    JobSort.PROGRESS: lambda job: -(fraction(job) or 0.0),
    JobSort.SPEED: _pace,
}
_RESTLESS = frozenset({JobSort.PROGRESS, JobSort.SPEED})


@dataclass
class JobOrder:
    """The choice and the order of transfers that are shown, from one look to the next.

    Sorting is stable in the order of the queue; by what changes all the time it is sorted again every few
    seconds at most, so that lines stay where they are while one reads them.

    - `sort`: What they are sorted by.
    - `group`: The states that are shown.
    - `words`: What is searched for in names, titles, collections and states; all must be found.
    """

    sort: JobSort = JobSort.QUEUE
    group: JobGroup = JobGroup.ALL
    words: str = ""
    clock: Callable[[], float] = time.monotonic
    _places: dict[int, int] = field(default_factory=dict)
    _sorted_by: tuple[JobSort, float] = (JobSort.QUEUE, 0.0)

    @property
    def filters(self) -> bool:
        """Whether some may be left out."""
        return bool(self.words.strip()) or self.group is not JobGroup.ALL

    def shown(self, jobs: Sequence[Job]) -> tuple[Job, ...]:
        """Return those that are shown, in order; the jobs come in the order of the queue."""
        return tuple(filter(self._fits, self._sorted(jobs)) if self.filters else self._sorted(jobs))

    def _sorted(self, jobs: Sequence[Job]) -> Sequence[Job]:
        if self.sort is JobSort.QUEUE:
            return jobs
        now = self.clock()
        by, when = self._sorted_by
        if self.sort in _RESTLESS and by is self.sort and now - when < _RESTLESS_EVERY:
            last = len(self._places)
            return sorted(jobs, key=lambda job: self._places.get(job.id, last))
        ordered = sorted(jobs, key=_KEYS[self.sort])  # type: ignore[arg-type]  # each key is of one type
        self._sorted_by = (self.sort, now)
        self._places = {job.id: place for place, job in enumerate(ordered)}
        return ordered

    def _fits(self, job: Job) -> bool:
        if self.group is not JobGroup.ALL and _GROUPS[job.state] is not self.group:
            return False
        terms = self.words.casefold().split()
        return not terms or _holds(job, terms)

    def next_group(self, jobs: Iterable[Job]) -> JobGroup:
        """Return the group to show after this one: the next of which there are any."""
        there, groups = counts_of(jobs), list(JobGroup)
        start = groups.index(self.group)
        following = groups[start + 1 :] + groups[: start + 1]
        return next((group for group in following if group is JobGroup.ALL or there[group]), JobGroup.ALL)


def _holds(job: Job, terms: Sequence[str]) -> bool:
    """Tell whether all words are in what a transfer is called, or how it is."""
    request = job.request
    kind = "dataset" if isinstance(request, DatasetRequest) else ""
    words = (job.name, request.title, request.collection_id, kind, job.state, _GROUPS[job.state])
    text = " ".join(words).casefold()
    return all(term in text for term in terms)


HISTORY_LENGTH = 240
"""Samples of a history: so many seconds."""
MOST_JOBS = 64
"""Transfers with a history in memory."""
BARS = "▁▂▃▄▅▆▇█"
"""From hardly anything to the most; nothing is a blank. ASCII has its own for them, see `glyphs`."""


class RateHistory:
    """Samples a second apart, the last at the end; what was not fed is 0."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=HISTORY_LENGTH)
        self._last = 0

    def feed(self, now: float, value: float) -> None:
        """Take a sample at a moment (seconds); of a second the last one counts."""
        second = int(now)
        missed = second - self._last if self._values else 1
        if missed <= 0:
            self._values[-1] = value
            return
        self._values.extend([0.0] * min(missed - 1, HISTORY_LENGTH))
        self._values.append(value)
        self._last = second

    def last(self, count: int) -> list[float]:
        """Return at most so many samples, the last at the end."""
        return list(self._values)[-count:] if count > 0 else []


class RateSampler:
    """The speed of all transfers together, and of each that runs."""

    def __init__(self) -> None:
        self.total = RateHistory()
        self._jobs: dict[int, RateHistory] = {}

    def feed(self, now: float, jobs: Iterable[Job]) -> None:
        """Take the speeds of a moment (seconds, on any clock that does not go back)."""
        whole = 0.0
        for job in jobs:
            if job.state is JobState.DOWNLOADING:
                rate = job.rate or 0.0
                whole += rate
                self._of(job.id).feed(now, rate)
        if whole or self.total.last(1) not in ([], [0.0]):
            self.total.feed(now, whole)

    def of(self, job_id: int) -> RateHistory:
        """Return the history of a transfer; an empty one where there is none."""
        return self._jobs.get(job_id) or RateHistory()

    def _of(self, job_id: int) -> RateHistory:
        history = self._jobs.get(job_id)
        if history is None:
            while len(self._jobs) >= MOST_JOBS:
                del self._jobs[next(iter(self._jobs))]
            history = self._jobs[job_id] = RateHistory()
        return history


def sparkline(values: Sequence[float], width: int) -> str:
    """Return samples as bars, one a cell, the last at the right; empty where there is nothing to see.

    - `values`: None of them negative.
    - `width`: Cells; fewer samples leave the left blank.
    """
    shown = values[-width:] if width > 0 else ()
    most = max(shown, default=0.0)
    if most <= 0:
        return ""
    steps = len(BARS) - 1
    bars = (BARS[round(value / most * steps)] if value > 0 else " " for value in shown)
    return "".join(bars).rjust(width)


class RedrawLimiter:
    """Tells when the list is drawn again: at once where a state changed, progress of many a little later.

    With many at work the lines of a second are all that an SSH connection should have to carry.
    """

    def __init__(self) -> None:
        self._states: list[tuple[int, JobState, str]] = []
        self._drawn_at = 0.0

    def drawn(self) -> None:
        """Count from now: the list was drawn."""
        self._drawn_at = time.monotonic()

    def delay(self, jobs: Sequence[Job]) -> float:
        """Return in how many seconds the jobs are to be drawn; 0 for now."""
        states = [(job.id, job.state, job.reason) for job in jobs]
        changed, self._states = states != self._states, states
        at_work = sum(job.state is JobState.DOWNLOADING for job in jobs)
        due = self._drawn_at + (_CALM if at_work > _MANY else 0.0) - time.monotonic()
        return 0.0 if changed else max(due, 0.0)


def removal_question(jobs: Sequence[Job]) -> tuple[str, str]:
    """Return what is asked before failed or cancelled transfers leave the list, and what comes of it."""
    names = ", ".join(job.name for job in jobs[:_NAMED])
    if len(jobs) == 1:
        state = str(jobs[0].state).capitalize()
        return f"Remove {names} from the list?", f"{state}; once removed it cannot be retried."
    more = f" and {len(jobs) - _NAMED} more" if len(jobs) > _NAMED else ""
    question = f"Remove {len(jobs)} transfers that failed or were cancelled from the list?"
    return question, f"{names}{more}. Once removed they cannot be retried."
