"""Files of transfers: those of a dataset's job in a list, those of finished ones verified and unpacked."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rich.style import Style
from textual.message import Message

from ...concurrency import in_thread
from ...errors import DownloadError, MLHubException
from ...planning.manifest import FileStatus, Manifest, ManifestEntry, ManifestStats, manifest_path
from ...planning.requests import DatasetRequest
from ...queue.job import Job, JobState
from ...queue.library import VerificationResult
from ...text import count, one_line, size
from ...transfer.engine import TransferCancelled
from ...unpack.archive import Unpacked, half_unpacked, unpack
from ..commands import DOWNLOADS, of
from ..widgets.line_view import Column, TableView

T = TypeVar("T")
_EVERY = 0.5
_GRACE = 2.0
_NAMED = 3  # skipped members
_ENDS = (".tar.gz", ".tgz", ".tar")


class FileWork:
    """One kind of work on files; one at a time, the others wait.

    - `changed`: Called when there is something else to show.
    - `words`: By the file's name to the caller (`Job.id`), what came of it, or how far it is.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._running: dict[Hashable, threading.Event] = {}
        self._turn = asyncio.Lock()
        self.words: dict[Any, str] = {}

    def stop(self, key: Hashable) -> bool:
        """Stop the work on a file; False where there is none."""
        stop = self._running.pop(key, None)
        if stop is not None:
            stop.set()
        return stop is not None

    def say(self, key: Hashable, words: str) -> None:
        """Show how far the work is, or what came of it."""
        self.words[key] = words
        self._changed()

    async def run(
        self, key: Hashable, work: Callable[[threading.Event], T], progress: Callable[[], str]
    ) -> T | None:
        """Work on a file in a thread; None if it was stopped.

        - `progress`: Asked twice a second how far it is.
        """
        stop = self._running[key] = threading.Event()

        async def report() -> None:
            while True:
                self.say(key, progress())
                await asyncio.sleep(_EVERY)

        self.say(key, "waiting for another file")
        try:
            async with self._turn:
                reporter = asyncio.create_task(report())
                try:
                    return await in_thread(lambda: work(stop), interrupt=stop.set, grace=_GRACE)
                finally:
                    reporter.cancel()
        except TransferCancelled:
            return None
        finally:
            if self._running.get(key) is stop:
                del self._running[key]

    async def verify(
        self,
        key: Hashable,
        total: int | None,
        work: Callable[[Callable[[int], None], threading.Event], VerificationResult],
        then: str = "",
    ) -> VerificationResult | None:
        """Read files of so many bytes again, and show what came of it; None if it was stopped.

        - `then`: What to do where they are not right.
        """
        read = 0

        def tell(done: int) -> None:
            nonlocal read
            read = done

        def progress() -> str:
            return f"reading, {read * 100 // total} %; v stops" if total else "reading; v stops"

        found = await self.run(key, lambda stop: work(tell, stop), progress)
        if found is not None and found.trouble and then:
            found = VerificationResult((), f"{found.trouble}; {then}")
        self.say(key, str(found) if found is not None else "stopped")
        return found


def is_archive(job: Job) -> bool:
    """Whether a transfer has brought an archive that can be unpacked here."""
    whole = job.state is JobState.DONE and not isinstance(job.request, DatasetRequest)
    return whole and job.name.lower().endswith(_ENDS)


def unpack_question(job: Job) -> tuple[str, str]:
    """Return what is asked before an archive is unpacked, and what comes of it; may block."""
    again = "Its last unpacking was not finished; this one completes it. " if half_unpacked(job.path) else ""
    what = f"Into {job.path.parent}; files there of another size or time are replaced."
    return f"Unpack {job.name}?", f"{again}{what}"


async def unpack_archive(unpacking: FileWork, job: Job) -> None:
    """Unpack the archive of a transfer into its folder, and show what came of it.

    Raises DamagedArchive, OutputFolderError, TargetBusy as `unpack`.
    """
    far: tuple[int, int, int | None] = (0, 0, None)

    def show(*now: Any) -> None:
        nonlocal far
        far = now

    def progress() -> str:
        files, read, whole = far
        part = f", {read * 100 // whole} %" if whole else ""
        return f"unpacking, {count(files, 'file')}{part}; u stops"

    try:
        done = await unpacking.run(
            job.id, lambda stop: unpack(job.path, job.path.parent, show=show, stopped=stop), progress
        )
    except MLHubException as error:
        unpacking.say(job.id, error.full_message)
        raise
    unpacking.say(job.id, "stopped; u resumes it" if done is None else _outcome(done))


def _outcome(done: Unpacked) -> str:
    """Return what was unpacked, in words."""
    there = f", {done.existed:,} of them were there" if done.existed else ""
    words = f"{count(done.files, 'file')} unpacked{there}, {size(done.bytes)} written"
    if not done.skipped:
        return words
    more = done.skipped - len(done.notes[:_NAMED])
    named = (*done.notes[:_NAMED], f"and {count(more, 'more member')}") if more else done.notes
    return f"{words}; skipped {count(done.skipped, 'member')}: {'; '.join(named)}"


STUCK = frozenset({JobState.NEEDS_KEY, JobState.NO_SPACE})
"""States that wait for the user."""
_ALWAYS = frozenset({"downloads.limits"})
_OF_LISTS = frozenset({"downloads.filter", "downloads.group", "downloads.sort"})


