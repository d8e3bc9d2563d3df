"""Downloads on this disk, of the queue and of a folder: what is whole of each, and its licence."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path

from ..errors import MLHubException, VerificationFailed
from ..http.cache import LastListing
from ..http.versions import new_hash, verifiable
from ..models import Dataset, Document
from ..planning.filters import Filters
from ..planning.layout import catalog_file, folder_name
from ..planning.manifest import manifest_path, read_stats
from ..planning.report import verify_files
from ..planning.requests import SAMPLE, ArchiveRequest, AssetRequest, DatasetRequest
from ..text import count, link_names, one_line, size
from ..transfer.content_checks import Gzip
from ..transfer.engine import TransferCancelled
from .job import Job, JobState
from .part_repository import digests_from_text

_ENDS = (".tar.gz", ".tgz")
_READ = 4 << 20
"""Bytes of an archive, or of a document, that are read to find a licence."""
_CHUNK = 1 << 16
_MEMBERS = 50
"""Members of an archive, or folders of a dataset, that are looked at for one."""


class LibraryState(StrEnum):
    """The state of what was downloaded."""

    WHOLE = "whole"
    PARTLY = "partly"
    CHANGED = "changed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """A dataset or a collection on disk.

    - `name`, `title`: Its id and title, as received.
    - `place`: The file or folder.
    - `source`: The root URL of its source, or `SAMPLE`; empty where that is not known.
    - `files`, `bytes`: Those that are there.
    - `date`: When it was changed last, in seconds since the epoch; 0 where it is missing.
    - `state`, `reason`: Its state and, where it is not whole, what is missing or changed.
    - `jobs`: The jobs that fetched it, the last one first.
    - `licence`: As its documents on this disk state it, else as it was known when it was queued, else as its
      source listed it last; empty where none does, None until the documents were read.
    """

    name: str
    title: str
    place: Path
    source: str
    files: int
    bytes: int
    date: float
    state: LibraryState
    reason: str
    jobs: tuple[Job, ...]
    licence: str | None = None

    @property
    def catalog(self) -> Path | None:
        """What of it is a catalog that can be opened without its source; None where it has none."""
        if self.place.name.lower().endswith(_ENDS):
            return self.place
        return next(
            (at for name in ("catalog.json", "collection.json") if (at := self.place / name).is_file()), None
        )


def read_library(jobs: Iterable[Job], folder: Path) -> list[LibraryEntry]:
    """Return what the finished jobs fetched, and what lies in a folder besides; blocks.

    Only the folder itself is listed, not what is below it. A job that is not finished counts where some of
    its files are there. The catalog archive that a dataset was chosen from is no download of its own.
    """
    grouped: dict[Path, list[Job]] = {}
    for job in [*jobs, *left_in(folder)]:
        if isinstance(job.request, DatasetRequest) and job.request.url:
            continue  # in an object store
        place = _place(job)
        if job.id >= 0 or place not in grouped:
            grouped.setdefault(place, []).append(job)
    found = [_entry(place, of_place[::-1]) for place, of_place in grouped.items()]
    entries = [entry for entry in found if entry is not None]
    requests = [job.request for entry in entries for job in entry.jobs]
    catalogs = {catalog_file(r.folder, r.dataset_id) for r in requests if isinstance(r, DatasetRequest)}
    return [entry for entry in entries if entry.place not in catalogs or entry.jobs[0].id >= 0]


class ListedLicences:
    """Licences of datasets and collections, as the last listings of their sources stated them."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], dict[str, str]] = {}

    def of(self, entry: LibraryEntry) -> str:
        """Return the licence of an entry; empty where no listing is cached, or it states none; blocks."""
        if not entry.source or entry.source == SAMPLE:
            return ""
        readers = (*(job.request.profile or "" for job in entry.jobs), "a key", "")  # whose listing it is
        listings = (self._listing(entry.source, reader) for reader in dict.fromkeys(readers))
        return next((found for listing in listings if (found := listing.get(entry.name))), "")

    def _listing(self, source: str, reader: str) -> dict[str, str]:
        known = self._known.get((source, reader))
        if known is None:
            known = self._known[source, reader] = {}
            with contextlib.suppress(OSError, MLHubException):
                for listed in LastListing(source, reader).load()[0]:
                    if isinstance(one := listed.document, Dataset):
                        own = known[one.id] = link_names(one.license)
                        known |= {ref.id: link_names(ref.license) or own for ref in one.collections}
        return known


