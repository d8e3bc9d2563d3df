"""Walks a generated static catalog of 100,000 items with this client and with pystac, side by side.

Run it as `python -m tests.benchmarks.bench_static [ITEMS]`. The catalog is nested (a root, 10 catalogs of 10
collections each) and lies in a folder, in a `.tar.gz`, and on a loopback server; each contestant runs in a
process of its own, in turn, and the table gives the best of its rounds: seconds, items a second, and the
largest memory of the process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sources.static.grow import Files, catalog, collection, item, link, pack, plant

ITEMS = 100_000
OVER_HTTP = 1_000
ROUNDS = 3
BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12", "CLM")

_TAIL = """
seconds = time.perf_counter() - started
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([number, seconds, int(peak.split()[1]) / 1024]))
"""
_OURS = (
    """
import asyncio, json, sys, time
from mlhub_tui.auth import Kind, for_location
from mlhub_tui.sources.open_source import open_source
started = time.perf_counter()
async def main():
    source = open_source(for_location(sys.argv[1], kind=Kind.STATIC))
    {work}
    await source.aclose()
    return number
number = asyncio.run(main())
"""
    + _TAIL
)
FIRST = _OURS.format(
    work="""
    top = (await source.entries()).entries
    below = (await source.entries(top[0])).entries
    number = len((await source.entries(below[0])).entries)
"""
)
ALL = _OURS.format(
    work="""
    number = 0
    root = await source.about()
    async for item in items_of(source, root.document.url):
        number += 1
"""
)
COLLECTIONS = _OURS.format(work="number = len(await source.collections())")
PYSTAC_FIRST = (
    """
import json, sys, time
import pystac
started = time.perf_counter()
top = list(pystac.Catalog.from_file(sys.argv[1]).get_children())
below = list(top[0].get_children())
number = 0
for item in below[0].get_items():
    number += 1
    if number == 250:
        break
"""
    + _TAIL
)
PYSTAC_ALL = (
    """
import json, sys, time
import pystac
started = time.perf_counter()
number = sum(1 for _ in pystac.Catalog.from_file(sys.argv[1]).get_items(recursive=True))
"""
    + _TAIL
)
STREAM = (
    """
import json, sys, time
from pathlib import Path
from mlhub_tui.sources.static.archive import documents
started = time.perf_counter()
number = sum(1 for _, document in documents(Path(sys.argv[1])))
"""
    + _TAIL
)
TARFILE = (
    """
import json, sys, tarfile, time
started = time.perf_counter()
number = 0
with tarfile.open(sys.argv[1], "r|gz") as archive:
    for member in archive:
        archive.members = []
        if member.isfile():
            json.loads(archive.extractfile(member).read())
            number += 1
"""
    + _TAIL
)
SERVER = """
import http.server, sys, time
from functools import partial
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    def log_message(self, *_): pass
    def do_GET(self):
        time.sleep(float(sys.argv[2]))
        super().do_GET()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=sys.argv[1]))
