"""Fixtures: an sshd, and terminals with something at the far end of a line to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer

from ..terminal.conftest import environment, out
from ..terminal.harness import Terminal
from .needs import need_linux, program
from .server import SSHServer, ssh_server

__all__ = ["environment", "out"]

Dial = Callable[..., Terminal]


@pytest.fixture(scope="session")
def sshd() -> Iterator[SSHServer]:
    """Yield an sshd on loopback."""
    need_linux()
    # Not in pytest's folders: nothing above a key may be open to others, and paths of sockets are short.
    folder = Path(tempfile.mkdtemp(prefix="mlhub-ssh-"))
    try:
        with ssh_server(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def slow() -> Iterator[SampleServer]:
    """Yield a sample catalog whose archives would take half a minute."""
    with SampleServer(rate=500_000) as server:
        yield server


@pytest.fixture
def brisk() -> Iterator[SampleServer]:
    """Yield a sample catalog whose archives take some seconds."""
    with SampleServer(rate=4_000_000) as server:
        yield server


@pytest.fixture
def dial(environment: dict[str, str]) -> Iterator[Dial]:
    """Return what opens a terminal of 80x24 with a program at the far end of a line."""
    opened: list[Terminal] = []

    def dialler(
        server: SSHServer,
        command: Sequence[str | Path],
        *,
        port: int | None = None,
        before: Sequence[str | Path] = (),
    ) -> Terminal:
        """`before` runs ssh: in tmux, in a namespace."""
        asked = [*before, *server.command(command, environment, port)]
        opened.append(Terminal(asked, environment))
        return opened[-1]

    yield dialler
    for terminal in opened:
        terminal.close()


class Tmux:
    """A tmux server of its own.

    Parameters
    ----------
    name
        Its socket, as `-L` takes it.
    config
        A file with its options.
    """

    def __init__(self, name: str, config: Path) -> None:
        self.command: list[str | Path] = [program("tmux", "tmux"), "-L", name, "-f", config]

    def end(self) -> None:
        """End it with all that runs in it."""
        subprocess.run([*self.command, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Callable[[str], Tmux]]:
    """Return what makes a tmux, without its status line: all 24 rows are the program's."""
    config = tmp_path / "tmux.conf"
    config.write_text("set -g status off\nset -g default-terminal screen-256color\n")
    made: list[Tmux] = []

    def maker(name: str) -> Tmux:
        made.append(Tmux(f"mlhub-{os.getpid()}-{name}", config))
        return made[-1]

    yield maker
    for one in made:
        one.end()
