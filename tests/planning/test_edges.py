"""Months and grids of a selection, names, room for indexes, and copies of files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlhub_tui.errors import FileConflict, OutputFolderError
from mlhub_tui.fileio import shrink_folder
from mlhub_tui.models import BBox
from mlhub_tui.output import OutputTree
from mlhub_tui.planning import index_cache as place
from mlhub_tui.planning import layout
from mlhub_tui.planning.filters import Filters
from mlhub_tui.planning.index_cache import IndexKey, archive_validator
from mlhub_tui.planning.selection import Grid, covered, extent, months

from .made import asset, built, collection, item

DOCUMENTS = [
    collection("fields", {"legend": asset("legend.csv")}),
    item("a", bbox=[10, 20, 11, 21], datetime="2020-01-05T00:00:00Z"),
    item("b", bbox=[10, 20, 11, 21], datetime="2020-12-05T00:00:00Z"),
    item("c", bbox=[-1, -1, 0, 0], datetime="2020-12-05T00:00:00Z"),
    item("d", bbox=[10, 20, 12, 21]),
    item("e", datetime="2021-02-05T00:00:00Z"),
    item("f", "trees"),
]


def test_items_are_counted_by_month(tmp_path: Path) -> None:
    days = ["1970-01-01T00:00:00Z", "1969-12-31T23:00:00Z", "0001-01-01T00:00:00Z"]
    documents = [*DOCUMENTS, *(item(day, "days", datetime=day) for day in days)]
    with built(tmp_path / "plan.db", documents) as index:
        found = months(index, Filters(Filters.keys({"fields": []})))
        assert found == {(2020, 1): 1, (2020, 12): 2, (2021, 2): 1}
        assert months(index, Filters(Filters.keys({"trees": []}))) == {}
        early = months(index, Filters(Filters.keys({"days": []})))
        assert list(early) == [(1, 1), (1969, 12), (1970, 1)]


def test_a_grid_counts_the_boxes_over_each_cell(tmp_path: Path) -> None:
    documents = [
        item("a", bbox=[0.5, 0.5, 1.5, 0.6]),
        item("b", bbox=[1.2, 0.2, 1.8, 2.5]),
        item("c", bbox=[0, 0, 9, 9]),
        item("far", bbox=[20, 20, 21, 21]),
        item("above", bbox=[0, 7, 1, 8]),
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
    made = layout.asset_file(key, layout.extension(href))
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


def test_indexes_that_were_not_used_for_longest_make_room() -> None:
    place.folder().mkdir(parents=True)
    for number, name in enumerate(("a.db", "b.db", "c.db.building")):
        (place.folder() / name).write_bytes(bytes(100))
        os.utime(place.folder() / name, (10**9 - number, 10**9 - number))
    (place.folder() / "c.db.lock").write_bytes(b"")

    def left() -> set[str]:
        return {path.name for path in place.folder().iterdir()} - {"c.db.lock"}

    assert (shrink_folder(place.folder(), 300), left()) == (0, {"a.db", "b.db", "c.db.building"})
    assert (shrink_folder(place.folder(), 299, keep="c.db"), len(left())) == (0, 3)
    os.utime(place.folder() / "b.db")
    assert (shrink_folder(place.folder(), 299), left()) == (100, {"a.db", "b.db"})
    assert (shrink_folder(place.folder(), 100), left()) == (100, {"b.db"})
    assert (shrink_folder(place.folder(), -1), left()) == (100, set())


def test_another_version_of_a_dataset_replaces_its_index_and_no_other() -> None:
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


def test_a_twin_is_the_same_file_and_no_other_is_replaced_unasked(tmp_path: Path) -> None:
    tree = OutputTree(tmp_path)
    (tmp_path / "one.tif").write_bytes(b"12345")
    assert tree.duplicate("one.tif", "sub/two.tif") == 5
    assert (tmp_path / "sub/two.tif").samefile(tmp_path / "one.tif")
    assert tree.duplicate("one.tif", "sub/two.tif", replace=True) == 5
    (tmp_path / "three.tif").write_bytes(b"54321")
    assert tree.duplicate("one.tif", "three.tif") == 5
    assert (tmp_path / "three.tif").read_bytes() == b"54321", "of the same size: taken for it"
    (tmp_path / "three.tif").write_bytes(b"1")
    with pytest.raises(FileConflict, match=r"another file three\.tif is there"):
        tree.duplicate("one.tif", "three.tif")
    assert tree.duplicate("one.tif", "three.tif", replace=True) == 5
    assert (tmp_path / "three.tif").read_bytes() == b"12345"
    (tmp_path / "four").mkdir()
    with pytest.raises(FileConflict):
        tree.duplicate("one.tif", "four", replace=True)
    with pytest.raises(OutputFolderError):
        tree.duplicate("missing.tif", "five.tif")
