"""Downloads from Debian's nginx on loopback with this engine and with others, side by side.

Run it as `python -m tests.benchmarks.bench_downloads [--rounds N] [--size MIB] [--folder DIR]`. Each round
runs every contestant once, in turn, each as a process of its own; the tables give medians as ratios to
curl, or to `aria2c -x8` where the store limits each connection. Contestants that are not there are named
and left out: `curl`, `aria2c`, and `radiant_mlhub` in the Python that MLHUB_PEER_PYTHON names.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.nginx import Nginx

NAME = "big"
LIMIT = 4 << 20  # bytes per second of one connection to the limited store
_OURS = """
import asyncio, sys
from pathlib import Path
from mlhub_tui import download_archive
asyncio.run(download_archive("big", Path(sys.argv[1])))
"""
_PEER = """
import sys
from radiant_mlhub import client
client.download_collection_archive("big", output_dir=sys.argv[1])
"""


@dataclass(frozen=True)
class Run:
    """What one run took: seconds, CPU seconds of the process, and its peak memory in bytes."""

    seconds: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class Place:
    """Where the file is: the URL of the file, the root of the API, and what must be trusted."""

    url: str
    root: str
    authority: Path


Contestants = Mapping[str, list[str]]


def contestants(place: Place, folder: Path, connections: int = 1) -> Contestants:
    """Return the commands by name; prints which are missing."""
    out, ca = str(folder), str(place.authority)
    found: dict[str, list[str]] = {}
    if connections == 1:
        found["curl"] = ["curl", "-sS", "--cacert", ca, "-o", f"{out}/{NAME}", place.url]
    aria = [
        "aria2c",
        "-q",
        "-x",
        str(connections),
        "-s",
        str(connections),
        "--file-allocation=none",
        "--min-split-size=1M",
    ]
    found[f"aria2c -x{connections}"] = [*aria, f"--ca-certificate={ca}", "-d", out, "-o", NAME, place.url]
    peer = os.environ.get("MLHUB_PEER_PYTHON", "")
    if connections == 1:
        found["radiant_mlhub"] = [peer or "no MLHUB_PEER_PYTHON", "-W", "ignore", "-c", _PEER, out]
    found["mlhub-tui"] = [sys.executable, "-c", _OURS, out]
    for name in [name for name, command in found.items() if shutil.which(command[0]) is None]:
        print(f"left out: {name} ({found.pop(name)[0]} is not there)", file=sys.stderr)
    return found


def run(command: list[str], place: Place, home: Path) -> Run:
    """Run a contestant to its end."""
    environment = {
        **os.environ,
        "MLHUB_HOME": str(home),
        "MLHUB_ROOT_URL": place.root,
        "MLHUB_API_KEY": "benchmark",
        "SSL_CERT_FILE": str(place.authority),
        "REQUESTS_CA_BUNDLE": str(place.authority),
    }
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = Peak(process.pid)
    peak.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    peak.join()
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, peak.bytes)


class Peak(threading.Thread):
    """Reads the peak memory of a process while it runs: wait4(2) counts its parent's too."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{pid}/status")
        self.bytes = 0

    def run(self) -> None:
        """Look until it has ended."""
        while True:
            try:
                lines = self._status.read_text().splitlines()
            except OSError:
                return
            found = [line for line in lines if line.startswith("VmHWM")]
            if not found:
                return
            self.bytes = int(found[0].split()[1]) * 1024
            time.sleep(0.02)


def compete(entrants: Contestants, place: Place, folder: Path, whole: Path, rounds: int) -> dict[str, Run]:
    """Return the medians of interleaved rounds."""
    runs: dict[str, list[Run]] = {name: [] for name in entrants}
    for _ in range(rounds):
        for name, command in entrants.items():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            with tempfile.TemporaryDirectory() as home:
                os.sync()  # what the one before has written is not this one's business
                runs[name].append(run(command, place, Path(home)))
            [made] = [path for path in folder.iterdir() if path.suffix != ".aria2"]
            if subprocess.run(["cmp", "-s", made, whole], check=False).returncode:
                raise SystemExit(f"{name} fetched something else")
    shutil.rmtree(folder, ignore_errors=True)
    return {
        name: Run(*(statistics.median(getattr(one, part) for one in all_) for part in Run.__annotations__))
        for name, all_ in runs.items()
    }


def table(title: str, medians: Mapping[str, Run], size: int) -> None:
    """Print medians as ratios to the first contestant."""
    first = next(iter(medians.values()))
    print(f"\n| {title} | MB/s | throughput | CPU | memory |\n| --- | ---: | ---: | ---: | ---: |")
    for name, one in medians.items():
        ratios = (first.seconds / one.seconds, one.cpu / first.cpu)
        print(
            f"| {name} | {size / one.seconds / 1e6:.0f} | {ratios[0]:.2f} | {ratios[1]:.2f} "
            f"| {one.memory / 2**20:.0f} MiB |"
        )


def main() -> None:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="0 for none")
    parser.add_argument("--size", type=int, default=1024, help="MiB")
    parser.add_argument("--limited", type=int, default=512, help="MiB from the limited store; 0 for none")
    parser.add_argument("--limited-rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the files go; a temporary folder by default")
    given = parser.parse_args()
    if shutil.which("nginx") is None and not Path("/usr/sbin/nginx").exists():
        raise SystemExit("nginx is not there: apt-get install nginx-light")
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        work = Path(name)
        files, home, out = work / "files", work / "nginx", work / "out"
        files.mkdir()
        home.mkdir()
        whole = make(files / NAME, given.size)
        with Nginx(home, files, LIMIT) as nginx:
            ports = (("http", nginx.plain), ("https", nginx.tls)) if given.rounds else ()
            for scheme, port in ports:
                place = spot(nginx, scheme, port)
                medians = compete(contestants(place, out), place, out, whole, given.rounds)
                table(f"{given.size} MiB, {scheme}", medians, given.size << 20)
            if given.limited:
                whole = make(files / NAME, given.limited)
                place = spot(nginx, "http", nginx.limited)
                medians = compete(contestants(place, out, 8), place, out, whole, given.limited_rounds)
                title = f"{given.limited} MiB, {LIMIT / 1e6:.1f} MB/s for each connection"
                table(title, medians, given.limited << 20)
    print(f"\nLoad average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


def spot(nginx: Nginx, scheme: str, port: int) -> Place:
    """Return where the file is on one of the server's ports."""
    base = f"{scheme}://127.0.0.1:{port}"
    return Place(f"{base}/{NAME}", f"{base}/mlhub/v1/", nginx.authority)


def make(path: Path, mebibytes: int) -> Path:
    """Write a file of noise that begins as an archive does, no piece of it like another; and its size."""
    noise = random.Random(1)
    with path.open("wb") as file:
        file.write(b"\x1f\x8b" + noise.randbytes((1 << 20) - 2))
        for _ in range(mebibytes - 1):
            file.write(noise.randbytes(1 << 20))
    facts = {"collection": path.name, "dataset": path.name, "size": mebibytes << 20, "types": []}
    path.with_name(f"{path.name}.info").write_text(json.dumps(facts))
    return path


if __name__ == "__main__":
    main()
