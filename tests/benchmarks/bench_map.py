"""The map: the world read, views drawn with many footprints, places named; and keys to paint in a terminal.

Run it with `python -m tests.benchmarks.bench_map`. Drawing is timed in this process, at the size the map
has on a terminal of 80x24 and on one of 200x60; keys and bytes are those of the app in a pseudo-terminal of
80x24, from writing a key to the first byte that answers it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from mlhub_tui.metadata.places import Box, place_words
from mlhub_tui.models import BBox
from mlhub_tui.ui.map import canvas
from mlhub_tui.ui.map.canvas import Footprint, Outline, Scene, draw
from mlhub_tui.ui.map.projection import MapView, fitted, whole
from tests.terminal.harness import COMMAND, Terminal

ROUNDS = 50
KENYA: Box = (33.9, -4.7, 41.9, 5.5)
EUROPE: Box = (-9.0, 36.9, 31.6, 68.1)
KEYS = {
    "n": "the next footprint",
    "l": "to the east",
    "-": "farther",
    "+": "closer",
    "0": "the world",
    "f": "all of it",
}


def boxes(around: Box, number: int) -> list[Footprint]:
    """Return footprints that are boxes, here and there."""
    random = Random(1)
    places = [
        (random.uniform(around[0], around[2]), random.uniform(around[1], around[3])) for _ in range(number)
    ]
    return [Footprint((x, y, x + 0.5, y + 0.4)) for x, y in places]


def scenes(around: Box, number: int) -> list[Footprint]:
    """Return footprints that are tilted, as a satellite's scenes are."""
    return [
        Footprint(
            (w, s, e, n),
            (
                Outline(
                    (w, (w + 4 * e) / 5, e, (4 * w + e) / 5, w), (s, (4 * s + n) / 5, n, (s + 4 * n) / 5, s)
                ),
            ),
        )
        for (w, s, e, n), _ in boxes(around, number)
    ]


def milliseconds(act: Callable[[], object], rounds: int = ROUNDS) -> str:
    """Time something: the median, and the slowest of twenty."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return f"{statistics.median(times):6.2f} ms, p95 {times[int(len(times) * 0.95)]:6.2f} ms"


def anew(view: MapView, scene: Scene) -> None:
    """Draw a view that was not drawn before."""
    canvas._ground.cache_clear()
    draw(view, scene)


def drawing() -> None:
    """Time the drawing of views."""
    for size in ((80, 15), (200, 45)):
        print(f"\n{size[0]}x{size[1]} cells")
        print(f"  the world, anew             {milliseconds(partial(anew, whole(*size), Scene()))}")
        for name, around in (("Kenya", KENYA), ("Europe", EUROPE)):
            view = fitted(around, *size)
            for kind, make in (("boxes", boxes), ("tilted scenes", scenes)):
                scene = Scene([Footprint(around)], make(around, 1_000))
                draw(view, scene)
                print(f"  {name}, 1,000 {kind:14} {milliseconds(partial(draw, view, scene))}")
            print(f"  {name}, a view anew         {milliseconds(partial(anew, view, scene))}")


def naming() -> None:
    """Time the words for places."""
    print("\nin words")
    for box in (KENYA, EUROPE, (-18.0, -35.0, 52.0, 38.0)):
        words = place_words([BBox(*box)])
        print(f"  {words:27} {milliseconds(partial(place_words, [BBox(*box)]))}")


def reading() -> None:
    """Time the first use, in a fresh interpreter."""
    script = (
        "import time, mlhub_tui.models; a = time.perf_counter()\n"
        "from mlhub_tui.metadata.places import world\n"
        "b = time.perf_counter(); world(); c = time.perf_counter()\n"
        "print(f'{(b - a) * 1000:.1f} ms import, {(c - b) * 1000:.1f} ms data')"
    )
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        print(f"the world read: {done.stdout.strip()}")


def keys() -> None:
    """Time keys, and count bytes, in the app on the sample catalog."""
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "PATH": os.environ["PATH"],
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "HOME": home,
            "MLHUB_HOME": str(Path(home) / ".mlhub"),
            "MLHUB_TOUR": "0",
            "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22",
        }
        terminal = Terminal([COMMAND, "--sample"], environment)
        terminal.until("BigEarthNet")
        terminal.press("/")
        terminal.settle(0.3)
        terminal.press("kenya_02_s\r")
        terminal.settle()
        terminal.press("m")
        terminal.until("items loaded")
        terminal.settle()
        print("\na key in the app at 80x24, 30 items of a collection on the map")
        for key, words in KEYS.items():
            took, sizes = [], []
            for _ in range(6):
                if key in "0f":
                    terminal.press("\x1b[H" if key == "0" else "0")
                    terminal.settle(0.15)
                before, pressed = len(terminal.raw), time.perf_counter()
                terminal.press(key)
                while len(terminal.raw) == before and time.perf_counter() - pressed < 0.5:
                    terminal.read(0.002)
                took.append((time.perf_counter() - pressed) * 1000)
                terminal.settle(0.15)
                sizes.append(len(terminal.raw) - before)
            print(f"  {key} {words:20} {statistics.median(took):6.1f} ms, at most {max(sizes):5} B")
        terminal.close()


if __name__ == "__main__":
    reading()
    drawing()
    naming()
    keys()
