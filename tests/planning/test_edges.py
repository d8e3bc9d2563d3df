"""The parts of an index at their edges: months and squares, grids, borders, names, room, records."""

from __future__ import annotations

import math
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.errors import FileConflict, InvalidSearch, OutputFolderError
from mlhub_tui.models import BBox
from mlhub_tui.planning import index_cache as place
from mlhub_tui.planning import layout
from mlhub_tui.planning.filters import Filters, microseconds
from mlhub_tui.planning.geometry import Area
from mlhub_tui.planning.index import CollectionFacts, IndexBuilder
from mlhub_tui.planning.index_cache import IndexKey, archive_validator
from mlhub_tui.planning.item_bins import Grid, bins, covered, extent
from mlhub_tui.planning.manifest_queue import make_duplicate
from mlhub_tui.planning.planned_files import files
from mlhub_tui.planning.records import DocumentReader, box_of, times_of
from mlhub_tui.planning.selection import SelectionCounter
from mlhub_tui.transfer.local_folder import OutputTree

from .made import Json, asset, built, collection, item


def test_a_time_has_its_month_and_a_box_the_square_degree_of_its_centre(tmp_path: Path) -> None:
    boxes = [(0, 0, 1, 1), (-1, -1, 0, 0), (10.2, 45.5, 10.4, 45.7), (179, 89, -179, 90)]
    days = ["1970-01-01T00:00:00Z", "2020-12-31T23:59:00Z", "1969-12-31T23:00:00Z", "0001-01-01T00:00:00Z"]
    documents = [
        item(day, bbox=list(box), datetime=day, assets={}) for day, box in zip(days, boxes, strict=True)
    ]
    with built(tmp_path / "plan.db", documents) as index:
        found = bins(index, Filters())
    assert found.months == {(1, 1): 1, (1969, 12): 1, (1970, 1): 1, (2020, 12): 1}
    assert found.squares == {(0, 0): 1, (-1, -1): 1, (10, 45): 1, (-180, 89): 1}


DOCUMENTS = [
    collection("fields", {"legend": asset("legend.csv")}),
    item("a", bbox=[10, 20, 11, 21], datetime="2020-01-05T00:00:00Z"),
    item("b", bbox=[10, 20, 11, 21], datetime="2020-12-05T00:00:00Z"),
    item("c", bbox=[-1, -1, 0, 0], datetime="2020-12-05T00:00:00Z"),
    item("d", bbox=[10, 20, 12, 21]),
    item("e", datetime="2021-02-05T00:00:00Z"),
    item("f", "trees"),
]


def test_items_are_counted_by_month_and_square(tmp_path: Path) -> None:
    with built(tmp_path / "plan.db", DOCUMENTS) as index:
        found = bins(index, Filters())
        assert found.months == {(2020, 1): 1, (2020, 12): 2, (2021, 2): 1}
        assert found.squares == {(-1, -1): 1, (10, 20): 2, (11, 20): 1}
        assert (found.timeless, found.placeless) == (2, 2)
        trees = bins(index, Filters(Filters.keys({"trees": []})))
        assert (trees.months, trees.squares, trees.timeless, trees.placeless) == ({}, {}, 1, 1)


