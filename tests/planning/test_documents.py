"""What an index takes from documents as catalogs really have them, and which items touch an area."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.errors import InvalidSearch
from mlhub_tui.models import BBox
from mlhub_tui.models.search import parse_span
from mlhub_tui.planning.filters import Area, Filters
from mlhub_tui.planning.index import CollectionFacts
from mlhub_tui.planning.index_cache import index_of_archive
from mlhub_tui.planning.selection import count_files, extent, files

from .made import Json, archive, asset, built, collection, item


def ring(*points: tuple[float, float]) -> list[list[float]]:
    return [list(point) for point in (*points, points[0])]


SQUARE = {"type": "Polygon", "coordinates": [ring((0, 0), (4, 0), (4, 4), (0, 4))]}
TRIANGLE = {"type": "Polygon", "coordinates": [ring((0, 0), (4, 0), (0, 4))]}
FRAME = {
    "type": "Polygon",
    "coordinates": [ring((0, 0), (9, 0), (9, 9), (0, 9)), ring((3, 3), (6, 3), (6, 6), (3, 6))],
}
POINT = {"type": "Point", "coordinates": [2, 2]}
LINE = {"type": "LineString", "coordinates": [[0, 0], [4, 4]]}


@pytest.mark.parametrize(
    ("geometry", "box", "touches"),
    [
        (SQUARE, (4, 0, 5, 1), True),
        (SQUARE, (4.001, 0, 5, 1), False),
        (SQUARE, (0, 4.001, 1, 5), False),
        (SQUARE, (-1, -1, -0.001, 5), False),
        (SQUARE, (-1, -1, 5, -0.001), False),
        (SQUARE, (1, 1, 1, 1), True),
        (TRIANGLE, (2, 2, 3, 3), True),
        (TRIANGLE, (2.1, 2.1, 3, 3), False),
        (TRIANGLE, (3, -1, 5, 1), True),
        (FRAME, (4, 4, 5, 5), False),
        (FRAME, (3, 4, 5, 5), True),
        (FRAME, (4, 4, 7, 5), True),
        (FRAME, (177, 1, 1, 2), True),
        (POINT, (2, 2, 2, 2), True),
        (POINT, (2.001, 2, 3, 3), False),
        (LINE, (0, 1, 1, 2), True),
        (LINE, (0, 1.001, 1, 2), False),
    ],
)
def test_a_border_belongs_to_an_area_and_a_hole_does_not(
    tmp_path: Path, geometry: Json, box: tuple[float, float, float, float], touches: bool
) -> None:
    pytest.importorskip("shapely")
    with built(tmp_path / "plan.db", [item("a", bbox=list(box))]) as index:
        assert bool(list(files(index, Filters(intersects=geometry)))) is touches


@pytest.mark.parametrize(
    ("bbox", "geometry", "area", "touches"),
    [
        ([178, 0, -178, 2], None, {"type": "Point", "coordinates": [-179, 1]}, True),
        ([178, 0, -178, 2], None, {"type": "Point", "coordinates": [-177, 1]}, False),
        (
            [178, 0, -178, 2],
            {"type": "MultiPoint", "coordinates": [[178, 0], [-178, 2]]},
            {"type": "Point", "coordinates": [-178, 2]},
            True,
        ),
        (
            [179, 0, -179.5, 1],
            {"type": "Polygon", "coordinates": [ring((179, 0), (-179.5, 0), (-179.5, 1), (179, 1))]},
            {"type": "Point", "coordinates": [179.5, 0.5]},
            True,
        ),
        (
            None,
            {"type": "MultiPoint", "coordinates": [[190, 0], [192, 2]]},
            {"type": "Point", "coordinates": [-168, 2]},
            True,
        ),
        (
            [0, 0, 9, 9],
            {"type": "Polygon", "coordinates": [[[0, 0], [9, 9], [0, 9]]]},
            {"type": "Point", "coordinates": [8, 1]},
            True,  # no polygon: its box stands for it
        ),
        ([0, 0, 4, 4], TRIANGLE, {"type": "Point", "coordinates": [3, 3]}, False),
    ],
)
def test_the_exact_test_takes_the_outlines_on_both_sides_of_180_degrees(
    tmp_path: Path, bbox: Any, geometry: Json | None, area: Json, touches: bool
) -> None:
    pytest.importorskip("shapely")
    with built(tmp_path / "plan.db", [item("a", bbox=bbox, geometry=geometry)]) as index:
        assert bool(list(files(index, Filters(intersects=area, exact=True)))) is touches


@pytest.mark.parametrize("shapely", [True, False])
@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]},
        {"type": "Point", "coordinates": [0]},
        {"type": "Point", "coordinates": [float("nan"), 0]},
        {"type": "LineString", "coordinates": []},
        {"type": "LineString", "coordinates": ["12", "34"]},
    ],
)
def test_coordinates_that_are_none_are_refused(
    wrong: Json, shapely: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shapely:
        monkeypatch.setitem(sys.modules, "shapely", None)
    with pytest.raises(InvalidSearch):
        Area(wrong)


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"bbox": [1, 2, 3, 4]}, (1, 2, 3, 4)),
        ({"bbox": [1, 4, 3, 2]}, (1, 2, 3, 4)),
        ({"bbox": [170, 0, -170, 1]}, (170, 0, 190, 1)),
        ({"bbox": [190, 0, 200, 1]}, (-170, 0, -160, 1)),
        ({"bbox": [0, -2e6, 3e6, 1]}, None),
        ({"geometry": POINT}, (2, 2, 2, 2)),
        ({}, None),
        ({"bbox": "none", "geometry": LINE}, (0, 0, 4, 4)),
    ],
)
def test_an_item_is_where_its_box_or_its_geometry_is(tmp_path: Path, document: Json, found: Any) -> None:
    with built(tmp_path / "plan.db", [item("a", **document)]) as index:
        assert extent(index) == found
        assert count_files(index, Filters()).placeless == (found is None)


FIRST, LAST = "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("properties", "day_before", "first", "second", "far"),
    [
        ({"datetime": FIRST}, False, True, False, False),
        ({"datetime": FIRST, "start_datetime": LAST}, False, True, False, False),
        ({"datetime": "2020-01-01"}, False, True, False, False),
        ({"datetime": "2020-01"}, False, True, True, False),
        ({"start_datetime": FIRST, "end_datetime": LAST}, False, True, True, False),
        ({"start_datetime": LAST, "end_datetime": FIRST}, False, True, True, False),
        ({"start_datetime": FIRST}, False, True, True, True),
        ({"datetime": None, "end_datetime": FIRST}, True, True, False, False),
        ({"datetime": "soon"}, True, True, True, True),
        ({"datetime": 7}, True, True, True, True),
        ({}, True, True, True, True),
    ],
)
def test_an_item_is_when_its_properties_say(
    tmp_path: Path, properties: Json, day_before: bool, first: bool, second: bool, far: bool
) -> None:
    days = ("2019-12-31", "2020-01-01", "2020-01-02", "2030-01-01")
    with built(tmp_path / "plan.db", [item("a", **properties)]) as index:
        found = [bool(list(files(index, Filters(when=parse_span(day))))) for day in days]
    assert found == [day_before, first, second, far]


OPEN = [[0, 0], [1, 0], [1, 1], [0, 1]]


@pytest.mark.parametrize(
    ("geometry", "inside"),
    [
        ({"type": "Polygon", "coordinates": [ring((0, 0), (1, 0), (1, 1), (0, 1))]}, True),
        ({"type": "Polygon", "coordinates": [ring((0, 1), (0, 0), (1, 0), (1, 1))]}, True),
        ({"type": "Polygon", "coordinates": [ring((0, 0), (1, 1), (1, 0), (0, 1))]}, False),
        ({"type": "Polygon", "coordinates": [ring((0, 0), (0.4, 0), (0, 1))]}, False),
        ({"type": "Polygon", "coordinates": [[0, 0, 0, 0, 0]]}, True),
        ({"type": "MultiLineString", "coordinates": [ring((0, 0), (1, 0), (1, 1), (0, 1))]}, False),
        ({"type": "Polygon", "coordinates": [[*OPEN, *reversed(OPEN[:-1])]]}, False),
        ({"type": "LineString", "coordinates": ring((0, 0), (1, 0), (1, 1), (0, 1))}, False),
        (None, True),
    ],
)
def test_an_outline_counts_where_it_is_not_the_box_itself(
    tmp_path: Path, geometry: Any, inside: bool
) -> None:
    pytest.importorskip("shapely")
    wanted = Filters(bbox=BBox(0.45, 0.2, 0.55, 0.25), exact=True)
    with built(tmp_path / "plan.db", [item("a", bbox=[0, 0, 1, 1], geometry=geometry)]) as index:
        assert bool(list(files(index, wanted))) is inside


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"href": "https://h/x.tif", "file:size": 0, "type": "image/tiff"}, (0, "", False)),
        ({"href": "https://h/x.tif", "file:size": -1, "file:checksum": "1220ab"}, (None, "1220ab", False)),
        ({"href": "https://h/x", "file:size": True, "type": 5, "file:checksum": "a\nb"}, (None, "", False)),
        ({"href": "https://h/x.tif", "file:size": 2**70}, (None, "", False)),
        ({"href": "https://h/x.tif", "type": "text/html; charset=utf-8"}, (None, "", True)),
        ({"href": "https://h/x", "type": "application/xhtml+xml"}, (None, "", True)),
        ({"href": "https://h/x.html", "type": "image/tiff"}, (None, "", True)),
        ({"href": " "}, None),
        ({"href": ""}, None),
        ({"href": 5}, None),
        ("x.tif", None),
    ],
)
def test_an_asset_has_what_its_entry_says_as_far_as_it_makes_sense(
    tmp_path: Path, entry: Any, found: Any
) -> None:
    with built(tmp_path / "plan.db", [item("a", assets={"B01": entry})]) as index:
        seen = [(file.size, file.checksum, file.page) for file in files(index, Filters())]
        assert seen == ([] if found is None else [found])
        assert count_files(index, Filters()).faults == (found is None)


ASSETS = {"a": asset("a.tif")}


@pytest.mark.parametrize(
    ("document", "member", "found"),
    [
        ({"type": "Catalog", "id": "x", "assets": ASSETS}, "d/x.json", None),
        ({"type": "Feature", "id": "x", "assets": ASSETS}, "a/catalog.json", None),
        ({"type": "Collection", "id": "x", "assets": ASSETS}, "a/catalog.json", ("x", None)),
        ({"id": "x", "extent": {}, "assets": ASSETS}, "d/x.json", ("x", None)),
        ({"id": "x", "assets": ASSETS}, "a/collection.json", ("x", None)),
        ({"type": "Feature", "id": "x", "extent": {}, "assets": ASSETS}, "c/f/x.json", ("f", "x")),
        ({"type": "Feature", "id": "x", "assets": ASSETS}, "f/x.json", ("f", "x")),
        ({"type": "Feature", "id": "x", "assets": ASSETS}, "x.json", ("items", "x")),
        ({"type": "Feature", "id": "x", "collection": "c", "assets": ASSETS}, "f/x.json", ("c", "x")),
        ({"type": "Feature", "id": "x"}, "x.json", 1),
        ({"type": "Feature", "id": "", "assets": ASSETS}, "x.json", 1),
        ({"type": "Feature", "id": 5, "assets": ASSETS}, "x.json", ("items", "5")),
    ],
)
def test_documents_are_told_apart_by_what_they_hold(
    tmp_path: Path, document: Json, member: str, found: Any
) -> None:
    members = [("d/c/other.json", item("other", "other", assets={})), (member, document)]
    made = archive(tmp_path / "c.tar.gz", members)
    with index_of_archive(made, source="http://a.example/", dataset="d") as index:
        seen = [(file.collection, file.item) for file in files(index, Filters())]
        assert seen == ([found] if isinstance(found, tuple) else [])
        assert index.facts["left_out"] == (found == 1)


def test_an_index_counts_what_it_takes(tmp_path: Path) -> None:
    documents = [
        collection("fields", {"legend": asset("legend.csv")}),
        item("a", assets={"B01": asset("a.tif"), "documentation": asset("d.pdf")}),
        item("b", assets={"B01": asset("b.tif"), "documentation": asset("d.pdf"), "x": {}}),
        item("f", "trees"),
        {"type": "Catalog", "id": "x"},
        {"id": "no STAC"},
    ]
    with built(tmp_path / "plan.db", documents) as index:
        counts = count_files(index, Filters())
        assert (index.facts["left_out"], counts.faults, counts.all.files) == (1, 1, 5)
        assert index.contents() == [
            CollectionFacts("fields", 2, ("B01", "documentation"), ("legend",)),
            CollectionFacts("trees", 1, ("B01",), ()),
        ]
        found = {file.path: file.item for file in files(index, Filters())}
        assert found["fields/_common/documentation.pdf"] == "a"
        assert found["fields/legend.csv"] is None


def test_assets_whose_reader_pays_are_left_out_and_counted_where_they_are_wanted(tmp_path: Path) -> None:
    paid = {"paid": {"href": "s3://usgs-landsat/x.tif"}, "free": asset("x.tif")}
    documents = [
        item("a", assets=paid),
        item("b", assets=paid | {"free": asset("y.tif")}),
        item("c", "trees"),
    ]
    stated = {
        "type": "Feature",
        "id": "d",
        "collection": "trees",
        "assets": {"x": asset("https://b.s3.amazonaws.com/x")},
    }
    documents.append(stated | {"properties": {"storage:requester_pays": True}})
    with built(tmp_path / "plan.db", documents) as index:
        assert {file.key for file in files(index, Filters())} == {"free", "B01"}
        counts = count_files(index, Filters())
        assert (counts.paid, counts.faults) == (3, 0)
        assert "usgs-landsat" in counts.paid_why
        wanted = {"trees": [], "fields": ["paid"], "free": ["free"]}
        found = [
            count_files(index, Filters(Filters.keys({name: keys}))).paid for name, keys in wanted.items()
        ]
        assert found == [1, 2, 0]
        assert count_files(index, Filters(Filters.keys({"fields": ["free"]}))).paid == 0
        assert index.unknown_keys(Filters((("fields", frozenset({"paid", "no"})),))) == [
            "fields has no asset 'no'; there are: free, paid"
        ]