def with_licence(entry: LibraryEntry, listed: ListedLicences | None = None) -> LibraryEntry:
    """Return an entry with its licence, as documents beside its files or in its archive state it; blocks.

    Where none does, it is what was known when the files were queued, else what its source `listed`.
    """
    texts = _of_archive(entry.place) if entry.catalog == entry.place else _of_folder(entry.place)
    names = [name for document in texts if (name := link_names(document.license))]
    requests = (job.request for job in entry.jobs)
    known = [one.licence for one in requests if not isinstance(one, ArchiveRequest) and one.licence]
    licence = ", ".join(dict.fromkeys(names or known))
    return replace(entry, licence=licence or (listed.of(entry) if listed is not None else ""))


def verify_entry(
    entry: LibraryEntry, tell: Callable[[int], None], stop: threading.Event
) -> VerificationResult:
    """Read the files of an entry again and compare them with what was fetched; blocks.

    - `tell`: Called with the bytes read so far.
    - `stop`: Ends it, with TransferCancelled.
    """
    agrees: dict[str, None] = {}
    wrong, before = list[str](), 0
    for job in entry.jobs:
        if job.state is not JobState.DONE and not isinstance(job.request, DatasetRequest):
            continue
        found = verify_job(job, lambda done, so_far=before: tell(so_far + done), stop)  # type: ignore[misc]
        before += job.bytes_done
        agrees |= dict.fromkeys(found.agrees)
        if found.trouble:
            wrong.append(f"{one_line(job.name, 80)}: {found.trouble}")
    more = f", and {count(len(wrong) - 1, 'more file')}" if len(wrong) > 1 else ""
    return VerificationResult(tuple(agrees), f"{wrong[0]}{more}" if wrong else "")


def left_in(folder: Path) -> Iterator[Job]:
    """Yield a job for each archive and each dataset in a folder, as if it had fetched it."""
    try:
        with os.scandir(folder) as found:
            children = sorted(found, key=lambda child: child.name)
    except OSError:
        return
    for child in children:
        try:
            job = _job_of(child, folder)
        except (OSError, MLHubException):
            continue
        if job is not None:
            yield job


def _job_of(child: os.DirEntry[str], folder: Path) -> Job | None:
    end = next((end for end in _ENDS if child.name.lower().endswith(end)), "")
    if end and child.is_file():
        there = child.stat().st_size
        request = ArchiveRequest("", None, child.name[: -len(end)], folder)
        return Job(-1, request, child.name, JobState.DONE, 0, bytes_done=there, bytes_total=there)
    if not child.is_dir():
        return None
    dataset = DatasetRequest("", None, child.name, folder, Filters(), "")
    if dataset.name != child.name or not manifest_path(dataset).exists():
        return None
    return Job(-1, dataset, child.name, JobState.DONE, 0)


def _place(job: Job) -> Path:
    """Return the file or folder that jobs for the same dataset or collection share."""
    match job.request:
        case DatasetRequest() as request:
            return request.asset_folder
        case AssetRequest(folder=folder) as request:
            # Assets of an earlier version have the folder of their collection in their names.
            own = folder_name(request.collection_id or request.item_id)
            return folder if folder.name == own else folder / job.name.partition("/")[0]
    return job.path


def _entry(place: Path, jobs: list[Job]) -> LibraryEntry | None:
    last = jobs[0].request
    if isinstance(last, DatasetRequest):
        return _dataset(place, jobs, last)
    files = total = 0
    date, wrong = 0.0, list[str]()
    unfinished = 0
    for path, job in {job.path: job for job in reversed(jobs)}.items():
        if job.state is not JobState.DONE:
            unfinished += 1
            continue
        try:
            status = path.stat()
        except OSError:
            wrong.append(f"{one_line(job.name, 80)} is missing")
            continue
        files, total, date = files + 1, total + status.st_size, max(date, status.st_mtime)
        if job.bytes_total is not None and status.st_size != job.bytes_total:
            wrong.append(f"{one_line(job.name, 80)} has another size than when it was fetched")
    if not files and not wrong:
        return None
    state = LibraryState.WHOLE
    if wrong:
        state = LibraryState.CHANGED if files else LibraryState.MISSING
    elif unfinished:
        state = LibraryState.PARTLY
    more = f", and {count(len(wrong) - 1, 'more file')}" if len(wrong) > 1 else ""
    reason = (
        f"{wrong[0]}{more}" if wrong else f"{count(unfinished, 'file')} not fetched" if unfinished else ""
    )
    name = last.collection_id or place.name
    title = "" if isinstance(last, AssetRequest) else last.title  # else it is that of an asset
    return LibraryEntry(name, title, place, last.source, files, total, date, state, reason, tuple(jobs))


