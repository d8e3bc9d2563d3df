"""A dataset of 5,000 small assets from nginx on loopback: the command, `aria2c -i` and `radiant_mlhub`.

Run it as `python -m tests.benchmarks.bench_dataset [--rounds N] [--files N] [--folder DIR]`. Each round runs
every contestant once, in turn, each as a process of its own, into a folder of its own; the table gives
medians as ratios to aria2c. aria2c fetches the assets alone, from a list that it is given. The other two
begin with nothing: they ask the API, fetch the catalog's archive, unpack it, find out what there is, and
write the report. The peer is the `radiant_mlhub` of the Python that MLHUB_PEER_PYTHON names, left out where
it is not set. Ours flushes every file before it gets its name; the others do not.

No folder is removed before the end: ext4 makes new files slowly for a while after many were deleted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.benchmarks.bench_downloads import Place, Run, run
from tests.benchmarks.nginx import Nginx
from tests.planning.made import archive, asset, collection, item, named

SIZE = 20_000  # bytes of a file
SLOTS = "16"
DATASET = "ds"
_PEER = """
import logging, sys
from radiant_mlhub import Dataset
logging.disable(logging.CRITICAL)
Dataset.fetch(sys.argv[1]).download(sys.argv[2])
"""


class API:
    """The least of an MLHub API: one dataset, whose catalog's archive is at a URL of a store."""

    def __init__(self, store: str, size: int) -> None:
        document = {"id": DATASET, "title": DATASET, "collections": [{"id": "fields", "types": ["labels"]}]}
        info = {"dataset_id": DATASET, "stac_catalog_size": size, "estimated_dataset_size": None}
        answers = {f"/datasets/{DATASET}": document, f"/catalog/{DATASET}/info": info}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # as servers do: else each response takes 40 ms

            def do_GET(self) -> None:
                path = self.path.partition("?")[0].removeprefix("/mlhub/v1")
                body = json.dumps(answers[path]).encode() if path in answers else b""
                moved = path == f"/catalog/{DATASET}"
                self.send_response(302 if moved else 200 if body else 404)
                if moved:
                    self.send_header("Location", f"{store}/{DATASET}.tar.gz")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}/mlhub/v1/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()


def stock(files: Path, store: str, count: int) -> dict[str, bytes]:
    """Write the assets and the catalog's archive; return the assets' contents by save path."""
    noise, contents, documents = random.Random(1), {}, [collection("fields")]
    keys = [f"B{number:02}" for number in range(10)]
    for number in range(count // len(keys)):
        name = f"i{number:05}"
        (files / name).mkdir()
        for key in keys:
            data = contents[f"{DATASET}/fields/{name}/{key}.tif"] = noise.randbytes(SIZE)
            (files / name / f"{key}.tif").write_bytes(data)
        assets = {key: asset(f"{store}/{name}/{key}.tif") for key in keys}
        documents.append(
            item(name, assets=assets, bbox=[0.0, 0.0, 1.0, 1.0], datetime="2020-01-01T00:00:00Z")
        )
    archive(files / f"{DATASET}.tar.gz", named(DATASET, documents))
    return contents


def commands(store: str, contents: Mapping[str, bytes], out: Path, home: Path) -> dict[str, list[str]]:
    """Return the commands by name."""
    listed = home / "aria2c.txt"
    prefix = f"{DATASET}/fields/"
    listed.write_text("".join(f"{store}/{path.removeprefix(prefix)}\n out={path}\n" for path in contents))
    aria = ["aria2c", "-q", "-j", SLOTS, "--file-allocation=none", "-i", str(listed), "-d", str(out)]
    ours = [sys.executable, "-m", "mlhub_tui", "download", "dataset", DATASET, "--output-dir", str(out)]
    found = {f"aria2c -i -j{SLOTS}, assets alone": aria, "mlhub-tui download dataset": ours}
    if peer := os.environ.get("MLHUB_PEER_PYTHON"):
        found["radiant_mlhub"] = [peer, "-W", "ignore", "-c", _PEER, DATASET, str(out)]
    return {name: command for name, command in found.items() if shutil.which(command[0])}


def check(out: Path, contents: Mapping[str, bytes], name: str) -> None:
    """End the benchmark unless all assets are there, whole."""
    found = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.tif")}
    if found != contents:
        raise SystemExit(f"{name} has {len(found)} files, not the {len(contents)} that it should")


def table(title: str, count: int, runs: Mapping[str, list[Run]]) -> None:
    """Print medians as ratios to the first contestant."""
    medians = {
        name: Run(*(statistics.median(getattr(one, part) for one in all_) for part in Run.__annotations__))
        for name, all_ in runs.items()
    }
    first = next(iter(medians.values()))
    print(f"\n| {title} | seconds | files/s | speed | CPU | memory |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, one in medians.items():
        row = f"{one.seconds:.2f} | {count / one.seconds:.0f} | {first.seconds / one.seconds:.2f}"
        print(f"| {name} | {row} | {one.cpu / first.cpu:.2f} | {one.memory / 2**20:.0f} MiB |", flush=True)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--folder", type=Path, help="where the files go; a temporary folder by default")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        work = Path(name)
        files, home = work / "files", work / "nginx"
        files.mkdir()
        home.mkdir()
        with Nginx(home, files, 1 << 20) as nginx:
            store = f"http://127.0.0.1:{nginx.plain}"
            contents = stock(files, store, given.files)
            runs: dict[str, list[Run]] = {}
            with API(store, (files / f"{DATASET}.tar.gz").stat().st_size) as api:
                place = Place(store, api.root, nginx.authority)
                for _ in range(given.rounds):
                    for number in range(3):
                        out, own = (Path(tempfile.mkdtemp(dir=work)) for _ in range(2))
                        entrants = list(commands(store, contents, out, own).items())
                        if number >= len(entrants):
                            continue
                        who, command = entrants[number]
                        os.sync()  # what the one before has written is not this one's business
                        runs.setdefault(who, []).append(run(command, place, own))
                        check(out, contents, who)
            table(f"{len(contents):,} assets of {SIZE // 1000} KB", len(contents), runs)
    print(f"\nLoad average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
