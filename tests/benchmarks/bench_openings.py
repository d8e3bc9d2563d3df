"""The CPU of opening each screen and dialog, in the process of the app, in a pseudo-terminal of 80x24.

Run it as `python -m tests.benchmarks.bench_openings`; it prints Markdown. A figure is the CPU time
of the whole process from the key to rest, after a few seconds of reading the first screen; the first opening
of a process also imports what it needs and was not imported meanwhile. Every process opens everything once,
closes it, and opens it a second time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlhub_tui.sample.server import SampleServer
from tests.terminal.harness import COMMAND, Terminal

OPENINGS: tuple[tuple[str, str, str], ...] = (
    ("Downloads", "2", "1"),
    ("Profiles", "3", "1"),
    ("Help", "?", "\x1b"),
    ("Manual", "\x1bOP", "\x1b"),
    ("Settings", ",", "\x1b"),
    ("Palette", ":", "\x1b"),
    ("Search", "s", "\x1b"),
    ("Facets", "f", "\x1b"),
    ("Collection", "a", "\x1b"),
    ("Items", "i", "\x1b"),
    ("Map", "m", "\x1b"),
    ("JSON", "J", "\x1b"),
    ("Download dialog", "d", "\x1b"),
    ("Plan", "D", "\x1b"),
    ("Open source", "o", "\x1b"),
)
"""What is opened, the key, and the key that leads back."""
QUIET = 0.6
"""Seconds without output after which an opening is over."""
READING = 5.0
"""Seconds that a person looks at the first screen; the app imports some modules meanwhile."""


@contextmanager
def at_a_collection(server: SampleServer, home: Path) -> Iterator[Terminal]:
    """Yield the app with a collection under the cursor of the tree."""
    environment = {**os.environ, "HOME": str(home), "MLHUB_HOME": str(home / "mlhub"), "MLHUB_TOUR": "0"}
    environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    terminal = Terminal([COMMAND, "--root-url", server.root_url, "--api-key", server.key], environment)
    terminal.until("BigEarthNet")
    for key in ("/", *"kenya_02_s", "\r"):
        terminal.press(key)
        terminal.read(0.1)
    terminal.settle(QUIET)
    terminal.read(READING)
    yield terminal
    terminal.close()


def cost(terminal: Terminal, key: str) -> float:
    """Return the seconds of CPU from a key to rest."""
    before = terminal.cpu()
    terminal.press(key)
    terminal.settle(QUIET)
    return terminal.cpu() - before


def main() -> None:
    """Measure all openings and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    first: dict[str, list[float]] = {name: [] for name, *_ in OPENINGS}
    again: dict[str, list[float]] = {name: [] for name, *_ in OPENINGS}
    with tempfile.TemporaryDirectory() as folder, SampleServer() as server:
        for _ in range(given.rounds):
            with at_a_collection(server, Path(folder)) as terminal:
                for figures in (first, again):
                    for name, key, back in OPENINGS:
                        figures[name].append(cost(terminal, key))
                        terminal.press(back)
                        terminal.settle(QUIET)
    print("| 80x24 | first opening | second opening |\n| --- | --- | --- |")
    for name, *_ in OPENINGS:
        one, two = (statistics.median(figures[name]) * 1000 for figures in (first, again))
        print(f"| {name} | {one:.0f} ms | {two:.0f} ms |")


if __name__ == "__main__":
    main()
