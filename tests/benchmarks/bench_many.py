"""Many small files from Debian's nginx on loopback with this engine, aria2c and curl, side by side.

Run it as `python -m tests.benchmarks.bench_many [--rounds N] [--files N] [--folder DIR]`. Each round runs
every contestant once, in turn, each as a process of its own, into a folder of its own; the tables give
medians as ratios to aria2c. Ours is there twice: with the start of Python, and without it, as in a program
that runs already. It writes parts, verifies, flushes, renames and records in SQLite as a queue would, the
results of a group in one statement; the others write in place. What a dataset's plan and records cost beside
that is in `bench_dataset`.

No folder is removed before the end: ext4 makes new files slowly for a while after many were deleted.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.bench_downloads import Place, Run, run
from tests.benchmarks.nginx import Nginx
from tests.support.relay import Relay

SIZE = 20_000  # bytes of a file
RUNNING = "mlhub-tui, running already"
_OURS = """
import gc
gc.set_threshold(100_000)  # as the command does
import json, os, sqlite3, sys, time
from pathlib import Path
from mlhub_tui.queue.database import Database
from mlhub_tui.queue.repository import JobRepository
from mlhub_tui.http.credentials import Link
from mlhub_tui.transfer.config import BatchConfig
from mlhub_tui.transfer.batch import BatchDownload
from mlhub_tui.transfer.config import TransferContext
from mlhub_tui.transfer.engine import shared_engine
from mlhub_tui.queue.part_repository import PartRepository
from mlhub_tui.http.limits import HostLimits
from mlhub_tui.transfer.engine import SharedLimits
from mlhub_tui.transfer.work_source import FileRequest

out, base, count, slots, home = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]

