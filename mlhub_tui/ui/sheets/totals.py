"""The lines of the Downloads screen that count: how far all transfers are, what is shown of them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from ...queue.job import Job, JobState
from ...text import duration, rate, size
from ..transfers.order import JobGroup, JobOrder, JobSort, counts_of
from ..transfers.rates import sparkline

_DOT = " · "
_LEAST, _MOST = 6, 30  # cells of a sparkline
_OTHERS = (JobGroup.STUCK, JobGroup.PAUSED, JobGroup.DONE, JobGroup.CANCELLED)


def totals(jobs: Sequence[Job], width: int, limit: int | None = None, speeds: Sequence[float] = ()) -> str:
    """Return the line of totals for a width in cells; where room is scarce, counts of what rests go first.

    Parameters
    ----------
    limit
        The speed limit in bytes per second.
    speeds
        Those of the last seconds, in bytes per second, the last at the end.
    """
    if not jobs:
        return ""
    counts = counts_of(jobs)
    open_jobs = [job for job in jobs if not job.state.finished]
    speed = sum(job.rate or 0 for job in jobs if job.state is JobState.DOWNLOADING)
    left = sum(max((job.bytes_total or 0) - job.bytes_done, 0) for job in open_jobs)
    unknown = sum(job.bytes_total is None for job in open_jobs)
    # By rank: what is dropped last comes first.
    ranked: list[tuple[int, str]] = [
        *((rank, f"{counts[group]:,} {group}" if counts[group] else "") for rank, group in _counted()),
        (1, _bytes(open_jobs)),
        (8, f"{unknown:,} of unknown size" if unknown else ""),
        (0, rate(speed)),
        (6, f"limit {rate(limit)}" if limit else ""),
        (2, f"{'≥' if unknown else ''}{duration(left / speed)} left" if speed and left else ""),
    ]
    parts = [(rank, words) for rank, words in ranked if words]
    while len(parts) > 1 and cell_len(_joined(parts)) > width - 1:
        parts.remove(max(parts))
    words = _joined(parts)
    room = min(width - cell_len(words) - 2, _MOST)
    line = sparkline(speeds, room) if room >= _LEAST and speed else ""
    return words + line.rjust(width - cell_len(words)) if line else words


def _counted() -> list[tuple[int, JobGroup]]:
    first = [(3, JobGroup.RUNNING), (5, JobGroup.WAITING), (4, JobGroup.FAILED)]
    return first + [(9 + rank, group) for rank, group in enumerate(_OTHERS)]


def _joined(parts: Sequence[tuple[int, str]]) -> str:
    counted = {rank for rank, _ in _counted()}
    counts = ", ".join(words for rank, words in parts if rank in counted)
    return " " + _DOT.join(filter(None, [counts, *(words for rank, words in parts if rank not in counted)]))


def _bytes(jobs: Sequence[Job]) -> str:
    """Return how many bytes are done, of how many, of what is not finished."""
    total = sum(job.bytes_total or 0 for job in jobs)
    done = sum(min(job.bytes_done, job.bytes_total or job.bytes_done) for job in jobs)
    if not total:
        return size(done) if done else ""
    amount, unit = size(done).rsplit(" ", 1)
    same = size(total).endswith(f" {unit}")
    return f"{amount}/{size(total)}" if same else f"{size(done)} of {size(total)}"


def view_words(order: JobOrder, shown: int, total: int, marked: int) -> str:
    """Return what is shown and how, where that is not everything as it was queued; else an empty line."""
    parts = [
        f"{marked:,} marked" if marked else "",
        f"/{order.words.strip()}" if order.words.strip() else "",
        f"{order.group} only" if order.group is not JobGroup.ALL else "",
        f"{shown:,} of {total:,}" if order.filters else "",
        f"by {order.sort}" if order.sort is not JobSort.QUEUE else "",
    ]
    return _DOT.join(filter(None, parts))


def speed_words(job: Job, speeds: Sequence[float], width: int) -> str:
    """Return the speed of a transfer in the last seconds; empty where it is not downloading."""
    if job.state is not JobState.DOWNLOADING or not any(speeds):
        return ""
    known = [speed for speed in speeds if speed]
    words = f"{rate(job.rate)}, at most {rate(max(known))}"
    line = sparkline(speeds, max(min(width - len(words) - 2, 2 * _MOST), 0)).lstrip()
    return f"{line}  {words}" if line else words
