"""The public peer library, radiant_mlhub 0.5.5 in its own environment, judges the sample catalog."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.sample.server import SampleServer

# The first run makes the peer's environment, which takes as long as pip does.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SCRIPT = Path(__file__).parent / "peer_script.py"


@pytest.fixture(scope="module")
def verdict(peer_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the peer saw and did, from one run of the script."""
    folder = tmp_path_factory.mktemp("peer")
    with SampleServer(rate=None) as server:
        variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MLHUB_")},
            "MLHUB_ROOT_URL": server.root_url,
            "MLHUB_API_KEY": server.key,
            "MLHUB_HOME": str(folder),
        }
        done = subprocess.run(
            [str(peer_python), str(SCRIPT), str(folder)],
            capture_output=True,
            text=True,
            timeout=120,
            env=variables,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_peer_lists_everything(verdict: dict[str, Any]) -> None:
    assert verdict["datasets"] >= 30
    assert verdict["collections"] >= 90
    assert len(verdict["models"]) >= 4
    assert verdict["tagged"] == ["c2smsfloods_v1"]


def test_the_peer_fetches_datasets_items_and_models(verdict: dict[str, Any]) -> None:
    assert verdict["by_doi"] == "ref_african_crops_kenya_02"
    assert verdict["types"] == [2, 1, 1]
    assert verdict["both"] == 4
    assert verdict["items"] == [52, 52]
    assert verdict["item"] == "ref_african_crops_kenya_02_tile_00_label"
    assert verdict["model"] == "model_ramp_baseline_v1"


def test_the_peer_downloads_an_archive_and_resumes_skips_and_overwrites_it(verdict: dict[str, Any]) -> None:
    assert verdict["received"] == verdict["archive_size"]
    assert verdict["skipped"] == 100_000
    assert verdict["resumed"]
    assert verdict["overwritten"]


def test_the_peer_downloads_a_dataset_with_all_its_assets(verdict: dict[str, Any]) -> None:
    assert verdict["saved"] == verdict["catalog_size"]
    assert verdict["assets"] == 12 * 14 + 2
    assert verdict["errors"] == 0
