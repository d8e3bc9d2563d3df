"""Reads a whole file once more, and says whether it still is what was fetched."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import MLHubException, VerificationFailed
from ..planning.requests import DatasetRequest
from ..text import one_line, size
from ..transfer.checksums import digests_from_text, new_hash
from ..transfer.content_checks import Gzip
from ..transfer.engine import TransferCancelled
from .job import Job

_CHUNK = 1 << 20
_GZIP = (".gz", ".tgz")
AGAIN = "download it again with `overwrite`: what is there stays until the new one is whole"
"""What to do about a file that is damaged."""
_ADD = "download it again: what is missing is fetched, what is there stays"


def remedy(job: Job) -> str:
    """Return what to do about a job whose files are not what they were."""
    return _ADD if isinstance(job.request, DatasetRequest) else AGAIN


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """What came of it.

    Parameters
    ----------
    agrees
        What was compared and agrees: `size`, `MD5`, `gzip CRC`.
    trouble
        What is wrong, in one line; empty for a file that is whole.
    """

    agrees: tuple[str, ...]
    trouble: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        return f"damaged: {self.trouble}" if self.trouble else f"whole: {', '.join(self.agrees)}"


def verify_job(job: Job, tell: Callable[[int], None], stop: threading.Event) -> VerificationResult:
    """Read the file of a finished job: its size, the checksums it was verified with, and gzip's CRC.

    Of a dataset, the sizes of all its files are compared with what they were.

    Blocks, and reads as fast as the disk and one core allow (about 0.3 GB/s of gzip).

    Parameters
    ----------
    tell
        Called with the bytes that were read, after each MB.
    stop
        Ends it.

    Raises
    ------
    TransferCancelled
        If it was stopped.
    """
    try:
        if isinstance(job.request, DatasetRequest):
            from ..planning.report import verify_files

            return VerificationResult(("sizes",), verify_files(job.request, tell, stop))
        return _read(job, tell, stop)
    except MLHubException as error:
        return VerificationResult((), one_line(error.message, 300))
    except OSError as error:
        return VerificationResult((), f"it cannot be read: {one_line(error.strerror or error, 120)}")


def _read(job: Job, tell: Callable[[int], None], stop: threading.Event) -> VerificationResult:
    path, wanted = job.path, job.bytes_total
    _check_size(path, wanted)
    digests = digests_from_text(job.sums)
    hashes = [new_hash(digest.algorithm) for digest in digests]
    gzip = Gzip(path.name) if path.name.endswith(_GZIP) else None
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
    named = (digest.algorithm.upper() for digest in digests)
    return VerificationResult(("size", *named, *(["gzip CRC"] if gzip is not None else [])))


def _check_size(path: Path, wanted: int | None) -> None:
    there = path.stat().st_size
    if wanted is not None and there != wanted:
        raise VerificationFailed(f"it has {size(there)}, {size(wanted)} when it was fetched")
