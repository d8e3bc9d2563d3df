"""Sources, collections and items in every form that people have them in, in every command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.conftest import Run
from tests.sources.static.grow import catalog, collection, encoded, item, link, pack, plant
from tests.support.http_server import Answer, LoopbackServer, Request, as_json
from tests.support.stac import collection as api_collection
from tests.support.stac import item as feature

FILES = {
    "catalog.json": catalog("root", link("child", "c/collection.json"), link("child", "sub/catalog.json")),
    "c/collection.json": collection("c", link("item", "a.json"), link("item", "b.json")),
    "sub/catalog.json": catalog("sub", link("item", "../c/b.json")),
    "c/a.json": item("a", "c"),
    "c/b.json": item("b", "c"),
    "c/a.tif": b"bytes",
    "c/b.tif": b"bytes",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a catalog in the folder `my cat` below the current one, and beside it packed."""
    monkeypatch.chdir(tmp_path)
    pack(tmp_path / "packed.tar.gz", FILES)
    return plant(tmp_path / "my cat", FILES)


def answer(request: Request) -> Answer:
    """Serve the catalog at the root, and an API below `/api/`."""
    api = {
        "": catalog("api", link("data", "./collections"), link("search", "./search"))
        | {
            "conformsTo": [
                "https://api.stacspec.org/v1.0.0/core",
                "https://api.stacspec.org/v1.0.0/item-search",
            ]
        },
        "collections": {"collections": [api_collection("c")]},
        "collections/c": api_collection("c"),
        "collections/c/items": {"type": "FeatureCollection", "features": [feature("a"), feature("b")]},
        "collections/c/items/a": feature("a"),
        "search": {"type": "FeatureCollection", "features": [feature("a"), feature("b")]},
    }
    path = request.path.lstrip("/")
    if path.startswith("api/"):
        found = api.get(path.removeprefix("api/"))
        return Answer(404) if found is None else as_json(found)
    return Answer(200, encoded(FILES[path])) if path in FILES else Answer(404)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(answer) as serving:
        yield serving


@pytest.mark.parametrize(
    "location",
    [
        "my cat",
        "my cat/catalog.json",
        "my%20cat",
        "my%20cat/catalog.json",
        "{file}",
        "{file}/catalog.json",
        "{plain}",
        "packed.tar.gz",
        "{url}",
        "{url}/catalog.json",
        "/vsicurl/{url}/catalog.json",
        "/vsicurl?url={quoted}%2Fcatalog.json",
    ],
)
def test_a_catalog_is_a_source_by_its_path_or_url(
    run: Run, folder: Path, server: LoopbackServer, location: str
) -> None:
    named = location.format(
        file=folder.as_uri(), plain=f"file://{folder}", url=server.url, quoted=quote(server.url, "")
    )
    listed = run("--source", named, "list", "items", "c", "--json", code=0)
    assert [found["id"] for found in json.loads(listed.stdout)] == ["a", "b"]
    run("sources", "add", "kept", named, code=0)
    assert run("--source", "kept", "list", "items", "sub").stdout.splitlines()[1].startswith("b ")


@pytest.mark.parametrize("place", ["folder", "server", "api"])
@pytest.mark.parametrize("form", ["id", "url", "vsicurl", "path"])
def test_a_collection_and_an_item_are_named_by_id_url_or_path(
    run: Run, folder: Path, server: LoopbackServer, tmp_path: Path, place: str, form: str
) -> None:
    source = {"folder": str(folder), "server": f"{server.url}/catalog.json", "api": f"{server.url}/api/"}[
        place
    ]
    base = folder.as_uri() if place == "folder" else server.url
    urls = (f"{base}/c/collection.json", f"{base}/c/a.json")
    if place == "api":
        urls = (f"{base}/api/collections/c", f"{base}/api/collections/c/items/a?token=x#top")
    prefix = "/vsicurl/" if form == "vsicurl" and place != "folder" else ""
    where, what = ("c", "a") if form == "id" else (prefix + urls[0], prefix + urls[1])
    if form == "path" and place == "folder":
        where, what = "my cat/c/collection.json", "my cat/c/a.json"
    listed = run("--source", source, "list", "items", where, "--json", code=0)
    assert [found["id"] for found in json.loads(listed.stdout)] == ["a", "b"]
    searched = run("--source", source, "search", "-c", where, "--csv")
    assert [line[:2] for line in searched.stdout.splitlines()[1:]] == ["a,", "b,"], searched.output
    assert run("--source", source, "show", "collection", where, "--json").exit_code == 0
    shown = run("--source", source, "show", "item", where, what, "--json")
    assert json.loads(shown.stdout)["id"] == "a", shown.output
    out = ("--output-dir", str(tmp_path / "out"))
    run("--source", source, "download", "dataset", where, "--dry-run", *out, code=0)
    for part in (where, f"{where}=data"):
        asked = ("--source", source, "download", "dataset", "mine", "--collection", part, "--dry-run")
        assert run(*asked, "--json").stdout == run(*asked[:4], where, "--dry-run", "--json").stdout
    if place != "api":
        whole = run("--source", source, "download", "dataset", where, *out, code=0)
        assert whole.stdout.splitlines() == [str(tmp_path / "out/c")]
        assert (tmp_path / "out/c/c/a/data.tif").read_bytes() == b"bytes"
        run("--source", source, "download", "item", where, what, *out, code=0)
        assert (tmp_path / "out/c/a/data.tif").read_bytes() == b"bytes"


