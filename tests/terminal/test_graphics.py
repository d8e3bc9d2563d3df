"""Pictures in a real pty: what the terminal answers decides how they are drawn, and is never typed in."""

from __future__ import annotations

import os
import re
import stat
from base64 import standard_b64decode
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.ui.preview.catalogs import chips

from .conftest import Starter
from .harness import Terminal

pytestmark = pytest.mark.terminal

KITTY = b"\x1b_Gi=31,"
LAST = b"\x1b[c"
DRAWN = "60 x 30"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a catalog with images."""
    return chips(tmp_path / "chips")


def on_the_item(start: Starter, folder: Path, **changes: str | None) -> Terminal:
    """Start the app and go to an item."""
    terminal = start("--source", str(folder), **changes)
    terminal.until("▸ chips")  # in the tree; the bar has the name of the folder at once
    terminal.press("j")
    terminal.press("l")
    terminal.until("chip1")
    terminal.press("j")
    return terminal


def answered(start: Starter, folder: Path, *answers: str, **changes: str | None) -> Terminal:
    """Ask for a preview in a terminal that answers so; nothing is asked before."""
    terminal = on_the_item(start, folder, **changes)
    terminal.settle(0.2)
    assert LAST not in terminal.raw, "the start asks nothing"
    terminal.press("p")
    terminal.until(lambda: LAST in terminal.raw)
    assert KITTY in terminal.raw
    terminal.press(*answers)
    terminal.until(DRAWN)
    return terminal


def test_a_terminal_with_sixel_gets_sixel_in_its_own_cells(start: Starter, folder: Path) -> None:
    terminal = answered(start, folder, "\x1b[6;16;8t", "\x1b[?62;4;22c")
    terminal.until("in sixel")
    terminal.until(lambda: re.search(rb"\x1bP0;0;0q[^\x1b]*\x1b\\", terminal.raw))
    found = re.search(rb'\x1b\[(\d+);(\d+)H\x1bP0;0;0q"1;1;(\d+);(\d+)', terminal.raw)
    assert found is not None
    row, column, width, height = map(int, found.groups())
    assert 1 < row < 20 and 1 < column < 40
    assert width <= 76 * 8 and height <= 20 * 16 and abs(width / height - 2) < 0.1
    before = terminal.raw.rindex(b"\x1bP0;0;0q")
    terminal.press("n")
    terminal.until("TIFF 20 x 20")
    terminal.until(lambda: terminal.raw.rindex(b"\x1bP0;0;0q") > before)
    between = terminal.raw[before : terminal.raw.rindex(b"\x1bP0;0;0q")]
    assert len(re.findall(rb" {60}", between)) >= 10, "the old picture is wiped out by blanks"
    terminal.press("\x1b")
    terminal.until("enter open")
    terminal.until(lambda: DRAWN not in terminal.text)


def test_a_terminal_with_kittys_graphics_gets_those_and_keeps_none(start: Starter, folder: Path) -> None:
    terminal = answered(start, folder, "\x1b_Gi=31;OK\x1b\\", "\x1b[6;20;10t", "\x1b[?62;c")
    terminal.until("in kitty graphics")
    terminal.until(lambda: re.search(rb"m=0;[^\x1b]*\x1b\\", terminal.raw))
    chunks = re.findall(rb"\x1b_G(?:a=T,f=100[^;]*,)?m=[01];([^\x1b]*)\x1b\\", terminal.raw)
    picture = Image.open(BytesIO(standard_b64decode(b"".join(chunks))))
    assert picture.format == "PNG" and abs(picture.width / picture.height - 2) < 0.1
    assert terminal.raw.count(b"a=T,f=100") == 1
    terminal.press("\x1b")
    terminal.until(lambda: b"\x1b_Ga=d,d=I" in terminal.raw)


def test_a_contact_sheet_has_a_picture_for_each_item_and_takes_all_of_them_off(
    start: Starter, folder: Path
) -> None:
    terminal = on_the_item(start, folder)
    terminal.press("h")
    terminal.press("i")
    terminal.until("Overview")
    terminal.until("chip2")
    terminal.press("p")
    terminal.until(lambda: LAST in terminal.raw)
    terminal.press("\x1b_Gi=31;OK\x1b\\", "\x1b[6;20;10t", "\x1b[?62;c")
    terminal.until(lambda: len(set(re.findall(rb"a=T,f=100,i=(\d+)", terminal.raw))) == 3)
    shown = set(re.findall(rb"a=T,f=100,i=(\d+)", terminal.raw))
    places = re.findall(rb"\x1b\[(\d+);(\d+)H\x1b_Ga=T", terminal.raw)
    assert len({column for _, column in places}) == 3, "beside each other"
    terminal.press("\x1b")
    terminal.until(lambda: set(re.findall(rb"a=d,d=I,i=(\d+)", terminal.raw)) >= shown)


def test_a_terminal_without_graphics_gets_half_blocks(start: Starter, folder: Path) -> None:
    terminal = answered(start, folder, "\x1b[?62;22c")
    terminal.until("in half blocks")
    terminal.until("▀▀▀▀")
    assert b"\x1bP0" not in terminal.raw and b"a=T" not in terminal.raw


def test_a_terminal_that_answers_nothing_gets_half_blocks_soon(start: Starter, folder: Path) -> None:
    terminal = answered(start, folder)
    terminal.until("in half blocks")
    terminal.press("\x1b")
    terminal.until(lambda: DRAWN not in terminal.text)
    # The answer of a very slow line, cut in two, is for nobody: `c` and `4` are no keys pressed.
    terminal.press("\x1b[?62;4")
    terminal.read(0.05)
    terminal.press(";22c")
    terminal.press("p")
    terminal.until("in sixel")


def test_what_is_typed_between_the_answers_arrives(start: Starter, folder: Path) -> None:
    terminal = on_the_item(start, folder)
    terminal.press("p")
    terminal.until(lambda: LAST in terminal.raw)
    terminal.press("\x1b[6;20;10t", "j", "\x1b[?62;22c")
    terminal.until("chip1")
    terminal.until("in half blocks")
    terminal.until("2 of 3")


def test_tmux_draws_sixel_only_where_the_terminal_around_it_does(
    start: Starter, folder: Path, tmp_path: Path
) -> None:
    fake = tmp_path / "bin" / "tmux"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 256,clipboard,title\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    inside = {"TMUX": "/nowhere,1,0", "PATH": f"{fake.parent}{os.pathsep}{os.environ['PATH']}"}
    terminal = answered(start, folder, "\x1b[?1;2;4c", **inside)
    terminal.until("in half blocks")
    terminal.press("\x1b")
    fake.write_text("#!/bin/sh\necho 256,clipboard,sixel,title\n")
    terminal.until(lambda: DRAWN not in terminal.text)
    terminal.press("p")
    terminal.until("in sixel")


def test_over_ssh_the_bytes_are_told_first_and_pictures_are_lean(start: Starter, folder: Path) -> None:
    terminal = on_the_item(start, folder, SSH_CONNECTION="192.0.2.1 50000 192.0.2.2 22")
    terminal.press("p")
    terminal.until(lambda: LAST in terminal.raw)
    terminal.press("\x1b[?62;4;22c")
    terminal.until("in sixel")  # the catalog is on this machine: nothing has to be fetched
    whole = re.compile(rb"\x1bP0;0;0q.*?\x1b\\", re.DOTALL)
    terminal.until(lambda: whole.search(terminal.raw))
    assert len(whole.findall(terminal.raw)[-1]) < 20_000
