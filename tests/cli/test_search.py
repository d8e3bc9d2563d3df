"""`mlhub-tui search`: what it finds, in which form it prints it, and what it remembers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.sample.server import SampleServer
from tests.support.http_server import Answer, LoopbackServer, Request, as_json

from .conftest import Run

LABELS = "ref_african_crops_kenya_02_labels"
DIGEST = "a" * 64
SEARCH = "https://api.stacspec.org/v1.0.0/item-search"


def feature(number: int) -> dict[str, Any]:
    assets = {
        "image": {"href": f"../files/{number}.tif", "roles": ["data"], "file:checksum": f"1220{DIGEST}"},
        "preview": {"href": "s3://bucket/preview.png", "roles": ["thumbnail"]},
        "lost": {"title": "without a href"},
    }
    properties = {
        "datetime": f"2018-04-0{number}T00:00:00Z",
        "title": "=1+1",
        "clouds": number,
        "odd": {"a": 1},
    }
    return {
        "type": "Feature",
        "id": f"item-{number}",
        "collection": "c",
        "bbox": [number, 0, number + 1, 1],
        "properties": properties,
        "assets": assets,
    }


def answer(asked: Request) -> Answer:
    if asked.path.rstrip("/") == "/stac":
        return as_json(
            {"id": "root", "stac_version": "1.0.0", "conformsTo": [SEARCH, f"{SEARCH}#sort"], "links": []}
        )
    if asked.path != "/stac/search":
        return Answer(404)
    if "page" in asked.query:
        return as_json({"features": [feature(3)], "numberMatched": 3})
    links = [{"rel": "next", "href": "?page=2"}]
    return as_json({"features": [feature(1), feature(2)], "links": links, "numberMatched": 3})


@pytest.fixture
def api() -> Iterator[LoopbackServer]:
    """Yield a STAC API with three items on two pages."""
    with LoopbackServer(answer) as server:
        yield server


def test_items_are_printed_as_a_table_of_all_pages(run: Run, api: LoopbackServer) -> None:
    result = run("search", f"{api.url}/stac", code=0)
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["ID", "item-1", "item-2", "item-3"]


def test_json_holds_the_documents_as_received_and_geojson_with_absolute_hrefs(
    run: Run, api: LoopbackServer
) -> None:
    wanted = [feature(number) for number in (1, 2, 3)]
    assert run.json("search", f"{api.url}/stac") == wanted
    collection = json.loads(run("search", f"{api.url}/stac", "--geojson").stdout)
    for number, each in enumerate(wanted, 1):
        each["assets"]["image"]["href"] = f"{api.url}/stac/collections/c/files/{number}.tif"
    assert collection == {"type": "FeatureCollection", "features": wanted}


def test_csv_has_a_row_for_each_item_and_no_formulas(run: Run, api: LoopbackServer) -> None:
    rows = list(csv.DictReader(io.StringIO(run("search", f"{api.url}/stac", "--csv").stdout)))
    assert [row["id"] for row in rows] == ["item-1", "item-2", "item-3"]
    assert rows[0] == {
        "id": "item-1",
        "collection": "c",
        "datetime": "2018-04-01T00:00:00Z",
        "start_datetime": "",
        "end_datetime": "",
        "west": "1.0",
        "south": "0.0",
        "east": "2.0",
        "north": "1.0",
        "title": "'=1+1",
        "clouds": "1",
        "assets": "image preview lost",
        "url": f"{api.url}/stac/collections/c/items/item-1",
    }


def test_urls_are_absolute_and_can_be_asked_for(run: Run, api: LoopbackServer) -> None:
    result = run("search", f"{api.url}/stac", "--urls")
    assert result.stdout.splitlines()[:2] == [
        f"{api.url}/stac/collections/c/files/1.tif",
        "https://bucket.s3.amazonaws.com/preview.png",
    ]
    assert "assets without an address that can be asked for, left out: 3" in result.stderr
    only = run("search", f"{api.url}/stac", "--urls", "--asset", "image")
    assert len(only.stdout.splitlines()) == 3
    assert only.stderr == ""
    assert len(run("search", f"{api.url}/stac", "--urls", "--role", "thumbnail").stdout.splitlines()) == 3


def test_aria2_gets_names_and_checksums(run: Run, api: LoopbackServer) -> None:
    result = run("search", f"{api.url}/stac", "--aria2", "--asset", "image", "--limit", "1")
    assert result.stdout.splitlines() == [
        f"{api.url}/stac/collections/c/files/1.tif",
        "  out=c/item-1/image.tif",
        f"  checksum=sha-256={DIGEST}",
    ]


def test_what_is_searched_for_reaches_the_api(run: Run, api: LoopbackServer, tmp_path: Path) -> None:
    area = tmp_path / "area.geojson"
    area.write_text('{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}')
    options = [
        "-c",
        "c",
        "-c",
        "d",
        "--datetime",
        "2018-04/..",
        "--ids",
        "a,b",
        "--ids",
        "e",
        "--sort",
        "-datetime",
    ]
    run("search", f"{api.url}/stac", *options, "--intersects", area, "--limit", "2")
    assert api.requests[-1].query == {
        "collections": ["c,d"],
        "datetime": ["2018-04-01T00:00:00Z/.."],
        "ids": ["a,b,e"],
        "sortby": ["-properties.datetime"],
        "intersects": ['{"type":"Point","coordinates":[1,2]}'],
        "limit": ["2"],
    }
    run("search", "--source", f"{api.url}/stac", "--bbox", "-10 -5 10 5")
    assert api.requests[-2].query["bbox"] == ["-10,-5,10,5"]


def test_no_more_is_printed_than_the_limit(run: Run, api: LoopbackServer) -> None:
    result = run("search", f"{api.url}/stac", "--json", "--limit", "2")
    assert len(json.loads(result.stdout)) == 2
    assert "2 of 3 items" in result.stderr
    assert json.loads(run("search", f"{api.url}/stac", "--geojson", "--limit", "0").stdout)["features"] == []


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--bbox", "1,2,3"], 2, "3 numbers, not 4 or 6"),
        *(
            (["--" + name, value], 2, "it is empty")
            for name in ("ids", "datetime", "text")
            for value in ("", ", ")
        ),
        (["--datetime", "soon"], 2, '"soon" is no date'),
        (["--intersects", "no-such-file"], 2, "no-such-file cannot be read"),
        (["--bbox", "1,2,3,4", "--intersects", "x"], 2, "an area is a box or a geometry"),
        (["--text", "x"], 1, "does not support searching for words"),
        (["--filter", "a = 1"], 1, "does not support filters"),
        (["--json", "--csv"], 2, "choose one of --json, --csv"),
        (["--asset", "x"], 2, "--asset and --role say which assets"),
        (["--sample"], 2, "say where to search"),
        (["--saved", "nothing"], 2, 'there is no saved search "nothing"'),
        (["--forget", "nothing"], 2, 'there is no saved search "nothing"'),
        (["--save", " "], 1, "a saved search requires a name"),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Run, api: LoopbackServer, options: list[str], code: int, words: str
) -> None:
    result = run("search", f"{api.url}/stac", *options, code=code)
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_search_is_saved_listed_run_again_and_forgotten(
    run: Run, api: LoopbackServer, mlhub_home: Path
) -> None:
    run(
        "search", f"{api.url}/stac?key=secretsecret", "-c", "c", "--bbox", "0,0,9,9", "--save", "mine", code=0
    )
    text = (mlhub_home / "searches.json").read_text()
    assert "secretsecret" not in text
    (line,) = run("search", "--list").stdout.splitlines()[1:]
    assert line.split()[:2] == ["mine", "3"]
    assert "-c c --bbox 0,0,9,9" in line
    api.requests.clear()
    again = run("search", "--saved", "mine", "--datetime", "2018", "--json")
    assert len(json.loads(again.stdout)) == 3
    sent = next(asked.query for asked in api.requests if asked.path.endswith("search"))
    assert sent["bbox"] == ["0,0,9,9"]
    assert sent["datetime"] == ["2018-01-01T00:00:00Z/2018-12-31T23:59:59.999Z"]
    assert run("search", "--forget", "mine").exit_code == 0
    assert run("search", "--list").stdout == ""


def test_the_sample_catalogue_is_searched_by_its_name(run: Run) -> None:
    result = run("search", "sample", "-c", LABELS, "--text", "tile_02", "--json")
    assert [item["id"] for item in json.loads(result.stdout)] == ["ref_african_crops_kenya_02_tile_02_label"]
    assert "4 items filtered locally" in result.stderr
    refused = run("search", "sample")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "requires a collection" in refused.stderr


def test_the_api_that_applies_is_searched_without_a_name(run: Run, on_sample: SampleServer) -> None:
    result = run("search", "-c", LABELS, "--limit", "1", "--json")
    assert len(json.loads(result.stdout)) == 1


def test_a_catalog_on_disk_is_searched(run: Run, tmp_path: Path) -> None:
    links = [{"rel": "item", "href": f"item-{number}.json"} for number in (1, 2)]
    catalog = {"id": "c", "type": "Catalog", "stac_version": "1.0.0", "description": "", "links": links}
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    for number in (1, 2):
        (tmp_path / f"item-{number}.json").write_text(json.dumps(feature(number)))
    result = run("search", tmp_path, "--bbox", "2.5,0,3,1", "--geojson")
    assert [item["id"] for item in json.loads(result.stdout)["features"]] == ["item-2"]


@pytest.mark.parametrize("form", ["--urls", "--aria2"])
def test_assets_that_no_item_has_are_refused_with_those_that_there_are(
    run: Run, api: LoopbackServer, form: str
) -> None:
    def search(*options: str) -> tuple[int, str, str]:
        result = run("search", f"{api.url}/stac", form, *options)
        return result.exit_code, result.stdout, result.stderr

    code, printed, said = search("--asset", "Image")
    assert (code, printed) == (2, "")
    assert "no item found has the asset 'Image'; there are: image, preview, lost" in said
    assert "broke off" not in said
    code, printed, said = search("--role", "nosuch", "--asset", "none")
    assert (code, printed) == (2, "")
    assert "the role 'nosuch'; there are: data, thumbnail" in said
    assert "the asset 'none'" in said
    code, printed, said = search("--asset", "image", "--asset", "none", "--role", "nosuch")
    assert (code, printed.count("files/")) == (0, 3)
    assert "note: no item found has the asset 'none'" in said
    assert "note: no item found has the role 'nosuch'" in said
    code, printed, said = search("--asset", "lost")
    assert (code, printed, "no item found has" in said) == (0, "", False)


@pytest.mark.parametrize(
    ("field", "code", "words"),
    [
        (
            "nosuch",
            2,
            "no item found has the field nosuch to sort by\n  they have clouds, collection, datetime, id",
        ),
        ("-properties.nosuch,id", 2, "has the field nosuch to sort by"),
        ("datetime desc", 2, "'datetime desc' is no field; -FIELD sorts descending"),
        ("id,--datetime", 2, "'--datetime' is no field"),
        ("-", 2, "'-' is no field"),
        ("-datetime,properties.datetime, +id", 0, ""),
    ],
)
def test_a_sort_field_that_is_none_is_refused(run: Run, field: str, code: int, words: str) -> None:
    found = {"type": "FeatureCollection", "features": [feature(1), feature(2)]}
    (run.folder / "items.json").write_text(json.dumps(found))
    result = run("search", run.folder / "items.json", f"--sort={field}", "--json")
    assert (result.exit_code, words in result.stderr, bool(result.stdout)) == (code, True, code == 0)


@pytest.mark.parametrize("form", ["--urls", "--aria2"])
def test_items_without_assets_are_called_that(run: Run, tmp_path: Path, form: str) -> None:
    bare = {**feature(1), "assets": {}}
    (tmp_path / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": [bare]}))
    for options, code in (((), 0), (("--asset", "red"), 2), (("--role", "data"), 2)):
        result = run("search", tmp_path / "items.json", form, *options)
        assert (result.exit_code, result.stdout) == (code, "")
        assert "no item found has an asset" in result.stderr
    planned = run("--source", tmp_path / "items.json", "download", "dataset", "c", "--dry-run")
    assert "no item of c has an asset to download" in planned.stderr
    chosen = ("--collection", "c=red", "--output-dir", str(tmp_path / "out"))
    for dry, code in ((("--dry-run",), 0), ((), 1)):
        result = run("--source", tmp_path / "items.json", "download", "dataset", "c", *chosen, *dry)
        assert (result.exit_code, "widen" in result.stderr) == (code, False)
        assert "no item of c has an asset to download" in result.output


@pytest.mark.parametrize("form", ["--urls", "--aria2"])
def test_unsigned_urls_of_the_planetary_computer_carry_a_note(run: Run, tmp_path: Path, form: str) -> None:
    home = "https://planetarycomputer.microsoft.com"
    store = "https://naipeuwest.blob.core.windows.net/naip/a.tif"
    assets = {
        "image": {"href": store},
        "signed": {"href": f"{store}?sv=1&sig=abc"},
        "open": {"href": "https://ai4edatasetspublicassets.blob.core.windows.net/x/a.tif"},
        "preview": {"href": f"{home}/api/data/v1/item/preview.png"},
    }
    ours = {**feature(1), "links": [{"rel": "root", "href": f"{home}/api/stac/v1"}], "assets": assets}
    other = {**feature(2), "links": [], "assets": {"image": {"href": store}}}
    listed = tmp_path / "items.json"
    for items, count in (([ours, ours, other], 2), ([other], 0)):
        listed.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
        collection = tmp_path / "collection.json"
        links = [{"rel": "items", "href": "items.json"}]
        described = {"type": "Collection", "stac_version": "1.0.0", "id": "c", "description": "d"}
        collection.write_text(json.dumps({**described, "license": "other", "extent": {}, "links": links}))
        result = run("search", collection, form)
        assert (result.exit_code, result.stdout.count("a.tif") >= len(items)) == (0, True)
        assert (f"signature that its stores require: {count};" in result.stderr) == bool(count)
        assert ("mlhub-tui download" in result.stderr) == bool(count)
