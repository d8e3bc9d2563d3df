"""Lists and loads all recorded collections with this client and with `radiant_mlhub`, side by side.

Run it as `python -m tests.benchmarks.bench_listing [ROUNDS]`. The recorded API is played on loopback; the
peer is the `radiant_mlhub` of the Python that MLHUB_PEER_PYTHON names, left out where it is not set. Each
round runs every contestant once, in turn, each in a process of its own; the table gives medians.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.sources.replay import KEY, Replay

ROUNDS = 9
COLLECTIONS = 103

Times = tuple[float, float, float]

# Each contestant lists and loads twice: the first time pays for what is loaded late.
_OURS = """
import asyncio, time
import httpx, pystac
from mlhub_tui import Collection
async def compete():
    for _ in range(2):
        started = time.perf_counter()
        collections = await Collection.list()
        {load}
        print(len(collections), time.perf_counter() - started)
asyncio.run(compete())
"""
OURS = _OURS.format(load="[collection.title for collection in collections]")
OURS_PYSTAC = _OURS.format(load="[collection.to_pystac() for collection in collections]")
PEER = """
import time
from radiant_mlhub import Collection
for _ in range(2):
    started = time.perf_counter()
    collections = Collection.list()
    print(len(collections), time.perf_counter() - started)
"""


def contestants() -> dict[str, list[str]]:
    """Return the commands to compare by name; the last one is what the others are measured against."""
    found = {
        "ours, as documents": [sys.executable, "-c", OURS],
        "ours, as pystac objects": [sys.executable, "-c", OURS_PYSTAC],
    }
    peer = os.environ.get("MLHUB_PEER_PYTHON")
    if peer:
        found["radiant_mlhub"] = [peer, "-W", "ignore", "-c", PEER]
    return found


def timed(command: list[str], environment: Mapping[str, str]) -> Times:
    """Run a contestant and return its seconds: the first listing, the next one, the whole process."""
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    whole = time.perf_counter() - started
    (count, first), (_, following) = (line.split() for line in done.stdout.splitlines())
    if int(count) != COLLECTIONS:
        raise SystemExit(f"{count} collections instead of {COLLECTIONS}")
    return float(first), float(following), whole


def measured(recorded: Path, rounds: int) -> dict[str, list[Times]]:
    """Return the times of each contestant, taken in turn so that what disturbs one disturbs all."""
    runs = contestants()
    times: dict[str, list[Times]] = {name: [] for name in runs}
    with Replay(recorded) as replay:
        environment = {**os.environ, "MLHUB_ROOT_URL": replay.root, "MLHUB_API_KEY": KEY}
        for _ in range(rounds):
            for name, command in runs.items():
                times[name].append(timed(command, environment))
    return times


def table(times: Mapping[str, list[Times]]) -> str:
    """Return medians in milliseconds, with the ratio to the last contestant."""
    medians = {
        name: [statistics.median(column) for column in zip(*runs, strict=True)]
        for name, runs in times.items()
    }
    *_, base = medians.values()
    columns = ("first listing", "next listing", "whole process")
    lines = [" " * 24 + "".join(f"{column:>22}" for column in columns)]
    for name, row in medians.items():
        cells = (f"{value * 1000:.1f} ms ({value / of:.2f})" for value, of in zip(row, base, strict=True))
        lines.append(f"{name:24}" + "".join(f"{cell:>22}" for cell in cells))
    return "\n".join(lines)


def main() -> None:
    """Measure and print the table."""
    recorded = Path(__file__).parents[3] / "shared" / "mlhub-recorded"
    if not recorded.is_dir():
        raise SystemExit(f"no recorded answers at {recorded}")
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(f"{COLLECTIONS} recorded collections over loopback, medians of {rounds} interleaved rounds")
    print(table(measured(recorded, rounds)))
    if "MLHUB_PEER_PYTHON" not in os.environ:
        print("radiant_mlhub left out: MLHUB_PEER_PYTHON is not set")


if __name__ == "__main__":
    main()
