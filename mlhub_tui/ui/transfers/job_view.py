"""Transfers as the Downloads screen shows them: states, order and choice, figures, details, totals."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from rich.cells import cell_len

from ...metadata.blocks import Block, FieldBlock, Heading, Title
from ...planning.filters import Filters
from ...planning.layout import REPORT
from ...planning.requests import SAMPLE, DatasetRequest
from ...queue.job import IDLE_STATES, Job, JobState
from ...text import count, duration, one_line, rate, redact, size

_NAMED = 3  # things of many that are named
_LONGEST = 240
"""Characters of a title and a reason: the files below are what one comes for."""


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


_OF_STATES = {
    JobState.QUEUED: JobGroup.WAITING,
    JobState.NEEDS_KEY: JobGroup.STUCK,
    JobState.NO_SPACE: JobGroup.STUCK,
}
_RANKS = {group: rank for rank, group in enumerate(JobGroup)}


def group_of(job: Job) -> JobGroup:
    """Return the group of a transfer's state."""
    state = job.state
    return JobGroup.RUNNING if state.running else _OF_STATES.get(state) or JobGroup(state)


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
    JobSort.NAME: lambda job: job.name.casefold(),
    JobSort.STATE: lambda job: _RANKS[group_of(job)],
    JobSort.SIZE: lambda job: -(job.bytes_total or job.bytes_done),
    JobSort.PROGRESS: lambda job: -(fraction(job) or 0.0),
    JobSort.SPEED: _pace,
}
_RESTLESS = frozenset({JobSort.PROGRESS, JobSort.SPEED})
_RESTLESS_EVERY = 3.0  # seconds between two sorts by what changes all the time


