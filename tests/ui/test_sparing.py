"""What is written sparingly leaves the same on a terminal as all of it does."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual._styles_cache import StylesCache
from textual.geometry import Region
from textual.strip import Strip

from mlhub_tui.options import AppOptions
from mlhub_tui.ui.terminal.diff_rendering import TerminalBuffer, diff_update

from .conftest import Driver, driven

COLUMNS, ROWS = 24, 4
CONSOLE = Console(color_system="truecolor", force_terminal=True)
STYLES = (
    None,
    Style.parse("red"),
    Style.parse("bold #112233 on #445566"),
    Style.parse("reverse"),
    Style.parse("on #445566"),
    Style.parse("color(200) on color(17)"),
    Style.parse("underline #112233"),
    Style.parse("bright_blue on bright_black"),
)
LETTERS = "ab ─▾⣿éщ漢"
"""漢 is two cells wide: what is beside it is written with it."""


@st.composite
def strips(draw: st.DrawFn, width: int) -> Strip:
    """A part of a line, of a width."""
    segments, left = [], width
    while left > 0:
        text = draw(st.text(LETTERS, min_size=1, max_size=left))
        segment = Segment(text, draw(st.sampled_from(STYLES)))
        if segment.cell_length > left:
            segment = Segment(" " * left, segment.style)
        segments.append(segment)
        left -= segment.cell_length
    return Strip(segments, width)


@st.composite
def drawings(draw: st.DrawFn) -> LayoutUpdate | ChopsUpdate:
    """All of a screen, or spans of some lines."""
    cuts = [
        sorted({0, COLUMNS, *draw(st.sets(st.integers(1, COLUMNS - 1), max_size=3))}) for _ in range(ROWS)
    ]
    lines = [{first: draw(strips(last - first)) for first, last in pairwise(cut)} for cut in cuts]
    if draw(st.booleans()):
        return LayoutUpdate([line.values() for line in lines], Region(0, 0, COLUMNS, ROWS))
    spans = []
    for y in draw(st.sets(st.integers(0, ROWS - 1), min_size=1)):
        starts = cuts[y][:-1]
        first = draw(st.sampled_from(starts))
        spans.append((y, first, draw(st.sampled_from([cut for cut in cuts[y] if cut > first]))))
    return ChopsUpdate(lines, sorted(spans), [cut[1:] for cut in cuts])


class Emulator:
    """A terminal that says what its cells are."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.Stream(self.screen)
        self._stream.feed("\x1b[?7l")
        self.taken = 0

    def feed(self, sequence: str) -> None:
        """Take in what is written."""
        self.taken += len(sequence)
        self._stream.feed(sequence.replace("\n", "\r\n"))

    def cells(self) -> Iterator[tuple[object, ...]]:
        """Yield what each cell looks like."""
        for y in range(ROWS):
            for x in range(COLUMNS):
                yield (y, x, *self.screen.buffer[y][x])


@pytest.mark.slow
@given(st.lists(drawings(), min_size=1, max_size=6))
@settings(max_examples=150)
def test_any_drawings_leave_the_same(updates: list[LayoutUpdate | ChopsUpdate]) -> None:
    whole, sparing, shown = Emulator(), Emulator(), TerminalBuffer(COLUMNS, ROWS)
    for update in updates:
        whole.feed(update.render_segments(CONSOLE))
        sparing.feed(diff_update(update, shown, CONSOLE).sequence)
        assert list(whole.cells()) == list(sparing.cells())


def test_what_is_there_is_not_written_again() -> None:
    shown = TerminalBuffer(COLUMNS, ROWS)

    def written(word: str) -> str:
        line = Strip([Segment("status: ", Style.parse("red")), Segment(word.ljust(16), Style.parse("blue"))])
        update = LayoutUpdate([[line]] * ROWS, Region(0, 0, COLUMNS, ROWS))
        return diff_update(update, shown, CONSOLE).sequence

    assert written("running").count("status") == ROWS
    assert written("running") == ""
    change = written("runs")
    assert change.count("s   ") == ROWS and "run" not in change


def test_a_letter_of_unknown_width_takes_its_part_of_the_line_along() -> None:
    shown = TerminalBuffer(COLUMNS, 1)

    def written(text: str) -> str:
        strip = Strip([Segment(text)]).adjust_cell_length(COLUMNS)
        layout = LayoutUpdate([[strip]], Region(0, 0, COLUMNS, 1))
        return diff_update(layout, shown, CONSOLE).sequence

    written("👍 one")
    assert "👍 two" in written("👍 two")
    assert written("👍 two") == ""
    assert "three" in written("three")


def test_what_is_beside_letters_of_unknown_width_is_written_after_them() -> None:
    """Tmux draws vowel signs of Devanagari in cells of their own: over what is to the right of them."""
    shown = TerminalBuffer(COLUMNS, 1)
    line = [Strip([Segment("plain     ")]), Strip([Segment("|")]), Strip([Segment("漢 beside    ")])]
    shown.take_up(((0, x, strip) for x, strip in zip((0, 10, 11), line, strict=True)), CONSOLE)
    written = shown.take_up(iter([(0, 0, Strip([Segment("क्षेत्र हिन्दी")]))]), CONSOLE)
    assert re.findall(r"हिन्दी|\||beside", written) in (["हिन्दी", "|", "beside"], ["हिन्दी", "beside", "|"])


def test_what_was_there_goes_where_the_terminal_counts_fewer_cells() -> None:
    """Of an emoji with a variation selector tmux, and the emulator, count one."""
    emulator, shown = Emulator(), TerminalBuffer(COLUMNS, ROWS)
    for text in ("x" * COLUMNS, "🛰️ satellite"):
        strip = Strip([Segment(text)]).adjust_cell_length(COLUMNS)
        emulator.feed(shown.take_up(iter([(0, 0, strip)]), CONSOLE))
    assert "x" not in emulator.screen.display[0]


@pytest.mark.slow
@pytest.mark.usefixtures("painted")
async def test_what_a_closed_dialog_drew_is_not_kept(tmp_path: Path) -> None:
    def drawings() -> int:
        gc.collect()
        return sum(isinstance(known, StylesCache) for known in gc.get_objects())

    async def look(driver: Driver) -> None:
        await driver.press("question_mark", then=lambda: len(driver.app.screen_stack) == 2)
        await driver.press("escape", then=lambda: len(driver.app.screen_stack) == 1)

    async with driven(AppOptions(output_dir=tmp_path), then="Welcome") as driver:
        await look(driver)
        before = drawings()
        for _ in range(5):
            await look(driver)
        assert drawings() == before
