"""Lag of the interface's event loop while transfers run at full speed, from nginx on loopback to memory.

    python -m tests.benchmarks.bench_lag [--rounds 3] [--size MIB] [--files N]

What stands in for the interface is an event loop in the main thread of a process of its own; keys come to it
through a pipe, one every 4 ms with the time at which it was pressed. The lag of a key is the time until the
loop takes it; printed are the medians of the rounds' 99th percentiles, without transfers and beside eight of
a large file, or a dataset of small ones, in the engine's thread. Above 5 ms a person may notice.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .nginx import Nginx

_MEMORY = Path("/dev/shm")
_KEY = struct.Struct("d")
_PAUSE = 0.004  # seconds between two keys
_TRANSFERS = 8
_SMALL = 20_000  # bytes

_INTERFACE = """
import asyncio, os, struct, sys, threading
from pathlib import Path
from time import monotonic
from mlhub_tui.http.credentials import Link
from mlhub_tui.queue.database import Database
from mlhub_tui.queue.part_repository import PartRepository
from mlhub_tui.queue.repository import JobRepository
from mlhub_tui.transfer.batch import BatchDownload
from mlhub_tui.transfer.config import BatchConfig, DownloadSpec, TransferContext, TransferProgress
from mlhub_tui.transfer.engine import TransferEngine, shared_engine
from mlhub_tui.transfer.single_file import fetch_file
from mlhub_tui.transfer.work_source import FileRequest

home, url, ca, large, small = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
database = Database(home / "queue.db")
journal = PartRepository(database, JobRepository(database))
tls = None
if url.startswith("https"):
    import ssl
    tls = ssl.create_default_context(cafile=ca)
context = lambda: TransferContext(shared_engine().client(tls), journal)
lags = []

class Source:
    left = list(range(small))

    def take(self, most):
        taken, self.left = self.left[:most], self.left[most:]
        return [FileRequest(n, Link(f"{url}/f{n:05}"), f"f{n:05}") for n in taken]

    def settle(self, results):
        assert not any(result.error for result in results), results

    def relink(self, request):
        return None

async def one(number):
    spec = DownloadSpec(Link(f"{url}/big.tar.gz"), home / "out" / f"{number}.tar.gz")
    await fetch_file(spec, context(), TransferProgress())

def pressed():
    now = monotonic()
    for (at,) in struct.iter_unpack("d", os.read(0, 4096)):
        lags.append(now - at)

async def main():
    loop = asyncio.get_running_loop()
    loop.add_reader(0, pressed)
    work = [shared_engine().run(one(number)) for number in range(large)]
    if small:
        batch = BatchDownload(Source(), home / "out", context, config=BatchConfig())
        work.append(asyncio.to_thread(batch.run))
    print("ready", flush=True)
    began = monotonic()
    await (asyncio.gather(*work) if work else asyncio.sleep(2))
    lags.sort()
    print(monotonic() - began, len(lags), lags[len(lags) // 2], lags[len(lags) * 99 // 100], lags[-1])
    sys.stdout.flush()
    os._exit(0)

asyncio.run(main())
"""


def measure(home: Path, url: str, authority: Path, large: int, small: int) -> list[float]:
    """Return seconds, number of keys, and median, 99th percentile and maximum of their lag in seconds."""
    with tempfile.TemporaryDirectory(dir=home) as folder:
        (Path(folder) / "out").mkdir()
        command = [sys.executable, "-c", _INTERFACE, folder, url, str(authority), str(large), str(small)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()
            try:
                while process.poll() is None:
                    os.write(process.stdin.fileno(), _KEY.pack(time.monotonic()))
                    time.sleep(_PAUSE)
            except BrokenPipeError:
                pass
            told = process.stdout.read().split()
    if len(told) != 5:
        raise SystemExit(f"the transfers of {url} failed")
    return [float(each) for each in told]


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=256, help="MiB of the large file")
    parser.add_argument("--files", type=int, default=5000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=_MEMORY, prefix="lag-bench-") as name:
        home, files, server = Path(name), Path(name) / "files", Path(name) / "nginx"
        files.mkdir()
        server.mkdir()
        noise = random.Random(1)
        with (files / "big.tar.gz").open("wb") as file:
            file.write(b"\x1f\x8b" + noise.randbytes((1 << 20) - 2))
            for _ in range(given.size - 1):
                file.write(noise.randbytes(1 << 20))
        for number in range(given.files):
            (files / f"f{number:05}").write_bytes(noise.randbytes(_SMALL))
        print("| beside | files or MB a second | median | p99 | most |\n| --- | ---: | ---: | ---: | ---: |")
        with Nginx(server, files, 1 << 20) as nginx:
            plain, tls = f"http://127.0.0.1:{nginx.plain}", f"https://127.0.0.1:{nginx.tls}"
            megabytes = _TRANSFERS * given.size * 1.048576
            for what, url, large, small, amount in (
                ("nothing", plain, 0, 0, 0.0),
                (f"{_TRANSFERS} large files, http", plain, _TRANSFERS, 0, megabytes),
                (f"{_TRANSFERS} large files, TLS", tls, _TRANSFERS, 0, megabytes),
                ("small files, http", plain, 0, given.files, given.files),
                ("small files, TLS", tls, 0, given.files, given.files),
            ):
                rounds = [measure(home, url, nginx.authority, large, small) for _ in range(given.rounds)]
                seconds, _, median, high, most = (
                    statistics.median(column) for column in zip(*rounds, strict=True)
                )
                lags = " | ".join(f"{1000 * each:.1f} ms" for each in (median, high, most))
                print(f"| {what} | {amount / seconds:.0f} | {lags} |", flush=True)
    print(f"\nLoad average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