@dataclass
class JobOrder:
    """The choice and the order of transfers that are shown, from one look to the next.

    Sorting is stable in the order of the queue; by what changes all the time it is sorted again every few
    seconds at most, so that lines stay where they are while one reads them.

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
        """Tell whether a transfer is of the group, and all words are in what it is called, or how it is."""
        group, request = group_of(job), job.request
        if self.group not in (JobGroup.ALL, group):
            return False
        kind = "dataset" if isinstance(request, DatasetRequest) else ""
        words = (job.name, request.title, request.collection_id, kind, job.state, group)
        text = " ".join(words).casefold()
        return all(term in text for term in self.words.casefold().split())

    def next_group(self, jobs: Iterable[Job]) -> JobGroup:
        """Return the group to show after this one: the next of which there are any."""
        there, groups = counts_of(jobs), list(JobGroup)
        start = groups.index(self.group)
        following = groups[start + 1 :] + groups[: start + 1]
        return next((group for group in following if group is JobGroup.ALL or there[group]), JobGroup.ALL)

    def view_words(self, shown: int, total: int, marked: int) -> str:
        """Return what is shown and how, where that is not everything as it was queued; else an empty line."""
        parts = [
            f"{marked:,} selected" if marked else "",
            f"/{self.words.strip()}" if self.words.strip() else "",
            f"{self.group} only" if self.group is not JobGroup.ALL else "",
            f"{shown:,} of {total:,}" if self.filters else "",
            f"by {self.sort}" if self.sort is not JobSort.QUEUE else "",
        ]
        return _DOT.join(filter(None, parts))


def removal_question(jobs: Sequence[Job]) -> tuple[str, str]:
    """Return what is asked before failed or cancelled transfers leave the list, and what comes of it."""
    names = ", ".join(job.name for job in jobs[:_NAMED])
    if len(jobs) == 1:
        state = str(jobs[0].state).capitalize()
        return f"Remove {names} from the list?", f"{state}; once removed it cannot be retried."
    more = f" and {len(jobs) - _NAMED} more" if len(jobs) > _NAMED else ""
    question = f"Remove {len(jobs)} transfers that failed or were cancelled from the list?"
    return question, f"{names}{more}. Once removed they cannot be retried."


# Details


def waiting_time(job: Job, now: float | None = None) -> str:
    """Return when a transfer is tried again: `in 12 s`, `now`; empty where it waits for no next try.

    - `now`: Seconds since the epoch.
    """
    if job.state is not JobState.RETRYING or job.next_try is None:
        return ""
    left = round(job.next_try - (time.time() if now is None else now))
    return f"in {duration(left)}" if left > 0 else "now"


def why(job: Job, now: float | None = None) -> str:
    """Return why a transfer is in its state, and when it is tried again; empty where there is nothing to say.

    - `now`: Seconds since the epoch.
    """
    reason, left = redact(job.reason), waiting_time(job, now)
    return ": ".join(filter(None, (left, reason)))


def files_words(job: Job) -> str:
    """Return how many files of a job are done and how many failed; empty where it has no list of files."""
    if job.files_total is None:
        return ""
    failed = f", {job.files_failed:,} failed" if job.files_failed else ""
    return f"{job.files_done:,} of {count(job.files_total, 'file')}{failed}"


def report_path(job: Job) -> str:
    """Return where the report of failed files is; empty where none failed."""
    request = job.request
    if not isinstance(request, DatasetRequest) or not job.files_failed:
        return ""
    return f"{request.asset_place}/{REPORT}" if request.url else str(request.asset_folder / REPORT)


def job_blocks(job: Job, check: str = "", unpacked: str = "") -> list[Block]:
    """Return the details of a transfer in a few lines: why it is where it is, and where it goes.

    - `check`, `unpacked`: What came of reading the file again, and of unpacking it, or how far that is.
    """
    words = redact(job.reason)
    if job.state.running and (files := files_words(job)) and files not in words:
        words = "; ".join(filter(None, (files, words)))
    if left := waiting_time(job):
        words += f"; next try {left}"
        words += f", {job.tries} without progress" if job.tries > 1 else ""
    over = f" over {job.connections} connections" if job.connections > 1 else ""
    return [
        FieldBlock("State", f"{job.state}{over}{f': {words}' if words else ''}"),
        FieldBlock("Runs", job.where),
        FieldBlock("Check", check),
        FieldBlock("Unpack", unpacked),
        FieldBlock("Next", redact(job.hint)),
        FieldBlock("File", job.place),
        FieldBlock("Report", report_path(job)),
    ]


def all_of(job: Job, check: str = "") -> list[Block]:
    """Return everything that is known of a transfer.

    - `check`: What came of reading the file again, or how far that is.
    """
    request, left = job.request, waiting_time(job)
    no_part = job.state is JobState.DONE or (job.state is JobState.QUEUED and not job.bytes_done)
    known = {"collection_id": "Collection", "item_id": "Item", "key": "Asset"}
    return [
        Title(job.name),
        Heading("State"),
        FieldBlock("State", str(job.state)),
        FieldBlock("Reason", redact(job.reason)),
        FieldBlock("Next try", left),
        FieldBlock("Next", redact(job.hint)),
        FieldBlock("Tries", f"{job.tries} without progress" if job.tries else ""),
        FieldBlock("Runs", job.where or ("here" if job.state.running else "")),
        Heading("Bytes"),
        FieldBlock("Fetched", _exact(job.bytes_done)),
        FieldBlock("Size", _exact(job.bytes_total) if job.bytes_total is not None else "unknown"),
        FieldBlock("Speed", rate(job.rate)),
        FieldBlock("Left", duration(job.eta)),
        FieldBlock("Connections", str(job.connections) if job.connections else ""),
        Heading("File"),
        FieldBlock("Path", job.place),
        FieldBlock("Part", "" if no_part else str(job.part)),
        FieldBlock("If there", str(request.if_exists)),
        FieldBlock("Checksums", ", ".join(job.sums.split())),
        FieldBlock("Check", check),
        Heading("Source"),
        FieldBlock("Source", _source_words(job)),
        FieldBlock("Profile", request.profile or ""),
        *(FieldBlock(name, str(getattr(request, field, ""))) for field, name in known.items()),
    ]


def dataset_blocks(job: Job) -> list[Block]:
    """Return the facts of a dataset's job, a few lines."""
    request = job.request
    if not isinstance(request, DatasetRequest):
        return []
    total = f" of {size(job.bytes_total)}" if job.bytes_total is not None else ""
    state = f"{job.state}: {redact(job.reason)}" if job.reason else str(job.state)
    return [
        FieldBlock("Dataset", one_line(request.title or request.dataset_id, _LONGEST)),
        FieldBlock("State", one_line(state, _LONGEST)),
        FieldBlock("Next", redact(job.hint)),
        FieldBlock("Runs", job.where),
        FieldBlock("Done", "; ".join(filter(None, (files_words(job), f"{size(job.bytes_done)}{total}")))),
        FieldBlock("Speed", rate(job.rate) if job.state is JobState.DOWNLOADING else ""),
        FieldBlock("Wanted", filter_words(request.filters)),
        FieldBlock("Catalog", job.place),
        FieldBlock("Assets", request.asset_place),
        FieldBlock("Engine", request.cluster.words if request.cluster is not None else ""),
        FieldBlock("Report", report_path(job)),
        FieldBlock("Source", _source_words(job)),
    ]


def _source_words(job: Job) -> str:
    return "the sample catalog" if job.request.source == SAMPLE else redact(job.request.source)


def _exact(count_: int) -> str:
    return f"{size(count_)} ({count_:,} bytes)" if count_ >= 1000 else f"{count_} bytes"


def filter_words(filters: Filters) -> str:
    """Return filters on one line."""
    if filters.catalog_only:
        return "the catalog alone"
    named = [_collection(name, keys) for name, keys in filters.collections]
    more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
    box = filters.bbox
    parts = [
        ", ".join(named[:_NAMED]) + more,
        f"box {box.west:g},{box.south:g},{box.east:g},{box.north:g}" if box is not None else "",
        f"within a {one_line(filters.intersects.get('type'), 20)}" if filters.intersects else "",
        "by exact outlines" if filters.exact else "",
        str(filters.when) if filters.when is not None else "",
    ]
    return "; ".join(filter(None, parts)) or "everything"


