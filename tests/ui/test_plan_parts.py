"""The parts of the plan that draw nothing: what is ticked, what is typed, the pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlhub_tui.planning.index import CollectionFacts
from mlhub_tui.planning.selection import Amount, Counts
from mlhub_tui.ui.map.plan_pictures import PlanMap, edges, map_rows, month_bins, picture
from mlhub_tui.ui.search_criteria import read, read_area
from mlhub_tui.ui.widgets.plan_tree import PlanSelection, reading_words, sizes, totals

FACTS = (
    CollectionFacts("a", 3, ("x", "y"), ()),
    CollectionFacts("b", 3, ("x",), ("legend",)),
    CollectionFacts("c", 0, (), ("legend",)),
)


def test_everything_is_ticked_at_first_and_that_needs_no_names() -> None:
    assert PlanSelection(FACTS).wanted == ()


def test_some_collections_may_be_ticked_at_first_and_unknown_ones_do_not_count() -> None:
    assert PlanSelection(FACTS, ("b", "gone")).wanted == (("b", frozenset()),)
    assert PlanSelection(FACTS, ("gone",)).wanted == ()


def test_a_key_is_unticked_in_its_own_collection() -> None:
    ticks = PlanSelection(FACTS)
    ticks.toggle("a", "x")
    assert (ticks.box("a"), ticks.box("a", "x"), ticks.box("b", "x")) == ("[-]", "[ ]", "[x]")
    assert dict(ticks.wanted) == {"a": frozenset({"y"}), "b": frozenset(), "c": frozenset()}
    ticks.toggle("a", "y")
    assert ticks.box("a") == "[ ]"
    assert "a" not in dict(ticks.wanted)
    ticks.toggle("a")
    assert ticks.wanted == ()


def test_a_key_is_unticked_everywhere_at_once() -> None:
    ticks = PlanSelection(FACTS)
    ticks.toggle_key("x")
    assert dict(ticks.wanted) == {"a": frozenset({"y"}), "c": frozenset()}
    ticks.toggle_key("x")
    assert ticks.wanted == ()


def test_all_or_nothing() -> None:
    ticks = PlanSelection(FACTS)
    ticks.toggle("c")
    ticks.toggle_all()
    assert ticks.wanted == ()
    ticks.toggle_all()
    assert ticks.none


@pytest.mark.parametrize("typed", ["1 2 3 4", "[1, 2, 3, 4]", "bbox=1,2,3,4", "1,2,0,3,4,9"])
def test_a_box_is_read_however_it_was_pasted(typed: str) -> None:
    box = read_area(typed).value
    assert (box.west, box.south, box.east, box.north) == (1, 2, 3, 4)


def test_geojson_is_read_from_the_field_itself() -> None:
    area = read_area('{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}')
    assert area.value == {"type": "Point", "coordinates": [1, 2]}
    assert area.words == "Point of GeoJSON"


@pytest.mark.parametrize("typed", ["{}", '{"type": "Topology"}', "{" * 3000, "~nobody-at-all/a.json", "/"])
def test_what_is_no_area_is_refused_with_a_reason(typed: str) -> None:
    reading = read_area(typed)
    assert reading.bad and reading.words


def test_a_file_is_found_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"type": "Point", "coordinates": [1, 2]}')
    assert read_area(f" {file} ").words == "Point of a.json"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("2018-04-25", "2018-04-25"),
        ("2018-04", "2018-04-01 to 2018-04-30"),
        ("2018/..", "2018-01-01 to open"),
    ],
)
def test_how_a_time_was_understood_is_said(typed: str, words: str) -> None:
    assert read("datetime", typed).words == words


def test_bytes_that_are_not_known_are_never_hidden() -> None:
    assert sizes(Amount(3, 2_000_000, 0)) == "2.0 MB"
    assert sizes(Amount(3, 2_000_000, 1)) == "2.0 MB + 1 of unknown size"
    assert sizes(Amount(3, 0, 3)) == "of unknown size"
    assert sizes(Amount(), short=True) == ""
    assert totals(Counts({"a": Amount(1, 5, 0)})) == "1 file · 5 B · 0 items"


def test_the_reading_says_how_far_it_is() -> None:
    assert reading_words("the catalog", 0, None) == "the catalog…"
    assert reading_words("the catalog", 1_000_000, 4_000_000) == "the catalog: 1.0 MB of 4.0 MB, 25 %"


def test_the_map_has_dots_for_the_selection_and_points_for_the_rest() -> None:
    plain = PlanMap.around((0, 0, 40, 24), 20, 6)
    lines = replace(plain, everything=plain.cells({(0, 0): 1, (39, 23): 1})).draw({(0, 0): 5})
    assert [len(line) for line in lines] == [20] * 6
    assert 0x2800 < ord(lines[-1].strip()[0]) < 0x2900, "west and south are at the lower left"
    assert lines[0].strip() == "·", "what is not selected is there all the same"


def test_an_empty_selection_is_an_empty_map() -> None:
    assert PlanMap.around((0, 0, 1, 1), 4, 2).draw({}) == ["    ", "    "]


def test_the_edges_of_a_map_are_written_as_people_write_them() -> None:
    assert edges((-180, -60, 180, 81)) == "180°W to 180°E, 60°S to 81°N"
    assert edges((179.5, -1, 181.25, 0)) == "179.50°E to 178.75°W, 1.00°S to 0.00°"


def test_the_histogram_keeps_its_axis_when_less_is_selected() -> None:
    everything = {(2018, month): 10 for month in range(1, 13)}
    bins = month_bins({(2018, 12): 4}, everything, 24)
    assert bins is not None
    assert bins.counts == (0,) * 11 + (4,)
    assert (str(bins.start(0)), str(bins.end(11))) == ("2018-01-01", "2018-12-31")


def test_centuries_fit_into_a_few_columns() -> None:
    bins = month_bins({(1, 1): 1, (9999, 12): 1}, {}, 10)
    assert bins is not None
    assert len(bins.counts) <= 10 and (bins.counts[0], bins.counts[-1]) == (1, 1)


@pytest.mark.parametrize("size", [(40, 20), (40, 6), (1, 1)])
def test_a_picture_fits_its_room_or_does_without_the_map(size: tuple[int, int]) -> None:
    found = {(2018, 1): 3}
    rows = map_rows(found, size[1])
    drawn = picture(found, found, [" "] * rows, "here", size)
    assert len(drawn) <= max(size[1], 5)
    assert "When: 2018-01" in [text for text, _ in drawn]
