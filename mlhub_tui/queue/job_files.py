"""Files of jobs that have ended: read and verified again, or deleted where they are parts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import planning
from ..errors import MLHubException, VerificationFailed
from ..planning.requests import DatasetRequest
from ..text import count, one_line, size
from ..transfer.checksums import new_hash
from ..transfer.content_checks import Gzip
from ..transfer.engine import TransferCancelled
from ..transfer.part_file import PartFile, PartJournal
from .job import Job
from .part_repository import digests_from_text

_CHUNK = 1 << 20


def delete_part(part: Path, journal: PartJournal) -> None:
    """Delete a part file and its record.

    Raises TargetBusy if another transfer, of this program or another one, is writing it; OutputFolderError.
    """
    journal.claim(part)
    try:
        if part.exists():
            with PartFile(part):
                part.unlink(missing_ok=True)
        journal.forget(part)
    finally:
        journal.release(part)


def left_of(job: Job) -> dict[str, Any]:
    """Return the fields of a job that was cancelled and whose part was deleted: of a dataset, files stay."""
    if not isinstance(job.request, DatasetRequest):
        return {"bytes_done": 0}
    if not job.files_done:
        return {}
    folder = one_line(job.request.asset_place, 200)
    return {"reason": f"{count(job.files_done, 'file')} are saved in {folder}"}


def remedy(job: Job) -> str:
    """Return what to do about a job whose files are damaged."""
    if isinstance(job.request, DatasetRequest):
        return "download it again: what is missing is fetched, existing files stay"
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
            return VerificationResult(("sizes",), planning.report.verify_files(job.request, tell, stop))
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
    digests = digests_from_text(job.sums)
    hashes = [new_hash(digest.algorithm) for digest in digests]
    gzip = Gzip(path.name) if path.name.endswith((".gz", ".tgz")) else None
    done, buffer = 0, memoryview(bytearray(_CHUNK))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            if stop.is_set():
                raise TransferCancelled
            data = buffer[:count]
            for known in hashes:
                known.update(data)
            if gzip is not None:
                gzip.feed(data)
            done += count
            tell(done)
    for digest, found in zip(digests, hashes, strict=True):
        if found.hexdigest() != digest.value:
            sums = f"{found.hexdigest()}, {digest.value} when it was fetched"
            raise VerificationFailed(f"its {digest.algorithm.upper()} is {sums}")
    if gzip is not None:
        gzip.finish()
    names = (digest.algorithm.upper() for digest in digests)
    return ("size", *names, *(["gzip CRC"] if gzip is not None else []))
