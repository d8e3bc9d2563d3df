"""Side by side with radiant_mlhub 0.5.5: `download dataset` leaves the same files with the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.sample.server import SampleServer

from .conftest import Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SCRIPT = Path(__file__).parent / "peer_filters.py"
STATE = "mlhub_stac_assets.db"
"""The peer's own notes, which are no part of a dataset."""

SMALL, KENYA, LAND = "umd_mali_crop_type", "ref_african_crops_kenya_02", "landcovernet_v1"
LABELS, SOURCE = f"{KENYA}_labels", f"{KENYA}_source"
LAND_LABELS, LAND_SOURCE = "ref_landcovernet_v1_labels", "ref_landcovernet_v1_source"
TRIANGLE = {"type": "Polygon", "coordinates": [[[-20, -40], [60, -40], [20, 60], [-20, -40]]]}
FEATURE = {"type": "Feature", "properties": {}, "geometry": TRIANGLE}

WISHES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "all": ({"dataset": SMALL}, [SMALL]),
    "catalog-only": ({"dataset": SMALL, "catalog_only": True}, [SMALL, "--catalog-only"]),
    "apart": (
        {"dataset": SMALL, "apart": True, "collection_filter": {f"{SMALL}_labels": []}},
        [SMALL, "--collection", f"{SMALL}_labels", "--asset-output-dir", "{out}/assets"],
    ),
    "keys-by-doi": (
        {
            "dataset": "10.34911/rdnt.dw605x",
            "collection_filter": {SOURCE: ["B02", "CLD"], LABELS: ["labels"]},
        },
        ["10.34911/rdnt.dw605x", "--collection", f"{SOURCE}=B02,CLD", "--collection", f"{LABELS}=labels"],
    ),
    "collection": ({"dataset": KENYA, "collection_filter": {LABELS: []}}, [KENYA, "--collection", LABELS]),
    "common-key": (
        {"dataset": KENYA, "collection_filter": {LABELS: ["train_split"]}},
        [KENYA, "--collection", f"{LABELS}=train_split"],
    ),
    "no-such-key": (
        {"dataset": KENYA, "collection_filter": {LABELS: ["nothing", "labels"]}},
        [KENYA, "--collection", f"{LABELS}=nothing,labels"],
    ),
    "no-such-collection": (
        {"dataset": KENYA, "collection_filter": {"nothing": []}},
        [KENYA, "--collection", "nothing"],
    ),
    "instant": (
        {"dataset": KENYA, "datetime": ["2019-07-06T00:00:00+00:00"]},
        [KENYA, "--datetime", "2019-07-06T00:00:00Z"],
    ),
    "no-time": (
        {"dataset": KENYA, "datetime": ["1999-01-01T00:00:00+00:00"]},
        [KENYA, "--datetime", "1999-01-01T00:00:00Z"],
    ),
    "no-place": ({"dataset": SMALL, "bbox": [100, 60, 110, 70]}, [SMALL, "--bbox", "100,60,110,70"]),
    "day": (
        {"dataset": KENYA, "datetime": ["2019-07-06T00:00:00+00:00", "2019-07-06T23:59:59+00:00"]},
        [KENYA, "--datetime", "2019-07-06"],
    ),
    "bbox": (
        {"dataset": LAND, "bbox": [-20, -40, 60, 20], "collection_filter": {LAND_LABELS: []}},
        [LAND, "--bbox", "-20,-40,60,20", "--collection", LAND_LABELS],
    ),
    "intersects": (
        {
            "dataset": LAND,
            "intersects": FEATURE,
            "collection_filter": {LAND_SOURCE: ["B01"], LAND_LABELS: ["labels", "documentation"]},
        },
        [
            *(LAND, "--intersects", "{file}", "--collection", f"{LAND_SOURCE}=B01"),
            *("--collection", f"{LAND_LABELS}=labels", "--collection", f"{LAND_LABELS}=documentation"),
        ],
    ),
    "months": (
        {
            "dataset": KENYA,
            "bbox": [34.18, 0.42, 34.21, 0.45],
            "datetime": ["2019-06-01T00:00:00+00:00", "2019-08-31T23:59:59+00:00"],
            "collection_filter": {SOURCE: ["B04", "documentation"]},
        },
        [
            *(KENYA, "--bbox", "34.18 0.42 34.21 0.45", "--datetime", "2019-06/2019-08"),
            *("--collection", f"{SOURCE}=B04,documentation"),
        ],
    ),
}


NOTHING = ("no-such-collection",)
"""Where there is nothing to download, which both say."""