@pytest.mark.parametrize(
    ("source", "where", "what"),
    [
        ("my cat", "my%20cat/c/collection.json", "my%20cat/c/a.json"),
        ("packed.tar.gz", "packed.tar.gz!/c/collection.json", "packed.tar.gz!/c/a.json"),
        ("packed.tar.gz", "{here}/packed.tar.gz!/c/collection.json", "file://{here}/packed.tar.gz!/c/a.json"),
        ("{url}", "{url}/c", "{url}/c/a.json"),
        ("{url}", "{url}/c/", "a"),
    ],
)
def test_addresses_may_be_encoded_in_an_archive_or_of_a_folder_on_a_server(
    run: Run, folder: Path, server: LoopbackServer, source: str, where: str, what: str
) -> None:
    here = folder.parent
    source, where, what = (each.format(here=here, url=server.url) for each in (source, where, what))
    asked = ("--source", source)
    assert [found["id"] for found in json.loads(run(*asked, "list", "items", where, "--json").stdout)] == [
        "a",
        "b",
    ]
    assert json.loads(run(*asked, "show", "item", where, what, "--json").stdout)["id"] == "a"
    assert [found["id"] for found in json.loads(run(*asked, "search", "--ids", what, "--json").stdout)] == [
        "a"
    ]
    planned = run(*asked, "download", "dataset", "mine", "--collection", where, "--dry-run", "--json")
    assert json.loads(planned.stdout)["files"] == 2


