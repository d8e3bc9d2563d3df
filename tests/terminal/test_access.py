"""For eyes, ears and hands that need it otherwise: the terminal's cursor, colours, motion, mouse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer

from .conftest import Starter
from .harness import Terminal

pytestmark = pytest.mark.terminal

_ANY_COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:[34][0-8]|9[0-7]|10[0-7])[;m]")
DOWN, UP, LEFT, RIGHT = "\x1b[B", "\x1b[A", "\x1b[D", "\x1b[C"


def at_cursor(terminal: Terminal) -> str:
    """Return what stands from the terminal's own cursor on."""
    column, row = terminal.cursor
    return terminal.lines[row][column:]


def before_cursor(terminal: Terminal) -> str:
    """Return what stands before the terminal's own cursor."""
    column, row = terminal.cursor
    return terminal.lines[row][:column].rstrip()


def marked_rows(terminal: Terminal) -> set[int]:
    """Return the rows that look in the cursor's column as the one it is on: that of what is current."""
    column, row = terminal.cursor
    look = terminal.looks(row)[column]
    return {y for y in range(len(terminal.lines)) if terminal.looks(y)[column] == look}


def current(terminal: Terminal) -> tuple[int, str]:
    """Return the cursor's row and what stands in it."""
    row = terminal.cursor[1]
    return row, terminal.lines[row]


def follows(terminal: Terminal, *keys: str) -> None:
    """Press keys; after each the cursor is on another row, the one that looks like no other."""
    for key in keys:
        before = current(terminal)
        terminal.press(key)
        terminal.until(lambda: current(terminal) != before)  # noqa: B023
        terminal.settle(0.2)  # what is drawn in several pieces is drawn
        terminal.until(lambda: marked_rows(terminal) == {terminal.cursor[1]})


def test_the_terminals_cursor_is_on_what_the_keys_act_on(start: Starter, sample: SampleServer) -> None:
    """Tree, table, list of transfers, filter, form, help: in each the cursor is on the current row."""
    terminal = start(server=sample)
    terminal.until("BigEarthNet")
    follows(terminal, DOWN)
    terminal.until(lambda: at_cursor(terminal).startswith("A crop type dataset"))
    follows(terminal, DOWN, "G", UP, "\x1b[5~")
    terminal.press("/kenya_02_so")
    terminal.until("1 of 45")
    terminal.until(lambda: before_cursor(terminal).endswith("kenya_02_so"))
    terminal.press(LEFT)
    terminal.until(lambda: at_cursor(terminal).startswith("o"))
    terminal.press("\r")
    terminal.until(lambda: at_cursor(terminal).startswith("ref_african_crops_…"))
    terminal.press("\r")
    terminal.until("Overview")
    terminal.press("i")
    terminal.until("more below")
    follows(terminal, DOWN, DOWN)
    terminal.until(lambda: at_cursor(terminal).lstrip().startswith("ref_african_…2_tile_00_"))
    terminal.press("\r")
    terminal.until("Properties")
    terminal.press("a")
    terminal.until("copies a link")
    terminal.until(lambda: at_cursor(terminal).lstrip().startswith("B01"))
    follows(terminal, DOWN)
    terminal.until(lambda: at_cursor(terminal).lstrip().startswith("B02"))
    terminal.press("s")
    terminal.until("ctrl+s searches")
    terminal.until(lambda: terminal.lines[terminal.cursor[1]].count("bbox") or "Box" in terminal.text)
    first = terminal.cursor[1]
    terminal.press(DOWN)
    terminal.until(lambda: terminal.cursor[1] > first)
    terminal.press("\x1b")
    terminal.until(lambda: "ctrl+s searches" not in terminal.text)
    terminal.press("?")
    terminal.until("esc closes")
    follows(terminal, DOWN, DOWN)
    terminal.until(lambda: "Go to the top" in at_cursor(terminal) or "Show" in at_cursor(terminal))
    terminal.press("\x1b")
    terminal.until(lambda: "esc closes" not in terminal.text)
    terminal.press("3")
    terminal.until("browse without a key")
    terminal.press("q")
    terminal.end()
    assert terminal.status == 0
    assert not terminal.mode(9)


def test_cursor_mouse_motion_and_colours_as_they_are_wanted(
    start: Starter, sample: SampleServer, tmp_path: Path
) -> None:
    """All at once: a start takes most of its time in imports."""
    still = tmp_path / "still"
    still.mkdir()
    (still / "config.toml").write_text('cursor = true\nmotion = "none"\n')
    old: dict[str, str | None] = {"COLORTERM": None}
    opened = {
        "still": start(server=sample, MLHUB_HOME=str(still)),
        "vt100": start(server=sample, TERM="vt100", **old),
        "dumb": start(server=sample, TERM="dumb", **old),
        "mono": start(server=sample, TERM="xterm-mono", **old),
        "no mouse": start("--sample", "--no-mouse"),
    }
    for terminal in opened.values():
        terminal.until("BigEarthNet")
        terminal.press(DOWN)
        terminal.until("idiv_asia_crop_type")
    assert opened["still"].mode(25), "the cursor is to be seen"
    assert not opened["no mouse"].mode(25)
    for kind in ("vt100", "dumb", "mono"):
        assert not _ANY_COLOUR.search(opened[kind].raw), kind
        column, row = opened[kind].cursor
        assert opened[kind].looks(row)[column][3], f"{kind}: the current row is reversed"
        assert marked_rows(opened[kind]) == {row}
    for mode in (b"9", b"1000", b"1001", b"1002", b"1003", b"1005", b"1006", b"1015", b"1016"):
        assert b"\x1b[?%sh" % mode not in opened["no mouse"].raw
    # A field in which Textual's own cursor would blink.
    resting = opened["still"]
    resting.press(":")
    resting.until("Search for commands")
    resting.settle(1.0)
    assert not resting.read(1.2), "nothing blinks or turns"
    resting.press("\x1b")
    resting.until(lambda: "Search for commands" not in resting.text)
    for terminal in opened.values():
        terminal.press("q")
        terminal.end()
        assert terminal.status == 0
        assert not terminal.left_over
