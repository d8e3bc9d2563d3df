"""Terminals of all kinds: without colours, old, tiny, without UTF-8, in tmux, and none at all."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer

from ..support.waiting import PATIENCE, until_sync
from .conftest import Starter
from .harness import COMMAND

pytestmark = pytest.mark.terminal

KINDS: dict[str, dict[str, str | None]] = {
    "no colours wanted": {"NO_COLOR": "1"},
    "Linux console": {"TERM": "linux", "COLORTERM": None},
    "container": {"TERM": "xterm", "COLORTERM": None},
    "screen": {"TERM": "screen-256color", "COLORTERM": None},
    "256 colours": {"TERM": "xterm-256color", "COLORTERM": None},
    "over SSH, which leaves COLORTERM behind": {"TERM": "xterm-ghostty", "COLORTERM": None},
    "no UTF-8": {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "Latin-1 output": {"PYTHONIOENCODING": "latin-1"},
    "POSIX locale": {"LANG": "C", "LC_ALL": None},
}
_RICH = re.compile(rb"\x1b\[(?:\d+;)*[34]8;[25];")
"""A colour beyond the terminal's own sixteen."""
_ANY = re.compile(rb"\x1b\[(?:\d+;)*(?:[34][0-8]|9[0-7]|10[0-7])[;m]")


def test_every_kind_of_terminal_shows_the_tree(start: Starter, sample: SampleServer) -> None:
    """All at once: a start takes most of its time in imports."""
    opened = {kind: start(server=sample, **changes) for kind, changes in KINDS.items()}
    for kind, terminal in opened.items():
        terminal.until("BigEarthNet")
        assert terminal.lines[0].startswith("  1 Browse"), kind
        assert "q quit" in terminal.lines[-1], kind
        terminal.press("j")
    for kind, terminal in opened.items():
        terminal.until("Fusion")
        terminal.press("q")
        terminal.end()
        assert terminal.status == 0, kind
        assert not terminal.left_over, kind
    assert not _ANY.search(opened["no colours wanted"].raw)
    cursor = re.search(rb"\x1b\[(?:\d+;)*7(?:;\d+)*m[^\x1b]*Datasets", opened["no colours wanted"].raw)
    assert cursor, "the cursor is seen without colours"
    assert not _RICH.search(opened["Linux console"].raw)
    assert not _RICH.search(opened["container"].raw)
    assert re.search(rb"[34]8;2;", opened["over SSH, which leaves COLORTERM behind"].raw)
    hue = re.search(rb"\x1b\[(?:\d+;)*33[;m]", opened["container"].raw)
    assert hue, "the keys of the footer in yellow, where there were greys"
    for kind in ("screen", "256 colours"):
        assert not re.search(rb"[34]8;2;", opened[kind].raw), "no true colour unless it was promised"
        assert _RICH.search(opened[kind].raw)
    print({kind: len(terminal.raw) for kind, terminal in opened.items()})


def test_small_windows_are_used_and_tiny_ones_say_what_is_needed(
    start: Starter, sample: SampleServer
) -> None:
    small, tiny = start(server=sample, size=(60, 15)), start(server=sample, size=(30, 8))
    small.until("BigEarthNet")
    assert "q quit" in small.lines[-1]
    small.press("/kenya_02_lab\r")
    small.until("labels")
    small.press("\r")
    small.until("Overview")
    tiny.until("mlhub-tui needs 40")
    assert "BigEarthNet" not in tiny.text
    tiny.resize(80, 24)
    tiny.until("BigEarthNet")
    for terminal in (small, tiny):
        terminal.press("q")
        terminal.end()
        assert terminal.status == 0


@pytest.mark.parametrize("missing", ["stdin", "stdout"])
def test_without_a_terminal_there_is_a_sentence_and_no_hang(
    environment: dict[str, str], missing: str
) -> None:
    master, slave = os.openpty()
    try:
        ended = subprocess.run(
            [COMMAND, "--sample"],
            env=environment,
            stdin=subprocess.DEVNULL if missing == "stdin" else slave,
            stdout=subprocess.PIPE if missing == "stdout" else slave,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
        )
    finally:
        os.close(master)
        os.close(slave)
    assert ended.returncode == 2
    assert b"needs a terminal" in ended.stderr
    assert b"Traceback" not in ended.stderr


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_in_tmux_an_id_is_copied_to_its_buffer(
    environment: dict[str, str], tmp_path: Path, sample: SampleServer
) -> None:
    socket = tmp_path / "tmux"
    if len(str(socket)) > 100:
        pytest.skip("the path of a socket would be too long")

    def tmux(*arguments: str | Path) -> str:
        ran = subprocess.run(
            ["tmux", "-S", socket, "-f", os.devnull, *arguments],
            env={**environment, "SHELL": "/bin/sh"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        return ran.stdout

    def until(words: str) -> None:
        until_sync(lambda: words in tmux("capture-pane", "-p"), lambda: tmux("capture-pane", "-p"))

    command = f"{COMMAND} --root-url {sample.root_url} --api-key {sample.key} --output-dir {tmp_path}"
    tmux("new-session", "-d", "-x", "80", "-y", "24", command)
    try:
        until("BigEarthNet")
        tmux("send-keys", "/bigearthnet_v1_lab", "Enter")
        until("▏ bigearthnet_v1_labels")
        tmux("send-keys", "y")
        until("tmux")
        assert tmux("show-buffer").strip() == "bigearthnet_v1_labels"
        tmux("send-keys", "q")
        until_sync(lambda: not tmux("list-sessions"))
    finally:
        tmux("kill-server")
