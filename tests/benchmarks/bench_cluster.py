"""Many small files through a Dask cluster of 1, 2 and 4 workers, and through one program alone, side by side.

Run it as `python -m tests.benchmarks.bench_cluster [--rounds N] [--files N] [--size BYTES] [--folder DIR]`.
Debian's nginx serves the files on loopback; they go to a folder. Each run is a process of its own (and so are
scheduler and workers), into a folder of its own; the table gives medians. What a worker costs to start is not
counted: clusters run already. CPU seconds are those of the processes while files came.

The last table is of the scheduler alone: what a shard costs it, measured with shards of a single file.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.nginx import Nginx

SIZE = 20_000  # bytes of a file
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """One run: wall seconds, and CPU seconds of all who took part."""

    seconds: float
    client: float
    workers: float
    scheduler: float


def fetch(
    base: str, count: int, size: int, out: Path, home: Path, scheduler: str, files: int
) -> dict[str, Any]:
    """Fetch everything, in the process of a run; return its numbers."""
    os.environ["MLHUB_HOME"] = str(home)

    from mlhub_tui.auth import Kind
    from mlhub_tui.cluster import cluster_run
    from mlhub_tui.options import ClusterConfig
    from mlhub_tui.planning.manifest import LockedManifest
    from mlhub_tui.planning.manifest_queue import ManifestQueue
    from mlhub_tui.planning.requests import dataset_request
    from mlhub_tui.planning.resolver import JobContext, Resolver
    from mlhub_tui.planning.selection import PlannedFile
    from mlhub_tui.queue.database import Database
    from mlhub_tui.queue.part_repository import PartRepository
    from mlhub_tui.queue.repository import JobRepository
    from mlhub_tui.transfer.batch import BatchDownload
    from mlhub_tui.transfer.config import TransferConfig

    async def no_source(_: object) -> Any:
        raise LookupError

    cluster = ClusterConfig(scheduler) if scheduler else None
    source = f"{base}/catalog.json"
    request = dataset_request("bench", out, source=source, kind=Kind.STATIC, cluster=cluster)
    own = LockedManifest(request).open()
    own.begin(request.request_id)
    own.want(
        PlannedFile(f"c/{i // 100}/f{i:05}", f"{base}/f{i:05}", size, "", False, "c", "i", str(i))
        for i in range(count)
    )
    database = Database(home / "queue.db")
    kit = JobContext(Resolver(no_source), PartRepository(database, JobRepository(database)), TransferConfig())
    feed = ManifestQueue(own, request.asset_folder)
    if files:
        cluster_run.shard_files = lambda *_: files  # type: ignore[attr-defined]  # shards of our size
    run: Any = (
        cluster_run.ClusterRun(request, feed, own, kit)
        if cluster
        else BatchDownload(feed, request.asset_folder, kit.context)
    )
    began, cpu = time.perf_counter(), time.process_time()
    stats = run.run()
    numbers = {"seconds": time.perf_counter() - began, "client": time.process_time() - cpu}
    assert stats.fetched == count, stats
    return numbers


class Dask:
    """A scheduler and workers, as processes."""

    def __init__(self, home: Path, workers: int) -> None:
        from tests.cluster.support import DaskCluster, environment

        home.mkdir(parents=True)
        self._cluster = DaskCluster(home, environment(home / "home"), workers)
        self.address = self._cluster.address
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=120)

    def cpu(self) -> tuple[float, float]:
        """Return the CPU seconds of all workers so far, and of the scheduler."""
        workers = sum(_cpu(worker.pid) for worker in self._cluster.workers)
        return workers, _cpu(self._cluster.scheduler.pid)

    def close(self) -> None:
        """End them."""
        self._cluster.__exit__()


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def one(
    base: str, given: argparse.Namespace, work: Path, workers: int, *, files: int = 0, count: int = 0
) -> Run:
    """Run once, in a process of its own, with so many workers; 0 for none."""
    place = Path(tempfile.mkdtemp(dir=work))
    dask = Dask(place / "dask", workers) if workers else None
    try:
        address = dask.address if dask else ""
        command = [sys.executable, "-m", __spec__.name, "--fetch", base, "--out", str(place / "out")]
        options = ["--scheduler", address, "--files", str(count or given.files), "--size", str(given.size)]
        os.sync()
        before = dask.cpu() if dask else (0.0, 0.0)
        done = subprocess.run(
            [*command, *options, "--shard", str(files)], check=True, stdout=subprocess.PIPE, timeout=900
        )
        after = dask.cpu() if dask else (0.0, 0.0)
    finally:
        if dask:
            dask.close()
    numbers = json.loads(done.stdout)
    whole = sum(1 for _ in (place / "out").rglob("f*"))
    if whole != (count or given.files):
        raise SystemExit(f"{whole} files instead of {count or given.files}")
    return Run(numbers["seconds"], numbers["client"], after[0] - before[0], after[1] - before[1])


def median(runs: list[Run]) -> Run:
    """Return the medians of runs."""
    parts = {part: statistics.median(getattr(run, part) for run in runs) for part in Run.__annotations__}
    return Run(**parts)


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--folder", type=Path, help="where the files go; a temporary folder by default")
    for hidden in ("--fetch", "--scheduler", "--out", "--shard"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.fetch:
        out = Path(given.out)
        numbers = fetch(
            given.fetch, given.files, given.size, out, out.parent / "home", given.scheduler, int(given.shard)
        )
        print(json.dumps(numbers))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        compete(given, Path(name))


def compete(given: argparse.Namespace, work: Path) -> None:
    """Run all, and print the tables."""
    served, home = work / "files", work / "nginx"
    served.mkdir()
    home.mkdir()
    noise = random.Random(1)
    for index in range(given.files):
        (served / f"f{index:05}").write_bytes(noise.randbytes(given.size))
    runs: dict[int, list[Run]] = {}
    with Nginx(home, served, 1 << 20) as nginx:
        base = f"http://127.0.0.1:{nginx.plain}"
        for _ in range(given.rounds):
            for workers in (0, 1, 2, 4):
                runs.setdefault(workers, []).append(one(base, given, work, workers))
        found = {workers: median(all_) for workers, all_ in runs.items()}
        table(given, found)
        single = median([one(base, given, work, 2, files=1, count=2000) for _ in range(given.rounds)])
    each = 1000 * single.scheduler / 2000
    rate = 2000 / single.seconds
    print(f"\nA shard costs the scheduler {each:.2f} ms of CPU: {rate:.0f} shards of one file a second.")
    print(f"Load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


def table(given: argparse.Namespace, found: dict[int, Run]) -> None:
    """Print what was found."""
    print(
        f"\n| {given.files:,} files of {given.size:,} bytes | files/s | CPU per file | client | scheduler |"
    )
    print("| --- | ---: | ---: | ---: | ---: |")
    for workers, run in found.items():
        whole = run.client + run.workers + run.scheduler
        name = f"{workers} worker{'s' * (workers > 1)}" if workers else "one program alone"
        each = 1e6 * whole / given.files
        client, scheduler = (f"{100 * part / whole:.1f}%" for part in (run.client, run.scheduler))
        shown = (
            f"{given.files / run.seconds:.0f}",
            f"{each:.0f} µs",
            client if workers else "",
            scheduler if workers else "",
        )
        print(f"| {name} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
