"""The files of a dataset's job as lines; only those in sight are in memory, with a page around them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip

from ...planning.manifest import Entry, FileStatus
from ...text import one_line, size
from ..file_pages import PAGE
from .line_view import LineView

_KEPT = 6
_WORDS = {FileStatus.WANTED: "wanted", FileStatus.DONE: "done", FileStatus.FAILED: "failed"}
_STATE, _SIZE = 8, 11
_LONGEST = 400


class FileList(LineView):
    """Lines of files: what became of each, how big it is, its path or why it failed."""

    DEFAULT_CSS = """
    FileList { background: $surface; height: 1fr; }
    FileList > .line--bad { color: $error; }
    """
    COMPONENT_CLASSES = {"line--bad"}  # noqa: RUF012 - declared so by Textual
    header = 1

    @dataclass
    class Wanted(Message):
        """A page is in sight that is not in memory."""

        page: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._count = 0
        self._pages: OrderedDict[int, list[Entry]] = OrderedDict()
        self._asked: set[int] = set()

    @property
    def line_count(self) -> int:
        """How many files there are."""
        return self._count

    @property
    def current(self) -> Entry | None:
        """The file under the cursor, as far as it is in memory."""
        return self._entry(self.cursor_line)

    @property
    def kept(self) -> list[int]:
        """The pages that are in memory."""
        return list(self._pages)

    def show(self, count: int, *, anew: bool) -> None:
        """Show another number of files; `anew` forgets all pages and begins at the top."""
        self._count = count
        if anew:
            self._pages.clear()
            self._asked.clear()
            self.cursor_line = 0
        self.cursor_line = self.validate_cursor_line(self.cursor_line)
        self.count_changed()
        self.refresh()

    def fill(self, page: int, entries: list[Entry]) -> None:
        """Take a page that was wanted, or one that is looked at again."""
        self._asked.discard(page)
        if self._pages.get(page) == entries:
            return
        self._pages[page] = entries
        self._pages.move_to_end(page)
        while len(self._pages) > _KEPT:
            self._pages.popitem(last=False)
        self.refresh_from(page * PAGE, PAGE)

    def _entry(self, number: int) -> Entry | None:
        page, place = divmod(number, PAGE)
        entries = self._pages.get(page)
        return entries[place] if entries is not None and place < len(entries) else None

    def draw_header(self, y: int, width: int) -> Strip:
        """Draw the names of the columns."""
        return Strip([Segment(_row("State", "Size", "File", width), self.look("header"))])

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw a file."""
        page = number // PAGE
        style = self.ground(number)
        if number == self.cursor_line:
            style += self.look("cursor")
        entry = self._entry(number)
        if entry is None:
            if page not in self._pages and page not in self._asked:
                self._asked.add(page)
                self.post_message(self.Wanted(page))
            return Strip([Segment(_row("…", "", "", width), style)])
        if entry.fate is FileStatus.FAILED and number != self.cursor_line:
            style += self.look("bad")
        bytes_ = size(entry.size) if entry.size is not None else "?"
        return Strip([Segment(_row(_WORDS[entry.fate], bytes_, one_line(entry.file.path), width), style)])


def _row(state: str, bytes_: str, name: str, width: int) -> str:
    """Return the cells of a line; of a path that is too long the end is kept."""
    room = max(width - _STATE - _SIZE - 2, 1)
    name = name[-_LONGEST:]
    while cell_len(name) > room:
        name = "…" + name[max(len(name) - room, 2) :] if len(name) > 2 else ""
    return f" {state:<{_STATE}}{bytes_:>{_SIZE - 1}} {set_cell_size(name, room)}"
