"""A terminal to run programs in: a pty, an emulator that reads what they draw, and the modes they set."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pexpect
import pyte

from ..support.waiting import PATIENCE, until_sync

COMMAND = Path(sys.executable).with_name("mlhub-tui")
"""The installed command of the interpreter that runs the tests."""

_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")


class Terminal:
    """A program in a pty.

    Parameters
    ----------
    command
        Program and arguments.
    environment
        All of its environment.
    size
        Columns and rows.
    ignore_sighup
        Start it as `nohup` does.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        *,
        size: tuple[int, int] = (80, 24),
        ignore_sighup: bool = False,
    ) -> None:
        columns, rows = size
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self.began = time.monotonic()
        program, *arguments = map(str, command)
        self._child: Any = pexpect.spawn(
            program,
            arguments,
            env=dict(environment),
            dimensions=(rows, columns),
            ignore_sighup=ignore_sighup,
            preexec_fn=None if ignore_sighup else _restore_sighup,
            encoding=None,
            timeout=PATIENCE,
        )
        self._child.delaybeforesend = None
        self.pid: int = self._child.pid
        self.status: int | None = None
        self._open = True

    # What it draws

    def read(self, seconds: float = 0.0) -> bytes:
        """Take in what comes within some seconds, and return it."""
        deadline, before = time.monotonic() + seconds, len(self.raw)
        while self._open:
            left = max(deadline - time.monotonic(), 0)
            try:
                # Not the child's own read: that one reaps the process, and its use of the CPU is lost.
                ready, _, _ = select.select([self._child.child_fd], [], [], left)
                data = os.read(self._child.child_fd, 1 << 16) if ready else b""
            except OSError:
                data = b""
            if not data:
                break
            self.raw += data
            self._stream.feed(data)
        return self.raw[before:]

    @property
    def lines(self) -> list[str]:
        """The screen, line by line."""
        return [str(line).rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(self.lines)

    @property
    def cursor(self) -> tuple[int, int]:
        """Where the terminal's own cursor is: column and row, from 0."""
        return self._screen.cursor.x, self._screen.cursor.y

    def looks(self, row: int) -> list[tuple[str, str, bool, bool]]:
        """Return how each cell of a row looks: colour, ground, bold, reversed."""
        cells = self._screen.buffer[row]
        return [(c.fg, c.bg, c.bold, c.reverse) for c in (cells[x] for x in range(self._screen.columns))]

    def until(self, condition: str | Callable[[], Any]) -> None:
        """Wait until a text is on the screen, wrapped or not, or a condition holds."""
        test = condition if callable(condition) else lambda: self._shows(condition)
        until_sync(test, lambda: f"{condition}\n{self.text}\n{self.raw[-300:]!r}", pause=self.read)

    def _shows(self, text: str) -> bool:
        return text in self.text or text in self.text.replace("\n", "")

    def settle(self, quiet: float = 0.8, seconds: float = PATIENCE) -> None:
        """Wait until nothing came for a while."""
        deadline = time.monotonic() + seconds
        while self.read(quiet):
            assert time.monotonic() < deadline, f"never quiet\n{self.text}"

    def blank(self) -> None:
        """Forget what was drawn: what is on the screen afterwards was drawn anew."""
        self._screen.reset()

    def mode(self, number: int) -> bool:
        """Tell whether a private mode was set last, and not reset."""
        on = False
        for match in _MODE.finditer(self.raw):
            if str(number).encode() in match[1].split(b";"):
                on = match[2] == b"h"
        return on

    @property
    def left_over(self) -> set[int]:
        """The modes a shell should not find: alternate screen, mouse, focus, paste; 25: a hidden cursor."""
        on = {number for number in (1049, 1000, 1003, 1006, 1004, 2004) if self.mode(number)}
        return on | {number for number in (25, 7) if not self.mode(number)}

    @property
    def line_is_restored(self) -> bool:
        """Whether what is typed is echoed and read by lines again."""
        flags = termios.tcgetattr(self._child.child_fd)[3]
        return bool(flags & termios.ECHO and flags & termios.ICANON and flags & termios.ISIG)

    # What is done to it

    def press(self, *keys: str) -> None:
        """Send keys."""
        for key in keys:
            self._child.send(key.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window."""
        self._child.setwinsize(rows, columns)
        self._screen.resize(rows, columns)

    def signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """Close the terminal, as a window that is closed."""
        self._open = False
        self._child.ptyproc.fileobj.close()

    # Its end

    def ended(self) -> bool:
        """Tell whether it has ended; what it wrote at the end is read."""
        if self.status is None:
            done, status, usage = os.wait4(self.pid, os.WNOHANG)
            if done:
                self.status = os.waitstatus_to_exitcode(status)
                self.cpu_at_end = usage.ru_utime + usage.ru_stime
                self.read(0.05)
        return self.status is not None

    def end(self, seconds: float = PATIENCE) -> float:
        """Wait for the end and return the seconds it took."""
        began = time.monotonic()
        while not self.ended():
            self.read(0.005)
            time.sleep(0.005)
            if time.monotonic() - began > seconds:
                raise AssertionError(f"still there after {seconds} s\n{self.text}\n{self.raw[-300:]!r}")
        return time.monotonic() - began

    def wait_unread(self, seconds: float = PATIENCE) -> float:
        """Wait for the end without reading what it writes, and return the seconds it took."""
        began = time.monotonic()
        self._open = False
        while not self.ended():
            time.sleep(0.01)
            assert time.monotonic() - began < seconds, f"still there after {seconds} s"
        self._open = True
        return time.monotonic() - began

    def cpu(self) -> float:
        """Return the seconds of CPU it has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End what is left of it."""
        if self.status is None:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        if self._open:
            self.hang_up()
        self._child.closed = self._child.ptyproc.closed = True


def _restore_sighup() -> None:
    """Have a program end on SIGHUP, which the tests themselves may be run without (nohup)."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def state_of(pid: int) -> str:
    """Return the state letter of a process: `T` is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def children_of(pid: int) -> list[int]:
    """Return the processes a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