print(server.server_port, flush=True)
server.serve_forever()
"""


def grown(items: int) -> Files:
    """Return the files of a catalog: 10 catalogs of 10 collections that share the items."""
    each = items // 100
    files: Files = {
        "catalog.json": catalog("root", *(link("child", f"./g{g}/catalog.json") for g in range(10)))
    }
    for g in range(10):
        children = (link("child", f"./c{c}/collection.json") for c in range(10))
        files[f"g{g}/catalog.json"] = catalog(f"g{g}", *children)
        for c in range(10):
            names = [f"g{g}c{c}-{n:05d}" for n in range(each)]
            links = (link("item", f"./{name}/{name}.json", type="application/geo+json") for name in names)
            files[f"g{g}/c{c}/collection.json"] = collection(f"g{g}c{c}", *links)
            files |= {f"g{g}/c{c}/{name}/{name}.json": _item(name, f"g{g}c{c}") for name in names}
    return files


def _item(name: str, of: str) -> bytes:
    assets = {
        band: {
            "href": f"https://store.example.org/{of}/{name}/{band}.tif",
            "type": "image/tiff",
            "roles": ["data"],
        }
        for band in BANDS
    }
    links = [link("collection", "../collection.json"), link("parent", "../collection.json")]
    return json.dumps(item(name, of, assets=assets, links=links)).encode()


@contextmanager
def served(folder: Path, latency: float) -> Iterator[str]:
    """Serve a folder from a process of its own, each answer after some seconds; give its URL."""
    command = [sys.executable, "-c", SERVER, str(folder), str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


def run(script: str, location: str, home: Path) -> tuple[int, float, float]:
    """Run a contestant; return how many it counted, its seconds and its memory in MB."""
    environment = {"PATH": "/usr/bin:/bin", "MLHUB_HOME": str(home), "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-c", script, location], env=environment, capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    number, seconds, memory = json.loads(done.stdout)
    return number, seconds, memory


def race(title: str, contestants: list[tuple[str, str, str, bool]], home: Path, rounds: int = ROUNDS) -> None:
    """Print what the contestants (name, script, location, whether each round has a cache of its own) took."""
    print(f"\n{title}")
    best: dict[str, tuple[int, float, float]] = {}
    for round_ in range(rounds):
        for name, script, location, empty in contestants:
            place = home / (f"{name}-{round_}".replace(" ", "-") if empty else "kept")
            found = run(script, location, place)
            best[name] = min(best.get(name, found), found, key=lambda row: row[1])
    for name, (number, seconds, memory) in best.items():
        print(f"  {name:34}{number:>8,}{seconds:>9.2f} s{number / seconds:>10,.0f}/s{memory:>8.0f} MB")


def main() -> None:
    """Generate the catalogs and let the contestants run."""
    items = int(sys.argv[1]) if len(sys.argv) > 1 else ITEMS
    with tempfile.TemporaryDirectory(prefix="bench-static-") as made:
        base, home = Path(made), Path(made) / "home"
        files = grown(items)
        folder, archive = plant(base / "catalog", files), pack(base / "catalog.tar.gz", files)
        unpacked = sum(len(value) for value in files.values() if isinstance(value, bytes))
        print(
            f"{items:,} items in 100 collections, {unpacked / 1e6:.0f} MB of JSON,"
            f" {archive.stat().st_size / 1e6:.0f} MB packed"
        )
        root = str(folder / "catalog.json")
        race(
            "folder: to the first page of a collection's items, three levels down",
            [("ours (links)", FIRST, root, False), ("pystac (250 items)", PYSTAC_FIRST, root, False)],
            home,
        )
        race(
            "folder: all items",
            [("ours", ALL, root, False), ("pystac", PYSTAC_ALL, root, False)],
            home,
            rounds=1,
        )
        race(
            ".tar.gz",
            [
                ("ours, stream of documents", STREAM, str(archive), False),
                ("tarfile and json", TARFILE, str(archive), False),
                ("ours, first page, index made", FIRST, str(archive), True),
                ("ours, first page, index there", FIRST, str(archive), False),
                ("ours, all items, index there", ALL, str(archive), False),
            ],
            home,
        )
        small = plant(base / "small", grown(OVER_HTTP))
        for path in small.rglob("*.json"):
            os.utime(path, (1e9, 1e9))  # long unchanged, as published catalogs are: fresh for an hour
        for latency in (0.0, 0.02):
            with served(small, latency) as url:
                race(f"loopback http, answers after {latency * 1000:.0f} ms", _over_http(url), home)


def _over_http(url: str) -> list[tuple[str, str, str, bool]]:
    root = f"{url}/catalog.json"
    return [
        ("ours, first page", FIRST, root, True),
        ("pystac, first page", PYSTAC_FIRST, root, True),
        ("ours, collections", COLLECTIONS, root, True),
        ("ours, all items", ALL, root, True),
        ("ours, all items, from the cache", ALL, root, False),
        ("pystac, all items", PYSTAC_ALL, root, True),
    ]


if __name__ == "__main__":
    main()
