"""From the command to the first tree on the screen, beside a bare Textual app with the same widgets.

Run it with `python -m tests.benchmarks.bench_start [ROUNDS]`. Both run in a pseudo-terminal of 80x24, in
turn; the figures are medians.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pexpect

BARE = """
from textual.app import App
from textual.widgets import Footer, Tree

class Bare(App):
    def compose(self):
        tree = Tree("catalog")
        tree.show_root = False
        tree.root.add("Datasets", expand=True)
        yield tree
        yield Footer()

Bare().run()
"""


def seconds_until(command: list[str], text: str, home: str) -> float:
    """Return the seconds from starting a command until a text is written to its terminal."""
    environment = {
        **os.environ,
        "MLHUB_HOME": home,
        "MLHUB_TOUR": "0",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
    }
    begin = time.perf_counter()
    child = pexpect.spawn(command[0], command[1:], dimensions=(24, 80), env=environment, timeout=20)
    child.expect_exact(text.encode())
    taken = time.perf_counter() - begin
    child.close(force=True)
    return taken


def main(rounds: int) -> None:
    """Measure in turn and print medians with their ratio."""
    ours = [str(Path(sys.executable).with_name("mlhub-tui")), "--sample"]
    bare = [sys.executable, "-c", BARE]
    taken: dict[str, list[float]] = {"bare": [], "first paint": [], "listing": []}
    with tempfile.TemporaryDirectory() as home:
        for _ in range(rounds):
            taken["bare"].append(seconds_until(bare, "Datasets", home))
            taken["first paint"].append(seconds_until(ours, "connecting…", home))
            taken["listing"].append(seconds_until(ours, "BigEarthNet", home))
    base = statistics.median(taken["bare"])
    for name, values in taken.items():
        median = statistics.median(values)
        print(f"{name:12} {median * 1000:6.0f} ms  {median / base:.2f}x")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
