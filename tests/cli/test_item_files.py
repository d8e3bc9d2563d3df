"""Commands over a saved list of items as a source: its items are listed, searched and downloaded."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.sources.static.grow import catalog, link, pack
from tests.support.http_server import Answer, LoopbackServer, Request
from tests.support.paged_api import PagedAPI, items

TIF = b"II*\0" + bytes(range(256))


class Store(LoopbackServer):
    """Serves the bytes of any asset, and at `/saved` a list of items."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.saved: tuple[str, bytes] = ("", b"")

    def _answer(self, request: Request) -> Answer:
        if request.path.startswith("/lists/saved"):
            return Answer(body=self.saved[1], headers={"Content-Type": self.saved[0]})
        return Answer(404) if request.path.endswith("json") else Answer(body=TIF)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as server:
        yield server


def features(store: Store) -> list[dict[str, Any]]:
    """Return four items of two collections, and one of none."""
    made = items(5, bbox=[10, 20, 30, 40])
    for number, item in enumerate(made):
        item["assets"] = {"data": {"href": f"{store.url}/data/{number}.tif", "type": "image/tiff"}}
        item["collection"] = "odd / name" if number % 2 else "c"
    del made[4]["collection"]
    return made


def written(entries: list[Any], form: str) -> bytes:
    """Return a list of items as a program writes it."""
    lines = "\n".join(map(json.dumps, entries)).encode()
    if form in ("lines", "packed"):
        return gzip.compress(lines) if form == "packed" else lines
    if form == "array":
        return json.dumps(entries).encode()
    whole: dict[str, Any] = {"type": "FeatureCollection", "features": entries}
    if form == "answer":
        links = [{"rel": "self", "href": "https://api.example/search"}, {"rel": "root", "href": "https://x/"}]
        whole |= {"links": links, "numberMatched": 5, "context": {"returned": 5}}
    return json.dumps({"features": entries} if form == "bare" else whole, indent=2).encode()


FORMS = {
    **{"collection": ".json", "answer": ".geojson", "array": ".json", "lines": ".ndjson", "bare": ".json"},
    "packed": ".json.gz",
}


@pytest.mark.parametrize("place", ["here", "on a server"])
@pytest.mark.parametrize("form", FORMS)
def test_its_items_are_listed_searched_and_downloaded(run: Run, store: Store, form: str, place: str) -> None:
    data = written(features(store), form)
    path = run.folder / f"saved{FORMS[form]}"
    path.write_bytes(data)
    store.saved = ("application/json", data)
    source = str(path) if place == "here" else f"{store.url}/lists/saved{FORMS[form]}"
    listed = run("--source", source, "list", "collections")
    assert [line.split("  ")[0] for line in listed.stdout.splitlines()[1:]] == ["c", "odd / name", "saved"]
    if FORMS[form] in (".geojson", ".ndjson") and place == "here":  # the one list of its folder
        assert run("--source", run.folder, "list", "collections").stdout == listed.stdout
    for collection, ids in {"c": [0, 2], "odd / name": [1, 3], "saved": [4]}.items():
        found = run.json("--source", source, "list", "items", collection)
        assert [item["id"] for item in found] == [f"i{number:04}" for number in ids]
    urls = run("search", source, "--urls")
    assert urls.stdout.split() == [f"{store.url}/data/{number}.tif" for number in (0, 2, 1, 3, 4)]
    assert "i0002" in run("--source", source, "show", "item", "c", "i0002").stdout
    assert run("search", source, "--bbox", "0,0,5,5", "--json").stdout == "[\n]\n"
    dataset = run("--source", source, "download", "dataset", "c", "--output-dir", run.folder / "all")
    one = run(
        "--source", source, "download", "item", "odd / name", "i0001", "--output-dir", run.folder / "one"
    )
    for result, folder, number in ((dataset, "all", 2), (one, "one", 1)):
        assert result.exit_code == 0, result.output
        assert len(list((run.folder / folder).rglob("*.tif"))) == number
        assert all(file.read_bytes() == TIF for file in (run.folder / folder).rglob("*.tif"))


def test_what_a_search_prints_opens_as_a_source(run: Run, store: Store, tmp_path: Path) -> None:
    with PagedAPI(lambda *_: None, items(2_150, assets={"a": {"href": f"{store.url}/a.tif"}})) as server:
        for form in ("--geojson", "--json"):
            (tmp_path / "found.json").write_text(run("search", server.location, form).stdout)
            found = run("--source", tmp_path / "found.json", "list", "items", "c", "--json")
            assert len(json.loads(found.stdout)) == 2_150, found.output


