"""Commands over documents whose ids are numbers, or missing: what has none is counted, and said once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.support.http_server import Answer
from tests.support.paged_api import PagedAPI, items
from tests.support.stac import catalog as catalog_of
from tests.support.stac import collection, link

NONE: tuple[dict[str, Any], ...] = ({}, {"id": None}, {"id": ""}, {"id": {"a": 1}})


def catalog(folder: Path, features: list[Any], *, how: str, identity: Any = "c") -> str:
    """Write a catalog of one collection, its items in files of their own, in a list, or one a line."""
    links = []
    if how == "files":
        for number, feature in enumerate(features):
            (folder / f"{number}.json").write_text(json.dumps(feature))
            links.append({"rel": "item", "href": f"{number}.json"})
    elif how == "list":
        (folder / "all.json").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        links.append({"rel": "items", "href": "all.json"})
    else:
        (folder / "all.ndjson").write_text("\n".join(map(json.dumps, features)))
        links.append({"rel": "items", "href": "all.ndjson"})
    (folder / "data.tif").write_bytes(b"bytes")
    (folder / "collection.json").write_text(json.dumps(collection(identity, *links)))
    (folder / "catalog.json").write_text(json.dumps(catalog_of("root", link("child", "collection.json"))))
    return str(folder / "catalog.json")


def some(asset: str = "./data.tif") -> list[dict[str, Any]]:
    """Return two items with an id, and four without."""
    made = items(6, assets={"data": {"href": asset}})
    for item, identity in zip(made[1:5], NONE, strict=True):
        del item["id"]
        item.update(identity)
    return made


@pytest.mark.parametrize("identity", NONE)
def test_a_catalog_without_an_id_leads_to_what_is_below_it_and_is_counted(
    run: Run, tmp_path: Path, identity: dict[str, Any]
) -> None:
    source = Path(catalog(tmp_path, items(2, assets={"data": {"href": "./data.tif"}}), how="list"))
    for name, child in (("catalog.json", "middle.json"), ("middle.json", "collection.json")):
        document = catalog_of("root", link("child", child))
        del document["id"]
        source.with_name(name).write_text(json.dumps(document | identity))
    note = "2 catalogs or collections without an ID, the first: "
    for command, rows in ((("list", "collections"), 2), (("list", "items", "c"), 3)):
        listed = run("--source", source, *command)
        assert (listed.exit_code, len(listed.stdout.splitlines())) == (0, rows), listed.output
        assert note in listed.stderr
    assert len(run.json("search", source)) == 2
    planned = run("--source", source, "download", "dataset", "c", "--dry-run", "--json")
    assert (planned.exit_code, json.loads(planned.stdout)["files"]) == (0, 2)


@pytest.mark.parametrize("how", ["files", "list", "lines"])
def test_entries_without_an_id_are_counted_once_in_every_command(run: Run, tmp_path: Path, how: str) -> None:
    source = catalog(tmp_path, some(), how=how)
    download = ("--source", source, "download", "dataset", "c", "--output-dir", str(tmp_path / "out"))
    for command in (
        ("--source", source, "list", "items", "c"),
        ("search", source, "-c", "c", "--csv"),
        ("--source", source, "list", "items", "c", "--json"),
        (*download, "--dry-run"),
        download,
    ):
        result = run(*command, code=0)
        assert result.stderr.count("4 entries without an ID") + result.stderr.count("4 items could") == 1
        assert "i0001" not in result.stdout


@pytest.mark.parametrize("searches", [("POST",), ()])
def test_entries_of_an_api_without_an_id_are_counted_over_all_pages(
    run: Run, tmp_path: Path, searches: tuple[str, ...]
) -> None:
    features = [*some("https://data.example/a.tif"), *items(300)[10:], *some()[1:5]]
    with PagedAPI(lambda *_: None, features, searches=searches) as server:
        download = ("--source", server.location, "download", "dataset", "c", "--output-dir", str(tmp_path))
        for command in (
            ("--source", server.location, "list", "items", "c"),
            ("search", server.location, "-c", "c", "--csv"),
            (*download, "--dry-run"),
        ):
            result = run(*command, code=0)
            assert result.stderr.count("8 entries without an ID left out") == 1


def test_what_is_said_of_a_page_outlasts_a_failure_of_the_next(run: Run, tmp_path: Path) -> None:
    features = [*some("https://data.example/a.tif"), *items(300)[10:]]
    with PagedAPI(lambda *_: None, features) as server:
        plan = ("download", "dataset", "c", "--dry-run", "--output-dir", str(tmp_path))
        server.rule = lambda _request, _limit, start: Answer(404) if start else None
        assert run("--source", server.location, *plan).exit_code == 1
        server.rule = lambda *_: None
        result = run("--source", server.location, *plan)
    assert result.exit_code == 0, result.output
    assert "4 entries without an ID left out" in result.stderr


@pytest.mark.parametrize("how", ["files", "list", "lines"])
def test_a_number_names_a_collection_and_an_item(run: Run, tmp_path: Path, how: str) -> None:
    feature = {**items(1, assets={"data": {"href": "./data.tif"}})[0], "id": 500, "collection": 2020}
    source = catalog(tmp_path, [feature], how=how, identity=2020)
    assert "2020" in run("--source", source, "list", "collections").stdout
    assert "500" in run("--source", source, "list", "items", "2020").stdout
    assert run.json("--source", source, "show", "item", "2020", "500")["id"] == 500
    assert "500" in run("search", source, "--ids", "500").stdout
    for what in (("item", "2020", "500"), ("dataset", "2020")):
        run("--source", source, "download", *what, "--output-dir", tmp_path / what[0], code=0)
        assert any("500" in path.parts for path in (tmp_path / what[0]).rglob("*.tif"))


def test_an_api_with_numbers_for_ids_is_listed_and_asked(run: Run) -> None:
    features = [{**item, "id": number} for number, item in enumerate(items(3))]
    with PagedAPI(lambda *_: None, features) as server:
        result = run("--source", server.location, "list", "items", "c")
        assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == ["0", "1", "2"]
        assert run("search", server.location, "-c", "c", "--csv").stdout.splitlines()[2].startswith("1,c")
