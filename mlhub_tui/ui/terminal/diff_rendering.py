"""Differential rendering: only cells that changed are written to the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.color import ColorSystem
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual._styles_cache import StylesCache
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.strip import Strip

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from textual.screen import Screen


Cell = tuple[str, str]
"""A character and its SGR codes."""
Piece = tuple[int, int, Strip]
"""A part of a line: row, column, cells."""

_SINGLE = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e\u2190-\u21ff"
    "\u2500-\u25fc\u2800-\u28ff]*"
)
"""Characters that every terminal draws one cell wide; where others are, a part of a line is written whole."""
_GAP = 4
"""Cells between others that differ, up to which a jump over them costs more than they do."""


class TerminalBuffer:
    """What a terminal shows, as far as it is known.

    - `columns`, `rows`: Its size.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.size = columns, rows
        self._cells: list[list[Cell | None]] = [[None] * columns for _ in range(rows)]
        self._pieces: list[dict[int, Strip]] = [{} for _ in range(rows)]

    def take_up(self, pieces: Iterator[Piece], console: Console) -> str:
        """Return what makes the terminal show some parts of lines, and know them from here on."""
        pen, depth = AnsiWriter(), console._color_system or ColorSystem.TRUECOLOR
        columns, rows = self.size
        uncertain: dict[int, int] = {}  # of a row, where the cells of its first uncertain part end
        for y, x, strip in pieces:
            width = strip.cell_length
            if not width:
                continue  # it would take the place of what is drawn from there on
            if not (0 <= y < rows and x >= 0 and x + width <= columns):
                pen.write_whole(y, x, strip.render(console))
                continue
            there = self._pieces[y]
            if x in there and (there[x] is strip or there[x] == strip):
                continue
            for start in [at for at, old in there.items() if at < x + width and x < at + old.cell_length]:
                del there[start]
            there[x] = strip
            before, after = self._cells[y], _cells(strip, depth)
            if after is None:
                pen.write_whole(y, x, _over_erased(strip, console))
                before[x : x + width] = [None] * width
                uncertain[y] = min(uncertain.get(y, columns), x + width)
            elif before[x : x + width] != after:
                for first, last in _runs(before[x : x + width], after):
                    pen.write(y, x + first, after[first:last])
                before[x : x + width] = after
        for y, end in uncertain.items():
            self._write_beside(pen, y, end, console)
        return pen.written()

    def _write_beside(self, pen: AnsiWriter, y: int, end: int, console: Console) -> None:
        """Write again what is to the right of a part whose width the terminal may count otherwise.

        tmux gives each vowel sign of Devanagari a cell of its own (tmux issue 4287), over what is beside it.
        """
        cells = self._cells[y]
        for x, strip in sorted(self._pieces[y].items()):
            if x >= end and cells[x] is None:
                pen.write_whole(y, x, _over_erased(strip, console))
        for known, run in groupby(range(end, len(cells)), lambda x: cells[x] is not None):
            columns = [*run]
            if known:
                pen.write(y, columns[0], [cell for cell in cells[columns[0] : columns[-1] + 1] if cell])