def test_a_collection_that_is_queued_by_its_path_is_found_from_any_folder(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    where = ("--output-dir", str(out))
    assert run("--source", "my cat", "queue", "add", "--dataset", "my cat/c", *where).exit_code == 0
    monkeypatch.chdir("/")
    done = run("queue", "run", "--until-empty")
    assert done.exit_code == 0, done.output
    assert (out / "c/c/a/data.tif").read_bytes() == b"bytes"


def test_a_collection_is_chosen_with_those_below_it(run: Run, tmp_path: Path) -> None:
    files = {
        "catalog.json": catalog("root", link("child", "c.json")),
        "c.json": collection("c", link("item", "a.json"), link("child", "d.json")),
        "d.json": collection("d", link("item", "b.json")),
        "a.json": item("a", "c"),
        "b.json": item("b", "d"),
    }
    asked = ("--source", str(plant(tmp_path / "nested", files)), "download", "dataset")
    whole = json.loads(run(*asked, "c", "--dry-run", "--json").stdout)
    assert (whole["files"], list(whole["collections"])) == (2, ["c", "d"])
    for part in ("c", "c=data", "root"):
        chosen = run(*asked, "mine", "--collection", part, "--dry-run", "--json")
        assert json.loads(chosen.stdout) == whole, chosen.output
    refused = run(*asked, "mine", "--collection", "c=nope", "--dry-run")
    assert (refused.exit_code, "c has no asset 'nope'; there are: data" in refused.stderr) == (2, True)


@pytest.mark.parametrize("form", ["my cat/c", "my cat/c/", "{file}/c", "{plain}/c", "my%20cat/c"])
def test_a_collection_of_a_folder_is_named_by_its_folder_too(run: Run, folder: Path, form: str) -> None:
    where = form.format(file=folder.as_uri(), plain=f"file://{folder}")
    if "%" in form:
        folder = folder.rename(run.folder / "my%20cat")
    out = ("--dry-run", "--output-dir", str(run.folder / "out"))
    asked = ("--source", str(folder))
    for command in (("list", "items", where), ("search", "-c", where), ("show", "collection", where)):
        assert run(*asked, *command).exit_code == 0
    assert "2" in run(*asked, "download", "dataset", where, *out).stdout.splitlines()[-1]


def test_items_are_searched_by_url_and_path_as_by_id(run: Run, folder: Path, server: LoopbackServer) -> None:
    for source, named in (
        (str(folder), "a"),
        (str(folder), "my cat/c/a.json"),
        (str(folder), f"{folder.as_uri()}/c/a.json"),
        (f"{server.url}/catalog.json", f"{server.url}/c/a.json"),
    ):
        found = run("--source", source, "search", "--ids", named, "--json")
        assert [each["id"] for each in json.loads(found.stdout)] == ["a"], found.output


def test_the_url_of_an_item_is_no_collection(run: Run, server: LoopbackServer, tmp_path: Path) -> None:
    source, item_url = f"{server.url}/api/", f"{server.url}/api/collections/c/items/a"
    for command in (("download", "item"), ("list", "items"), ("show", "collection")):
        refused = run("--source", source, *command, item_url)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "it is an item: give it after its collection" in refused.stderr


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999/", "ftp://host.example/c.json", "http://[::1"])
def test_hints_about_a_location_are_not_of_mlhub(run: Run, address: str) -> None:
    refused = run("--source", address, "list", "collections", code=2)
    assert "https://example.org/stac/" in refused.stderr
    assert "mlhub/v1" not in refused.stderr


@pytest.mark.parametrize("place", ["folder", "server"])
def test_a_catalog_takes_the_place_of_a_collection(
    run: Run, folder: Path, server: LoopbackServer, tmp_path: Path, place: str
) -> None:
    source = str(folder) if place == "folder" else server.url
    assert "The sub." in run("--source", source, "show", "collection", "sub").stdout
    for command in (("list", "items", "sub", "--json"), ("search", "-c", "sub", "--json")):
        assert [found["id"] for found in json.loads(run("--source", source, *command).stdout)] == ["b"]
    run("--source", source, "download", "dataset", "sub", "--output-dir", tmp_path / "out", code=0)
    assert len(list((tmp_path / "out").rglob("data.tif"))) == 1


def test_a_url_of_another_place_is_no_id_of_an_api(run: Run, server: LoopbackServer) -> None:
    asked = run(
        "--source", f"{server.url}/api/", "show", "item", "c", "https://elsewhere.invalid/items/a", code=1
    )
    assert "is no item of" in asked.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("list", "items", ""),
        ("show", "collection", ""),
        ("show", "item", "c", " "),
        ("show", "item", "", "a"),
        ("search", "-c", ""),
        ("search", "--urls", "--asset", ""),
        ("download", "item", "c", ""),
        ("download", "item", "c", "a", "--role", ""),
        ("download", "dataset", "", "--dry-run"),
        ("download", ""),
        ("queue", "add", "--dataset", ""),
    ],
)
def test_an_empty_id_as_of_a_variable_that_is_not_set_is_refused(
    run: Run, server: LoopbackServer, command: tuple[str, ...]
) -> None:
    refused = run("--source", f"{server.url}/api/", *command)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "it is empty" in refused.stderr
    assert not server.requests


def test_what_has_no_assets_is_said_by_name(run: Run, server: LoopbackServer, tmp_path: Path) -> None:
    asked = ("--source", f"{server.url}/api/", "download", "item", "c")
    of_collection, of_item = run(*asked), run(*asked, "a")
    assert (of_collection.exit_code, of_item.exit_code) == (1, 1)
    assert "c has no assets of its own: name an item of it too" in of_collection.stderr
    assert "a has no assets\n" in of_item.stderr


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("stac.example.org/v1", "https://stac.example.org/v1"),
        ("localhost:8080/stac", "http://localhost:8080/stac"),
    ],
)
def test_a_url_without_its_scheme_is_no_path(run: Run, folder: Path, typed: str, meant: str) -> None:
    refused = run("--source", typed, "list", "collections", code=2)
    assert f"did you mean {meant}?" in refused.stderr
    (folder.parent / typed.partition("/")[0]).mkdir()
    assert "no such file or folder" in run("--source", typed, "list", "collections", code=1).stderr
