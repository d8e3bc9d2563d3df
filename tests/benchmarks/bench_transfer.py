"""The transfer engine beside curl and aria2c: 1 GiB, the same with its MD5, and limited connections.

    python -m tests.benchmarks.bench_transfer [--rounds 7] [--size MIB] [NAME ...]

Rivals and engine take turns; each round's times are compared with the rival's of the same round, and the
medians of the ratios are printed (above 1: the engine is faster). The files are in memory (/dev/shm).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from .nginx import Nginx

_MEMORY = Path("/dev/shm")
_RATE = 4 << 20

ENGINE = """
import asyncio, os, resource, sys, time
from pathlib import Path
start_cpu = time.process_time()
from mlhub_tui.queue.database import Database
from mlhub_tui.queue.repository import JobRepository
from mlhub_tui.http.credentials import Link
from mlhub_tui.transfer.config import *
from mlhub_tui.transfer.engine import TransferEngine
from mlhub_tui.queue.part_repository import PartRepository
from mlhub_tui.transfer.config import TransferProgress
from mlhub_tui.http.versions import Checksum
home, url, ca = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
database = Database(home / "queue.db")
journal = PartRepository(database, JobRepository(database))
engine = TransferEngine()
tls = None
if url.startswith("https"):
    import ssl
    tls = ssl.create_default_context(cafile=ca)
async def one():
    from mlhub_tui.transfer.single_file import fetch_file
    context = TransferContext(engine.client(tls), journal)
    sums = tuple(Checksum("md5", each) for each in sys.argv[4:])
    spec = DownloadSpec(Link(url), home / "out" / "big.tar.gz", checksums=sums)
    began, cpu = time.perf_counter(), time.process_time()
    await fetch_file(spec, context, TransferProgress())
    return time.perf_counter() - began, time.process_time() - cpu
seconds, cpu = engine.submit(one()).result()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(seconds, cpu, peak)
sys.stdout.flush()
os._exit(0)
"""


def run(command: list[str], folder: Path) -> tuple[float, float, str]:
    """Return seconds, CPU seconds and output of a program that runs in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{command[:4]}: {done.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, done.stdout


def compare(
    name: str, rounds: int, rival: Callable[[Path], list[str]], ours: Callable[[Path], list[str]], where: Path
) -> None:
    """Print how many times as fast the engine is as a rival, whole process and running already."""
    ratios: dict[str, list[float]] = {"whole": [], "running": [], "cpu": [], "cpu running": []}
    theirs, mine, inside_all, peaks = [], [], [], []
    for _ in range(rounds):
        folder = where / "work"
        seconds, cpu, _out = run(rival(folder), folder)
        own_seconds, own_cpu, out = run(ours(folder), folder)
        inside, inside_cpu, peak = map(float, out.split())
        theirs.append(seconds)
        mine.append(own_seconds)
        inside_all.append(inside)
        peaks.append(peak / 1024)
        ratios["whole"].append(seconds / own_seconds)
        ratios["running"].append(seconds / inside)
        ratios["cpu"].append(own_cpu / cpu)
        ratios["cpu running"].append(inside_cpu / cpu)
    shutil.rmtree(where / "work", ignore_errors=True)
    told = ", ".join(
        f"{key} {statistics.median(values):.2f} [{min(values):.2f}-{max(values):.2f}]"
        for key, values in ratios.items()
    )
    print(
        f"{name:34} rival {statistics.median(theirs):6.2f} s, ours {statistics.median(mine):6.2f} s"
        f" ({statistics.median(inside_all):.2f} running, {max(peaks):.0f} MB): {told}",
        flush=True,
    )


def main() -> None:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", type=int, default=1024, help="MiB of the large file")
    parser.add_argument("--disk", default="", help="also onto this folder, against `curl && sync`")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=_MEMORY, prefix="transfer-bench-") as held:
        home = Path(held)
        files = home / "files"
        files.mkdir()
        (home / "nginx").mkdir()
        _fill(files, options.size)
        with Nginx(home / "nginx", files, _RATE) as nginx:
            _all(options, nginx, home)


def _fill(files: Path, size: int) -> None:
    for name, count in (("big.tar.gz", size), ("mid.tar.gz", 64)):
        with (files / name).open("wb") as file:
            file.write(b"\x1f\x8b" + os.urandom((1 << 20) - 2))
            for _ in range(count - 1):
                file.write(os.urandom(1 << 20))


def _all(options: argparse.Namespace, nginx: Nginx, home: Path) -> None:
    ca = str(nginx.authority)
    places = [("memory", home, ""), ("md5", home, " && md5sum big.tar.gz")]
    if options.disk:
        places.append(("disk", Path(options.disk), " && sync big.tar.gz"))
    with (home / "files" / "big.tar.gz").open("rb") as file:
        md5 = hashlib.file_digest(file, "md5").hexdigest()
    python = [sys.executable, "-c", ENGINE]
    for scheme, port in (("http", nginx.plain), ("https", nginx.tls)):
        url = f"{scheme}://127.0.0.1:{port}/big.tar.gz"
        for place, where, then in places:
            rival = ["sh", "-c", f"curl -sS --cacert {ca} -o big.tar.gz {url}{then}"]
            ours = [url, ca, *([md5] if place == "md5" else [])]
            if _wanted(options, name := f"large {scheme} {place}"):
                compare(
                    f"{name} / curl{then.removesuffix(' big.tar.gz')}",
                    options.rounds,
                    lambda _, rival=rival: rival,  # type: ignore[misc]
                    lambda folder, ours=ours: [*python, str(folder), *ours],  # type: ignore[misc]
                    where,
                )
    if _wanted(options, name := "limited http memory"):
        url = f"http://127.0.0.1:{nginx.limited}/mid.tar.gz"
        compare(
            f"{name} / aria2c -x8",
            options.rounds,
            lambda _: ["aria2c", "-q", "-x8", "-s8", "-k1M", url],
            lambda folder: [*python, str(folder), url, ca],
            home,
        )


def _wanted(options: argparse.Namespace, name: str) -> bool:
    return not options.names or any(
        all(word in name.split() for word in each.split()) for each in options.names
    )


if __name__ == "__main__":
    main()
