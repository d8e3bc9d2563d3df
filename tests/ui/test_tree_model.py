"""The rows of the tree: whatever is done to the tree, they are what a walk over the open part finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.ui.catalog.labels import LabelPiece, fitted
from mlhub_tui.ui.catalog.nodes import NodeRow, NoteNode
from mlhub_tui.ui.catalog.tree_model import CatalogTreeModel
from mlhub_tui.ui.terminal.characters import end_length, tail_room


def walk(row: NodeRow) -> list[NodeRow]:
    """Return what is in sight below an open row, the slow way."""
    return [found for child in row.visible for found in (child, *(walk(child) if child.is_open else ()))]


steps = st.lists(
    st.tuples(st.sampled_from(["open", "close", "put", "filter", "lay out"]), st.integers(0, 99)), max_size=40
)


@given(steps)
def test_the_rows_are_what_a_walk_finds(steps_taken: list[tuple[str, int]]) -> None:
    told: list[list[NodeRow]] = []
    model = CatalogTreeModel(told.append)
    known = [model.root]
    for step, number in steps_taken:
        before = model.rows
        row = known[number % len(known)]
        if step == "open":
            model.open(row)
        elif step == "close" and row is not model.root:
            model.close(row)
        elif step == "put":
            fresh = [NodeRow(NoteNode(f"{n}"), foldable=n % 3 > 0) for n in range(number % 5)]
            model.put(row, fresh, start=number % 3)
            known += fresh
        elif step == "filter":
            row.shown = (row.children or [])[::2] if number % 2 else None
        if step in ("filter", "lay out"):
            model.lay_out()
        assert model.rows == walk(model.root)
        assert model.rows is before or told[-1] is before
        assert all(model.line_of(found) == line for line, found in enumerate(model.rows))


def test_a_row_that_is_not_in_sight_has_no_line() -> None:
    model = CatalogTreeModel()
    outer = NodeRow(NoteNode("1"), foldable=True)
    inner = NodeRow(NoteNode("2"))
    model.put(model.root, [outer])
    model.put(outer, [inner])
    assert model.line_of(inner) is None
    model.open(outer)
    assert model.line_of(inner) == 1


@pytest.mark.slow
def test_a_catalog_may_be_nested_deeper_than_python_recurses() -> None:
    model = CatalogTreeModel()
    row = model.root
    for depth in range(2_000):
        child = NodeRow(NoteNode(f"{depth}"), foldable=True)
        model.put(row, [child])
        model.open(child)
        row = child
    assert len(model.rows) == 2_000
    model.close(model.rows[0])
    model.open(model.rows[0])
    model.lay_out()
    assert len(model.rows) == 2_000
    assert model.rows[-1].depth == 1_999


@given(st.text("abc漢字 ", max_size=30), st.integers(2, 20), st.integers(0, 25), st.integers(0, 30))
def test_a_label_is_cut_to_the_room_there_is(text: str, room: int, tail: int, at: int) -> None:
    pieces = fitted([LabelPiece(text[:at]), LabelPiece(text[at:], "found")], room, min(tail, len(text)))
    shown = "".join(piece.text for piece in pieces)
    width = sum(2 if letter in "漢字" else 1 for letter in shown)
    assert width <= room
    if text.isascii() and len(text) > room and tail <= room - 2:
        assert shown == f"{text[: room - 1 - tail]}…{text[len(text) - tail :]}"


NAMES = [
    "dlr_fusion_competition_germany_train_source_planet",
    "dlr_fusion_competition_germany_test_source_planet",
]


@pytest.mark.parametrize(
    ("names", "room", "shown"),
    [
        (NAMES, 31, ["dlr_fusion_…train_source_planet", "dlr_fusion_c…test_source_planet"]),
        (
            ["s" * 20 + "_2018_" + "x" * 40, "s" * 20 + "_2019_" + "x" * 40],
            20,
            ["…2018_xxxxxxxxxx…xxx", "…2019_xxxxxxxxxx…xxx"],
        ),
        (["short", "another"], 20, ["short", "another"]),
        (["a" * 30 + "_one", "b" * 30 + "_one"], 20, ["aaaaaaaaaaaa…aaa_one", "bbbbbbbbbbbb…bbb_one"]),
        (["prefix_of_the_other" + "y" * 30, "y" * 30], 20, ["prefix_of_th…yyyyyyy", "yyyyyyyyyyyy…yyyyyyy"]),
    ],
)
def test_siblings_that_are_cut_look_different(names: list[str], room: int, shown: list[str]) -> None:
    cut = [fitted([LabelPiece(name)], room, end_length(name, names, room, tail_room(room))) for name in names]
    assert ["".join(piece.text for piece in pieces) for pieces in cut] == shown
