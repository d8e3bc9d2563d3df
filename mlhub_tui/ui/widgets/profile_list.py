"""The list of profiles and sources: columns that fit the width, sections the cursor steps over."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from ...text import one_line
from ..profile_rows import ProfileLine, ProfileRow, ProfileSection
from .line_view import Column, TableView

_LONGEST = 200
_COLUMNS = (
    Column("name", "Name", most=60),
    Column("kind", "Kind", least=9),
    Column("secret", "Key", most=26, least=17),
    Column("where", "Where, or what", least=20),
)


class ProfileList(TableView):
    """Shows lines; the cursor is on a place, never on a section."""

    mark_cells = 2
    narrowest = 24

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[ProfileLine] = []
        self._in_use: str | None = None

    def show(self, lines: Sequence[ProfileLine], in_use: str | None, wanted: str | None) -> None:
        """Show lines, with the cursor on the place that is wanted, or else the first."""
        self._lines, self._in_use = list(lines), in_use
        self.forget_widths()
        self.measure(range(len(lines)))
        self.count_changed()
        keys = [line.key if isinstance(line, ProfileRow) else None for line in self._lines]
        line = self.validate_cursor_line(keys.index(wanted) if wanted is not None and wanted in keys else 0)
        if line != self.cursor_line:
            self.cursor_line = line
        else:
            self.post_message(self.Moved())
        self.refresh()
        self.call_after_refresh(self.keep_in_sight)

    @property
    def keys(self) -> list[str]:
        """The keys of the places, in their order."""
        return [line.key for line in self._lines if isinstance(line, ProfileRow)]

    @property
    def current(self) -> ProfileRow | None:
        """The place under the cursor."""
        line = self._lines[self.cursor_line] if self.cursor_line < len(self._lines) else None
        return line if isinstance(line, ProfileRow) else None

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def is_heading(self, number: int) -> bool:
        """Tell whether a line is a section."""
        return isinstance(self._lines[number], ProfileSection)

    def columns(self) -> Sequence[Column]:
        """Return what is shown of a place."""
        return _COLUMNS

    def cells(self, number: int) -> Sequence[str]:
        """Return the texts of a place."""
        line = self._lines[number]
        if isinstance(line, ProfileSection):
            return [""] * len(_COLUMNS)
        return [one_line(text, _LONGEST) for text in (line.name, line.kind, line.secret, line.where)]

    def mark(self, number: int) -> str:
        """Mark the source that is in use."""
        line = self._lines[number]
        return " ●" if isinstance(line, ProfileRow) and line.key == self._in_use else ""

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw a place or a section."""
        line, ground = self._lines[number], self.ground(number)
        if not isinstance(line, ProfileSection):
            return super().draw_line(number, width)
        title = Segment(f"{'':{self.mark_cells}} {one_line(line.title)} ", ground + self.look("header"))
        return Strip([title, Segment("─" * width, ground + self.look("guides"))])
