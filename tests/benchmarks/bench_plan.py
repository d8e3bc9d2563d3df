"""Reads, filters and counts dataset catalogs of 3,000 and 300,000 assets, beside `radiant_mlhub`.

Run it as `python -m tests.benchmarks.bench_plan [ASSETS ...]`. Each contestant is a process of its own
with the same archive, and does what comes before the first asset is fetched: ours reads the archive into
an index and counts what a box and a time leave; the peer unpacks it, lists the assets, and filters the
list by the same time and box. The peer is the `radiant_mlhub` of the Python that MLHUB_PEER_PYTHON
names, left out where it is not set. Both must find the same number of files. For ours the table also has
the slowest of the counts that a person at the filters waits for, each of an area or a time that was not
asked before.
"""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

SIZES = (3_000, 300_000)
KEYS = 14
COLLECTIONS = 3
BOX = (-100.0, -50.0, 100.0, 50.0)
FIRST, LAST = "2014-02-01T00:00:00+00:00", "2018-05-31T00:00:00+00:00"

_REPORT = """
import resource
found["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(found))
"""
OURS = (
    f"""
import json, sys, time
from datetime import datetime
from pathlib import Path
from mlhub_tui.planning.index_cache import index_of_archive
from mlhub_tui.planning.selection import count_files
from mlhub_tui.planning.filters import Filters
from mlhub_tui.models import BBox
from mlhub_tui.models.search import Span, parse_span
began = time.perf_counter()
index = index_of_archive(Path(sys.argv[1]), source="http://a.example/", dataset="ds")
found = {{"read": time.perf_counter() - began, "cpu": time.process_time()}}
began = time.perf_counter()
when = Span(*map(datetime.fromisoformat, ({FIRST!r}, {LAST!r})))
found["files"] = count_files(index, Filters(bbox=BBox(*{BOX}), when=when)).all.files
found["filter"] = time.perf_counter() - began
shape = {{"type": "Polygon", "coordinates": [[[-90, -50], [100, -60], [120, 70], [0, 80], [-90, -50]]]}}
slowest = {{}}
asked = {{
    "all": Filters(), "box": Filters(bbox=BBox(*{BOX})), "small box": Filters(bbox=BBox(10, 10, 20, 20)),
    "antimeridian": Filters(bbox=BBox(170, -50, -150, 50)), "time": Filters(when=when),
    "month": Filters(when=parse_span("2015-07")), "geometry": Filters(intersects=shape),
    "keys": Filters(Filters.keys({{"ds_0": ["B01", "B02"]}})),
}}
for name, filters in asked.items():
    began = time.perf_counter()
    count_files(index, filters)
    slowest[name] = (time.perf_counter() - began) * 1000
found["counts"] = slowest
"""
    + _REPORT
)
PEER = (
    f"""
import json, logging, os, shutil, sys, time
from datetime import datetime
from pathlib import Path
from radiant_mlhub.client.catalog_downloader import CatalogDownloader, CatalogDownloaderConfig
from radiant_mlhub.session import Session
logging.disable(logging.CRITICAL)
sys.stderr = open(os.devnull, "w")
out = Path(sys.argv[2])
session = Session(api_key="none")
when = tuple(map(datetime.fromisoformat, ({FIRST!r}, {LAST!r})))
config = CatalogDownloaderConfig(
    dataset_id="ds", output_dir=out, mlhub_api_session=session, bbox=list({BOX}), temporal_query=when
)
peer = CatalogDownloader(config)
peer.catalog_file = Path(sys.argv[1])
began = time.perf_counter()
peer._unarchive_catalog_step()
peer._init_db()
peer._create_asset_list_step()
found = {{"read": time.perf_counter() - began}}
began = time.perf_counter()
peer._filter_temporal_step()
peer._filter_bbox_step()
found["filter"] = time.perf_counter() - began
found["files"] = peer._fetch_unfiltered_count()
"""
    + _REPORT
)


