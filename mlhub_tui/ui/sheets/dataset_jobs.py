"""What is said of the job of a dataset: how many of its files are done, what was asked for, where it goes."""

from __future__ import annotations

from ...planning.filters import Filters
from ...planning.layout import REPORT
from ...planning.requests import SAMPLE, DatasetRequest
from ...queue.job import Job
from ...text import count, one_line, redact, size
from .blocks import Block, FieldBlock

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
    where = "the sample catalogue" if request.source == SAMPLE else redact(request.source)
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
