"""The budgets of a slow line, measured in a pseudo-terminal beside a bare Textual app, posting and harlequin.

Run it as `python -m tests.benchmarks.bench_budgets [ROUNDS]`; it prints Markdown. `MLHUB_BENCH_POSTING` and
`MLHUB_BENCH_HARLEQUIN` name the commands of the other two, each in an environment of its own; what is not
named is left out. Every program has 45 things in a tree and no animations, as over SSH; ours asks a catalogue
that another process serves. Starts are measured in turn, and the figure is the median; a key's time is that
from writing it to the first byte that answers.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlhub_tui.sample.server import SampleServer
from tests.terminal.harness import COMMAND, Terminal

from .rivals import BARE, harlequin_catalog, posting_collection

SIZES = ((80, 24), (120, 40))
KEYS = 24
DOWN, UP, PAGE_DOWN = "\x1b[B", "\x1b[A", "\x1b[6~"
IDLE = 4.0
"""Seconds of rest that are looked at."""


@dataclass(frozen=True)
class Program:
    """A program to measure.

    Parameters
    ----------
    name
        What it is called in the table.
    command
        Its command.
    painted, useful
        What is on its first screen, and what is there once it can be used.
    before
        Keys that lead to its tree, each with a pause behind it.
    environment
        Variables that it needs.
    """

    name: str
    command: Sequence[str | Path]
    painted: str
    useful: str
    before: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


def programs(folder: Path, server: SampleServer) -> list[Program]:
    """Return the programs that are installed."""
    source = "--root-url", server.root_url, "--api-key", server.key
    found = [
        Program("a bare Textual app", [sys.executable, "-c", BARE], "catalog", "entry-00"),
        Program("mlhub-tui", [COMMAND, *source], "connecting…", "BigEarthNet"),
    ]
    for name, needed in (("posting", _posting), ("harlequin", _harlequin)):
        given = os.environ.get(f"MLHUB_BENCH_{name.upper()}")
        command = shutil.which(given) if given else None
        if command is None:
            print(f"{name}: not installed; MLHUB_BENCH_{name.upper()} names its command", file=sys.stderr)
        else:
            found.append(needed(command, folder))
    return found


def _posting(command: str, folder: Path) -> Program:
    focus = {"POSTING_FOCUS__ON_STARTUP": "collection"}
    asked: list[str | Path] = [command, "--collection", posting_collection(folder)]
    return Program("posting", asked, "Collection", "request-00", environment=focus)


def _harlequin(command: str, folder: Path) -> Program:
    catalog = harlequin_catalog(folder)
    keys = ("\x1b[17~", "j", " ")
    return Program("harlequin", [command, "-a", "sqlite", catalog], "Data Catalog", "main", keys)


def started(program: Program, size: tuple[int, int], home: Path) -> Terminal:
    """Start a program as a new user over SSH would."""
    remote = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22", "TEXTUAL_ANIMATIONS": "none"}
    own = {"HOME": str(home), "MLHUB_HOME": str(home / "mlhub"), "MLHUB_TOUR": "0"}
    usual = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return Terminal(program.command, {**kept, **usual, **remote, **own, **program.environment}, size=size)


def start_times(program: Program, size: tuple[int, int], home: Path) -> tuple[float, float]:
    """Return the seconds to the first paint, and to the first useful screen."""
    terminal = started(program, size, home)
    terminal.until(program.painted)
    painted = time.monotonic() - terminal.began
    terminal.until(program.useful)
    useful = time.monotonic() - terminal.began
    terminal.close()
    return painted, useful


@dataclass
class Figures:
    """What was measured of a program."""

    painted: list[float] = field(default_factory=list)
    useful: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    down: list[int] = field(default_factory=list)
    scrolling: list[int] = field(default_factory=list)
    page: list[int] = field(default_factory=list)
    idle_bytes: float = 0.0
    idle_cpu: float = 0.0
    memory: float = 0.0


def measure(program: Program, size: tuple[int, int], home: Path, figures: Figures) -> None:
    """Press keys, rest, and look."""
    terminal = started(program, size, home)
    terminal.until(program.useful)
    terminal.settle()
    for key in program.before:
        terminal.press(key)
        terminal.read(0.8)
    for key in (DOWN, UP) * (KEYS // 2):
        taken, cost = pressed(terminal, key)
        figures.keys.append(taken)
        figures.down.append(cost)
    for _ in range(size[1] - 2):
        pressed(terminal, DOWN, quiet=0.05)
    figures.scrolling += [pressed(terminal, DOWN)[1] for _ in range(3)]
    for _ in range(60):
        terminal.press(UP)
    terminal.settle()
    figures.page.append(pressed(terminal, PAGE_DOWN)[1])
    terminal.settle()
    used, began = terminal.cpu(), time.monotonic()
    written = len(terminal.read(IDLE))
    passed = time.monotonic() - began
    figures.idle_bytes, figures.idle_cpu = written / passed, (terminal.cpu() - used) / passed
    figures.memory = resident(terminal.pid)
    terminal.close()


def pressed(terminal: Terminal, key: str, quiet: float = 0.25) -> tuple[float, int]:
    """Press a key; return the seconds until something is drawn, and the bytes of the move alone.

    Where a program answers to no key, it is given up after a second.
    """
    terminal.read(quiet)
    before, began = len(terminal.raw), time.perf_counter()
    terminal.press(key)
    while len(terminal.raw) == before and time.perf_counter() - began < 1:
        terminal.read(0.0005)
    taken = time.perf_counter() - began
    terminal.read(0.07)
    return taken, len(terminal.raw) - before


def resident(pid: int) -> float:
    """Return the memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def p95(values: Sequence[float]) -> float:
    """Return the value that 95 % of the values do not exceed."""
    return sorted(values)[max(0, int(len(values) * 0.95) - 1)]