class AnsiWriter:
    """Writes cells, and knows the colours that are set."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._set = ("", "", "")

    def write(self, y: int, x: int, cells: list[Cell]) -> None:
        """Write cells beside each other."""
        parts = self._parts
        parts.append(f"\x1b[{y + 1};{x + 1}H")
        for character, codes in cells:
            wanted = _codes(codes)
            if wanted != self._set:
                parts.append(_change(self._set, wanted))
                self._set = wanted
            parts.append(character)

    def write_whole(self, y: int, x: int, rendered: str) -> None:
        """Write what sets and resets its colours itself."""
        self._parts.append(f"\x1b[0m\x1b[{y + 1};{x + 1}H{rendered}")
        self._set = ("", "", "")

    def written(self) -> str:
        """Return all of it, with no colours left set."""
        if self._set != ("", "", ""):
            self._parts.append("\x1b[0m")
        return "".join(self._parts)


def _runs(before: list[Cell | None], after: list[Cell]) -> Iterator[tuple[int, int]]:
    """Yield from where to where cells differ; what is little between is taken along."""
    first = last = -1
    for at, (old, new) in enumerate(zip(before, after, strict=True)):
        if old is new or old == new:
            continue
        if first < 0:
            first = at
        elif at - last > _GAP:
            yield first, last
            first = at
        last = at + 1
    if first >= 0:
        yield first, last


def _over_erased(strip: Strip, console: Console) -> str:
    """Return what erases the cells of a part of a line, in the colours of its end, and writes it.

    A terminal that counts fewer of them would show at that end what was there before: tmux gives an emoji
    with a variation selector one cell.
    """
    style = [*strip][-1].style
    codes = "" if style is None else Strip.render_ansi(style, console._color_system or ColorSystem.TRUECOLOR)
    return f"\x1b[{codes}m\x1b[{strip.cell_length}X\x1b[0m{strip.render(console)}"


def _cells(strip: Strip, depth: ColorSystem) -> list[Cell] | None:
    """Return the cells of a part of a line; None where they cannot be told apart: wide letters, links."""
    cells: list[Cell] = []
    for text, style, control in strip:
        if control or not _SINGLE.fullmatch(text) or (style is not None and style._link):
            return None
        codes = "" if style is None else Strip.render_ansi(style, depth)
        cells += [(character, codes) for character in text]
    return cells


@lru_cache(maxsize=4096)
def _codes(sgr: str) -> tuple[str, str, str]:
    """Part SGR codes into attributes, foreground and background."""
    attributes, colours, codes = [], ["", ""], sgr.split(";") if sgr else []
    while codes:
        code = codes.pop(0)
        number = int(code)
        if number in (38, 48):
            count = 4 if codes[0] == "2" else 2
            colours[number == 48] = ";".join([code, *codes[:count]])
            del codes[:count]
        elif 30 <= number <= 39 or 90 <= number <= 97:
            colours[0] = code
        elif 40 <= number <= 49 or 100 <= number <= 107:
            colours[1] = code
        else:
            attributes.append(code)
    return ";".join(attributes), colours[0], colours[1]


@lru_cache(maxsize=4096)
def _change(before: tuple[str, str, str], after: tuple[str, str, str]) -> str:
    """Return what turns the colours that are set into others."""
    attributes, foreground, background = after
    if before[0] and before[0] != attributes:
        codes = ["0", *filter(None, after)]
    else:
        codes = [attributes] if attributes and not before[0] else []
        codes += [foreground or "39"] if foreground != before[1] else []
        codes += [background or "49"] if background != before[2] else []
    return f"\x1b[{';'.join(codes)}m"


class DiffUpdate(CompositorUpdate):
    """A drawing of Textual, and what is to be written of it."""

    def __init__(self, update: LayoutUpdate | ChopsUpdate, sequence: str) -> None:
        self._update = update
        self.sequence = sequence

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._update.__rich_console__(console, options)

    def render_segments(self, console: Console) -> str:
        """Return what is to be written."""
        return self.sequence


def diff_update(update: LayoutUpdate | ChopsUpdate, shown: TerminalBuffer, console: Console) -> DiffUpdate:
    """Compare a drawing with what a terminal shows, and take it for shown."""
    pieces = _of_layout(update) if isinstance(update, LayoutUpdate) else _of_chops(update)
    return DiffUpdate(update, shown.take_up(pieces, console))


def _of_layout(update: LayoutUpdate) -> Iterator[Piece]:
    for y, strips in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in strips:
            yield y, x, strip
            x += strip.cell_length


def _of_chops(update: ChopsUpdate) -> Iterator[Piece]:
    for y, x1, x2 in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x > x2 or end <= x1:
                continue
            yield y, x, strip if x1 <= x < x2 and end <= x2 else strip.crop(0, min(end, x2) - x)


def forget_drawings() -> None:
    """Let go of the lines that widgets drew which are gone.

    Textual 8.2 memoizes a method of each widget's drawings, and so keeps the last 1,024 widgets' lines.
    """
    StylesCache.get_inner_outer.cache_clear()


class DiffRenderingApp(App[int]):
    """An app that writes to its terminal only what is not there yet."""

    _shown: TerminalBuffer | None = None
    _sized = False

    def forget_shown(self) -> None:
        """Take nothing on the terminal for known: something else has written there."""
        self._shown = None

    def action_redraw(self) -> None:
        """Draw everything, on a terminal that something else has written to."""
        self.forget_shown()
        self.screen.refresh(layout=True)

    def pop_screen(self) -> AwaitComplete:
        """Let go of a screen, and of what it drew."""
        forget_drawings()
        return super().pop_screen()

    def on_resize(self) -> None:
        """Draw everything on a terminal that was resized: it has reflowed its lines, or dropped some."""
        if self._sized:
            self.action_redraw()
        self._sized = True  # the first comes at the start, for the size that is drawn for

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        held = self._batch_count or self._closed or not self._running
        writes = self._driver is not None and not held and not self.is_headless
        if writes and isinstance(renderable, LayoutUpdate | ChopsUpdate):
            if self._shown is None or self._shown.size != self.size:
                self._shown = TerminalBuffer(*self.size)
            update = diff_update(renderable, self._shown, self.console)
            at = self.screen.outer_size.clamp_offset(self.cursor_position)
            if not update.sequence and at == self._previous_cursor_position:
                self.post_display_hook()
                return
            renderable = update
        super()._display(screen, renderable)
