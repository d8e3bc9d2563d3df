"""The list of profiles and sources: columns that fit the width, sections the cursor steps over."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip

from ...text import one_line
from ..profile_rows import ProfileLine, ProfileRow, ProfileSection
from .line_view import LineView

_MARK = 3
_KIND = 9


class ProfileList(LineView):
    """Shows lines; the cursor is on a place, never on a section."""

    header = 1

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[ProfileLine] = []
        self._in_use: str | None = None

    # What is shown

    def show(self, lines: Sequence[ProfileLine], in_use: str | None, wanted: str | None) -> None:
        """Show lines, with the cursor on the place that is wanted, or else the first."""
        self._lines, self._in_use = list(lines), in_use
        self.count_changed()
        keys = [line.key if isinstance(line, ProfileRow) else None for line in self._lines]
        line = keys.index(wanted) if wanted is not None and wanted in keys else 0
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

    # The cursor

    def validate_cursor_line(self, line: int) -> int:
        """Step over sections, onwards if there is something."""
        line = super().validate_cursor_line(line)
        onwards = 1 if line >= self.cursor_line else -1
        for step in (onwards, -onwards):
            found = line
            while 0 <= found < len(self._lines) and isinstance(self._lines[found], ProfileSection):
                found += step
            if 0 <= found < len(self._lines):
                return found
        return line

    # Drawing

    def _widths(self, width: int) -> tuple[int, int, int, int]:
        """Return the cells of name, kind, secret and place; 0 leaves the place out."""
        longest = max(
            (cell_len(line.name) for line in self._lines if isinstance(line, ProfileRow)), default=0
        )
        rest = width - _MARK - _KIND
        if rest < 60:
            name = min(longest + 2, rest * 3 // 5)
            return name, _KIND, rest - name, 0
        name = min(longest + 2, rest * 2 // 5)
        secret = 17 if rest < 100 else 26
        return name, _KIND, secret, rest - name - secret

    def draw_header(self, y: int, width: int) -> Strip:
        """Draw the names of the columns."""
        cells = zip(("Name", "Kind", "Key", "Where, or what"), self._widths(width), strict=True)
        style = self.look("") + self.look("header")
        return Strip([Segment(" " * _MARK + "".join(_fit(text, room) for text, room in cells), style)])

    def draw_line(self, number: int, width: int) -> Strip:
        """Draw a place or a section."""
        line, ground = self._lines[number], self.ground(number)
        quiet = self.look("header")
        if isinstance(line, ProfileSection):
            title = one_line(line.title)
            rule = "─" * max(width - cell_len(title) - _MARK - 2, 0)
            return Strip(
                [
                    Segment(f"{' ' * _MARK}{title} ", ground + quiet),
                    Segment(rule, ground + self.look("guides")),
                ]
            )
        if number == self.cursor_line:
            ground = ground + self.look("cursor")
            quiet = ground
        mark = " ● " if line.key == self._in_use else " " * _MARK
        name, kind, secret, where = self._widths(width)
        return Strip(
            [
                Segment(mark + _fit(line.name, name), ground),
                Segment(
                    _fit(line.kind, kind) + _fit(line.secret, secret) + _fit(line.where, where),
                    ground + quiet,
                ),
            ]
        ).adjust_cell_length(width, ground)


def _fit(text: str, width: int) -> str:
    """Return text in a column: cut with an ellipsis, two cells of space behind it where there is room."""
    if width <= 0:
        return ""
    text = one_line(text)
    if cell_len(text) > width - 1:
        text = set_cell_size(text, max(width - 2, 0)) + "…"
    return set_cell_size(text, width)
