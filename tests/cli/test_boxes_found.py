"""Commands over items whose boxes are written in many ways: a search by area and a plan by area find them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.test_ids import catalog
from tests.support.paged_api import items

RING = [[185, -5], [190, -5], [190, 5], [185, 5], [185, -5]]
UNCUT = [[178, -5], [-172, -5], [-172, 5], [178, 5], [178, -5]]
CUT = [[[[w, -5], [e, -5], [e, 5], [w, 5], [w, -5]]] for w, e in ((178, 180), (-180, -172))]
SPOT = {"type": "Point", "coordinates": [-173, 1]}
FIJI: dict[str, dict[str, Any]] = {
    "from 0 to 360": {"bbox": [185, -5, 190, 5]},
    "with heights": {"bbox": [185, -5, -10, 190, 5, 100]},
    "across": {"bbox": [178, -5, -172, 5]},
    "upside down": {"bbox": [-175, 5, -170, -5]},
    "as texts": {"bbox": ["-175", "-5", "-170", "5"]},
    "in a list": {"bbox": [[185, -5, 190, 5]]},
    "all around, cut": {"bbox": [-180, -5, 180, 5], "geometry": {"type": "MultiPolygon", "coordinates": CUT}},
    "no box": {"geometry": {"type": "Polygon", "coordinates": [RING]}},
    "in metres": {"bbox": [5e5, 4e6, 6e5, 5e6], "geometry": SPOT},
    "across, uncut": {"geometry": {"type": "Polygon", "coordinates": [UNCUT]}},
    "a collection": {"geometry": {"type": "GeometryCollection", "geometries": [SPOT]}},
}


@pytest.mark.parametrize("how", FIJI)
def test_an_item_is_found_where_it_is_and_nowhere_else(run: Run, tmp_path: Path, how: str) -> None:
    feature = {**items(1, assets={"a": {"href": "https://data.example/a.tif"}})[0], **FIJI[how]}
    source = catalog(tmp_path, [feature], how="list")
    plan = ("download", "dataset", "c", "--dry-run", "--json", "--output-dir", str(tmp_path / "out"))
    for box, found in (("-174,-1,-172,2", 1), ("170,-1,-160,2", 1), ("10,-5,20,5", 0), ("0,0,90,90", 0)):
        result = run("search", source, "--json", f"--bbox={box}")
        assert len(json.loads(result.stdout)) == found, result.output
        planned = run("--source", source, *plan, f"--bbox={box}")
        assert json.loads(planned.stdout)["files"] == found, planned.output
    pytest.importorskip("shapely")
    for box, found in (("-174,0,-172,2", 1), ("10,-5,20,5", 0), ("0,0,90,90", 0)):
        planned = run("--source", source, *plan, f"--bbox={box}", "--exact")
        assert json.loads(planned.stdout)["files"] == found, planned.output
    row = next(csv.DictReader(io.StringIO(run("search", source, "--csv").stdout)))
    assert all(-180 <= float(row[side]) <= 180 for side in ("west", "east"))
