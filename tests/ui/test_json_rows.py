"""Rows, folding and search of any JSON, held against plain ways to say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlhub_tui.ui.terminal.characters import safe
from mlhub_tui.ui.widgets.json_lines import JsonLines, leaf, pattern

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=10) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=40,
)


def printed(rows: JsonLines) -> str:
    """Return rows as JSON on lines."""
    lines: list[str] = []
    for row, (key, value, end) in enumerate(zip(rows.keys, rows.values, rows.ends, strict=True)):
        start = f"{json.dumps(key)}: " if isinstance(key, str) else ""
        comma = "" if rows.is_last(row) else ","
        if end < row:
            text = ("}" if isinstance(rows.values[end], dict) else "]") + comma
        elif rows.opens(row):
            text = "{" if isinstance(value, dict) else "["
        else:
            text = json.dumps(value) + comma
        lines.append("  " * rows.depths[row] + start + text)
    return "\n".join(lines)


def folded(lines: JsonLines, row: int) -> str:
    """Return what stands in the line of a row, without its comma."""
    number = lines.line_of(row)
    assert number is not None
    return lines.line(number).text.removesuffix(",")


@pytest.mark.slow
@given(documents)
def test_rows_are_the_lines_of_the_document_as_written_out(document: Any) -> None:
    assert printed(JsonLines(document)) == json.dumps(document, indent=2)


@given(documents)
def test_a_path_leads_to_the_value_of_its_row(document: Any) -> None:
    rows = JsonLines(document)
    for row in range(len(rows.keys)):
        value = document
        for step in [rows.keys[r] for r in reversed([row, *rows.above(row)])][1:] if row else []:
            if rows.start(row) == row:
                value = value[step]
        if rows.start(row) == row:
            assert value is rows.values[row]


def test_a_path_is_written_as_jsonpath() -> None:
    rows = JsonLines({"properties": {"eo:bands": [{"name": "B04"}]}})
    assert rows.path(4) == '$.properties["eo:bands"][0].name'
    assert rows.path(0) == "$"
    assert rows.path(len(rows.keys) - 1) == "$", "what ends is where it starts"
    assert rows.path(5) == '$.properties["eo:bands"][0]'


def test_a_document_of_any_depth_is_laid_out() -> None:
    nested: list[object] = []
    for _ in range(50_000):
        nested = [nested]
    rows = JsonLines(nested)
    assert len(rows.keys) == 100_001
    assert max(rows.depths) == 50_000
    rows.fit(60)
    rows.fold(0)
    assert folded(rows, 0) == "[…] 1 entry"
    assert len(rows.search(pattern("[]"))) == 1


def test_what_is_too_much_is_cut_and_said_to_be() -> None:
    rows = JsonLines({"a": list(range(1000)), "b": 1}, most=50)
    rows.fit(60)
    assert rows.is_cut
    assert len(rows) == len(rows.keys) < 60
    texts = [rows.line(number).text for number in range(len(rows))]
    assert sum("there is more than can be shown" in text for text in texts) == 1
    assert rows.ends[0] == len(rows) - 1


def seen(lines: JsonLines, closed: set[int]) -> list[tuple[int, int]]:
    """Return what is in sight, found in the plain way."""
    found: list[tuple[int, int]] = []
    row = 0
    while row < len(lines.keys):
        found += [(row, part) for part in range(max(len(lines.text_parts(row)), 1))]
        row = (lines.ends[row] if row in closed else row) + 1
    return found


@pytest.mark.slow
@settings(max_examples=60)
@given(documents, st.data())
def test_folding_leaves_in_sight_what_is_in_nothing_folded(document: Any, data: st.DataObject) -> None:
    lines = JsonLines(document)
    lines.fit(8)
    closed = {row for row in range(len(lines.keys)) if lines.is_folded(row)}
    for _ in range(data.draw(st.integers(0, 12))):
        row = data.draw(st.integers(0, len(lines.keys) - 1))
        match data.draw(st.sampled_from(["fold", "unfold", "text", "reveal", "all", "none"])):
            case "fold":
                if lines.opens(row):
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
                lines.unfold(*lines.above(row))
                closed -= set(lines.above(row))
                assert lines.line_of(lines.start(row)) is not None
            case "all":
                lines.unfold_all()
                closed = set()
            case _:
                lines.fold_all()
                closed = {r for r in range(1, len(lines.keys)) if lines.opens(r)}
        assert list(zip(lines.lines, lines.parts, strict=True)) == seen(lines, closed)
    for row in range(len(lines.keys)):
        place = lines.line_of(row)
        assert (place is None) == (row not in lines.lines)
        assert place is None or (lines.lines[place], lines.parts[place]) == (row, 0)


def test_short_arrays_of_numbers_begin_on_one_line() -> None:
    lines = JsonLines({"bbox": [1.5, 2.5, 3.5, 4.5], "many": list(range(20)), "nested": [[1, 2], [3, 4]]})
    lines.fit(80)
    words = [folded(lines, row) for row in lines.lines if lines.is_folded(row)]
    assert words == ["[1.5, 2.5, 3.5, 4.5]", "[1, 2]", "[3, 4]"]
    assert not lines.is_folded(0)


@given(documents, st.integers(26, 80))
def test_what_is_folded_is_written_whole_or_counted(document: Any, width: int) -> None:
    if isinstance(document, dict | list) and document:
        lines, whole = JsonLines(document), json.dumps(document, ensure_ascii=False)
        lines.fit(width)
        lines.fold(0)
        text = folded(lines, 0)
        if safe(whole) == whole:
            noun = "field" if isinstance(document, dict) else "entr"
            assert text == whole if len(whole) <= width - 2 else f" {len(document)} {noun}" in text


@given(documents, st.text(min_size=1, max_size=3))
def test_search_finds_every_row_that_shows_what_is_wanted(document: Any, words: str) -> None:
    rows, wanted = JsonLines(document), pattern(words)
    found = list(rows.search(wanted))
    assert found == sorted(set(found))
    for row, (key, value, end) in enumerate(zip(rows.keys, rows.values, rows.ends, strict=True)):
        texts = [key] if isinstance(key, str) else []
        if end == row:
            texts.append(value if isinstance(value, str) else leaf(value))
        if all(text.isascii() and text.isprintable() for text in texts):
            assert (row in found) == any(wanted.search(text) for text in texts)


def test_search_ends_where_nobody_waits_for_it() -> None:
    rows = JsonLines(["x"] * 20_000)
    assert len(rows.search(pattern("x"))) == 20_000
    assert len(rows.search(pattern("x"), lambda: True)) == 0


def test_keys_in_addresses_are_neither_shown_nor_found() -> None:
    rows = JsonLines({"href": "https://user:word@x.example/a?key=stolen-key&b=1"})
    assert "stolen" not in leaf(rows.values[1])
    assert "word" not in leaf(rows.values[1])
    assert not rows.search(pattern("stolen"))
    assert rows.search(pattern("x.example"))


@given(st.text())
def test_what_is_written_may_reach_a_terminal(text: str) -> None:
    lines = JsonLines([text, {text: text}])
    lines.fit(100)
    lines.fold(0)
    for shown_text in (leaf(text), folded(lines, 0)):
        assert shown_text.isprintable() or not set(shown_text) & set("\x1b\x07\x9b\u202e\n\r")


def test_a_number_of_any_length_is_written_or_left_out() -> None:
    assert leaf(10**400) == "1" + "0" * 400
    assert leaf(10**5000) == "…"
    assert leaf(float("inf")) == "Infinity"


@pytest.mark.parametrize("file", ["datasets.json", "collections.json", "models.json"])
def test_recorded_documents_are_laid_out_as_they_are(recorded: Path, file: str) -> None:
    document = json.loads((recorded / file).read_text())
    lines = JsonLines(document)
    rows = len(json.dumps(document, indent=2).splitlines())
    lines.fold_all()
    assert len(lines) < 200
    lines.unfold_all()
    assert len(lines) == rows