class Source:
    def __init__(self):
        self.db = sqlite3.connect(f"{home}/files.db", check_same_thread=False, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("CREATE TABLE files (key INTEGER PRIMARY KEY, size INTEGER, error TEXT)")
        self.next = 0

    def take(self, most):
        first, self.next = self.next, min(self.next + most, count)
        return [FileRequest(i, Link(f"{base}/f{i:05}"), f"f{i:05}") for i in range(first, self.next)]

    def settle(self, results):
        rows = json.dumps([(r.key, r.size, str(r.error) if r.error else None) for r in results])
        insert = "INSERT INTO files SELECT value->>0, value->>1, value->>2 FROM json_each(?)"
        self.db.execute(insert, (rows,))  # a transaction of its own

    def relink(self, request):
        return None

database = Database(Path(home) / "queue.db")
journal, limits = PartRepository(database, JobRepository(database)), SharedLimits()
limits.hosts = HostLimits(slots)
context = lambda: TransferContext(shared_engine().client(), journal, limits=limits)
began = time.perf_counter()
stats = BatchDownload(Source(), Path(out), context, config=BatchConfig(slots=slots, per_host=slots)).run()
Path(home, "seconds").write_text(str(time.perf_counter() - began))
assert stats.fetched == count, stats
sys.stdout.flush()
os._exit(0)
"""


@dataclass(frozen=True)
class Contest:
    """What is fetched: `count` files below a URL, by `slots` connections; `place` tells whom to trust."""

    title: str
    url: str
    place: Place
    count: int
    slots: int


def commands(contest: Contest, out: Path, home: Path) -> dict[str, list[str]]:
    """Return the commands by name, with their lists of files written to a folder."""
    names = [f"f{i:05}" for i in range(contest.count)]
    slots, authority = str(contest.slots), str(contest.place.authority)
    for_aria, for_curl = home / "aria2c.txt", home / "curl.txt"
    for_aria.write_text("".join(f"{contest.url}/{name}\n out={name}\n" for name in names))
    for_curl.write_text("".join(f'url="{contest.url}/{name}"\noutput="{out}/{name}"\n' for name in names))
    aria = ["aria2c", "-q", "-j", slots, "--file-allocation=none", f"--ca-certificate={authority}"]
    curl = ["curl", "-sS", "--cacert", authority, "--parallel", "--parallel-max", slots]
    ours = [sys.executable, "-c", _OURS, str(out), contest.url, str(contest.count), slots, str(home)]
    return {
        f"aria2c -i -j{slots}": [*aria, "-i", str(for_aria), "-d", str(out)],
        f"curl --parallel-max {slots}": [*curl, "-K", str(for_curl)],
        "mlhub-tui": ours,
    }


def compete(contest: Contest, files: Path, work: Path, rounds: int) -> dict[str, Run]:
    """Return the medians of interleaved rounds."""
    runs: dict[str, list[Run]] = {}
    for _ in range(rounds):
        for index in range(3):
            out, home = (Path(tempfile.mkdtemp(dir=work)) for _ in range(2))
            name, command = list(commands(contest, out, home).items())[index]
            if shutil.which(command[0]) is None:
                continue
            os.sync()  # what the one before has written is not this one's business
            done = run(command, contest.place, home)
            runs.setdefault(name, []).append(done)
            if (own := home / "seconds").exists():
                alone = replace(done, seconds=float(own.read_text()))
                runs.setdefault(RUNNING, []).append(alone)
            check(out, files, contest.count, name)
    return {
        name: Run(*(statistics.median(getattr(one, part) for one in all_) for part in Run.__annotations__))
        for name, all_ in runs.items()
    }


def check(out: Path, files: Path, count: int, name: str) -> None:
    """End the benchmark unless all files are there, whole, and nothing else."""
    found = sorted(path.name for path in out.iterdir())
    if found != [f"f{i:05}" for i in range(count)]:
        raise SystemExit(f"{name} fetched {len(found)} files instead of {count}")
    if any((out / one).read_bytes() != (files / one).read_bytes() for one in found):
        raise SystemExit(f"{name} fetched something else")


def table(contest: Contest, medians: Mapping[str, Run]) -> None:
    """Print medians as ratios to the first contestant."""
    first = next(iter(medians.values()))
    print(f"\n| {contest.title} | files/s | speed | CPU | memory |\n| --- | ---: | ---: | ---: | ---: |")
    for name, one in medians.items():
        ratio, cpu = first.seconds / one.seconds, one.cpu / first.cpu
        size = f"{one.memory / 2**20:.0f} MiB"
        print(
            f"| {name} | {contest.count / one.seconds:.0f} | {ratio:.2f} | {cpu:.2f} | {size} |", flush=True
        )


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--distant", type=int, default=2000, help="files from 40 ms away; 0 for no delays")
    parser.add_argument("--folder", type=Path, help="where the files go; a temporary folder by default")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        work = Path(name)
        files, home = work / "files", work / "nginx"
        files.mkdir()
        home.mkdir()
        noise = random.Random(1)
        for index in range(max(given.files, given.distant)):
            (files / f"f{index:05}").write_bytes(noise.randbytes(SIZE))
        with (
            Nginx(home, files, 1 << 20) as nginx,
            Relay(nginx.plain, 0.005, delay_back=0.0) as near,
            Relay(nginx.plain, 0.04, delay_back=0.0) as distant,
        ):
            for scheme, port, count, slots, what in (
                ("http", nginx.plain, given.files, 16, ""),
                ("https", nginx.tls, given.files, 16, ""),
                ("http", near.port, given.files if given.distant else 0, 16, ", 5 ms away"),
                ("http", distant.port, given.distant, 64, ", 40 ms away"),
            ):
                if count:
                    url = f"{scheme}://127.0.0.1:{port}"
                    title = f"{count} files of {SIZE // 1000} KB, {scheme}{what}"
                    contest = Contest(title, url, Place(url, url, nginx.authority), count, slots)
                    table(contest, compete(contest, files, work, given.rounds))
    print(f"\nLoad average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