def test_relative_hrefs_are_beside_the_file_and_of_a_server_they_name_no_file_here(
    run: Run, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "a.tif").write_bytes(TIF)
    entries = items(1, assets={"a": {"href": "./a.tif"}})
    (tmp_path / "here" / "saved.json").write_bytes(written(entries, "collection"))
    download = ("download", "item", "c", "i0000", "--output-dir")
    run("--source", tmp_path / "here" / "saved.json", *download, tmp_path / "out", code=0)
    assert next((tmp_path / "out").rglob("a.tif")).read_bytes() == TIF
    store.saved = ("application/geo+json", written(entries, "collection"))
    assert run("search", f"{store.url}/lists/saved", "--urls").stdout == f"{store.url}/lists/a.tif\n"
    secret = items(1, assets={"a": {"href": (tmp_path / "here" / "a.tif").as_uri()}})
    store.saved = ("application/geo+json", written(secret, "collection"))
    run("--source", f"{store.url}/lists/saved", *download, tmp_path / "none", code=1)
    assert not list((tmp_path / "none").rglob("*.tif"))


def test_entries_that_are_no_items_are_counted_once(run: Run, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    path.write_bytes(written([*features(store), {"type": "Feature"}, None, {"id": ""}], "collection"))
    for command in (("search", str(path)), ("--source", str(path), "list", "items", "c")):
        assert run(*command).stderr.count("3 entries without an ID left out") == 1


def test_a_list_of_items_is_added_under_a_name(run: Run, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    path.write_bytes(written(features(store), "collection"))
    added = run("sources", "add", "found", path, code=0)
    assert "5 items" in added.output
    assert "i0000" in run("--source", "found", "list", "items", "c").stdout


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"type": "FeatureCollection", "features": []}, "a list of items"),
        ({"type": "FeatureCollection", "features": [{"type": "Feature", "id": "a"}]}, "a list of items"),
        ([1, 2], "not STAC"),
    ],
)
def test_a_list_of_other_things_is_none(run: Run, tmp_path: Path, value: Any, words: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(json.dumps(value))
    result = run("--source", path, "list", "collections", code=1)
    assert words in result.stderr


def test_one_page_of_a_longer_answer_is_called_that(run: Run, tmp_path: Path) -> None:
    page = {"type": "FeatureCollection", "features": items(2), "context": {"matched": 1900}}
    (tmp_path / "page.json").write_text(json.dumps(page))
    added = run("sources", "add", "mine", tmp_path / "page.json")
    assert (added.exit_code, "a part of an answer of 1,900 items" in added.stderr) == (0, True)
    page |= {"context": {}, "links": [{"rel": "next", "href": "https://api.example/search?page=2"}]}
    (tmp_path / "page.json").write_text(json.dumps(page))
    for command in (("list", "items", "c"), ("download", "dataset", "c", "--dry-run")):
        result = run("--source", tmp_path / "page.json", *command)
        assert (result.exit_code, "it is a part of a longer answer: " in result.stderr) == (0, True)


@pytest.mark.parametrize("place", ["folder", "server", "archive"])
def test_what_a_search_saved_of_a_catalog_leads_to_the_files_of_the_catalog(
    run: Run, store: Store, tmp_path: Path, place: str
) -> None:
    item = items(1)[0] | {"assets": {"data": {"href": "./a.tif"}, "gdal": {"href": "/vsicurl/https://h/x"}}}
    item["links"] = [{"rel": "collection", "href": "../collection.json"}]
    folder = tmp_path / "catalog" / "lists"
    folder.mkdir(parents=True)
    (folder / "a.tif").write_bytes(TIF)
    (folder / "saved.json").write_bytes(written([item], "collection"))
    store.saved = ("application/json", written([item], "collection"))
    packed = tmp_path / "made.tar.gz"
    root = catalog("root", link("item", "lists/i.json"))
    pack(packed, {"catalog.json": root, "lists/i.json": item, "lists/a.tif": TIF})
    source, base = {
        "folder": (str(folder / "saved.json"), folder.as_uri()),
        "server": (f"{store.url}/lists/saved.json", f"{store.url}/lists"),
        "archive": (str(packed), f"{packed.as_uri()}!/lists"),
    }[place]
    saved = tmp_path / "elsewhere.geojson"
    saved.write_text(run("search", source, "--geojson").stdout)
    (feature,) = json.loads(saved.read_text())["features"]
    assert feature["assets"] == {"data": {"href": f"{base}/a.tif"}, "gdal": item["assets"]["gdal"]}
    assert feature["links"][0]["href"] == f"{base.removesuffix('/lists')}/collection.json"
    asked = ("--source", str(saved), "download", "item", item["collection"], item["id"], "--asset", "data")
    run(*asked, "--output-dir", tmp_path / "out", code=0)
    assert next((tmp_path / "out").rglob("data.tif")).read_bytes() == TIF


def test_files_in_an_archive_have_no_url_for_other_programs(run: Run, tmp_path: Path) -> None:
    item = items(1)[0] | {"assets": {"near": {"href": "./a.tif"}, "far": {"href": "https://h.example/b.tif"}}}
    files = {"catalog.json": catalog("root", link("item", "i.json")), "i.json": item}
    pack(tmp_path / "made.tar.gz", files)
    for form in ("--urls", "--aria2"):
        listed = run("search", tmp_path / "made.tar.gz", form, code=0)
        assert listed.stdout.splitlines()[0] == "https://h.example/b.tif"
        assert "file:" not in listed.stdout
        assert "assets without an address that can be asked for, left out: 1" in listed.stderr