def test_a_grid_counts_the_boxes_over_each_cell(tmp_path: Path) -> None:
    documents = [
        item("a", bbox=[0.5, 0.5, 1.5, 0.6]),
        item("b", bbox=[1.2, 0.2, 1.8, 2.5]),
        item("c", bbox=[0, 0, 9, 9]),
        item("far", bbox=[20, 20, 21, 21]),
        item("nowhere"),
    ]
    with built(tmp_path / "plan.db", documents) as index:
        assert extent(index) == (0, 0, 21, 21)
        assert covered(index, Filters(), Grid(0, 0, 1, 3, 2)) == {
            (0, 0): 2,
            (1, 0): 3,
            (2, 0): 1,
            (0, 1): 1,
            (1, 1): 2,
            (2, 1): 1,
        }
        assert covered(index, Filters(bbox=BBox(20, 20, 21, 21)), Grid(19, 19, 1, 3, 3)) == {
            (1, 1): 1,
            (2, 1): 1,
            (1, 2): 1,
            (2, 2): 1,
        }
        assert covered(index, Filters(bbox=BBox(0, 0, 1, 1)), Grid(-9, -9, 0.5, 4, 4)) == {}
    with built(tmp_path / "void.db", [item("nowhere")]) as index:
        assert extent(index) is None


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
        (SQUARE, (-1, 4, 0, 5), True),
        (SQUARE, (4.001, 0, 5, 1), False),
        (SQUARE, (0, 4.001, 1, 5), False),
        (SQUARE, (-1, -1, -0.001, 5), False),
        (SQUARE, (-1, -1, 5, -0.001), False),
        (SQUARE, (-1, 1, 5, 2), True),
        (SQUARE, (1, 1, 1, 1), True),
        (TRIANGLE, (2, 2, 3, 3), True),
        (TRIANGLE, (2.1, 2.1, 3, 3), False),
        (TRIANGLE, (3, -1, 5, 1), True),
        (TRIANGLE, (1, 1, 1.1, 1.1), True),
        (FRAME, (4, 4, 5, 5), False),
        (FRAME, (3, 4, 5, 5), True),
        (FRAME, (1, 1, 2, 2), True),
        (FRAME, (4, 4, 7, 5), True),
        (FRAME, (359, 1, 361, 2), True),
        (POINT, (2, 2, 2, 2), True),
        (POINT, (0, 0, 2, 2), True),
        (POINT, (2.001, 2, 3, 3), False),
        (LINE, (1, 1, 2, 2), True),
        (LINE, (0, 1, 1, 2), True),
        (LINE, (0, 1.001, 1, 2), False),
        (LINE, (3, 0, 4, 1), False),
        (LINE, (4, 4, 5, 5), True),
    ],
)
@pytest.mark.parametrize("shapely", [True, False])
def test_a_border_belongs_to_a_geometry_and_a_hole_does_not(
    geometry: Json,
    box: tuple[float, float, float, float],
    touches: bool,
    shapely: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not shapely:
        monkeypatch.setitem(sys.modules, "shapely", None)
    assert bool(list(Area(geometry).touching([(1, *box, None)]))) is touches


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]},
        {"type": "Point", "coordinates": [0]},
        {"type": "Point", "coordinates": [math.nan, 0]},
        {"type": "LineString", "coordinates": []},
        {"type": "LineString", "coordinates": ["12", "34"]},
    ],
)
def test_coordinates_that_are_none_are_refused(wrong: Json) -> None:
    with pytest.raises(InvalidSearch):
        Area(wrong)


@pytest.mark.parametrize(
    ("key", "href", "name"),
    [
        ("B01", "https://h/x.tif", "B01.tif"),
        ("a/b", "https://h/x.tif", "a_b-c14cddc0.tif"),
        ("a/b", f"https://h/x.{'y' * 18}", f"a_b-c14cddc0.{'y' * 18}"),
        ("a/b", f"https://h/x.{'y' * 19}", "a_b-c14cddc0"),
        ("a/b", "https://h/x.a:b", "a_b-c14cddc0"),
        ("x" * 216, "https://h/x.tif", "x" * 216 + ".tif"),
        ("x", "https://h/x.part", None),
    ],
)
def test_the_name_of_an_asset_has_its_ending_where_that_is_an_ordinary_one(
    key: str, href: str, name: str | None
) -> None:
    made = layout.asset_file(key, href)
    assert made == name or (name is None and made not in (f"{key}.tif", f"{key}.part"))


def test_names_are_those_of_this_system_or_of_windows() -> None:
    assert layout.component("S2A:MSI", windows=False) == "S2A:MSI"
    assert layout.component("S2A:MSI", windows=True) != "S2A:MSI"
    assert (layout.component("S2A:MSI") == "S2A:MSI") is (os.name != "nt")
    assert layout.component("con", windows=True) != "con" == layout.component("con", windows=False)
    assert layout.component("two words", windows=True) == "two words"
    assert (layout.beside_document("item.json"), layout.beside_document("item")) == (
        "item-asset.json",
        "item-asset",
    )


def test_indexes_that_were_not_used_for_longest_make_room(mlhub_home: Path) -> None:
    place.folder().mkdir(parents=True)
    for number, name in enumerate(("a.db", "b.db", "c.db.building")):
        (place.folder() / name).write_bytes(bytes(100))
        os.utime(place.folder() / name, (10**9 - number, 10**9 - number))
    (place.folder() / "c.db.lock").write_bytes(b"")

    def left() -> set[str]:
        return {path.name for path in place.folder().iterdir()} - {"c.db.lock"}

    assert (place.shrink(most=300), left()) == (0, {"a.db", "b.db", "c.db.building"})
    assert (place.shrink(most=299, keep=place.folder() / "c.db"), len(left())) == (0, 3)
    os.utime(place.folder() / "b.db")
    assert (place.shrink(most=299), left()) == (100, {"a.db", "b.db"})
    assert (place.shrink(most=100), left()) == (100, {"b.db"})
    assert (place.clear(), left()) == (100, set())


