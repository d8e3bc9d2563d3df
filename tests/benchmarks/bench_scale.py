"""Keys to paint with very much on a screen: 100,000 items that were found, 5,000 transfers.

Run it as `python -m tests.benchmarks.bench_scale [VIEW...]`, of `results` and `downloads`; `bench_tree`
measures the tree. Each runs in a pseudo-terminal of 80x24; a key's time is that from writing it to the first
byte that answers. The same is done with 1,000, and with very many: what grows is seen side by side.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from mlhub_tui.planning.requests import ArchiveRequest
from mlhub_tui.queue.database import Database
from mlhub_tui.queue.job import JobState
from mlhub_tui.queue.repository import JobRepository
from tests.terminal.harness import Terminal

ROUNDS = 30
DOWN, PAGE_DOWN, HOME, END = "\x1b[B", "\x1b[6~", "g", "G"
KEYS = (("down", DOWN), ("page down", PAGE_DOWN), ("to the end", END), ("to the top", HOME))

HEAD = """
import sys
from pathlib import Path
from mlhub_tui.models import Entry, EntryKind
from mlhub_tui.options import AppOptions
from mlhub_tui.sources.base import Page
from mlhub_tui.ui.app import MLHubApp

NUMBER = int(sys.argv[1])
"""
RESULTS = (
    HEAD
    + """
from mlhub_tui.ui.screens.place_screen import PlaceScreen
from mlhub_tui.ui.widgets.item_table import ItemTable

class Found(PlaceScreen):
    def compose_body(self):
        yield ItemTable()
    async def on_mount(self):
        super().on_mount()
        table = self.query_one(ItemTable)
        table.focus()
        for first in range(0, NUMBER, 1000):
            numbers = range(first, first + min(NUMBER, 1000))
            entries = tuple(Entry(EntryKind.ITEM, f"item-{n:06}", collection_id="c") for n in numbers)
            await table.add_page(Page(entries))
        self.notify("all there")

class Full(MLHubApp):
    def use_sample(self):
        self.push_screen(Found())

Full(AppOptions(sample=True, output_dir=Path("."))).run()
"""
)
DOWNLOADS = (
    HEAD
    + """
class Full(MLHubApp):
    def use_sample(self):
        self.action_go("downloads")

Full(AppOptions(sample=True, output_dir=Path("."))).run()
"""
)
VIEWS = {
    "results": (RESULTS, "item-000010", 100_000),
    "downloads": (DOWNLOADS, "collection-000010", 5_000),
}


def start(script: str, entries: int, home: str) -> Terminal:
    """Start a program in a terminal over a slow line: without animations."""
    environment = {
        **os.environ,
        "MLHUB_HOME": home,
        "MLHUB_TOUR": "0",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "TEXTUAL_ANIMATIONS": "none",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return Terminal([sys.executable, "-c", script, str(entries)], environment)


def resident(pid: int) -> float:
    """Return the memory of a process in MB."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def timed(terminal: Terminal, key: str, quiet: float = 0.12) -> tuple[float, int]:
    """Return the milliseconds from a key to the first byte that answers, and the bytes until it is quiet."""
    terminal.read(quiet)
    before, began = len(terminal.raw), time.perf_counter()
    terminal.press(key)
    while len(terminal.raw) == before and time.perf_counter() - began < 20:
        terminal.read(0.001)
    taken = time.perf_counter() - began
    terminal.read(0.06)  # the detail follows after 0.12 s
    return taken * 1000, len(terminal.raw) - before


def fill_queue(home: Path, number: int) -> None:
    """Put paused transfers into a queue."""
    home.mkdir(parents=True, exist_ok=True)
    database = Database(home / "queue.db")
    store = JobRepository(database)
    jobs = store.add(
        [
            ArchiveRequest("http://127.0.0.1:9/", None, f"collection-{n:06}", home / "out")
            for n in range(number)
        ]
    )
    store.move([job.id for job in jobs], JobState.PAUSED)
    store.leave()
    database.close()


def measure(view: str, number: int, home: Path) -> None:
    """Print the figures of a view."""
    script, ready, _ = VIEWS[view]
    if view == "downloads":
        fill_queue(home, number)
    terminal = start(script, number, str(home))
    terminal.until(ready)
    terminal.settle(1.0)
    print(f"{view}, {number:,}: {resident(terminal.pid):.0f} MB")
    for name, key in KEYS:
        report(terminal, name, key)
    terminal.close()


def report(terminal: Terminal, name: str, key: str) -> None:
    """Print median, p95 and bytes of a key."""
    times, sizes = [], []
    for _ in range(ROUNDS):
        if name.startswith("to the"):
            timed(terminal, "g" if key == "G" else "G", quiet=0.02)
        taken, size = timed(terminal, key, quiet=0.05)
        times.append(taken)
        sizes.append(size)
    times.sort()
    print(
        f"  {name:12} {statistics.median(times):6.1f} ms  p95 {times[int(ROUNDS * 0.95) - 1]:6.1f} ms"
        f"  {statistics.median(sizes):6.0f} B"
    )


def main(views: list[str]) -> None:
    """Measure views with little and with much."""
    for view in views or VIEWS:
        for number in (1_000, VIEWS[view][2]):
            with tempfile.TemporaryDirectory() as name:
                measure(view, number, Path(name))


if __name__ == "__main__":
    main(sys.argv[1:])
