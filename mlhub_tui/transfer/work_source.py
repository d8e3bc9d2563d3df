"""Work sources: files to download in batches, what became of each, and how far a batch is."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from ..errors import MLHubException
from ..http.link import Link
from ..http.response_headers import Checksum
from ..options import IfExists
from .content_checks import Expected
from .progress import TransferProgress


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A file to fetch.

    Parameters
    ----------
    key
        The work source's own number for it.
    link
        Where its bytes are; credentials go to the link's own origin only.
    path
        Where it goes: relative to the output folder, parts separated by `/`.
    size
        Bytes as the catalog announces them; None if it does not. The server's word counts more.
    checksums
        Known beforehand; verified beside the server's.
    if_exists
        What to do with a file that is there.
    page
        Whether it is a web page; else one is refused as what a portal or an error shows.
    """

    key: int
    link: Link
    path: str
    size: int | None = None
    checksums: tuple[Checksum, ...] = ()
    if_exists: IfExists = IfExists.RESUME
    page: bool = False

    @property
    def expected(self) -> Expected:
        """What is known of the file's content."""
        return Expected(self.path.rpartition("/")[2], self.size, page=self.page)


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of a request.

    Parameters
    ----------
    key
        The request's.
    size
        Bytes of the file under its name, safe on disk; None if it failed.
    fetched
        False if the file was there already.
    error
        Why it failed; None if it is there.
    """

    key: int
    size: int | None = None
    fetched: bool = True
    error: MLHubException | None = None


class WorkSource(Protocol):
    """Gives requests and takes results; its methods are called from threads that may wait.

    `take` is never called twice at once, nor is `settle`; but both, and `relink`, may be called side by
    side. A request that was taken and never settled (the program ended) is to be given again at the next run.
    """

    def take(self, most: int) -> Sequence[FileRequest]:
        """Return the next requests, `most` at most; none when there are no more."""
        ...

    def settle(self, results: Sequence[FileResult]) -> None:
        """Record results, for good: the files are safe on disk under their names.

        Raises
        ------
        MLHubException, OSError, sqlite3.Error
            If that fails; the run ends with it, and the requests count as not settled.
        """
        ...

    def relink(self, request: FileRequest) -> Link | None:
        """Return a new link for one that was rejected; None where there is no other one."""
        ...


@dataclass
class MemorySource:
    """A work source in memory, for scripts and tests.

    Parameters
    ----------
    requests
        The files; taken one by one, so a generator will do.

    Attributes
    ----------
    results
        What became of them, by key.
    """

    requests: Iterable[FileRequest]
    results: dict[int, FileResult] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._next = iter(self.requests)

    def take(self, most: int) -> Sequence[FileRequest]:
        """Return the next requests."""
        return list(islice(self._next, most))

    def settle(self, results: Sequence[FileResult]) -> None:
        """Keep results."""
        self.results.update((result.key, result) for result in results)

    def relink(self, request: FileRequest) -> Link | None:
        """Return None: there is no other link in memory."""
        return None


@dataclass(slots=True)
class BatchStats:
    """How far a batch is: plain numbers that one thread writes and others read.

    Attributes
    ----------
    fetched, there, failed
        Files that were fetched, were there already, could not be fetched; all of them recorded.
    bytes
        Of the files that were fetched.
    reason
        Why nothing is requested at the moment; empty while something is, or may be.
    where
        Who fetches, where that is not this program alone; in words.
    next_try
        When it is tried again, monotonic, seconds; None while nothing waits.
    heard
        When bytes came last, monotonic, seconds.
    large
        The large files in progress, by path; copy it before iterating.
    """

    fetched: int = 0
    there: int = 0
    failed: int = 0
    bytes: int = 0
    reason: str = ""
    where: str = ""
    next_try: float | None = None
    heard: float = field(default_factory=time.monotonic)
    large: dict[str, TransferProgress] = field(default_factory=dict)

    def count(self, result: FileResult) -> None:
        """Count a result."""
        if result.error is not None:
            self.failed += 1
        elif result.fetched:
            self.fetched += 1
            self.bytes += result.size or 0
        else:
            self.there += 1