def _collection(name: str, keys: frozenset[str]) -> str:
    chosen = sorted(one_line(key, 30) for key in keys)
    more = f" and {len(chosen) - _NAMED}" if len(chosen) > _NAMED else ""
    return one_line(name, 60) + (f" ({', '.join(chosen[:_NAMED])}{more})" if chosen else "")


# Totals

_DOT = " · "
BARS = "▁▂▃▄▅▆▇█"
"""From hardly anything to the most; nothing is a blank. ASCII has its own for them, see `characters`."""
_LEAST, HISTORY_LENGTH = 6, 30
"""Cells of a sparkline, which are seconds."""
_COUNTED = (JobGroup.RUNNING, JobGroup.WAITING, JobGroup.FAILED)
_OTHERS = (JobGroup.STUCK, JobGroup.PAUSED, JobGroup.DONE, JobGroup.CANCELLED)


class RateHistory:
    """How fast all transfers together were, a sample a second, the last at the end; what was not fed is 0."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=HISTORY_LENGTH)
        self._last = 0

    def feed(self, now: float, jobs: Iterable[Job]) -> None:
        """Take the speeds of a moment (seconds, on any clock that does not go back); of a second the last."""
        value = sum(job.rate or 0.0 for job in jobs if job.state is JobState.DOWNLOADING)
        missed = int(now) - self._last if self._values else 1
        if missed <= 0:
            self._values[-1] = value
        elif value or any([*self._values][-1:]):
            self._values.extend([0.0] * min(missed - 1, HISTORY_LENGTH))
            self._values.append(value)
            self._last = int(now)

    @property
    def values(self) -> list[float]:
        """The samples."""
        return [*self._values]


def sparkline(values: Sequence[float], width: int) -> str:
    """Return samples, none of them negative, as bars; empty where there is nothing to see.

    - `width`: Cells, one a bar, the last sample at the right; fewer samples leave the left blank.
    """
    shown = values[-width:] if width > 0 else ()
    most = max(shown, default=0.0)
    if most <= 0:
        return ""
    bars = (BARS[round(value / most * (len(BARS) - 1))] if value > 0 else " " for value in shown)
    return "".join(bars).rjust(width)


def totals(jobs: Sequence[Job], width: int, limit: int | None = None, speeds: Sequence[float] = ()) -> str:
    """Return the line of totals for a width in cells; where room is scarce, counts of what rests go first.

    - `limit`: The speed limit in bytes per second.
    - `speeds`: Those of the last seconds, in bytes per second, the last at the end.
    """
    if not jobs:
        return ""
    counts = counts_of(jobs)
    open_jobs = [job for job in jobs if not job.state.finished]
    speed = sum(job.rate or 0 for job in jobs if job.state is JobState.DOWNLOADING)
    coming = [job for job in open_jobs if job.state not in IDLE_STATES]  # what is paused or stuck is not
    left = sum(max((job.bytes_total or 0) - job.bytes_done, 0) for job in coming)
    least = "≥" if any(job.bytes_total is None for job in coming) else ""
    unknown = sum(job.bytes_total is None for job in open_jobs)
    # By rank: what is dropped last comes first.
    groups = [*zip((3, 5, 4, 9, 10, 11, 12), (*_COUNTED, *_OTHERS), strict=True)]
    counted = [(rank, f"{counts[group]:,} {group}") for rank, group in groups if counts[group]]
    others = [
        (1, _bytes(open_jobs)),
        (8, f"{unknown:,} of unknown size" if unknown else ""),
        (0, rate(speed)),
        (6, f"limit {rate(limit)}" if limit else ""),
        (2, f"{least}{duration(left / speed)} left" if speed and left else ""),
    ]
    parts = [(rank, words) for rank, words in (*counted, *others) if words]
    while len(parts) > 1 and cell_len(_joined(parts, counted)) > width - 1:
        parts.remove(max(parts))
    words = _joined(parts, counted)
    room = min(width - cell_len(words) - 2, HISTORY_LENGTH)
    line = sparkline(speeds, room) if room >= _LEAST and speed else ""
    return words + line.rjust(width - cell_len(words)) if line else words


def _joined(parts: Sequence[tuple[int, str]], counted: Sequence[tuple[int, str]]) -> str:
    counts = ", ".join(part[1] for part in parts if part in counted)
    return " " + _DOT.join(filter(None, [counts, *(part[1] for part in parts if part not in counted)]))


def _bytes(jobs: Sequence[Job]) -> str:
    """Return how many bytes are done, of how many, of what is not finished."""
    total = sum(job.bytes_total or 0 for job in jobs)
    done = sum(min(job.bytes_done, job.bytes_total or job.bytes_done) for job in jobs)
    if not total:
        return size(done) if done else ""
    amount, unit = size(done).rsplit(" ", 1)
    same = size(total).endswith(f" {unit}")
    return f"{amount}/{size(total)}" if same else f"{size(done)} of {size(total)}"