def test_another_version_of_a_dataset_replaces_its_index_and_no_other(mlhub_home: Path) -> None:
    subjects = [
        IndexKey("http://a/", "crops", "1"),
        IndexKey("http://a/", "crops", "2"),
        IndexKey("http://a/", "trees"),
    ]
    assert len({subject.path for subject in subjects}) == 3
    place.folder().mkdir(parents=True)
    for subject in subjects:
        subject.path.write_bytes(b"x")
    subjects[1].drop_others()
    assert [subject.path.exists() for subject in subjects] == [False, True, True]


def test_an_archive_is_another_one_when_its_ends_or_its_size_are(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    found = set()
    for content in (bytes(200_000), bytes(200_001), b"x" + bytes(199_999), bytes(199_999) + b"x"):
        path.write_bytes(content)
        found.add(archive_validator(path))
    assert len(found) == 4
    with pytest.raises(OutputFolderError, match=r"cannot read .*missing: No such file"):
        archive_validator(tmp_path / "missing")


def test_a_builder_counts_what_it_takes_and_goes_on_counting(tmp_path: Path) -> None:
    documents = [*DOCUMENTS, {"type": "Catalog", "id": "x"}, {"id": "no STAC"}, item("g", assets={"x": {}})]
    for begun in (False, True):
        with IndexBuilder(tmp_path / "plan.db") as builder:
            assert builder.progress.documents == (10 if begun else 0)
            for document in () if begun else documents:
                builder.add(document)
            builder.commit()
            progress = builder.progress
            assert (progress.documents, progress.items, progress.assets) == (10, 7, 7)
            assert (builder.facts["left_out"], builder.facts["faults"]) == (1, 1)
            assert builder.collections == ("fields", "trees")
    with built(tmp_path / "whole.db", documents) as index:
        counts = SelectionCounter(index).counts(Filters())
        assert (counts.left_out, counts.faults, counts.all.files) == (1, 1, 7)
        assert index.contents() == [
            CollectionFacts("fields", 6, 5, ("B01",), ("legend",)),
            CollectionFacts("trees", 1, 1, ("B01",), ()),
        ]


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
def test_an_item_is_where_its_box_or_its_geometry_is(document: Json, found: Any) -> None:
    assert box_of(document) == found


FIRST, LAST = "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"
DAY = 86_400_000_000
START = microseconds(datetime(2020, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("properties", "found"),
    [
        ({"datetime": FIRST}, (START, START)),
        ({"datetime": FIRST, "start_datetime": LAST}, (START, START)),
        ({"datetime": "2020-01-01"}, (START, START)),
        ({"datetime": "2020-01"}, (START, START + 31 * DAY - 1000)),
        ({"start_datetime": FIRST, "end_datetime": LAST}, (START, START + DAY)),
        ({"start_datetime": LAST, "end_datetime": FIRST}, (START, START + DAY)),
        ({"start_datetime": FIRST}, (START, None)),
        ({"datetime": None, "end_datetime": FIRST}, (None, START)),
        ({"datetime": "soon"}, (None, None)),
        ({"datetime": 7}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_an_item_is_when_its_properties_say(properties: Json, found: Any) -> None:
    assert times_of(properties) == found


@pytest.mark.parametrize(
    ("geometry", "kept"),
    [
        ({"type": "Polygon", "coordinates": [ring((0, 0), (1, 0), (1, 1), (0, 1))]}, False),
        ({"type": "Polygon", "coordinates": [ring((0, 1), (0, 0), (1, 0), (1, 1))]}, False),
        ({"type": "Polygon", "coordinates": [ring((0, 0), (1, 1), (1, 0), (0, 1))]}, True),
        ({"type": "Polygon", "coordinates": [ring((0, 0), (1, 0), (1, 1), (0, 0.9))]}, True),
        ({"type": "Polygon", "coordinates": [ring((0, 0), (1, 0), (1, 1))]}, True),
        ({"type": "Polygon", "coordinates": [[0, 0, 0, 0, 0]]}, True),
        ({"type": "Polygon", "coordinates": [[], []]}, True),
        ({"type": "LineString", "coordinates": [ring((0, 0), (1, 0), (1, 1), (0, 1))]}, True),
        (None, False),
    ],
)
def test_a_geometry_is_kept_where_it_is_not_the_box_itself(geometry: Any, kept: bool) -> None:
    record = DocumentReader().read(item("a", bbox=[0, 0, 1, 1], geometry=geometry))
    assert record is not None
    assert bool(record.geometry) is kept


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"href": "x.tif", "file:size": 0, "type": "image/tiff"}, (0, "")),
        ({"href": "x.tif", "file:size": -1, "file:checksum": "1220ab"}, (None, "1220ab")),
        ({"href": "x.tif", "file:size": True, "type": 5, "file:checksum": "a\nb"}, (None, "")),
        ({"href": "x.tif", "file:size": 2**70}, (None, "")),
        ({"href": " "}, None),
        ({"href": ""}, None),
        ({"href": 5}, None),
        ("x.tif", None),
    ],
)
def test_an_asset_has_what_its_entry_says_as_far_as_it_makes_sense(entry: Any, found: Any) -> None:
    record = DocumentReader().read(item("a", assets={"B01": entry}))
    assert record is not None
    assert [(one.size, one.checksum) for one in record.assets] == ([] if found is None else [found])
    assert record.faults == (found is None)


@pytest.mark.parametrize(
    ("document", "member", "found"),
    [
        ({"type": "Catalog", "id": "x"}, "", None),
        ({"type": "Feature", "id": "x", "assets": {}}, "a/catalog.json", None),
        ({"type": "Collection", "id": "x"}, "a/catalog.json", ("x", None)),
        ({"id": "x", "extent": {}}, "", ("x", None)),
        ({"id": "x"}, "a/collection.json", ("x", None)),
        ({"type": "Feature", "id": "x", "extent": {}, "assets": {}}, "c/f/x.json", ("f", "x")),
        ({"type": "Feature", "id": "x", "assets": {}}, "f/x.json", ("f", "x")),
        ({"type": "Feature", "id": "x", "assets": {}}, "", ("items", "x")),
        ({"type": "Feature", "id": "x", "collection": "c"}, "f/x.json", ("c", "x")),
        ({"type": "Feature", "id": "x"}, "", 1),
        ({"type": "Feature", "id": ""}, "", 1),
        ({"type": "Feature", "id": 5, "assets": {}}, "", ("items", "5")),
        ([], "", 1),
    ],
)
def test_documents_are_told_apart_by_what_they_hold(document: Any, member: str, found: Any) -> None:
    reader = DocumentReader()
    record = reader.read(document, member=member)
    assert reader.left_out == (1 if found == 1 else 0)
    assert (record and (record.collection, record.item)) == (None if found == 1 else found)


def test_a_twin_is_the_same_file_and_no_other_is_replaced_unasked(tmp_path: Path) -> None:
    tree = OutputTree(tmp_path)
    (tmp_path / "one.tif").write_bytes(b"12345")
    assert make_duplicate(tree, "one.tif", "sub/two.tif") == 5
    assert (tmp_path / "sub/two.tif").samefile(tmp_path / "one.tif")
    assert make_duplicate(tree, "one.tif", "sub/two.tif", replace=True) == 5
    (tmp_path / "three.tif").write_bytes(b"54321")
    assert make_duplicate(tree, "one.tif", "three.tif") == 5
    assert (tmp_path / "three.tif").read_bytes() == b"54321", "of the same size: taken for it"
    (tmp_path / "three.tif").write_bytes(b"1")
    with pytest.raises(FileConflict, match=r"another file three\.tif is there"):
        make_duplicate(tree, "one.tif", "three.tif")
    assert make_duplicate(tree, "one.tif", "three.tif", replace=True) == 5
    assert (tmp_path / "three.tif").read_bytes() == b"12345"
    (tmp_path / "four").mkdir()
    with pytest.raises(FileConflict):
        make_duplicate(tree, "one.tif", "four", replace=True)
    with pytest.raises(OutputFolderError):
        make_duplicate(tree, "missing.tif", "five.tif")


@pytest.mark.parametrize(
    ("media", "href", "page"),
    [
        ("text/html; charset=utf-8", "https://h/x.tif", True),
        ("application/xhtml+xml", "https://h/x", True),
        ("image/tiff", "https://h/x.html", True),
        ("", "https://h/x.htm", True),
        ("image/tiff", "https://h/x.tif", False),
    ],
)
def test_a_web_page_is_planned_as_one(tmp_path: Path, media: str, href: str, page: bool) -> None:
    documents = [item("a", assets={"B01": asset(href, type=media, **{"file:checksum": "1220ab"})})]
    with built(tmp_path / "plan.db", documents) as index:
        [file] = files(index, Filters())
    assert (file.page, file.checksum) == (page, "1220ab")
