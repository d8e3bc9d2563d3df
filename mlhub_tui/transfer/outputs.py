"""Output backends of a batch: the files on their way, and what a folder or an object store does with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .. import errors, text
from ..errors import MLHubException
from ..http.link import Link, is_local
from ..http.urls import Origin, parse_url
from ..options import IfExists
from .config import TransferContext
from .progress import TransferProgress
from .work_source import FileRequest, FileResult

LOCAL = Origin("file", "", 0)
"""The origin of files of this machine."""


@dataclass(slots=True, eq=False)
class FileTask:
    """A requested file on its way.

    Parameters
    ----------
    target
        Absolute path, or the path in the store.
    origin
        That of its link, whose slots it takes.
    link
        Where its bytes are: the request's link, or a newer one.
    existing
        Bytes of the file under its name that is to be compared with the server's; None if none is.
    replaces_other
        Whether what stands under its name is what a server once sent in its place: it is replaced.
    compared
        Whether the server was asked for its size to compare.
    tries
        Failures that were its own.
    preparing
        Responses in a row by which the server is still preparing it (202).
    fresh
        Whether it has not failed yet.
    seen
        Files that its host had given when it last failed.
    relinked, refetched
        Whether its one new link, its one new fetch after a wrong checksum, is used up.
    rejection
        How its link was rejected.
    single
        Whether it is fetched as a single file: large or local.
    """

    request: FileRequest
    target: str
    origin: Origin
    link: Link
    existing: int | None = None
    replaces_other: bool = False
    compared: bool = False
    tries: int = 0
    preparing: int = 0
    fresh: bool = True
    seen: int = -1
    relinked: bool = False
    refetched: bool = False
    rejection: errors.RequestError | None = None
    single: bool = False

    @property
    def name(self) -> str:
        """The file's name."""
        return self.request.path.rpartition("/")[2]

    @property
    def replaces(self) -> bool:
        """Whether a file of its name is to be replaced."""
        replaced = self.existing is not None or self.replaces_other
        return replaced or self.request.if_exists is IfExists.OVERWRITE

    def already_there(self, size: int) -> FileResult:
        """Return the result where nothing had to be fetched."""
        return FileResult(self.request.key, size, fetched=False)

    def failed(self, error: MLHubException) -> FileResult:
        """Return the result where it could not be fetched."""
        return FileResult(self.request.key, error=error)

    def matches(self, total: int | None) -> bool:
        """Return whether the file that is there is the server's, by its size; False if it is to be fetched.

        Raises
        ------
        FileConflict
            If it is larger, or cannot be compared.
        """
        assert self.existing is not None
        if total is None:
            words = f"a file {self.name} is there, and the server does not tell its size"
            raise errors.FileConflict(words)
        if self.existing > total:
            sizes = f"{text.size(self.existing)} here, {text.size(total)} on the server"
            raise errors.FileConflict(f"a larger file {self.name} is there ({sizes})")
        return self.existing == total


def origin_of(link: Link) -> Origin:
    """Return the origin of a link; RequestError if it has none."""
    return LOCAL if is_local(link.url) else parse_url(link.url).origin


class OutputFile(Protocol):
    """A body that is being written; nothing of it shows under its name before it is stored."""

    @property
    def size(self) -> int:
        """Bytes written so far."""
        ...

    def write(self, view: memoryview, /) -> None:
        """Write bytes; OutputFolderError or NoSpaceError if that fails. Called on the event loop."""
        ...

    def discard(self) -> None:
        """Close it, and remove what was written."""
        ...


@dataclass(frozen=True, slots=True)
class OutputCallbacks:
    """What an output backend calls, on the event loop.

    Parameters
    ----------
    settled
        With results that were recorded.
    refused
        With a file that could not be written.
    drained
        When those who wait for `full` to end may continue.
    broken
        With an error that ends the run.
    """

    settled: Callable[[Sequence[FileResult]], None]
    refused: Callable[[FileTask, MLHubException], None]
    drained: Callable[[], None]
    broken: Callable[[BaseException], None]


class OutputBackend(Protocol):
    """Where the files of one run go; all but `examine` and `existing` belongs to the event loop."""

    @property
    def full(self) -> bool:
        """Whether enough waits to be written; if so, `OutputCallbacks.drained` will be called."""
        ...

    def examine(self, requests: Sequence[FileRequest]) -> Sequence[FileTask | FileResult]:
        """Return what is to be done for requests, by what stands under their names; blocks."""
        ...

    def existing(self, task: FileTask) -> bytes:
        """Return the bytes of the file that is there; FileNotFoundError if none is; blocks."""
        ...

    def begin(self, settle: Callable[[Sequence[FileResult]], None], callbacks: OutputCallbacks) -> None:
        """Begin a run whose results are recorded by `settle`, which blocks."""
        ...

    def create(self, task: FileTask) -> OutputFile:
        """Return where a body is to be written; OutputFolderError or TargetBusy if it cannot be."""
        ...

    def store(self, task: FileTask, file: OutputFile) -> None:
        """Give a whole and verified file its name, soon, and have it recorded."""
        ...

    def record(self, result: FileResult) -> None:
        """Have a result recorded that needs no file to be written."""
        ...

    def tick(self) -> None:
        """Do what is due by time; called several times a second."""
        ...

    def flush(self) -> None:
        """Settle what there is, as nothing comes after it for now."""
        ...

    async def aclose(self) -> None:
        """Store and record all that was handed over."""
        ...

    async def fetch_single(
        self, task: FileTask, context: TransferContext, progress: TransferProgress
    ) -> FileResult:
        """Fetch a large or local file; raises what went wrong (MLHubException, OSError)."""
        ...
