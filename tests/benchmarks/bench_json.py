"""The JSON of a large document: laying out, folding, searching, keys to paint, bytes, memory.

Run it with `python -m tests.benchmarks.bench_json [LINKS]`; 33,500 links make 7 MB and 230,000 lines. It is
shown in a pseudo-terminal of 80x24; a key's time is that from writing it to the first byte that answers it.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlhub_tui.ui.widgets.json_lines import JsonLines, pattern
from tests.benchmarks.bench_scale import DOWN, END, HOME, PAGE_DOWN, resident, timed
from tests.terminal.harness import Terminal

ROUNDS = 40
SCRIPT = """
import json, sys
from textual.app import App
from mlhub_tui.ui.widgets.json_view import JsonPane

class Shown(App):
    def get_theme_variable_defaults(self):
        return {"muted": "#8a8980", "line": "#4a4a5a", "primary-muted": "#2d4f67"}
    def compose(self):
        yield JsonPane()
    def on_mount(self):
        pane = self.query_one(JsonPane)
        pane.show(json.load(open(sys.argv[1])))
        pane.focus()

Shown().run()
"""


def document(links: int) -> dict[str, Any]:
    """Return a collection with many links and a long list of numbers."""
    title = "Item number {} of very many items, with a description"
    return {
        "type": "Collection",
        "id": "big",
        "links": [
            {
                "rel": "item",
                "href": f"./items/item_{n:06}/item.json",
                "type": "application/geo+json",
                "title": title.format(n),
            }
            for n in range(links)
        ],
        "summaries": {"many": list(range(links))},
    }


def report(name: str, work: Callable[[], object], rounds: int = 5) -> None:
    """Print the median time of some work."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    print(f"{name:28}{1000 * statistics.median(times):9.1f} ms")


def logic(whole: dict[str, Any]) -> None:
    """Print what laying out, folding and searching take by themselves."""
    folding = JsonLines(whole)
    print(f"{len(folding.keys):,} lines, {len(json.dumps(whole, indent=2)) / 1e6:.1f} MB")
    report("laid out", lambda: JsonLines(whole))
    report("fold the links", lambda: folding.fold(3))
    report("unfold the links", lambda: folding.unfold(3))
    report("fold all", folding.fold_all)
    report("unfold all", folding.unfold_all)
    report("search, no match", lambda: folding.search(pattern("not there")))
    report("search, many matches", lambda: folding.search(pattern("item")))


def keys(file: Path, home: str) -> None:
    """Print what keys cost in a terminal."""
    environment = {
        **os.environ,
        "MLHUB_HOME": home,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "TEXTUAL_ANIMATIONS": "none",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    terminal = Terminal([sys.executable, "-c", SCRIPT, str(file)], environment)
    terminal.until('"Collection"')
    terminal.settle(0.5)
    print(f"{'memory':28}{resident(terminal.pid):9.0f} MB")
    for name, order in (("down", (DOWN,)), ("page down", (PAGE_DOWN,)), ("end and home", (END, HOME))):
        samples = [timed(terminal, key, 0.06) for _ in range(ROUNDS // len(order)) for key in order]
        times = sorted(taken for taken, _ in samples)
        p95 = times[int(len(times) * 0.95) - 1]
        size = statistics.median(number for _, number in samples)
        print(f"{name:28}{statistics.median(times):9.1f} ms   p95 {p95:6.1f} ms   {size:7.0f} bytes")
    for name, key in (("fold all", "-"), ("unfold all", "+")):
        print(f"{name:28}{timed(terminal, key, 0.3)[0]:9.1f} ms")
    terminal.close()


def main() -> None:
    """Measure."""
    whole = document(int(sys.argv[1]) if len(sys.argv) > 1 else 33_500)
    logic(whole)
    with tempfile.TemporaryDirectory() as home:
        file = Path(home) / "collection.json"
        file.write_text(json.dumps(whole, indent=2))
        keys(file, home)


if __name__ == "__main__":
    main()
