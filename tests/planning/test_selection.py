"""Selections are what a naive look at every item would find, whatever the catalog and the filters are."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlhub_tui.errors import InvalidSearch
from mlhub_tui.models import BBox
from mlhub_tui.models.search import Span, parse_span
from mlhub_tui.planning.filters import Filters, NoShapely
from mlhub_tui.planning.index import Index
from mlhub_tui.planning.layout import COMMON_KEYS, namesake_folder
from mlhub_tui.planning.selection import Amount, count_files, files, months

from .made import Json, asset, built, collection, item

DAY = datetime(2020, 1, 1, tzinfo=UTC)
KEYS = ("B01", "B02", "documentation", "labels")
COLLECTIONS = ("fields", "trees", "void")

longitudes = st.integers(-180, 180).map(float)
latitudes = st.integers(-90, 90).map(float)
sides = st.sampled_from([0.0, 1.0, 5.0, 40.0])
days = st.integers(0, 40)


@st.composite
def boxes(draw: st.DrawFn) -> list[float] | None:
    if draw(st.integers(0, 7)) == 0:
        return None
    west, south = draw(longitudes), draw(latitudes)
    east, north = west + draw(sides), min(90.0, south + draw(sides))
    return [west, south, east - 360 if east > 180 else east, north]


@st.composite
def times(draw: st.DrawFn) -> dict[str, Any]:
    kind, first = draw(st.integers(0, 4)), DAY + timedelta(days=draw(days), hours=draw(st.integers(0, 23)))
    last = first + timedelta(days=draw(st.integers(0, 9)))
    if kind == 0:
        return {"datetime": None}
    if kind == 1:
        return {"datetime": None, "start_datetime": first.isoformat(), "end_datetime": last.isoformat()}
    if kind == 2:
        return {"datetime": None, "start_datetime": first.isoformat()}
    return {"datetime": first.isoformat()}


@st.composite
def catalogs(draw: st.DrawFn) -> list[Json]:
    documents: list[Json] = [collection("fields", {"legend": asset("legend.csv")}), collection("void")]
    for number in range(draw(st.integers(0, 30))):
        keys = draw(st.sets(st.sampled_from(KEYS)))
        sizes = draw(st.sampled_from([{}, {"file:size": number}]))
        assets = {key: asset(f"{number}/{key}.tif", **sizes) for key in sorted(keys)}
        identity = draw(st.sampled_from([f"item-{number}", f"item-{number % 3}"]))
        where = draw(st.sampled_from(COLLECTIONS[:2]))
        documents.append(item(identity, where, bbox=draw(boxes()), assets=assets, **draw(times())))
    return documents


@st.composite
def wishes(draw: st.DrawFn) -> Filters:
    wanted = draw(
        st.dictionaries(st.sampled_from(COLLECTIONS), st.sets(st.sampled_from(KEYS), max_size=2), max_size=2)
    )
    box = draw(st.none() | boxes())
    span = None
    if draw(st.booleans()):
        start, end = sorted((draw(days), draw(days)))
        ends = [DAY + timedelta(days=start), DAY + timedelta(days=end)]
        span = Span(*(draw(st.sampled_from([moment, None])) for moment in ends))
    return Filters(Filters.keys(wanted), BBox.parse(box), when=span)


def stretches(box: list[float]) -> list[tuple[float, float]]:
    west, _, east, _ = box
    return [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]


def touch(one: list[float] | None, other: list[float] | None) -> bool:
    if one is None or other is None:
        return other is None
    if one[1] > other[3] or other[1] > one[3]:
        return False
    return any(a <= d and c <= b for a, b in stretches(one) for c, d in stretches(other))


def then(properties: Json, span: Span | None) -> bool:
    single = properties.get("datetime")
    first, last = single or properties.get("start_datetime"), single or properties.get("end_datetime")
    if span is None or (first is None and last is None):
        return True
    started = span.end is None or first is None or datetime.fromisoformat(first) <= span.end
    return started and (span.start is None or last is None or datetime.fromisoformat(last) >= span.start)


def folders_of(documents: list[Json]) -> list[str]:
    """Return the folder of each document: the id, and another one for other assets of the same id."""
    first: dict[tuple[str, str], str] = {}
    folders = []
    for document in documents:
        own = {k: e for k, e in document.get("assets", {}).items() if k not in COMMON_KEYS}
        hrefs = "\n".join(entry["href"] for entry in own.values())
        place = (document.get("collection", ""), document["id"])
        plain = not hrefs or first.setdefault(place, hrefs) == hrefs
        folders.append(document["id"] if plain else namesake_folder(document["id"], hrefs))
    return folders


def expected(documents: list[Json], filters: Filters) -> dict[str, str]:
    """Return the hrefs by save path, found by looking at every document."""
    wanted, found = dict(filters.collections), dict[str, str]()
    box = None
    if filters.bbox is not None:
        box = [filters.bbox.west, filters.bbox.south, filters.bbox.east, filters.bbox.north]
    folders, shared = folders_of(documents), dict[str, str]()
    for document, folder in zip(documents, folders, strict=True):
        whole = document["type"] == "Collection"
        where = document["id"] if whole else document["collection"]
        for key in COMMON_KEYS & document.get("assets", {}).keys():
            shared.setdefault(f"{where}/{key}", document["assets"][key]["href"])
        if wanted and where not in wanted:
            continue
        if not whole and not (
            touch(document.get("bbox"), box) and then(document["properties"], filters.when)
        ):
            continue
        for key, entry in document.get("assets", {}).items():
            if not whole and wanted.get(where) and key not in wanted[where]:
                continue
            middle = "" if whole else "_common/" if key in COMMON_KEYS else f"{folder}/"
            ending = ".csv" if whole else ".tif"
            href = shared.get(f"{where}/{key}", entry["href"])
            found.setdefault(f"{where}/{middle}{key}{ending}", href)
    return found


@contextmanager
def indexed(documents: list[Json]) -> Iterator[Index]:
    with tempfile.TemporaryDirectory() as folder, built(Path(folder) / "plan.db", documents) as index:
        yield index


@settings(max_examples=30)
@given(catalogs(), st.lists(wishes(), min_size=4, max_size=8))
def test_files_and_counts_are_those_of_a_naive_look(documents: list[Json], asked: list[Filters]) -> None:
    with indexed(documents) as index:
        for filters in asked:
            oracle = expected(documents, filters)
            found = list(files(index, filters))
            assert {file.path: file.href for file in found} == oracle
            counts = count_files(index, filters)
            assert counts.all.files == len(found)
            assert counts.empty == (not oracle)
            for (name, key), amount in counts.keys.items():
                assert amount.files == sum(1 for f in found if f.collection == name and f.key == key)
            in_time = sum(months(index, filters).values()) + counts.timeless
            assert in_time == sum(items.all for items in counts.items.values())
            by_collection = {n: sum(f.collection == n for f in found) for n in counts.collections}
            assert {n: amount.files for n, amount in counts.collections.items()} == by_collection


@settings(max_examples=15)
@given(catalogs(), st.lists(wishes(), min_size=2, max_size=6))
def test_bytes_are_those_of_the_files(documents: list[Json], asked: list[Filters]) -> None:
    # The same item twice may state two sizes for one path: then it is the first of all that counts.
    unique = {(d.get("collection"), d["id"]): d for d in documents}
    documents = [d for d in unique.values() if "documentation" not in d.get("assets", {})]
    with indexed(documents) as index:
        for filters in asked:
            found = list(files(index, filters))
            known = [file.size for file in found if file.size is not None]
            amount = count_files(index, filters).all
            assert (amount.known, amount.unknown) == (sum(known), len(found) - len(known))
            assert amount.bytes == (None if amount.unknown else amount.known)


SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]}
POINT = {"type": "Point", "coordinates": [60, 60]}


def test_a_geometry_is_tested_against_boxes_and_exactly_only_when_asked(tmp_path: Path) -> None:
    corner = {"type": "Polygon", "coordinates": [[[10, 10], [20, 20], [20, 10], [10, 10]]]}
    documents = [item("corner", bbox=[10, 10, 20, 20], geometry=corner)]
    above = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [12, 18]}, "properties": {}}
    with built(tmp_path / "plan.db", documents) as index:
        assert [file.item for file in files(index, Filters(intersects=above))] == ["corner"]
        pytest.importorskip("shapely")
        assert list(files(index, Filters(intersects=above, exact=True))) == []
        assert list(files(index, Filters(bbox=BBox(11, 16, 13, 18), exact=True))) == []
        assert len(list(files(index, Filters(bbox=BBox(18, 11, 19, 13), exact=True)))) == 1
        assert count_files(index, Filters(intersects=above, exact=True)).no_items


def test_without_shapely_the_box_of_an_area_counts_and_the_exact_test_says_what_to_install(
    tmp_path: Path, without_shapely: None
) -> None:
    documents = [
        item("in", bbox=[0, 0, 1, 1]),
        item("off", bbox=[8, 8, 9, 9]),
        item("across", bbox=[179, 0, -179, 1]),
    ]
    triangle = {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [0, 10], [0, 0]]]}
    beyond = {"type": "Point", "coordinates": [-179.5, 0.5]}
    with built(tmp_path / "plan.db", documents) as index:
        assert [file.item for file in files(index, Filters(intersects=triangle))] == ["in", "off"]
        assert [file.item for file in files(index, Filters(intersects=beyond))] == ["across"]
        with pytest.raises(NoShapely, match="needs shapely") as caught:
            list(files(index, Filters(bbox=BBox(0, 0, 1, 1), exact=True)))
    assert "mlhub-tui[geometry]" in caught.value.hint


@pytest.mark.parametrize(
    "wanted",
    [
        SQUARE,
        {"type": "Feature", "properties": None, "geometry": SQUARE},
        {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "geometry": SQUARE, "properties": {}},
                {"type": "Feature", "geometry": POINT, "properties": {}},
            ],
        },
        {"type": "GeometryCollection", "geometries": [SQUARE, {"type": "Point", "coordinates": [60, 60]}]},
    ],
)
def test_any_geojson_will_do(tmp_path: Path, wanted: Json) -> None:
    documents = [item("in", bbox=[1, 1, 2, 2]), item("far", bbox=[40, 40, 41, 41]), item("nowhere")]
    with built(tmp_path / "plan.db", documents) as index:
        assert {file.item for file in files(index, Filters(intersects=wanted))} == {"in"}
        assert count_files(index, Filters(intersects=wanted)).placeless == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"type": "Topology"},
        {"type": "FeatureCollection", "features": []},
        {"type": "Polygon"},
        "POINT(1 2)",
    ],
)
def test_what_is_no_geojson_is_refused_in_one_line(tmp_path: Path, wrong: Any) -> None:
    with (
        built(tmp_path / "plan.db", [item("a", bbox=[0, 0, 1, 1])]) as index,
        pytest.raises(InvalidSearch) as caught,
    ):
        count_files(index, Filters(intersects=wrong))
    assert "\n" not in caught.value.message
    assert "GeoJSON" in caught.value.hint


def test_an_area_is_given_once_and_the_right_way_up() -> None:
    with pytest.raises(InvalidSearch, match="twice"):
        Filters(bbox=BBox(0, 0, 1, 1), intersects={"type": "Point", "coordinates": [0, 0]})
    with pytest.raises(InvalidSearch, match="upside down"):
        Filters(bbox=BBox(0, 5, 1, 1))


def test_a_box_across_the_antimeridian_finds_both_sides_and_items_that_cross_it(tmp_path: Path) -> None:
    documents = [
        item("east", bbox=[175, 0, 176, 1]),
        item("west", bbox=[-176, 0, -175, 1]),
        item("across", bbox=[179, 0, -179, 1]),
        item("greenwich", bbox=[-1, 0, 1, 1]),
        item("high", bbox=[170, 0, 100, 171, 1, 200]),
        item("before", bbox=[172, 0, 173, 1]),
        item("after", bbox=[-173, 0, -172, 1]),
        item("wide", bbox=[150, 10, -177, 11]),
    ]
    with built(tmp_path / "plan.db", documents) as index:

        def found(*numbers: float) -> set[str | None]:
            return {file.item for file in files(index, Filters(bbox=BBox(*numbers)))}

        assert found(174, -5, -174, 5) == {"east", "west", "across"}
        assert found(-178, 10, -150, 11) == {"wide"}
        assert found(-176.5, 10, -150, 11) == set()
        assert found(-180, -5, -179.5, 5) == {"across"}
        assert found(179.5, -5, 180, 5) == {"across"}
        assert found(170.5, 0, 170.6, 1) == {"high"}


def test_a_typed_day_is_all_of_the_day(tmp_path: Path) -> None:
    documents = [
        item("first", datetime="2020-02-01T00:00:00Z"),
        item("last", datetime="2020-02-01T23:59:59.999999Z"),
        item("next", datetime="2020-02-02T00:00:00Z"),
        item("zone", datetime="2020-02-02T01:00:00+02:00"),
        item("never", datetime="soon"),
    ]
    with built(tmp_path / "plan.db", documents) as index:
        filters = Filters(when=parse_span("2020-02-01"))
        assert {file.item for file in files(index, filters)} == {"first", "last", "zone", "never"}
        counts = count_files(index, filters)
        assert (counts.items["fields"].all, counts.items["fields"].timeless) == (4, 1)


def test_zero_matches_and_nothing_but_own_assets_are_two_answers(tmp_path: Path) -> None:
    documents = [collection("fields", {"legend": asset("legend.csv")}), item("a", bbox=[0, 0, 1, 1])]
    with built(tmp_path / "plan.db", documents) as index:
        far = count_files(index, Filters(bbox=BBox(50, 50, 51, 51)))
        assert (far.empty, far.no_items, far.all) == (False, True, Amount(1, 0, 1))
        none = count_files(index, Filters(Filters.keys({"nothing": []})))
        assert (none.empty, none.no_items) == (True, True)
        only = count_files(index, Filters(catalog_only=True))
        assert only.all.files == 0
        assert list(files(index, Filters(catalog_only=True))) == []