def _dataset(place: Path, jobs: list[Job], request: DatasetRequest) -> LibraryEntry | None:
    path = manifest_path(request)
    stats = read_stats(path)
    there = place.is_dir()
    if stats is None or not (stats.done or jobs[0].state is JobState.DONE):
        return None
    date = max((at.stat().st_mtime for at in (path, place) if at.exists()), default=0.0) if there else 0.0
    left = stats.wanted + stats.failed
    state = LibraryState.PARTLY if left else LibraryState.WHOLE
    reason = f"{count(left, 'file')} of {stats.files:,} not fetched" if left else ""
    if not there:
        state, reason = LibraryState.MISSING, "its folder is missing"
    named = next((job.request for job in jobs if job.request.source), request)
    whose = (named.collection_id, named.title, place, named.source)
    return LibraryEntry(*whose, stats.done, stats.bytes_done, date, state, reason, tuple(jobs))


def _of_folder(place: Path) -> Iterator[Document]:
    """Yield the documents at the top of a folder, and one level below."""
    paths = [place / "collection.json", place / "catalog.json"]
    try:
        with os.scandir(place) as found:
            paths += [Path(child.path) / "collection.json" for child in islice(found, _MEMBERS)]
    except OSError:
        return
    for path in paths:
        try:
            with path.open("rb") as file:
                yield from _documents(file.read(_READ))
        except OSError:
            continue


def _of_archive(place: Path) -> Iterator[Document]:
    """Yield the documents among the first members of an archive."""
    try:
        head = io.BytesIO()
        with gzip.open(place) as file, contextlib.suppress(EOFError, zlib.error, gzip.BadGzipFile):
            while head.tell() < _READ and (data := file.read1(_CHUNK)):
                head.write(data)
        head.seek(0)
        with tarfile.open(fileobj=head) as archive:
            for member in islice(archive, _MEMBERS):
                if member.isfile() and member.name.endswith(("collection.json", "catalog.json")):
                    found = archive.extractfile(member)
                    yield from _documents(found.read() if found is not None else b"")
    except (OSError, tarfile.TarError):
        return  # it ends where the reading did, or is damaged


def _documents(content: bytes) -> Iterator[Document]:
    with contextlib.suppress(ValueError, RecursionError, MLHubException):
        yield Document(json.loads(content))


# Verification


def remedy(job: Job) -> str:
    """Return what to do about a job whose files are damaged."""
    if isinstance(job.request, DatasetRequest):
        return "download it again: what is missing is fetched, existing files stay"
    if not job.path.exists():
        return "retry it: it is fetched again"
    return "download it again with `overwrite`: the existing file stays until the new one is whole"


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """What was compared and agrees (`size`, `MD5`, `gzip CRC`), and what is wrong, in one line."""

    agrees: tuple[str, ...]
    trouble: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        return f"damaged: {self.trouble}" if self.trouble else f"whole: {', '.join(self.agrees)}"


def verify_job(job: Job, tell: Callable[[int], None], stop: threading.Event) -> VerificationResult:
    """Read the file of a finished job: its size, the checksums it was verified with, and gzip's CRC.

    Of a dataset, the sizes of all its files are compared with what they were. Blocks, and reads as fast as
    the disk and one core allow (about 0.3 GB/s of gzip); `tell` gets the bytes read after each MB, and
    `stop` ends it with TransferCancelled.
    """
    try:
        if isinstance(job.request, DatasetRequest):
            return VerificationResult(("sizes",), verify_files(job.request, tell, stop))
        return VerificationResult(_verify_file(job, tell, stop))
    except MLHubException as error:
        return VerificationResult((), one_line(error.message, 300))
    except OSError as error:
        return VerificationResult((), f"it cannot be read: {one_line(error.strerror or error, 120)}")


def _verify_file(job: Job, tell: Callable[[int], None], stop: threading.Event) -> tuple[str, ...]:
    path, there = job.path, job.path.stat().st_size
    if job.bytes_total is not None and there != job.bytes_total:
        sizes = f"it has {size(there)}, {size(job.bytes_total)} when it was fetched"
        raise VerificationFailed(sizes)
    digests = verifiable(digests_from_text(job.sums))
    hashes = [new_hash(digest.algorithm) for digest in digests]
    crc = Gzip(path.name) if path.name.endswith((".gz", ".tgz")) else None
    done, buffer = 0, memoryview(bytearray(1 << 20))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            if stop.is_set():
                raise TransferCancelled
            data = buffer[:count]
            for known in hashes:
                known.update(data)
            if crc is not None:
                crc.feed(data)
            done += count
            tell(done)
    for digest, found in zip(digests, hashes, strict=True):
        if found.hexdigest() != digest.value:
            sums = f"{found.hexdigest()}, {digest.value} when it was fetched"
            raise VerificationFailed(f"its {digest.algorithm.upper()} is {sums}")
    if crc is not None:
        crc.finish()
    names = (digest.algorithm.upper() for digest in digests)
    return ("size", *names, *(["gzip CRC"] if crc is not None else []))
