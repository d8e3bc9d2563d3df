"""The tree with many entries, beside Textual's own: opening, keys to paint, bytes, memory, the filter.

Run it with `python -m tests.benchmarks.bench_tree [ENTRIES]`; `filter [DATASETS]` types filters over datasets
alone, each with tags and collections. Programs run in a pseudo-terminal of 80x24; a key's time is that from
writing it to the first byte that answers it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.terminal.harness import Terminal

from .bench_scale import DOWN, END, HOME, PAGE_DOWN, resident, start, timed

ROUNDS = 60

BARE = """
import sys, time
from textual.app import App
from textual.widgets import Footer, Tree

class Bare(App):
    BINDINGS = [("e", "fill", "fill"), ("g", "home", "home"), ("G", "end", "end"), ("q", "quit", "quit")]
    def compose(self):
        self.tree_ = Tree("catalog")
        self.tree_.show_root = False
        self.group = self.tree_.root.add("Datasets")
        for n in range(int(sys.argv[1])):
            self.group.add_leaf(f"collection-{n:06}")
        yield self.tree_
        yield Footer()
    def action_fill(self):
        self.group.expand()
    def action_home(self):
        self.tree_.cursor_line = 0
        self.tree_.scroll_to_line(0, animate=False)
    def action_end(self):
        self.tree_.cursor_line = self.tree_.last_line
        self.tree_.scroll_to_line(self.tree_.last_line, animate=False)

Bare().run()
"""

OURS = """
import sys
from pathlib import Path
from mlhub_tui.models import Entry, EntryKind
from mlhub_tui.options import AppOptions
from mlhub_tui.auth import Credentials, Kind
from mlhub_tui.sources.base import Page
from mlhub_tui.ui.app import MLHubApp
from mlhub_tui.ui.source_connection import Connection
from tests.ui.fake_source import FakeSource

NUMBER = int(sys.argv[1])

def lister(parent, link):
    if parent is None:
        return Page((Entry(EntryKind.COLLECTION, "holder"),))
    return Page(tuple(Entry(EntryKind.ITEM, f"collection-{n:06}") for n in range(NUMBER)))

class Full(MLHubApp):
    def use_sample(self):
        async def opened():
            credentials = Credentials(None, FakeSource.root_url, None, "none", kind=Kind.STAC_API)
            return Connection(credentials, FakeSource(Kind.STAC_API, lister))
        self.connect(opened)

Full(AppOptions(sample=True, output_dir=Path("."))).run()
"""

DATASETS = """
import sys
from pathlib import Path
from mlhub_tui.models import Dataset, Entry
from mlhub_tui.options import AppOptions
from mlhub_tui.auth import Credentials, Kind
from mlhub_tui.sources.base import Page
from mlhub_tui.ui.app import MLHubApp
from mlhub_tui.ui.source_connection import Connection
from tests.ui.fake_source import FakeSource

WORDS = "crop flood forest water urban building road field cloud ship".split()
PLACES = "Kenya Uganda Rwanda Ghana India Brazil France Japan Chile Oman".split()