def unavailable_for(job: Job | None, *, any_jobs: bool) -> list[str]:
    """Return the ids of the commands that cannot act on a transfer; None where there is none."""
    if job is None:
        stay = _ALWAYS | _OF_LISTS if any_jobs else _ALWAYS
        return [one.id for one in of(DOWNLOADS) if one.id not in stay]
    done = job.state is JobState.DONE
    gone = [] if done else ["downloads.verify"]
    gone += [] if is_archive(job) else ["downloads.unpack"]
    if job.state.finished:
        return [*gone, "downloads.pause", *(["downloads.cancel", "downloads.retry"] if done else [])]
    waits = job.state in STUCK or job.state is JobState.RETRYING
    return gone if waits else [*gone, "downloads.retry"]


_KEPT = 6


class FileList(TableView):
    """Lines of files: what became of each, how big it is, its path or why it failed."""

    DEFAULT_CSS = """
    FileList { background: $surface; height: 1fr; }
    FileList > .line--bad { color: $error; }
    """
    COMPONENT_CLASSES = {"line--bad"}  # noqa: RUF012 - declared so by Textual
    all_columns = (
        Column("state", "State", least=6),
        Column("size", "Size", least=9, to_right=True),
        Column("file", "File", most=400, least=12, middle=True, apart=True),
    )

    @dataclass
    class Wanted(Message):
        """A page is in sight that is not in memory."""

        page: int

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._pages: OrderedDict[int, list[ManifestEntry]] = OrderedDict()
        self._asked: set[int] = set()

    @property
    def line_count(self) -> int:
        """How many files there are."""
        return self._count

    @property
    def current(self) -> ManifestEntry | None:
        """The file under the cursor, as far as it is in memory."""
        return self._entry(self.cursor_line)

    @property
    def cached_pages(self) -> list[int]:
        """The pages that are in memory."""
        return list(self._pages)

    def show(self, count: int, *, reset: bool) -> None:
        """Show another number of files; `reset` drops all pages and scrolls to the top."""
        self._count = count
        if reset:
            self._pages.clear()
            self._asked.clear()
            self.cursor_line = 0
        self.cursor_line = self.validate_cursor_line(self.cursor_line)
        self.count_changed()
        self.refresh()

    def fill(self, page: int, entries: list[ManifestEntry]) -> None:
        """Take a page that was wanted, or one that is looked at again."""
        self._asked.discard(page)
        if self._pages.get(page) == entries:
            return
        self._pages[page] = entries
        self.measure(range(page * PAGE, page * PAGE + len(entries)))
        self._pages.move_to_end(page)
        while len(self._pages) > _KEPT:
            self._pages.popitem(last=False)
        self.refresh_from(page * PAGE, PAGE)

    def _entry(self, number: int) -> ManifestEntry | None:
        page, place = divmod(number, PAGE)
        entries = self._pages.get(page)
        return entries[place] if entries is not None and place < len(entries) else None

    def cells(self, number: int) -> Sequence[str]:
        """Return the texts of a file; a page that is not in memory is asked for."""
        entry, page = self._entry(number), number // PAGE
        if entry is not None:
            amount = size(entry.size) if entry.size is not None else "?"
            return entry.status.name.lower(), amount, one_line(entry.file.path)
        if page not in self._pages and page not in self._asked:
            self._asked.add(page)
            self.post_message(self.Wanted(page))
        return "…", "", ""

    def line_style(self, number: int) -> Style:
        """Return the style of a file's line: failed ones stand out."""
        entry, base = self._entry(number), super().line_style(number)
        failed = entry is not None and entry.status is FileStatus.FAILED and number != self.cursor_line
        return base + self.look("bad") if failed else base


PAGE = 200
"""Entries of a page."""


@dataclass(frozen=True, slots=True)
class FileQuery:
    """How a dataset's job stands as its manifest says, and which of its files are looked at."""

    request: DatasetRequest
    status: FileStatus | None
    stats: ManifestStats

    @classmethod
    async def of(cls, request: DatasetRequest, status: FileStatus | None) -> FileQuery:
        """Look at a job.

        Raises DownloadError if the manifest is there and cannot be read.
        """
        return cls(request, status, await _read(request, Manifest.stats, ManifestStats()))

    @property
    def count(self) -> int:
        """How many files of that kind there are."""
        stats = self.stats
        counts = {FileStatus.WANTED: stats.wanted, FileStatus.DONE: stats.done, None: stats.files}
        return counts.get(self.status, stats.failed)

    async def page(self, number: int) -> list[ManifestEntry]:
        """Return the files of a page; errors as of `of`."""
        skip = number * PAGE
        return await _read(self.request, lambda files: files.entries(self.status, skip=skip, most=PAGE), [])


async def _read(request: DatasetRequest, work: Callable[[Manifest], T], nothing: T) -> T:
    """Read from a manifest in a thread, opened for that alone; where there is none yet, return `nothing`."""

    def reading() -> T:
        if not (path := manifest_path(request)).exists():
            return nothing
        with Manifest(path) as files:
            return work(files)

    try:
        return await in_thread(reading)
    except sqlite3.Error as error:
        raise DownloadError(f"the list of files cannot be read: {one_line(error, 120)}") from error
