"""What a hostile deployment brings to a real terminal: text, and none of its own escape sequences."""

from __future__ import annotations

import base64
import re

import pytest

from tests.support.http_server import LoopbackServer

from ..ui.hostile import Hostile
from .conftest import Starter

pytestmark = pytest.mark.terminal

POINTER = (b"22", b"default")
"""Textual sets the shape of the mouse pointer."""
BACKGROUND = (b"11", b"?")
"""The terminal is asked for its background, which the theme follows."""
OURS = {POINTER, BACKGROUND}
_OSC = re.compile(rb"\x1b\](\d+);(.*?)(?:\x07|\x1b\\)", re.DOTALL)


def test_no_escape_sequence_of_the_data_goes_out(start: Starter) -> None:
    """Window title, clipboard and colours stay as they are; only a copy of ours sets the clipboard."""
    answers = Hostile()
    with LoopbackServer(answers) as server:
        answers.root = server.root
        terminal = start("--root-url", server.root, "--api-key", "a-key-of-twenty-char")
        terminal.until("0 title[/]")
        terminal.press("/", "../escape", "\r")
        terminal.until("▸ ../../escape")
        terminal.press("k")
        terminal.until("collection[/]")
        terminal.settle()
        terminal.press("\r")
        terminal.until("Overview")
        for key in ("i", "a", "J", "G"):
            terminal.press(key)
            terminal.settle(0.15)
        terminal.press("?")
        terminal.until("esc closes")
        terminal.press("\x1b")
        terminal.until(lambda: "esc closes" not in terminal.text)
        assert set(_OSC.findall(terminal.raw)) <= OURS
        assert b"\x9b" not in terminal.raw.decode("utf-8").encode("latin-1", "ignore"), "a C1 control"
        terminal.press("\x1b")
        terminal.until("▸ ../../escape")
        terminal.press("y")
        terminal.until("copied")
        copies = [found for found in _OSC.findall(terminal.raw) if found not in OURS]
        assert [number for number, _ in copies] == [b"52"]
        text = base64.b64decode(copies[0][1].partition(b";")[2]).decode()
        assert text.startswith("collection[/]")
        assert text.isprintable() or "\u200d" in text
        terminal.press("q")
        terminal.end()
        assert terminal.status == 0


def test_no_control_character_in_what_is_pasted_makes_keys_of_the_rest(start: Starter) -> None:
    """A copied line with an escape sequence and a newline neither quits nor confirms; a field takes it."""
    pasted = "\x1b[200~\x1b[31mred\x1b[0m\rq\x03y long enough to be no sequence of the terminal\x1b[201~"
    terminal = start("--sample")
    terminal.until("BigEarthNet")
    terminal.press(pasted[:40], pasted[40:])
    terminal.press("/")
    terminal.until("id, title, tag or DOI")
    terminal.press(pasted[:-3], pasted[-3:])
    terminal.until("of the terminal")
    terminal.press("\x1b")
    terminal.until("q quit")
    terminal.press("q")
    terminal.end()
    assert terminal.status == 0
