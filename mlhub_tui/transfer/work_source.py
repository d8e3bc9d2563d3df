"""Batches of files: work sources give requests and take results; output backends store what arrives."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from .. import errors
from ..errors import MLHubException
from ..http.credentials import Link
from ..http.urls import Origin
from ..http.versions import Checksum
from ..options import IfExists
from .config import DownloadSpec, Expected, TransferContext, TransferProgress


class FileRequest(NamedTuple):
    """A file to fetch, with the work source's own number for it.

    `path` is relative to the output folder, with `/`; `size` is what the catalog announces, the server's word
    counts more; `checksums` are verified beside the server's; unless it is a `page`, a web page is refused.
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
        return Expected(self.path.rpartition("/")[2], self.size, page=self.page, link=self.link)


class FileResult(NamedTuple):
    """What became of a request: its bytes, safe on disk under its name, or the error why it failed.

    `mtime` is the file's time of the last change in nanoseconds, where it is known.
    """

    key: int
    size: int | None = None
    fetched: bool = True
    error: MLHubException | None = None
    mtime: int | None = None


class WorkSource(Protocol):
    """Gives requests and takes results; its methods are called from threads that may wait.

    `take` is never called twice at once, nor is `settle`; but both, and `relink`, may be called side by
    side. A request that was taken and never settled (the program ended) is to be given again at the next run.
    """

    def take(self, most: int) -> Sequence[FileRequest]:
        """Return the next requests, `most` at most; none when exhausted."""
        ...

    def settle(self, results: Sequence[FileResult]) -> None:
        """Record results, for good. An error ends the run, and the requests count as not settled."""

    def relink(self, request: FileRequest) -> Link | None:
        """Return a new link for one that was rejected; None where there is no other one."""
        ...


@dataclass(slots=True)
class BatchStats:
    """How far a batch is: plain numbers that one thread writes and others read; times are monotonic seconds.

    - `fetched`, `there`, `failed`: Files that were fetched, were there already, could not be fetched; all of
      them recorded.
    - `reason`, `next_try`: Why nothing is requested at the moment, and until when; else empty and None.
    - `where`: Who fetches, where that is not this program alone; in words.
    - `last_byte`: When bytes came last.
    - `large`: The large files in progress, by path; copy it before iterating.
    """

    fetched: int = 0
    there: int = 0
    failed: int = 0
    bytes: int = 0
    reason: str = ""
    where: str = ""
    next_try: float | None = None
    last_byte: float = field(default_factory=time.monotonic)
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


@dataclass(slots=True, eq=False)
class FileTask:
    """A requested file on its way to `target`, an absolute path or the path in a store."""

    request: FileRequest
    target: str
    origin: Origin  # whose slots it takes
    link: Link  # the request's, or a newer one
    existing: int | None = None  # bytes of the file under its name, which may be the server's
    replaces_other: bool = False  # what stands under its name is what a server once sent in its place
    tries: int = 0  # failures that were its own, since it last progressed
    reached: int = 0  # bytes of it that were there at most
    preparing: int = 0  # responses in a row by which the server is still preparing it (202)
    fresh: bool = True  # it has not failed yet
    seen: int = -1  # files that its host had given when it last failed
    relinked: bool = False  # its one new link is used up, since it last progressed
    refetched: bool = False  # its one new fetch after a wrong checksum is used up
    rejection: errors.RequestError | None = None  # of its link
    single: bool = False  # fetched as a single file: large or local

    @property
    def name(self) -> str:
        """The file's name."""
        return self.request.path.rpartition("/")[2]

    @property
    def replaces(self) -> bool:
        """Whether a file of its name is to be replaced."""
        return self.replaces_other or self.request.if_exists is IfExists.OVERWRITE

    def spec(self, target: Path) -> DownloadSpec:
        """Return it as a single file with a final path."""
        asked = self.request
        return DownloadSpec(self.link, target, asked.if_exists, asked.size, asked.checksums, asked.page)

    def already_there(self, size: int) -> FileResult:
        """Return the result where nothing had to be fetched."""
        return FileResult(self.request.key, size, fetched=False)

    def failed(self, error: MLHubException) -> FileResult:
        """Return the result where it could not be fetched."""
        return FileResult(self.request.key, error=error)


class OutputFile(Protocol):
    """A body that is being written; nothing of it shows under its name before it is stored."""

    @property
    def size(self) -> int:
        """Bytes written so far."""
        ...

    def write(self, view: memoryview, /) -> None:
        """Write bytes; OutputFolderError or NoSpaceError if that fails. Called on the event loop."""

    def discard(self) -> None:
        """Close it, and remove what was written."""


class OutputCallbacks(NamedTuple):
    """What an output backend calls, on the event loop.

    `settled` with results that were recorded, `refused` with a file that could not be written, `drained` when
    those who wait for `full` to end may continue, `broken` with an error that ends the run.
    """

    settled: Callable[[Sequence[FileResult]], None]
    refused: Callable[[FileTask, MLHubException], None]
    drained: Callable[[], None]
    broken: Callable[[BaseException], None]


class OutputBackend(Protocol):
    """Where the files of one run go; all of it belongs to the event loop."""

    @property
    def full(self) -> bool:
        """Whether enough waits to be written; if so, `OutputCallbacks.drained` will be called."""
        ...

    async def examine(self, requests: Sequence[FileRequest]) -> Sequence[FileTask | FileResult]:
        """Return what is to be done for requests, by what stands under their names."""
        ...

    def begin(self, settle: Callable[[Sequence[FileResult]], None], callbacks: OutputCallbacks) -> None:
        """Begin a run whose results are recorded by `settle`, which blocks."""

    def create(self, task: FileTask) -> OutputFile:
        """Return where a body is to be written; OutputFolderError or TargetBusy if it cannot be."""
        ...

    def store(self, task: FileTask, file: OutputFile) -> None:
        """Give a whole and verified file its name, soon, and have it recorded."""

    def record(self, result: FileResult) -> None:
        """Have a result recorded that needs no file to be written."""

    def tick(self) -> None:
        """Do what is due by time; called several times a second."""

    def flush(self) -> None:
        """Settle the results received so far, as none follow for now."""

    async def aclose(self) -> None:
        """Store and record all that was handed over."""

    async def fetch_single(
        self, task: FileTask, context: TransferContext, progress: TransferProgress
    ) -> FileResult:
        """Fetch a large or local file; raises what went wrong (MLHubException, OSError)."""
        ...
