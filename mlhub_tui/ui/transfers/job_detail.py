"""Details of download jobs, and the totals of the Downloads screen."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.cells import cell_len

from ...metadata.detail import Block, FieldBlock, Heading, Title
from ...planning.filters import Filters
from ...planning.layout import REPORT
from ...planning.requests import SAMPLE, DatasetRequest
from ...queue.job import Job, JobState
from ...text import count, duration, one_line, rate, redact, size
from .job_order import JobGroup, JobOrder, JobSort, counts_of, sparkline


def why(job: Job, now: float | None = None) -> str:
    """Return why a transfer is in its state, and when it is tried again; empty where there is nothing to say.

    - `now`: Seconds since the epoch.
    """
    reason = redact(job.reason)
    if job.state is not JobState.RETRYING or job.next_try is None:
        return reason
    left = duration(max(job.next_try - (time.time() if now is None else now), 0))
    return f"in {left}: {reason}" if reason else f"in {left}"


def job_blocks(job: Job, check: str = "", unpacked: str = "") -> list[Block]:
    """Return the details of a transfer in a few lines: why it is where it is, and where it goes.

    - `check`: What came of reading the file again, or how far that is.
    - `unpacked`: The same of unpacking it.
    """
    words, extra = redact(job.reason), ""
    if job.state.running and (files := files_words(job)) and files not in words:
        words = "; ".join(filter(None, (files, words)))
    if job.next_try is not None and job.state is JobState.RETRYING:
        words += f"; next try in {duration(max(job.next_try - time.time(), 0))}"
        words += f", {job.tries} without progress" if job.tries > 1 else ""
    if job.connections > 1:
        extra = f" over {job.connections} connections"
    return [
        FieldBlock("State", f"{job.state}{extra}{f': {words}' if words else ''}"),
        FieldBlock("Runs", job.where),
        FieldBlock("Check", check),
        FieldBlock("Unpack", unpacked),
        FieldBlock("Next", redact(job.hint)),
        FieldBlock("File", job.place),
        FieldBlock("Report", report_path(job)),
    ]


def all_of(job: Job, check: str = "", speed: str = "") -> list[Block]:
    """Return everything that is known of a transfer.

    - `check`: What came of reading the file again, or how far that is.
    - `speed`: That of the last seconds, where more than its current speed is known.
    """
    request = job.request
    retrying = job.state is JobState.RETRYING and job.next_try is not None
    no_part = job.state is JobState.DONE or (job.state is JobState.QUEUED and not job.bytes_done)
    wait = duration(max((job.next_try or 0) - time.time(), 0)) if retrying else ""
    known = {"collection_id": "Collection", "item_id": "Item", "key": "Asset"}
    return [
        Title(job.name),
        Heading("State"),
        FieldBlock("State", str(job.state)),
        FieldBlock("Reason", redact(job.reason)),
        FieldBlock("Next try", f"in {wait}" if wait else ""),
        FieldBlock("Next", redact(job.hint)),
        FieldBlock("Tries", f"{job.tries} without progress" if job.tries else ""),
        FieldBlock("Runs", job.where or ("here" if job.state.running else "")),
        Heading("Bytes"),
        FieldBlock("Fetched", _exact(job.bytes_done)),
        FieldBlock("Size", _exact(job.bytes_total) if job.bytes_total is not None else "unknown"),
        FieldBlock("Speed", speed or rate(job.rate)),
        FieldBlock("Left", duration(job.eta)),
        FieldBlock("Connections", str(job.connections) if job.connections else ""),
        Heading("File"),
        FieldBlock("Path", job.place),
        FieldBlock("Part", "" if no_part else str(job.part)),
        FieldBlock("If there", str(request.if_exists)),
        FieldBlock("Checksums", ", ".join(job.sums.split())),
        FieldBlock("Check", check),
        Heading("Source"),
        FieldBlock("Source", "the sample catalog" if request.source == SAMPLE else redact(request.source)),
        FieldBlock("Profile", request.profile or ""),
        *(FieldBlock(name, str(getattr(request, field, ""))) for field, name in known.items()),
    ]


def _exact(count_: int) -> str:
    return f"{size(count_)} ({count_:,} bytes)" if count_ >= 1000 else f"{count_} bytes"


_LONGEST = 240
"""Characters of a title and a reason: the files below are what one comes for."""
_NAMED = 3


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


def dataset_blocks(job: Job, speed: str = "") -> list[Block]:
    """Return the facts of a dataset's job, a few lines; `speed` is that of the last seconds, in words."""
    request = job.request
    if not isinstance(request, DatasetRequest):
        return []
    total = f" of {size(job.bytes_total)}" if job.bytes_total is not None else ""
    where = "the sample catalog" if request.source == SAMPLE else redact(request.source)
    return [
        FieldBlock("Dataset", one_line(request.title or request.dataset_id, _LONGEST)),
        FieldBlock(
            "State", one_line(f"{job.state}{f': {redact(job.reason)}' if job.reason else ''}", _LONGEST)
        ),
        FieldBlock("Next", redact(job.hint)),
        FieldBlock("Runs", job.where),
        FieldBlock("Done", "; ".join(filter(None, (files_words(job), f"{size(job.bytes_done)}{total}")))),
        FieldBlock("Speed", speed),
        FieldBlock("Wanted", filter_words(request.filters)),
        FieldBlock("Catalog", job.place),
        FieldBlock("Assets", request.asset_place),
        FieldBlock("Engine", request.cluster.words if request.cluster is not None else ""),
        FieldBlock("Report", report_path(job)),
        FieldBlock("Source", where),
    ]


_DOT = " · "
_LEAST, _MOST = 6, 30  # cells of a sparkline
_OTHERS = (JobGroup.STUCK, JobGroup.PAUSED, JobGroup.DONE, JobGroup.CANCELLED)


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
        f"{marked:,} selected" if marked else "",
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
