"""Rows, folding and search of any JSON, held against plain ways to say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlhub_tui.ui.json.json_lines import JsonLines
from mlhub_tui.ui.json.json_rows import (
    CUT,
    END,
    OBJECT,
    Rows,
    folded,
    leaf,
    name,
    path,
    pattern,
    safe,
    search,
)

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=10) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=40,
)


def printed(rows: Rows) -> str:
    """Return rows as JSON on lines."""
    lines: list[str] = []
    for row, kind in enumerate(rows.kinds):
        key = rows.keys[row]
        start = f"{json.dumps(key)}: " if isinstance(key, str) else ""
        comma = "" if rows.is_last(row) else ","
        if kind == END:
            text = ("}" if rows.kinds[rows.ends[row]] == OBJECT else "]") + comma
        elif rows.opens(row):
            text = "{" if kind == OBJECT else "["
        else:
            text = json.dumps(rows.values[row]) + comma
        lines.append("  " * rows.depths[row] + start + text)
    return "\n".join(lines)


@pytest.mark.slow
@given(documents)
def test_rows_are_the_lines_of_the_document_as_written_out(document: Any) -> None:
    assert printed(Rows(document)) == json.dumps(document, indent=2)


@given(documents)
def test_a_path_leads_to_the_value_of_its_row(document: Any) -> None:
    rows = Rows(document)
    for row in range(len(rows)):
        value = document
        for step in [rows.keys[r] for r in reversed([row, *rows.above(row)])][1:] if row else []:
            if rows.kinds[row] != END:
                value = value[step]
        if rows.kinds[row] != END:
            assert value is rows.values[row]


def test_a_path_is_written_as_jsonpath() -> None:
    rows = Rows({"properties": {"eo:bands": [{"name": "B04"}]}})
    assert path(rows, 4) == '$.properties["eo:bands"][0].name'
    assert path(rows, 0) == "$"
    assert path(rows, len(rows) - 1) == "$", "what ends is where it starts"
    assert path(rows, 5) == '$.properties["eo:bands"][0]'


def test_a_document_of_any_depth_is_laid_out() -> None:
    nested: list[object] = []
    for _ in range(50_000):
        nested = [nested]
    rows = Rows(nested)
    assert len(rows) == 100_001
    assert max(rows.depths) == 50_000
    assert folded(nested, 60) == "[…] 1 entry"
    assert len(search(rows, pattern("[]"))) == 1


def test_what_is_too_much_is_cut_and_said_to_be() -> None:
    rows = Rows({"a": list(range(1000)), "b": 1}, most=50)
    assert rows.is_cut
    assert len(rows) < 60
    assert rows.kinds.count(CUT) == 1
    assert rows.ends[0] == len(rows) - 1
    assert len(JsonLines(rows)) == len(rows)


def seen(lines: JsonLines, closed: set[int]) -> list[tuple[int, int]]:
    """Return what is in sight, found in the plain way."""
    rows, found, row = lines.rows, [], 0
    while row < len(rows):
        found += [(row, part) for part in range(max(len(lines.text_parts(row)), 1))]
        row = (rows.ends[row] if row in closed else row) + 1
    return found


@pytest.mark.slow
@settings(max_examples=60)
@given(documents, st.data())
def test_folding_leaves_in_sight_what_is_in_nothing_folded(document: Any, data: st.DataObject) -> None:
    rows = Rows(document)
    lines = JsonLines(rows)
    lines.fit(8)
    closed = {row for row in range(len(rows)) if lines.is_folded(row)}
    for _ in range(data.draw(st.integers(0, 12))):
        row = data.draw(st.integers(0, len(rows) - 1))
        match data.draw(st.sampled_from(["fold", "unfold", "text", "reveal", "all", "none"])):
            case "fold":
                if rows.opens(row):
                    closed.add(row)
                lines.fold(row)
                assert not lines.shows_text(row)
            case "unfold":
                lines.unfold(row)
                closed.discard(row)
            case "text":
                if lines.is_long(row):
                    lines.show_text(row)
                    assert lines.shows_text(row)
            case "reveal":
                lines.reveal(row)
                closed -= set(rows.above(row))
                assert lines.line_of(rows.start(row)) is not None
            case "all":
                lines.unfold_all()
                closed = set()
            case _:
                lines.fold_all()
                closed = {r for r in range(1, len(rows)) if rows.opens(r)}
        assert list(zip(lines.lines, lines.parts, strict=True)) == seen(lines, closed)
    for row in range(len(rows)):
        place = lines.line_of(row)
        assert (place is None) == (row not in lines.lines)
        assert place is None or (lines.lines[place], lines.parts[place]) == (row, 0)


def test_short_arrays_of_numbers_begin_on_one_line() -> None:
    rows = Rows({"bbox": [1.5, 2.5, 3.5, 4.5], "many": list(range(20)), "nested": [[1, 2], [3, 4]]})
    lines = JsonLines(rows)
    words = [folded(rows.values[row], 60) for row in lines.lines if lines.is_folded(row)]
    assert words == ["[1.5, 2.5, 3.5, 4.5]", "[1, 2]", "[3, 4]"]
    assert not lines.is_folded(0)


@given(documents, st.integers(0, 80))
def test_what_is_folded_is_written_whole_or_counted(document: Any, room: int) -> None:
    if isinstance(document, dict | list) and document:
        text, whole = folded(document, room), json.dumps(document, ensure_ascii=False)
        if safe(whole) == whole:
            noun = "field" if isinstance(document, dict) else "entr"
            assert text == whole if len(whole) <= room else f" {len(document)} {noun}" in text


@given(documents, st.text(min_size=1, max_size=3))
def test_search_finds_every_row_that_shows_what_is_wanted(document: Any, words: str) -> None:
    rows, wanted = Rows(document), pattern(words)
    found = list(search(rows, wanted))
    assert found == sorted(set(found))
    for row in range(len(rows)):
        key, value = rows.keys[row], rows.values[row]
        texts = [key] if isinstance(key, str) else []
        if not rows.opens(row) and rows.kinds[row] != END:
            texts.append(value if isinstance(value, str) else leaf(value))
        if all(text.isascii() and text.isprintable() for text in texts):
            assert (row in found) == any(wanted.search(text) for text in texts)


def test_search_ends_where_nobody_waits_for_it() -> None:
    rows = Rows(["x"] * 20_000)
    assert len(search(rows, pattern("x"))) == 20_000
    assert len(search(rows, pattern("x"), lambda: True)) == 0


def test_keys_in_addresses_are_neither_shown_nor_found() -> None:
    rows = Rows({"href": "https://user:word@x.example/a?key=stolen-key&b=1"})
    assert "stolen" not in leaf(rows.values[1])
    assert "word" not in leaf(rows.values[1])
    assert not search(rows, pattern("stolen"))
    assert search(rows, pattern("x.example"))


@given(st.text())
def test_what_is_written_may_reach_a_terminal(text: str) -> None:
    for shown_text in (leaf(text), name(text), folded([text], 100)):
        assert shown_text.isprintable() or not set(shown_text) & set("\x1b\x07\x9b\u202e\n\r")


def test_a_number_of_any_length_is_written_or_left_out() -> None:
    assert leaf(10**400) == "1" + "0" * 400
    assert leaf(10**5000) == "…"
    assert leaf(float("inf")) == "Infinity"


@pytest.mark.parametrize("file", ["datasets.json", "collections.json", "models.json"])
def test_recorded_documents_are_laid_out_as_they_are(recorded: Path, file: str) -> None:
    document = json.loads((recorded / file).read_text())
    rows = Rows(document)
    assert len(rows) == len(json.dumps(document, indent=2).splitlines())
    lines = JsonLines(rows)
    lines.fold_all()
    assert len(lines) < 200
    lines.unfold_all()
    assert len(lines) == len(rows)
