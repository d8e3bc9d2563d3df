"""Lists of items in files of any size: what is read item by item is what is read at once."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.errors import InvalidSearch, UnexpectedAnswer
from mlhub_tui.http.json_document import json_in
from mlhub_tui.sources.documents import ItemList, document_of, only
from mlhub_tui.sources.static.document_urls import file_url
from mlhub_tui.sources.static.item_lists import ItemCatalog, is_large
from tests.support.paged_api import items


def some() -> list[Any]:
    """Return entries as people have them: of several collections, numbers for ids, and what is none."""
    first, second, third, fourth = items(4, bbox=[1, 2, 3, 4])
    second |= {"collection": "é\U0001f600", "bbox": [170, 0, -170, 5]}
    second["properties"]["features"] = [1]
    third |= {"collection": 7, "id": 8, "properties": {"datetime": "2021-05-01T00:00:00Z", "x": '"},{["\\'}}
    del fourth["collection"]
    return [first, second, third, fourth, {**first, "id": None}, None]


def text_of(form: str, entries: list[Any]) -> str:
    """Return entries in a form."""
    match form:
        case "array":
            return json.dumps(entries, indent=2)
        case "lines" | "sequence":
            mark = "\x1e" if form == "sequence" else ""
            return "".join(f"{mark}{json.dumps(entry, ensure_ascii=False)}\r\n" for entry in entries[:4])
    whole = {"type": "FeatureCollection", "links": [{"features": []}], "features": entries, "context": {}}
    return ("\ufeff" if form == "mark" else "") + json.dumps(whole, ensure_ascii=form == "mark")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", ["collection", "mark", "array", "lines", "sequence"])
def test_a_list_that_is_read_item_by_item_is_the_same_catalog(
    tmp_path: Path, mlhub_home: Path, form: str, packed: bool
) -> None:
    path = tmp_path / ("all.ndjson" if form in ("lines", "sequence") else "all.json")
    path.write_text(text_of(form, some()), encoding="utf-8", newline="")
    if packed:
        content = path.read_bytes()
        path = path.with_name(f"{path.name}.gz")
        path.write_bytes(gzip.compress(content[:90]) + gzip.compress(content[90:]))
    url = file_url(path)
    value = json_in(path.read_bytes(), url)
    found = document_of({"type": "FeatureCollection", "features": value} if form == "array" else value, url)
    assert isinstance(found, ItemList)
    root, at_once = ItemCatalog.of(found, url).documents()
    other_root, stored = ItemCatalog.of_file(url).documents()
    assert (root, list(at_once)) == (other_root, list(stored))
    for place, document in at_once.items():
        other = stored[place]
        if isinstance(document, ItemList):
            assert isinstance(other, ItemList)
            assert [item.raw for item in document.items] == [item.raw for item in other.items]
            assert len({item.url for item in other.items}) == len(other.items)
            assert (document.skipped, document.url) == (other.skipped, other.url)
            assert [item.raw for item in document.items[1:3]] == [item.raw for item in other.items[1:3]]
        else:
            assert not isinstance(other, ItemList)
            assert document.raw == other.raw


@pytest.mark.parametrize(
    ("left", "words"), [(400, "ends too early"), (-60, "ends too early"), (0, "damaged")]
)
def test_a_packed_list_that_is_damaged_is_said(
    tmp_path: Path, mlhub_home: Path, left: int, words: str
) -> None:
    content = bytearray(gzip.compress(json.dumps(items(90_000)).encode(), 1))
    if left:
        del content[left:]
    else:
        content[-8] ^= 255  # of its checksum
    (tmp_path / "all.json.gz").write_bytes(content)
    with pytest.raises(UnexpectedAnswer, match=words):
        ItemCatalog.of_file(file_url(tmp_path / "all.json.gz"))


def test_a_packed_list_of_more_than_is_read_at_once_opens(tmp_path: Path, mlhub_home: Path) -> None:
    path = tmp_path / "all.json.gz"
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write('{"type": "FeatureCollection", "features": [')
        file.write(",".join(json.dumps(each) for each in items(3)))
        for _ in range(66):
            file.write(" " * 1_000_000)
        file.write("]}")
    assert not is_large(file_url(tmp_path / "none.json.gz"))
    assert is_large(file_url(path))
    found = ItemCatalog.of_file(file_url(path))
    assert [item.id for item in found.found.items] == [each["id"] for each in items(3)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (json.dumps({"features": items(2)})[:-30], "after 1 item it is not JSON"),
        (json.dumps(items(3)) + "}", "after 3 items it is not JSON"),
        (json.dumps({"type": "Catalog", "links": []}), "too large"),
        ("[1, 2", "too large"),
        ("<html>", "too large"),
    ],
)
def test_what_is_no_whole_list_is_said(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "all.json").write_text(text)
    with pytest.raises(UnexpectedAnswer, match=words):
        ItemCatalog.of_file(file_url(tmp_path / "all.json"))


def test_an_item_that_a_large_list_has_twice_is_one(tmp_path: Path, mlhub_home: Path) -> None:
    first, second = items(2)
    path = tmp_path / "all.ndjson"
    path.write_text(
        "".join(f"{json.dumps(each)}\n" for each in (first, second, first, {**first, "bbox": None}))
    )
    stored = list(ItemCatalog.of_file(file_url(path)).found.items)
    assert only(stored[:3:2]).raw == first
    with pytest.raises(InvalidSearch, match=r"2 items have the id .*#0 and .*#\d+"):
        only([stored[0], *stored[2:]])
