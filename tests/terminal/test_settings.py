"""Settings and options in a real terminal: bytes that must not be written, and files that must be."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from .conftest import Starter

pytestmark = pytest.mark.terminal


def test_mouse_characters_and_log_as_they_are_wanted(
    start: Starter, mlhub_home: Path, tmp_path: Path
) -> None:
    """All at once: a start takes most of its time in imports."""
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "config.toml").write_text('characters = "ascii"\nmouse = false\n')
    opened = {
        "no mouse": start("--sample", "--no-mouse"),
        "ascii": start("--sample", MLHUB_HOME=str(plain)),
        "debug": start("--sample", "--debug"),
        "usual": start("--sample"),
    }
    for terminal in opened.values():
        terminal.until("BigEarthNet")
        terminal.press("jj")
    for terminal in opened.values():
        terminal.press("!")
        terminal.until("No messages yet")
        terminal.press("\x1b")
        terminal.settle()
        terminal.press("q")
        terminal.end()
        assert terminal.status == 0
        assert not terminal.left_over
    assert b"?1000h" in opened["usual"].raw
    for without in ("no mouse", "ascii"):
        assert b"?1000h" not in opened[without].raw
        assert b"?1003h" not in opened[without].raw
    assert opened["ascii"].raw.isascii()
    assert not opened["usual"].raw.isascii()
    log = (mlhub_home / "log" / "debug.log").read_text()
    assert ": GET http://127.0.0.1" in log
    assert "key=" not in log.replace("key=…", "")


def test_a_lost_connection_loses_nothing_of_where_one_was(start: Starter, mlhub_home: Path) -> None:
    terminal = start("--sample")
    terminal.until("BigEarthNet")
    terminal.press("jjjjjjl")
    terminal.until("▾ BigEarthNet")
    os.kill(terminal.pid, signal.SIGHUP)
    terminal.end()
    assert (mlhub_home / "state.json").is_file()
    again = start("--sample")
    again.until("▾ BigEarthNet")
    again.settle()
    again.press("y")
    again.until("bigearthnet_v1")
    again.press("q")
    again.end()
    assert again.status == 0, again.text


def test_settings_change_in_a_terminal(start: Starter, mlhub_home: Path) -> None:
    terminal = start("--sample")
    terminal.until("BigEarthNet")
    terminal.press(",")
    terminal.until("characters")
    terminal.press(*["\x1b[B"] * 2, *["\x1b[C"] * 2, *["\x1b[B"] * 5, "\x1b[C", "\x13")
    terminal.until("v Datasets")
    terminal.settle()
    assert not terminal.mode(1000), "the mouse is the terminal's again"
    terminal.press("q")
    terminal.end()
    assert terminal.status == 0
    assert not terminal.left_over
    written = (mlhub_home / "config.toml").read_text()
    assert 'characters = "ascii" # what lines, bars and marks are drawn with' in written
    assert "mouse = false" in written
