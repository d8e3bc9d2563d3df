"""Fixtures: terminals with the app in them, and sample catalogs whose speed a test chooses."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from mlhub_tui.sample.server import SampleServer

from .harness import COMMAND, Terminal

if sys.platform == "win32":
    pytest.skip("a pseudo-terminal is a matter of POSIX", allow_module_level=True)

Starter = Callable[..., Terminal]
SLOW = 1 << 19  # bytes a second of each connection, of which there are several
"""Bytes per second of the slow catalogue: files of some MB last long enough to be interrupted."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return the output folder."""
    return tmp_path / "out"


@pytest.fixture
def environment(mlhub_home: Path, tmp_path: Path) -> dict[str, str]:
    """Return a user's environment in a usual local terminal."""
    remote = ("TMUX", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT", "NO_COLOR", "COLUMNS", "LINES", "DISPLAY")
    kept = {name: value for name, value in os.environ.items() if name not in remote}
    usual = {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "HOME": str(tmp_path),
        "MLHUB_HOME": str(mlhub_home),
    }
    return {**kept, **usual}


@pytest.fixture
def start(environment: dict[str, str], out: Path) -> Iterator[Starter]:
    """Return what starts the app in a terminal; `server` names a catalogue other than its own sample."""
    opened: list[Terminal] = []

    def starter(
        *arguments: str,
        server: SampleServer | None = None,
        size: tuple[int, int] = (80, 24),
        ignore_sighup: bool = False,
        **changes: str | None,
    ) -> Terminal:
        chosen = {**environment, **{name: value for name, value in changes.items() if value is not None}}
        for name in [name for name, value in changes.items() if value is None]:
            chosen.pop(name, None)
        source = ["--root-url", server.root_url, "--api-key", server.key] if server else arguments
        terminal = Terminal(
            [COMMAND, *source, "--output-dir", str(out)], chosen, size=size, ignore_sighup=ignore_sighup
        )
        opened.append(terminal)
        return terminal

    yield starter
    for terminal in opened:
        terminal.close()


@pytest.fixture
def slow() -> Iterator[SampleServer]:
    """Yield a sample catalog whose archives take their time."""
    with SampleServer(rate=SLOW) as server:
        yield server


def queue_archive(terminal: Terminal, collection: str) -> None:
    """Find a collection in the tree of Browse and queue its archive, by keys."""
    terminal.press(f"/{collection}\r")
    terminal.until(lambda: any(line.endswith(f"▏ {collection[:36]}") for line in terminal.lines))
    terminal.press("d")
    terminal.until("If it exists")
    terminal.press("\r")
    # What is said of the one before may still be there: the dialog has to be gone, too.
    terminal.until(lambda: "queued" in terminal.text and "If it exists" not in terminal.text)
    terminal.press("\x1b")
    terminal.until(lambda: "of 45" not in terminal.text)


def is_whole(path: Path, server: SampleServer) -> bool:
    """Tell whether a file is the archive that the catalogue has, by the checksum that comes with it."""
    name = path.name.removesuffix(".tar.gz")
    url = f"{server.root_url}archive/{name}"
    answer = httpx.head(url, params={"key": server.key}, follow_redirects=True)
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode() == answer.headers["Content-MD5"]