def dataset(n):
    word, place = WORDS[n % 10], PLACES[n // 10 % 10]
    collections = [{"id": f"{word}_{n:05}_{kind}", "types": [kind], "license": "CC-BY-4.0"}
                   for kind in ("labels", "source_imagery")]
    return Entry.of(Dataset({"id": f"ref_{word}_{place.lower()}_{n:05}", "title": f"{place} {word} {n}",
                             "tags": [word, "segmentation", place], "collections": collections,
                             "doi": f"10.34911/rdnt.x{n:05}", "date_modified": f"2020-01-{n % 28 + 1:02}"}))

FOUND = Page(tuple(dataset(n) for n in range(int(sys.argv[1]))))

class Full(MLHubApp):
    def use_sample(self):
        async def opened():
            credentials = Credentials(None, FakeSource.root_url, None, "none", kind=Kind.MLHUB)
            return Connection(credentials, FakeSource(Kind.MLHUB, lambda *_: FOUND))
        self.connect(opened)

Full(AppOptions(sample=True, output_dir=Path("."))).run()
"""
TYPED = ("kenya", "segmentation", "ref_crop_kenya_00400", "10.34911/rdnt.x09", "kencrop", "tag=crop kenya")


def spent(pid: int) -> float:
    """Return the milliseconds that the main thread of a process was on a CPU, whatever kept it waiting."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def keys(terminal: Terminal, name: str, key: str, reset: str | None = None) -> None:
    """Print median and p95 of a key pressed many times."""
    times, sizes = [], []
    for _ in range(ROUNDS):
        if reset is not None:
            timed(terminal, reset)
        taken, size = timed(terminal, key)
        times.append(taken)
        sizes.append(size)
    times.sort()
    print(
        f"  {name:22} {statistics.median(times):6.1f} ms  p95 {times[int(len(times) * 0.95)]:6.1f} ms"
        f"  {statistics.median(sizes):6.0f} B"
    )


def measure(name: str, terminal: Terminal, entries: int, unfold: Callable[[Terminal], float]) -> None:
    """Print all figures of one program."""
    print(name)
    empty = resident(terminal.pid)
    print(f"  opening {entries:,}       {unfold(terminal):6.0f} ms")
    terminal.settle(0.5)
    print(f"  memory                 {resident(terminal.pid):6.1f} MB ({empty:.1f} before)")
    timed(terminal, HOME)
    for _ in range(3):
        timed(terminal, DOWN)
    keys(terminal, "Down in view", DOWN, reset="\x1b[A")
    timed(terminal, END)
    timed(terminal, HOME)
    for _ in range(24):
        timed(terminal, DOWN)
    keys(terminal, "Down, scrolling", DOWN)
    keys(terminal, "PageDown", PAGE_DOWN)
    timed(terminal, HOME)
    keys(terminal, "to the end, and back", END, reset=HOME)


def main(entries: int) -> None:
    """Measure ours and Textual's."""
    with tempfile.TemporaryDirectory() as home:
        terminal = start(OURS, entries, home)
        terminal.until("holder")

        def unfold(terminal: Terminal) -> float:
            timed(terminal, DOWN)
            began = time.perf_counter()
            terminal.press("l")
            terminal.until("collection-000009")
            return (time.perf_counter() - began) * 1000

        measure("this tree", terminal, entries, unfold)
        timed(terminal, HOME)
        terminal.press("/")
        terminal.read(0.3)
        for word in ("7", "77", "777", "collection"):
            for letter in word:
                taken, _ = timed(terminal, letter)
                print(f"  filter key             {taken:6.1f} ms")
            began = time.perf_counter()
            terminal.until(lambda: "filtering" in terminal.text and " 0, filtering" not in terminal.text)
            print(f"  found after            {(time.perf_counter() - began) * 1000:6.1f} ms")
            for _ in word:
                terminal.press("\x7f")
            terminal.read(0.5)
        terminal.close()
        terminal = start(BARE, entries, home)
        terminal.until("Datasets")

        def expand(terminal: Terminal) -> float:
            began = time.perf_counter()
            terminal.press("e")
            terminal.until("collection-000009")
            return (time.perf_counter() - began) * 1000

        measure("Textual's Tree", terminal, entries, expand)
        terminal.close()


def filtering(datasets: int) -> None:
    """Measure typing filters over datasets, key by key, and what else costs what there is."""
    with tempfile.TemporaryDirectory() as home:
        terminal = start(DATASETS, datasets, home)
        terminal.until(f"Datasets  {datasets:,}")
        terminal.settle(1.0)
        every: list[float] = []
        busy: list[float] = []
        for words in TYPED:
            timed(terminal, "/")
            times = []
            for letter in words:
                before = spent(terminal.pid)
                times.append(timed(terminal, letter)[0])
                busy.append(spent(terminal.pid) - before)
            began = time.perf_counter()
            terminal.until(lambda: terminal.text.splitlines()[-2].rstrip().endswith("datasets"))
            terminal.settle(0.2)
            late = (time.perf_counter() - began) * 1000
            found = terminal.text.splitlines()[-2].split(words)[-1].strip()
            print(f"  {words:22} worst key {max(times):6.1f} ms, settled {late:6.0f} ms later: {found}")
            every += times
            timed(terminal, "\x1b", 0.6)
        for what, figures in (("to paint", sorted(every)), ("CPU in all", sorted(busy))):
            middle, most = statistics.median(figures), figures[int(len(figures) * 0.95)]
            print(f"  {len(figures)} keys, {what:12} {middle:6.1f} ms  p95 {most:6.1f} ms")
        for name, key in (("sort", "z"), ("sort", "z"), ("sort", "z"), ("facets", "f"), ("go to", "t")):
            taken, size = timed(terminal, key)
            print(f"  {name:22} {taken:6.1f} ms  {size:6} B")
            if key != "z":
                timed(terminal, "\x1b", 0.6)
        print(f"  memory                 {resident(terminal.pid):6.1f} MB")
        terminal.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["filter"]:
        filtering(int(sys.argv[2]) if len(sys.argv) > 2 else 10_000)
        sys.exit()
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
