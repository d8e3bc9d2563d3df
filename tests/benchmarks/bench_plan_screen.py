"""Times the plan screen on a catalog of 300,000 assets: from a key to its letter, and to the new counts.

Run it as `python -m tests.benchmarks.bench_plan_screen [ASSETS]`. The app runs without a terminal at 140x40,
with map and histogram beside the tree. Measured is how long it takes from the last key to the figures of
the new selection, the pause of 40 ms after that key included, and how long the loop is away from the keys
meanwhile, drawing included; the median and the slowest.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.app import App
from textual.widgets import Input

from mlhub_tui.options import AppOptions
from mlhub_tui.planning.index import Index
from mlhub_tui.planning.index_cache import index_of_archive
from mlhub_tui.ui.app import MLHubApp
from mlhub_tui.ui.map.plan_pictures import SelectionCount
from mlhub_tui.ui.screens.plan_screen import PlanScreen
from mlhub_tui.ui.widgets.plan_tree import PlanSubject, PlanTree

from .bench_plan import catalog

ASSETS = 300_000
BOXES = ("-100,-50,100,50", "10,10,20,20", "170,-50,-150,50")
TIMES = ("2015", "2015-07", "2014-02/2018-05", "2012/..")


def row(name: str, taken: list[float]) -> str:
    """Return a line of the table."""
    return f"{name:30}{statistics.median(taken) * 1000:10.0f} ms{max(taken) * 1000:10.0f} ms"


async def counted(screen: PlanScreen, changed: object = None) -> None:
    """Wait until a selection is counted; after a change, a newer one than that before."""
    before = screen._counted
    async with asyncio.timeout(30):
        while changed is not None and screen._counted is before and before is not None:
            await asyncio.sleep(0.001)
        while screen._counted is None:
            await asyncio.sleep(0.001)


async def beat(gaps: list[float]) -> None:
    """Note how long the loop was away, again and again."""
    before = time.perf_counter()
    while True:
        await asyncio.sleep(0.002)
        now = time.perf_counter()
        gaps.append(now - before)
        before = now


async def type_in(app: App[Any], screen: PlanScreen, name: str, text: str) -> float:
    """Type a text at ten keys a second; return how long after the last key its counts are shown."""
    field = screen.query_one(f"#{name}", Input)
    field.focus()
    field.value = ""
    await asyncio.sleep(0.3)
    for letter in text:
        await asyncio.sleep(0.1)
        field.insert_text_at_cursor(letter)
    began = time.perf_counter()
    await asyncio.sleep(0)  # the field tells the screen, which forgets the counts before
    await counted(screen, field)
    return time.perf_counter() - began


async def measure(index: Index) -> None:
    """Type into the plan and tick in it, and print what it takes."""

    async def opening(_: Callable[[str], None]) -> Index:
        return index

    async def queue(_: SelectionCount) -> bool:
        return False

    app: App[Any] = MLHubApp(AppOptions(sample=True, output_dir=Path.cwd()))
    screen = PlanScreen(PlanSubject("ds", "ds", ()), opening, queue)
    async with app.run_test(size=(140, 40)):
        began = time.perf_counter()
        await app.push_screen(screen)
        await counted(screen)
        print(f"{'first counts':30}{(time.perf_counter() - began) * 1000:10.0f} ms")
        gaps: list[float] = []
        heart = asyncio.create_task(beat(gaps))
        for name, texts in (("area", BOXES), ("time", TIMES)):
            taken = [await type_in(app, screen, name, text) for text in texts]
            print(row(f"counts after a change of {name}", taken))
        tree, ticks = screen.query_one(PlanTree), []
        for number in range(10):
            await asyncio.sleep(0.3)
            tree.cursor_line = number
            began = time.perf_counter()
            tree.action_tick()
            await counted(screen, tree)
            ticks.append(time.perf_counter() - began)
        print(row("counts after a tick", ticks))
        heart.cancel()
        print(row("the loop away from the keys", gaps))


def main() -> None:
    """Make a catalog, read it, and measure."""
    assets = int(sys.argv[1]) if len(sys.argv) > 1 else ASSETS
    with tempfile.TemporaryDirectory() as name:
        os.environ["MLHUB_HOME"], os.environ["MLHUB_TOUR"] = str(Path(name) / "home"), "0"
        archive = catalog(Path(name) / "ds.tar.gz", assets)
        index = index_of_archive(archive, source="http://a.example/", dataset="ds")
        print(f"{assets:,} assets{'median':>31}{'slowest':>13}")
        asyncio.run(measure(index))


if __name__ == "__main__":
    main()
