"""Items written out: nothing of a hostile document leaves its cell, its line, or the folder."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.models import Item
from mlhub_tui.planning.assets import Aria2
from mlhub_tui.sources.export import Chosen, CSVTable, Exporter, GeoJSON, URLs, export

HOME = "https://api.example.org/collections/c/items/a"


def item(identity: str = "a", url: str = HOME, **fields: Any) -> Item:
    return Item({"type": "Feature", "id": identity, "properties": {}, **fields}, url=url)


async def written(exporter: Exporter, *items: Item) -> str:
    async def all_items() -> AsyncIterator[Item]:
        for each in items:
            yield each

    pieces: list[str] = []
    assert await export(all_items(), exporter, pieces.append) == len(items)
    return "".join(pieces)


async def test_nothing_is_written_before_the_first_item_is_there() -> None:
    pieces: list[str] = []

    async def failing() -> AsyncIterator[Item]:
        if not pieces:
            raise ConnectionError
        yield item()

    with pytest.raises(ConnectionError):
        await export(failing(), GeoJSON(), pieces.append)
    assert pieces == []


async def test_no_items_are_a_whole_document_too() -> None:
    assert json.loads(await written(GeoJSON())) == {"type": "FeatureCollection", "features": []}
    assert len(list(csv.reader(io.StringIO(await written(CSVTable()))))) == 1
    assert await written(URLs()) == ""


async def test_columns_are_those_of_the_first_items_and_what_is_left_out_is_said() -> None:
    table = CSVTable()
    many = [item(str(number), properties={"a": number, "list": [1, "x"]}) for number in range(150)]
    text = await written(table, *many, item("last", properties={"b": 1, "datetime": "2018"}))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["id"] for row in rows] == [*(str(number) for number in range(150)), "last"]
    assert rows[120]["a"] == "120"
    assert rows[3]["list"] == "1 x"
    assert "b" not in rows[-1]
    assert table.notes() == ["properties that only later items have are left out: b"]


values = (
    st.text(max_size=12) | st.integers() | st.floats() | st.none() | st.lists(st.text(max_size=3), max_size=2)
)


@given(st.text(min_size=1, max_size=8), st.dictionaries(st.text(max_size=8), values, max_size=4))
async def test_any_properties_stay_in_their_cells(identity: str, properties: dict[str, Any]) -> None:
    text = await written(CSVTable(), item(identity, properties=properties))
    head, row = csv.reader(io.StringIO(text))
    assert len(head) == len(row)
    assert not any(cell.startswith(("=", "@")) for cell in (*head, *row))
    assert "\x1b" not in text


async def test_urls_resolve_against_where_the_item_was_fetched_from() -> None:
    hrefs = {
        "relative": "../x/b c.tif",
        "windows": ".\\x\\d.tif",
        "absolute": "https://data.example.org/e.tif?sig=1",
        "amazon": "s3://bucket/key/f.tif",
        "google": "gs://bucket/g.tif",
        "broken": "https://data.example.org/a\nhttps://evil.example.org/",
        "empty": " ",
    }
    assets: dict[str, Any] = {key: {"href": href} for key, href in hrefs.items()}
    urls = URLs()
    lines = (await written(urls, item(assets={**assets, "none": {}, "number": {"href": 7}}))).splitlines()
    assert lines == [
        "https://api.example.org/collections/c/x/b%20c.tif",
        "https://api.example.org/collections/c/items/x/d.tif",
        "https://data.example.org/e.tif?sig=1",
        "https://bucket.s3.amazonaws.com/key/f.tif",
        "https://storage.googleapis.com/bucket/g.tif",
        "https://data.example.org/ahttps://evil.example.org/",
    ]
    assert urls.notes()[0] == "assets without an address that can be asked for, left out: 3"


async def test_of_many_roles_those_that_were_asked_for_are_known() -> None:
    many = {f"a{number}": {"href": "https://h/a", "roles": [f"r{number}"]} for number in range(60)}
    urls = URLs(Chosen(roles=("late", "never")))
    await written(
        urls, item(assets=many), item(assets={"b": {"href": "https://h/b", "roles": ["x", "late"]}})
    )
    (note,) = urls.unknown()
    assert note.startswith("no item found has the role 'never'; there are: r0, ")
    assert note.endswith(", ...")


async def test_assets_are_chosen_by_key_or_role_and_keys_are_kept_back() -> None:
    assets = {
        "a": {"href": "https://h/a?key=secret&x=1", "roles": ["data"]},
        "b": {"href": "https://h/b", "roles": ["data", "overview"]},
        "c": {"href": "https://h/c"},
    }
    one = item(assets=assets)
    bare = URLs(Chosen(keys=("a",)), bare=lambda url: url.replace("key=secret&", ""))
    assert (await written(bare, one)).splitlines() == ["https://h/a?x=1"]
    assert (await written(URLs(Chosen(roles=("overview",))), one)).splitlines() == ["https://h/b"]
    both = URLs(Chosen(("c",), ("data",)))
    assert len((await written(both, one)).splitlines()) == 3


names = st.text(min_size=1, max_size=10)


@given(names, names, st.dictionaries(names, st.text(max_size=20), min_size=1, max_size=3))
async def test_an_input_file_for_aria2_names_files_below_its_folder_only(
    identity: str, collection: str, hrefs: dict[str, str]
) -> None:
    assets = {key: {"href": f"https://h/{href}"} for key, href in hrefs.items()}
    text = await written(Aria2(), item(identity, collection=collection, assets=assets))
    lines = text.split("\n")[:-1]
    assert len(lines) == 2 * len(assets)
    for url, out in zip(lines[::2], lines[1::2], strict=True):
        assert url.startswith("https://h/")
        assert out.startswith("  out=")
        parts = PurePosixPath(out.removeprefix("  out=")).parts
        assert len(parts) == 3
        assert ".." not in parts


async def test_local_files_are_no_business_of_aria2() -> None:
    aria2 = Aria2()
    local = item(url="file:///data/catalog/item.json", assets={"a": {"href": "a.tif"}})
    assert await written(aria2, local) == ""
    assert aria2.notes() == ["files of this machine, left out: 1"]
    assert await written(URLs(), local) == "file:///data/catalog/a.tif\n"
