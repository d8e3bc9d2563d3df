"""The figures of the tables of speed in README and manual, in one run of ten minutes on two quiet cores.

    python -m tests.benchmarks.bench_speed [--rounds 5] [--disk FOLDER]

First the CPU of download commands before their first request, which is a matter of imports; then 1 GiB beside
curl and aria2c, and 5,000 small files beside aria2c and curl, in memory and onto the disk; then a dataset.
"""

from __future__ import annotations

import argparse
import compileall
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import mlhub_tui
from tests.benchmarks import bench_dataset, bench_downloads, bench_many, bench_transfer
from tests.support.http_server import Answer, LoopbackServer

MEMORY = "/dev/shm"
COMMANDS = {
    "archive of MLHub": "x --root-url ROOT",
    "dataset of MLHub": "dataset x --root-url ROOT",
    "collection of a STAC API": "dataset x --source ROOTstac/",
    "static catalog": "dataset x --source ROOTcatalog.json",
}
_UNTIL_CONNECTED = """
import os, sys, time

def watch(event, arguments):
    if event == "socket.connect" and arguments[1][1:] == (PORT,):
        print(time.process_time(), flush=True)
        os._exit(0)

sys.addaudithook(watch)
sys.argv[1:] = ARGUMENTS
from mlhub_tui.__main__ import main
main()
"""


def first_requests(rounds: int) -> None:
    """Print the CPU of commands until they connect for the first time."""
    print("\n| CPU before the first request | median | least |\n| --- | ---: | ---: |")
    with LoopbackServer(lambda _: Answer(404)) as server, tempfile.TemporaryDirectory() as name:
        for what, words in COMMANDS.items():
            arguments = ["download", *words.replace("ROOT", server.root).split(), "--output-dir", name]
            script = _UNTIL_CONNECTED.replace("PORT", str(server.port)).replace("ARGUMENTS", repr(arguments))
            environment = {**os.environ, "MLHUB_HOME": f"{name}/home", "MLHUB_API_KEY": "a-key"}
            milliseconds = [
                1000 * float(subprocess.check_output([sys.executable, "-c", script], env=environment))
                for _ in range(rounds)
            ]
            least = min(milliseconds)
            print(f"| {what} | {statistics.median(milliseconds):.0f} ms | {least:.0f} ms |", flush=True)


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--disk", default="/var/tmp", help="a folder on a disk")
    given = parser.parse_args()
    # What is compiled at each start, as nobody may write it down, is no matter of the program's speed.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    compileall.compile_dir(Path(mlhub_tui.__file__).parent, quiet=2)
    first_requests(4 * given.rounds)
    rounds, fewer = str(given.rounds), str(max(1, given.rounds // 2))
    with tempfile.TemporaryDirectory(dir=given.disk, prefix="mlhub-speed-") as disk:
        for module, arguments in (
            (bench_downloads, ["--rounds", rounds, "--limited-rounds", "1", "--folder", MEMORY]),
            (bench_transfer, ["--rounds", rounds, "--disk", disk]),
            (bench_many, ["--rounds", rounds, "--folder", MEMORY]),
            (bench_many, ["--rounds", fewer, "--distant", "0", "--folder", disk]),
            (bench_dataset, ["--rounds", rounds, "--folder", MEMORY]),
        ):
            sys.argv[1:] = arguments
            print(f"\n{module.__name__} {' '.join(arguments)}", flush=True)
            module.main()


if __name__ == "__main__":
    main()