ROWS: tuple[tuple[str, Callable[[Figures, Figures], str]], ...] = (
    ("first paint", lambda f, bare: _times(f.painted, bare.painted)),
    ("first useful screen", lambda f, bare: _times(f.useful, bare.useful)),
    ("key to paint, median", lambda f, _: f"{statistics.median(f.keys) * 1000:.1f} ms"),
    ("key to paint, p95", lambda f, _: f"{p95(f.keys) * 1000:.1f} ms"),
    ("a step of the cursor", lambda f, _: f"{statistics.median(f.down):,.0f} B"),
    ("a step that scrolls", lambda f, _: f"{statistics.median(f.scrolling):,.0f} B"),
    ("a page", lambda f, _: f"{statistics.median(f.page):,.0f} B"),
    ("at rest, bytes", lambda f, _: f"{f.idle_bytes:,.0f} B/s"),
    ("at rest, CPU", lambda f, _: f"{f.idle_cpu * 100:.1f} %"),
    ("memory", lambda f, _: f"{f.memory:.0f} MB"),
)


def _times(values: Sequence[float], base: Sequence[float]) -> str:
    median = statistics.median(values)
    return f"{median * 1000:.0f} ms, {median / statistics.median(base):.2f}x"


def main(rounds: int) -> None:
    """Measure all programs at both sizes and print a table for each."""
    with tempfile.TemporaryDirectory() as name, SampleServer() as server:
        folder = Path(name)
        there = programs(folder, server)
        for size in SIZES:
            all_figures = [Figures() for _ in there]
            for _ in range(rounds):
                for program, figures in zip(there, all_figures, strict=True):
                    painted, useful = start_times(program, size, folder)
                    figures.painted.append(painted)
                    figures.useful.append(useful)
            for program, figures in zip(there, all_figures, strict=True):
                measure(program, size, folder, figures)
            print(f"\n| {size[0]}x{size[1]} | " + " | ".join(program.name for program in there) + " |")
            print("| --- " * (len(there) + 1) + "|")
            for words, shown in ROWS:
                print(f"| {words} | " + " | ".join(shown(f, all_figures[0]) for f in all_figures) + " |")
        print(f"\n`--version`: {version_time(rounds) * 1000:.0f} ms")


def version_time(rounds: int) -> float:
    """Return the seconds that `--version` takes."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run([COMMAND, "--version"], check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
