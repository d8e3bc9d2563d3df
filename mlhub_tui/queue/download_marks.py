"""Marks of a source's documents: which of them are downloaded, in part or whole, or queued."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from ..models import Dataset, Entry, EntryKind
from ..planning.manifest import manifest_path
from ..planning.report import read_collections, read_items
from ..planning.requests import ArchiveRequest, AssetRequest, DatasetRequest
from .job import Job, JobState
from .library import left_in

MOST_ITEMS = 50_000
"""Items of one dataset that was not fetched whole whose own marks are in memory."""


class Mark(IntEnum):
    """How much of a document is on this machine; of several marks the larger one says more."""

    NONE = 0
    QUEUED = 1
    PARTLY = 2
    DOWNLOADED = 3


@dataclass(frozen=True)
class DownloadMarks:
    """Marks of the documents of one source.

    - `datasets`: Those fetched as one job, by id.
    - `collections`: By id; in a static catalog by URL, too.
    - `items`: By the ids of collection and item; models without a collection's.
    - `documents`: Items of static catalogs, by URL.
    """

    datasets: Mapping[str, Mark] = field(default_factory=dict)
    collections: Mapping[str, Mark] = field(default_factory=dict)
    items: Mapping[tuple[str, str], Mark] = field(default_factory=dict)
    documents: Mapping[str, Mark] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.datasets or self.collections)

    def of(self, entry: Entry) -> Mark:
        """Return the mark of an entry; that of a dataset tells of all its collections."""
        match entry.kind:
            case EntryKind.ITEM:
                own = self.items.get((entry.collection_id, entry.id), Mark.NONE)
                own = max(own, self.documents.get(entry.url, Mark.NONE) if entry.url else Mark.NONE)
                whole = self.collections.get(entry.collection_id) is Mark.DOWNLOADED
                return Mark.DOWNLOADED if whole else own
            case EntryKind.MODEL:
                return self.items.get(("", entry.id), Mark.NONE)  # asked for without its collection
            case EntryKind.COLLECTION | EntryKind.CATALOG:
                by_url = self.collections.get(entry.url, Mark.NONE) if entry.url else Mark.NONE
                return max(self.collections.get(entry.id, Mark.NONE), by_url)
            case EntryKind.DATASET if isinstance(entry.document, Dataset):
                parts = [self.collections.get(ref.id, Mark.NONE) for ref in entry.document.collections]
                return max(_together(parts), self.datasets.get(entry.id, Mark.NONE))
        return Mark.NONE


def read_marks(jobs: Iterable[Job], folder: Path, source: str) -> DownloadMarks:
    """Return the marks of a source's documents; blocks, as it looks whether the files are there.

    - `folder`: The output folder: archives and datasets in it count though their jobs were cleared.
    - `source`: The root URL of the source, or `SAMPLE`.
    """
    datasets: dict[str, Mark] = {}
    collections: dict[str, Mark] = {}
    files: dict[tuple[str, str, str], list[Mark]] = defaultdict(list)
    items: dict[tuple[str, str], Mark] = {}

    def note(name: str, mark: Mark) -> None:
        if name and mark:
            collections[name] = max(mark, collections.get(name, Mark.NONE))

    for job in [*(job for job in jobs if job.request.source == source), *left_in(folder)]:
        match job.request:
            case ArchiveRequest(collection_id=name):
                note(name, _mark(job))
            case AssetRequest() as asset:
                files[asset.collection_id, asset.item_id, asset.document_url].append(_mark(job))
            case DatasetRequest() as request:
                parts = [*_of_dataset(job, request, items)]
                for name, mark in parts:
                    note(name, mark)
                whole = not request.filters.collections and all(mark == Mark.DOWNLOADED for _, mark in parts)
                mark = min(_mark(job), Mark.DOWNLOADED if whole else Mark.PARTLY)
                datasets[request.dataset_id] = max(mark, datasets.get(request.dataset_id, Mark.NONE))
    documents: dict[str, Mark] = {}
    for (name, item, url), marks in files.items():
        mark = _together(marks)
        if item:
            items[name, item] = max(mark, items.get((name, item), Mark.NONE))
            documents |= {url: mark} if url else {}
        note(name, min(mark, Mark.PARTLY))
    return DownloadMarks({n: m for n, m in datasets.items() if m}, collections, items, documents)


def _together(marks: Sequence[Mark]) -> Mark:
    """Return the mark of what consists of several parts."""
    if not marks or min(marks) is Mark.DOWNLOADED:
        return Mark.DOWNLOADED if marks else Mark.NONE
    return min(max(marks), Mark.PARTLY)


def _mark(job: Job) -> Mark:
    """Return the mark of what a job fetches; of files that were deleted since there is none."""
    request = job.request
    if job.state is JobState.DONE:
        if isinstance(request, DatasetRequest):
            there = bool(request.url) or request.asset_folder.is_dir()
        else:
            there = job.path.exists()
        return Mark.DOWNLOADED if there else Mark.NONE
    if job.bytes_done or job.files_done:
        return Mark.PARTLY
    return Mark.NONE if job.state.finished else Mark.QUEUED


def _of_dataset(
    job: Job, request: DatasetRequest, items: dict[tuple[str, str], Mark]
) -> Iterator[tuple[str, Mark]]:
    """Yield the marks of a job's collections, and take up those of its items."""
    whole, path = _mark(job), manifest_path(request)
    pending = Mark.NONE if job.state.finished else Mark.QUEUED
    if not whole or (whole is not Mark.DOWNLOADED and not path.exists()):
        yield from ((name, whole) for name in _named(request))
        return
    for name, done, total in read_collections(path):
        partly = request.filters.selects_items or any(
            keys for one, keys in request.filters.collections if one == name
        )
        mark = Mark.DOWNLOADED if done == total else Mark.PARTLY if done else pending
        yield name, Mark.PARTLY if partly and mark is Mark.DOWNLOADED else mark
    for name, item, done, total in read_items(path, MOST_ITEMS):
        mark = Mark.DOWNLOADED if done == total else Mark.PARTLY if done else pending
        items[name, item] = max(mark, items.get((name, item), Mark.NONE))
    if whole is Mark.DOWNLOADED and not request.filters.collections:
        yield from (
            (url, Mark.PARTLY if request.filters.selects_items else whole) for url in request.collections
        )


def _named(request: DatasetRequest) -> list[str]:
    """Return the collections that a request names."""
    return [name for name, _ in request.filters.collections if name] or [*request.collections]