def tree(folder: Path) -> dict[str, str]:
    """Return all files below a folder with their checksums; without the peer's notes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != STATE
    }


def assets(found: dict[str, str]) -> list[str]:
    return [path for path in found if not path.endswith((".json", ".tar.gz", "err_report.csv"))]


def theirs(python: Path, server: SampleServer, folder: Path, wishes: dict[str, Any]) -> dict[str, str]:
    """Let the peer download to `folder / name`, and return how each run ended."""
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MLHUB_")},
        "MLHUB_ROOT_URL": server.root_url,
        "MLHUB_API_KEY": server.key,
        "MLHUB_HOME": str(folder),
    }
    done = subprocess.run(
        [str(python), "-W", "ignore", str(SCRIPT), str(folder)],
        input=json.dumps(wishes),
        capture_output=True,
        text=True,
        timeout=300,
        env=variables,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(line) for line in done.stdout.splitlines())


@pytest.fixture(scope="module")
def peers(
    peer_python: Path, sample: SampleServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, str]]:
    folder = tmp_path_factory.mktemp("theirs")
    ended = theirs(peer_python, sample, folder, {name: dict(wish) for name, (wish, _) in WISHES.items()})
    assert {name for name, error in ended.items() if error == "RuntimeError"} == set(NOTHING)
    assert set(ended.values()) == {"", "RuntimeError"}
    return {name: tree(folder / name) for name in WISHES}


@pytest.mark.parametrize("name", WISHES)
def test_the_command_leaves_the_files_that_the_peer_leaves(
    name: str, peers: dict[str, dict[str, str]], run: Run, on_sample: SampleServer, tmp_path: Path
) -> None:
    out, file = tmp_path / "ours", tmp_path / "area.geojson"
    file.write_text(json.dumps(FEATURE))
    given = [part.replace("{out}", str(out)).replace("{file}", str(file)) for part in WISHES[name][1]]
    planned = run("download", "dataset", *given, "--dry-run", "--json")
    result = run("download", "dataset", *given, "--output-dir", out)
    if name in NOTHING:
        assert result.exit_code == 1
        assert assets(tree(out)) == assets(peers[name]) == []
        return
    assert result.exit_code == 0, result.stderr
    expected = dict(peers[name])
    if {"bbox", "intersects"} & WISHES[name][0].keys():  # the peer puts an item without a place in every area
        expected.pop(f"{LAND}/{LAND_LABELS}/{LAND_LABELS}_00000/labels.tif", None)
    assert tree(out) == expected
    plan = json.loads(planned.stdout)
    assert plan["files"] == len(assets(expected))
    assert plan.get("items_without_place", 0) == (name in ("bbox", "intersects"))
    # Area, time and keys leave collections their own assets, and choose those that items share.
    if name in ("no-such-key", "no-time", "common-key"):
        shared = [path for path in expected if "_common" in path]
        assert shared == [f"{KENYA}/{LABELS}/_common/train_split.csv"] * (name == "common-key")
        assert name == "common-key" or f"{KENYA}/{LABELS}/legend.csv" in expected


def test_the_peer_goes_on_in_our_folder_and_we_in_the_peers(
    peer_python: Path, run: Run, on_sample: SampleServer, tmp_path: Path
) -> None:
    wish = {"dataset": SMALL, "collection_filter": {f"{SMALL}_source": ["B02"], f"{SMALL}_labels": []}}
    given = (SMALL, "--collection", f"{SMALL}_source=B02", "--collection", f"{SMALL}_labels")
    assert theirs(peer_python, on_sample, tmp_path, {"whole": dict(wish)}) == {"whole": ""}
    whole = tree(tmp_path / "whole")
    for name in ("began", "half"):
        run(
            "download",
            "dataset",
            SMALL,
            "--collection",
            f"{SMALL}_labels",
            "--output-dir",
            tmp_path / name,
            code=0,
        )
    assert theirs(peer_python, on_sample, tmp_path, {"began": dict(wish)}) == {"began": ""}
    assert tree(tmp_path / "began") == whole
    # What the peer was doing when it was stopped: files that are missing, and one that is half there.
    shutil.copytree(tmp_path / "whole", tmp_path / "stopped")
    images = sorted((tmp_path / "stopped").rglob("B02.tif"))
    images[0].unlink()
    images[1].write_bytes(images[1].read_bytes()[:300])
    run("download", "dataset", *given, "--output-dir", tmp_path / "stopped", code=0)
    assert tree(tmp_path / "stopped") == whole
