"""Side by side with radiant_mlhub 0.5.5 on the sample catalog: same filters, same files, same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlhub_tui.models import BBox
from mlhub_tui.models.when import Span
from mlhub_tui.planning import layout
from mlhub_tui.planning.filters import Filters
from mlhub_tui.planning.index_cache import index_of_archive
from mlhub_tui.planning.manifest import Manifest, ManifestQueue
from mlhub_tui.planning.report import write_report
from mlhub_tui.planning.selection import count_files, files
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.transfer.batch import BatchDownload
from mlhub_tui.transfer.config import BatchConfig
from mlhub_tui.unpack.archive import unpack
from tests.transfer.batch_support import kit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SCRIPT = Path(__file__).parent / "peer_filters.py"
STATE = "mlhub_stac_assets.db"
"""The peer's own notes, which are no part of a dataset."""

SMALL, KENYA, LAND = "umd_mali_crop_type", "ref_african_crops_kenya_02", "landcovernet_v1"
LABELS, SOURCE = "ref_african_crops_kenya_02_labels", "ref_african_crops_kenya_02_source"
LAND_LABELS, LAND_SOURCE = "ref_landcovernet_v1_labels", "ref_landcovernet_v1_source"
TILE = [34.18, 0.42, 34.21, 0.45]
TRIANGLE = {"type": "Polygon", "coordinates": [[[-20, -40], [60, -40], [20, 60], [-20, -40]]]}

WISHES: dict[str, dict[str, Any]] = {
    "all": {"dataset": SMALL},
    "catalog-only": {"dataset": SMALL, "catalog_only": True},
    "apart": {"dataset": SMALL, "apart": True, "collection_filter": {"umd_mali_crop_type_labels": []}},
    "collection": {"dataset": KENYA, "collection_filter": {LABELS: []}},
    "keys": {"dataset": KENYA, "collection_filter": {SOURCE: ["B02", "CLD"], LABELS: ["labels"]}},
    "common-key": {"dataset": KENYA, "collection_filter": {LABELS: ["train_split"]}},
    "no-such-key": {"dataset": KENYA, "collection_filter": {LABELS: ["nothing"]}},
    "no-such-collection": {"dataset": KENYA, "collection_filter": {"nothing": []}},
    "day": {"dataset": KENYA, "datetime": ["2019-07-06T00:00:00+00:00", "2019-07-06T23:59:59+00:00"]},
    "instant": {"dataset": KENYA, "datetime": ["2019-07-06T00:00:00+00:00"]},
    "no-time": {"dataset": KENYA, "datetime": ["1999-01-01T00:00:00+00:00"]},
    "bbox": {"dataset": LAND, "bbox": [-20, -40, 60, 20], "collection_filter": {LAND_LABELS: []}},
    "no-place": {"dataset": SMALL, "bbox": [100, 60, 110, 70]},
    "intersects": {
        "dataset": LAND,
        "intersects": {"type": "Feature", "properties": {}, "geometry": TRIANGLE},
        "collection_filter": {LAND_SOURCE: ["B01"], LAND_LABELS: ["labels", "documentation"]},
    },
    "everything": {
        "dataset": KENYA,
        "bbox": TILE,
        "datetime": ["2019-06-01T00:00:00+00:00", "2019-08-31T00:00:00+00:00"],
        "collection_filter": {SOURCE: ["B04", "documentation"]},
    },
}


def tree(folder: Path) -> dict[str, str]:
    """Return all files below a folder with their checksums; without the peer's notes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != STATE
    }


@pytest.fixture(scope="module")
def server() -> Any:
    with SampleServer(rate=None) as running:
        yield running


@pytest.fixture(scope="module")
def theirs(
    peer_python: Path, server: SampleServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], Path]:
    """Return how the peer's runs ended, and the folder that they are in."""
    folder = tmp_path_factory.mktemp("theirs")
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MLHUB_")},
        "MLHUB_ROOT_URL": server.root_url,
        "MLHUB_API_KEY": server.key,
        "MLHUB_HOME": str(folder),
    }
    command = [str(peer_python), "-W", "ignore", str(SCRIPT), str(folder)]
    done = subprocess.run(
        command, input=json.dumps(WISHES), capture_output=True, text=True, timeout=300, env=variables
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(line) for line in done.stdout.splitlines()), folder


def filters_of(wish: dict[str, Any]) -> Filters:
    when = None
    if "datetime" in wish:
        moments = [datetime.fromisoformat(text) for text in wish["datetime"]]
        when = Span(moments[0], moments[-1])
    return Filters(
        Filters.keys(wish.get("collection_filter", {})),
        BBox.parse(wish.get("bbox")),
        wish.get("intersects"),
        when=when,
        catalog_only=wish.get("catalog_only", False),
    )


def ours(server: SampleServer, wish: dict[str, Any], folder: Path) -> int:
    """Download as the program does; return how many files were selected."""
    dataset = wish["dataset"]
    out, assets = folder, folder / "assets" if wish.get("apart") else folder
    folder.mkdir(parents=True)
    archive = layout.catalog_file(out, dataset)
    answer = httpx.get(f"{server.root_url}catalog/{dataset}?key={server.key}", follow_redirects=True)
    archive.write_bytes(answer.raise_for_status().content)
    unpack(archive, out, top=dataset)
    target = layout.catalog_folder(assets, dataset)
    filters = filters_of(wish)
    with (
        index_of_archive(archive, source=server.root_url, dataset=dataset) as index,
        Manifest(folder.parent / f"{folder.name}.db") as worklist,
    ):
        counts = count_files(index, filters)
        standing = worklist.want(files(index, filters))
        assert standing.files == counts.all.files
        if not counts.empty:
            feed = ManifestQueue(worklist, target)
            BatchDownload(feed, target, kit(folder.parent).context, config=BatchConfig(slots=4)).run()
        assert worklist.stats().done == counts.all.files
        assert write_report(worklist, target, dataset) == 0
    return counts.all.files


@pytest.mark.parametrize("name", WISHES)
def test_the_same_filters_leave_the_same_files_with_the_same_bytes(
    name: str, theirs: tuple[dict[str, str], Path], server: SampleServer, tmp_path: Path
) -> None:
    outcomes, folder = theirs
    selected = ours(server, WISHES[name], tmp_path / "ours")
    if outcomes[name] == "RuntimeError":
        assert selected == 0
    else:
        assert outcomes[name] == ""
    expected = tree(folder / name)
    if {"bbox", "intersects"} & WISHES[name].keys():  # the peer puts an item without a place in every area
        expected.pop(f"{LAND}/{LAND_LABELS}/{LAND_LABELS}_00000/labels.tif", None)
    assert tree(tmp_path / "ours") == expected


def test_area_and_time_leave_collections_their_own_assets_and_choose_the_common_ones(
    theirs: tuple[dict[str, str], Path],
) -> None:
    outcomes, folder = theirs
    no_key, split, no_time = (tree(folder / name) for name in ("no-such-key", "common-key", "no-time"))
    legend = f"{KENYA}/{LABELS}/legend.csv"
    assert legend in no_key
    assert legend in no_time
    assert outcomes["no-such-key"] == outcomes["no-time"] == ""  # its own assets are something to download
    assert not any("_common" in path for path in (*no_key, *no_time))
    assert [path for path in split if "_common" in path] == [f"{KENYA}/{LABELS}/_common/train_split.csv"]
