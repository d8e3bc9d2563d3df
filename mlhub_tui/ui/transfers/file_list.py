"""Files of a dataset's job as a virtual list; one page in memory."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rich.style import Style
from textual.message import Message

from ...concurrency import in_thread
from ...errors import DownloadError
from ...planning.manifest import FileStatus, Manifest, ManifestEntry, ManifestStats, manifest_path
from ...planning.requests import DatasetRequest
from ...text import one_line, size
from ..widgets.line_view import Column, TableView

_KEPT = 6
_WORDS = {FileStatus.WANTED: "wanted", FileStatus.DONE: "done", FileStatus.FAILED: "failed"}
_COLUMNS = (
    Column("state", "State", least=6),
    Column("size", "Size", least=9, to_right=True),
    Column("file", "File", most=400, least=12, middle=True),
)


class FileList(TableView):
    """Lines of files: what became of each, how big it is, its path or why it failed."""

    DEFAULT_CSS = """
    FileList { background: $surface; height: 1fr; }
    FileList > .line--bad { color: $error; }
    """
    COMPONENT_CLASSES = {"line--bad"}  # noqa: RUF012 - declared so by Textual

    @dataclass
    class Wanted(Message):
        """A page is in sight that is not in memory."""

        page: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
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

    def columns(self) -> Sequence[Column]:
        """Return what is shown of a file."""
        return _COLUMNS

    def cells(self, number: int) -> Sequence[str]:
        """Return the texts of a file; a page that is not in memory is asked for."""
        entry, page = self._entry(number), number // PAGE
        if entry is not None:
            return (
                _WORDS[entry.status],
                size(entry.size) if entry.size is not None else "?",
                one_line(entry.file.path),
            )
        if page not in self._pages and page not in self._asked:
            self._asked.add(page)
            self.post_message(self.Wanted(page))
        return "…", "", ""

    def line_style(self, number: int) -> Style:
        """Return the style of a file's line: failed ones stand out."""
        entry, base = self._entry(number), super().line_style(number)
        failed = entry is not None and entry.status is FileStatus.FAILED and number != self.cursor_line
        return base + self.look("bad") if failed else base


T = TypeVar("T")
PAGE = 200
"""Entries of a page."""


@dataclass(frozen=True, slots=True)
class FileQuery:
    """How a job stands, and which of its files are looked at."""

    stats: ManifestStats
    status: FileStatus | None

    @property
    def count(self) -> int:
        """How many files of that kind there are."""
        by_status = {
            FileStatus.WANTED: self.stats.wanted,
            FileStatus.DONE: self.stats.done,
            FileStatus.FAILED: self.stats.failed,
        }
        return self.stats.files if self.status is None else by_status[self.status]


class FilePages:
    """Looks at the manifest of a dataset's job, from a thread.

    - `request`: What the job is for.
    """

    def __init__(self, request: DatasetRequest) -> None:
        self._path = manifest_path(request)

    async def look(self, status: FileStatus | None) -> FileQuery:
        """Return how the job stands.

        Raises DownloadError if the manifest is there and cannot be read.
        """
        nothing = FileQuery(ManifestStats(), status)
        return await self._read(lambda files: FileQuery(files.stats(), status), nothing)

    async def page(self, look: FileQuery, number: int) -> list[ManifestEntry]:
        """Return the files of a page; errors as of `look`."""
        return await self._read(lambda files: files.entries(look.status, skip=number * PAGE, most=PAGE), [])

    async def _read(self, work: Callable[[Manifest], T], nothing: T) -> T:
        """Read from the manifest, opened for that alone; where it is not there yet, return `nothing`."""

        def reading() -> T:
            if not self._path.exists():
                return nothing
            with Manifest(self._path) as files:
                return work(files)

        try:
            return await in_thread(reading)
        except sqlite3.Error as error:
            raise DownloadError(f"the list of files cannot be read: {one_line(error, 120)}") from error