def item(collection: str, identity: str, noise: random.Random) -> dict[str, Any]:
    """Return an item as those of real catalogs: a dozen bands, a place and a time anywhere."""
    west, south = round(noise.uniform(-179, 178), 5), round(noise.uniform(-85, 84), 5)
    east, north = round(west + 0.1, 5), round(south + 0.1, 5)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    base = f"https://store.example/mlhub/{collection}"
    assets = {
        f"B{number:02}": {
            "href": f"{base}/{identity}/B{number:02}.tif",
            "type": "image/tiff; application=geotiff",
            "roles": ["data"],
            "title": f"Band {number}",
        }
        for number in range(KEYS - 1)
    }
    assets["documentation"] = {"href": f"{base}/_common/documentation.pdf", "type": "application/pdf"}
    day = f"20{noise.randrange(10, 22)}-{noise.randrange(1, 13):02}-{noise.randrange(1, 28):02}"
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": identity,
        "collection": collection,
        "bbox": [west, south, east, north],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"datetime": f"{day}T{noise.randrange(24):02}:00:00Z", "gsd": 10},
        "links": [{"rel": "collection", "href": "../collection.json"}],
        "assets": assets,
    }


def catalog(path: Path, assets: int) -> Path:
    """Write the archive of a catalog with about so many assets."""
    noise = random.Random(assets)
    with tarfile.open(path, "w:gz", compresslevel=6) as archive:

        def add(name: str, document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))

        add("ds/catalog.json", {"type": "Catalog", "id": "ds", "links": []})
        for number in range(COLLECTIONS):
            name = f"ds_{number}"
            add(f"ds/{name}/collection.json", {"type": "Collection", "id": name, "extent": {}, "links": []})
            for place in range(assets // KEYS // COLLECTIONS):
                identity = f"{name}_{place:06}"
                add(f"ds/{name}/{identity}/{identity}.json", item(name, identity, noise))
    return path


def timed(python: str, script: str, archive: Path, folder: Path) -> dict[str, Any]:
    """Run a contestant and return what it reports."""
    environment = {**os.environ, "MLHUB_HOME": str(folder / "home")}
    command = [python, "-W", "ignore", "-c", script, str(archive), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=1800)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compete(assets: int) -> None:
    """Run all contestants on a catalog of a size, and print what came of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = catalog(folder / "ds.tar.gz", assets)
        runs = {"ours": timed(sys.executable, OURS, archive, folder / "ours")}
        if peer := os.environ.get("MLHUB_PEER_PYTHON"):
            (folder / "peer").mkdir()
            runs["radiant_mlhub"] = timed(peer, PEER, archive, folder / "peer")
    print(f"\n{assets:,} assets, an archive of {COLLECTIONS} collections")
    print(f"{'':16}{'read':>10}{'filter':>10}{'both':>10}{'memory':>10}{'files':>10}")
    for who, found in runs.items():
        both = found["read"] + found["filter"]
        row = f"{who:16}{found['read']:8.2f} s{found['filter']:8.3f} s{both:8.2f} s{found['rss']:7.0f} MB"
        print(f"{row}{found['files']:>10,}")
    if len(runs) == 2:
        ours, theirs = runs.values()
        if ours["files"] != theirs["files"]:
            raise SystemExit("the contestants disagree")
        ratio = (theirs["read"] + theirs["filter"]) / (ours["read"] + ours["filter"])
        print(f"the peer takes {ratio:.1f} times as long, {theirs['rss'] / ours['rss']:.1f} times the memory")
    counts = ", ".join(f"{name} {taken:.0f} ms" for name, taken in runs["ours"]["counts"].items())
    print(f"CPU of ours to the end of reading: {runs['ours']['cpu']:.2f} s; counts: {counts}")


def main() -> None:
    """Measure and print."""
    for size in map(int, sys.argv[1:] or map(str, SIZES)):
        compete(size)
    if "MLHUB_PEER_PYTHON" not in os.environ:
        print("radiant_mlhub left out: MLHUB_PEER_PYTHON is not set")


if __name__ == "__main__":
    main()
