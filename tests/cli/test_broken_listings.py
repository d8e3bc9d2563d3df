"""Commands over listings that break off: what came is shown, then the error, and nothing looks whole."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.http_server import Answer, LoopbackServer, Request, as_json, page_of_html
from tests.support.paged_api import PagedAPI, failing_from, items, problem
from tests.support.stac import collection, link
from tests.support.stac_api import DATA_LINK, STACAPI, landing, listing, of_collection

IMAGE = {"a": {"href": "https://data.example/a.tif", "type": "image/tiff"}}
LIST = ("list", "items", "c", "--page-size", "20")
SEARCH = ("search", "-c", "c")
FAILURES = {
    "an error": (problem(500, "boom"), "boom"),
    "a refusal": (problem(403, "not this page"), "not this page"),
    "no such page": (Answer(404), "not found"),
    "a web page": (page_of_html(), "web page"),
    "half a page": (Answer(body=b'{"features": [{"id": "i'), "not JSON"),
    "no page": (Answer(body=b"{}"), "features"),
    "a closed connection": (Answer(before="close"), "was lost"),
}


def api(answer: Answer, *, searches: tuple[str, ...] = ("GET", "POST")) -> PagedAPI:
    """Return an API whose second page fails."""
    return PagedAPI(failing_from(1, answer), items(400, assets=IMAGE), searches=searches)


@pytest.mark.parametrize("how", FAILURES)
@pytest.mark.parametrize(("command", "came"), [(LIST, 20), (SEARCH, 100)], ids=["list", "search"])
def test_a_table_of_what_came_is_shown_before_the_error(
    run: Run, command: tuple[str, ...], came: int, how: str
) -> None:
    answer, words = FAILURES[how]
    with api(answer) as server:
        result = run("--source", server.location, *command)
    assert result.exit_code in (1, 3), result.output
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == [f"i{n:04}" for n in range(came)]
    assert words in result.stderr
    assert f"the listing broke off after {came} items" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("searches", [("GET", "POST"), ()], ids=["on the server", "on this side"])
def test_csv_and_urls_of_what_came_are_whole_lines(run: Run, searches: tuple[str, ...]) -> None:
    with api(problem(500, "boom"), searches=searches) as server:
        table = run("--source", server.location, *SEARCH, "--csv")
        urls = run("--source", server.location, *SEARCH, "--urls")
        downloads = run("--source", server.location, *SEARCH, "--aria2")
    assert [row["id"] for row in csv.DictReader(io.StringIO(table.stdout))] == [
        f"i{n:04}" for n in range(100)
    ]
    assert urls.stdout == "https://data.example/a.tif\n" * 100
    assert downloads.stdout.count("  out=c/") == 100
    for result in (table, urls, downloads):
        assert result.exit_code == 1
        assert "boom" in result.stderr
        assert "the listing broke off after 100 items" in result.stderr


@pytest.mark.parametrize(
    "command",
    [(*LIST, "--json"), (*SEARCH, "--json"), (*SEARCH, "--geojson")],
    ids=["list", "json", "geojson"],
)
def test_json_of_a_listing_that_broke_off_has_no_end(run: Run, command: tuple[str, ...]) -> None:
    with api(problem(500, "boom")) as server:
        result = run("--source", server.location, *command)
        server.rule = failing_from(0, problem(500, "boom"))
        none = run("--source", server.location, *command)
    assert result.exit_code == 1
    with pytest.raises(json.JSONDecodeError):
        json.loads(result.stdout)
    lines = result.stdout.splitlines()[1:]
    assert [json.loads(line.rstrip(","))["id"] for line in lines] == [f"i{n:04}" for n in range(len(lines))]
    assert len(lines) in (20, 100)
    assert result.stdout.endswith("\n")
    assert "the JSON has no end" in result.stderr
    assert (none.exit_code, none.stdout) == (1, "")
    assert "broke off" not in none.stderr


def test_a_search_that_broke_off_is_not_saved_with_a_count(run: Run) -> None:
    with api(problem(500, "boom")) as server:
        assert run("--source", server.location, *SEARCH, "--save", "mine").exit_code == 1
    assert "mine" not in run("search", "--list").stdout


BAD_PAGES = {
    "gone": as_json({"detail": "no such page"}, 404),
    "a web page": FAILURES["a web page"][0],
    "half a page": FAILURES["half a page"][0],
}


def collections_api(failing: Answer) -> STACAPI:
    """Return an API whose second page of collections fails."""
    found = [collection(f"c{number}") for number in range(3)]
    first = as_json({"collections": found, "links": [link("next", "collections?page=2")]})
    parts = {"/collections": lambda asked: failing if asked.query.get("page") else first}
    return STACAPI({"": landing(links=[DATA_LINK]), **parts})


def test_collections_of_a_listing_that_broke_off_are_shown_before_the_error(run: Run) -> None:
    with collections_api(problem(500, "boom")) as server:
        table, cut = (
            run("--source", server.stac, "list", "collections", *form) for form in ((), ("--json",))
        )
    assert [line.split()[0] for line in table.stdout.splitlines()[1:]] == ["c0", "c1", "c2"]
    assert [json.loads(line.rstrip(","))["id"] for line in cut.stdout.splitlines()[1:]] == ["c0", "c1", "c2"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.stdout)
    for result in (table, cut):
        assert result.exit_code == 1
        assert "boom" in result.stderr
        assert "the listing broke off after 3 collections" in result.stderr


def circle(href: str) -> STACAPI:
    """Return an API whose second page of items has a next link of these words."""

    def page(asked: Request) -> Answer:
        number = int(asked.query.get("page", ["1"])[0])
        return listing(
            items(2, assets=IMAGE)[number - 1 : number], link("next", "?page=2" if number == 1 else href)
        )

    return STACAPI({**of_collection(), "": landing(), "/collections/c/items": page})


@pytest.mark.parametrize("href", ["?page=1", "?page=2", "ftp://elsewhere/items"])
def test_a_next_link_that_leads_nowhere_is_an_error_after_what_came(run: Run, href: str) -> None:
    with circle(href) as server:
        table, cut, plan = (
            run("--source", server.stac, *command)
            for command in (
                LIST,
                (*LIST, "--json"),
                ("download", "dataset", "c", "--dry-run", "--output-dir", str(run.folder)),
            )
        )
    assert [line.split()[0] for line in table.stdout.splitlines()[1:3]] == ["i0000", "i0001"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.stdout)
    for result in (table, cut, plan):
        assert result.exit_code == 1
        assert "the listing is not complete" in result.stderr
    assert any(words in plan.stderr for words in ("came again", "leads back", "cannot be followed"))


class Ill(LoopbackServer):
    """A catalog, or an API, of two items, of which the second is not given until it is `well`."""

    def __init__(self, how: str) -> None:
        super().__init__(self._answer)
        self.how, self.well = how, False

    @property
    def location(self) -> str:
        """Where it is."""
        return f"{self.url}/collection.json" if self.how == "file" else f"{self.url}/"

    def _answer(self, request: Request) -> Answer:
        features = items(2)
        for item in features:
            item["assets"] = {"image": {"href": f"{self.url}/{item['id']}.tif", "type": "image/tiff"}}
        second = request.query.get("page") == ["2"]
        match request.path:
            case "/":
                return landing(links=[DATA_LINK])
            case "/collections/c/items" if second and self.how in BAD_PAGES and not self.well:
                return BAD_PAGES[self.how]
            case "/collections/c/items":
                at = int(second and (self.well or self.how != "same"))
                links = [] if second and self.well else [{"rel": "next", "href": "?page=2"}]
                return as_json({"features": features[at : at + 1], "links": links})
            case "/collections/c" | "/collection.json":
                links = [{"rel": "item", "href": f"{name}.json"} for name in ("0", "1")]
                named = {"type": "Collection", "id": "c", "description": "d", "license": "x"}
                return as_json(named | {"links": links if self.how == "file" else []})
            case "/1.json" if not self.well:
                return Answer(403)
            case "/0.json" | "/1.json":
                return as_json(features[int(request.path[1])])
            case "/i0000.tif" | "/i0001.tif":
                return Answer(body=b"II*\0image", headers={"Content-Type": "image/tiff"})
        return Answer(404)


@pytest.mark.parametrize("how", [*BAD_PAGES, "same", "file"])
def test_a_dataset_that_could_not_all_be_listed_has_what_came_fails_and_is_completed_by_a_retry(
    run: Run, tmp_path: Path, how: str
) -> None:
    with Ill(how) as server:
        download = ("--source", server.location, "download", "dataset", "c", "--output-dir", str(tmp_path))
        ill = run(*download, code=1)
        assert "not all could be listed" in ill.stderr
        again = (
            "requests the documents that err_report.csv names" if how == "file" else "lists the items again"
        )
        assert f"retry {again}" in ill.stderr
        report = (tmp_path / "c/err_report.csv").read_text()
        assert (f"{server.url}/1.json" if how == "file" else "the listing is not complete") in report
        assert [path.parent.name for path in tmp_path.rglob("*.tif")] == ["i0000"]
        assert "failed" in run("queue", "list").stdout
        server.well = True
        run(*download, code=0)
        assert {path.parent.name for path in tmp_path.rglob("*.tif")} == {"i0000", "i0001"}
        assert server.targets.count("/i0000.tif") == 1, "what is there is not fetched again"


class DeadLinks(LoopbackServer):
    """A static collection of which the documents in `gone` do not exist."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.gone = {"/2.json", "/below/catalog.json"}

    def _answer(self, request: Request) -> Answer:
        links = [{"rel": "item", "href": f"{number}.json"} for number in range(4)]
        below = [{"rel": "item", "href": "../4.json"}, {"rel": "item", "href": "../5.json"}]
        links.append({"rel": "child", "href": "below/catalog.json"})
        named = {"id": "c", "stac_version": "1.0.0", "description": "d", "license": "x"}
        if request.path in self.gone:
            return Answer(404)
        if request.path == "/collection.json":
            return as_json({**named, "type": "Collection", "extent": {}, "links": links})
        if request.path == "/below/catalog.json":
            return as_json({**named, "type": "Catalog", "id": "below", "links": below})
        if request.path.endswith(".json"):
            found = items(6)[int(request.path[1])]
            return as_json({**found, "assets": {"image": {"href": f"{self.url}/{found['id']}.tif"}}})
        return Answer(body=b"II*\0image", headers={"Content-Type": "image/tiff"})


def test_dead_links_of_a_static_catalog_are_in_the_report_and_alone_are_requested_again(run: Run) -> None:
    with DeadLinks() as server:
        download = ("--source", f"{server.url}/collection.json", "download", "dataset", "c")
        report = run.folder / "c/err_report.csv"
        asked: list[list[str]] = []
        for gone in (
            {"/2.json", "/below/catalog.json"},
            {"/2.json", "/below/catalog.json"},
            {"/5.json"},
            set(),
        ):
            server.gone, before = gone, len(server.targets)
            result = run(*download, "--output-dir", run.folder)
            assert result.exit_code == (1 if gone else 0), result.output
            lines = list(csv.reader(report.read_text().splitlines()))
            named = {url.removeprefix(server.url): [why, *rest] for why, *rest, url in lines}
            assert named == {path: [f"not found: {server.url}{path}", "c", "c", "", ""] for path in gone}
            asked.append([path for path in server.targets[before:] if path.endswith(".json")])
    first = {"/0.json", "/1.json", "/3.json"}
    assert first <= set(asked[0])
    assert [first & set(paths) for paths in asked[1:]] == [set(), set(), set()]
    assert {path.parent.name for path in run.folder.rglob("*.tif")} == {f"i{n:04}" for n in range(6)}


def test_a_collection_that_has_nothing_to_download_says_why_rather_than_that_no_filter_matches(
    run: Run, tmp_path: Path
) -> None:
    links = [{"rel": "item", "href": name} for name in ("item.json", "bare.json", "ipfs://bucket/item.json")]
    named = {"type": "Collection", "id": "c", "description": "d", "license": "x", "links": links}
    (tmp_path / "collection.json").write_text(json.dumps(named))
    (tmp_path / "item.json").write_text(json.dumps({**items(1)[0], "id": None}))
    (tmp_path / "bare.json").write_text(json.dumps({**items(1)[0], "assets": {"image": {"href": None}}}))
    result = run("--source", tmp_path, "download", "dataset", "c", "--output-dir", tmp_path / "out", code=1)
    assert "no item of c has an asset to download" in result.stderr
    planned = run("--source", tmp_path, "download", "dataset", "c", "--dry-run")
    assert "no item of c has an asset to download" in planned.stderr
    assert "a link that cannot be followed: ipfs://bucket/item.json" in result.stderr
    assert "an item without an id" in result.stderr
    assert "1 asset without an href" in result.stderr


def test_a_page_of_a_listing_that_a_catalog_links_stays_incomplete_however_often_it_is_read(run: Run) -> None:
    named = {"type": "Collection", "id": "c", "description": "d", "license": "x"}
    links = [{"rel": "items", "href": "page.json"}]
    (run.folder / "collection.json").write_text(json.dumps({**named, "links": links}))
    page = {
        "features": items(1, assets={"a": {"href": "a.tif"}}),
        "links": [{"rel": "next", "href": "2.json"}],
    }
    (run.folder / "page.json").write_text(json.dumps({"type": "FeatureCollection", **page}))
    (run.folder / "a.tif").write_bytes(b"II*\0image")
    for _ in range(2):
        result = run(
            "--source", run.folder, "download", "dataset", "c", "--output-dir", run.folder / "o", code=1
        )
        assert "only the first page of a listing is read" in result.stderr
    assert len([*(run.folder / "o").rglob("a.tif")]) == 1


def test_a_listing_of_an_archive_that_ends_too_early_is_not_whole(run: Run, tmp_path: Path) -> None:
    documents = {f"{item['id']}.json": item for item in items(2)}
    links = [{"rel": "item", "href": name} for name in documents]
    named = {"type": "Collection", "id": "c", "description": "d", "license": "x", "links": links}
    documents = {"collection.json": named, **documents}
    archive = tmp_path / "catalog.tar"
    with tarfile.open(archive, "w") as file:
        for name, value in documents.items():
            data = json.dumps(value).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
            end = file.offset
    archive.write_bytes(archive.read_bytes()[: end - 500])
    result = run("--source", archive, "list", "items", "c")
    assert "i0000" in result.stdout
    assert result.exit_code == 1
    assert "the listing is not complete: the archive ends too early" in result.stderr


def test_it_is_said_where_a_server_counts_more_items_than_it_lists(run: Run) -> None:
    with PagedAPI(lambda *_: as_json({"features": items(2), "numberMatched": 5})) as server:
        listed, some = (
            run("--source", server.location, *LIST[:3], *limit) for limit in ((), ("--limit", "2"))
        )
    assert (listed.exit_code, some.exit_code) == (0, 0)
    assert "the server counts 3 items more than it lists" in listed.stderr
    assert "more than it lists" not in some.stderr


@pytest.mark.parametrize("option", [(), ("--dry-run",)])
def test_it_is_said_where_a_server_counts_more_items_of_a_dataset(run: Run, option: tuple[str, ...]) -> None:
    with LoopbackServer(lambda _: Answer(body=b"II*\0")) as store:
        features = items(2, assets={"a": {"href": f"{store.url}/a.tif"}})
        with PagedAPI(lambda *_: as_json({"features": features, "numberMatched": 5})) as server:
            arguments = ("download", "dataset", "c", "--output-dir", str(run.folder), *option)
            result = run("--source", server.location, *arguments)
    assert result.exit_code == 0, result.output
    assert "the server counts 3 items more than it lists" in result.stderr
    assert len(list(run.folder.rglob("*.tif"))) == (0 if option else 2)


def test_a_page_that_is_not_allowed_without_a_key_is_3_in_lists_plans_and_downloads(run: Run) -> None:
    plan = ("download", "dataset", "c", "--output-dir", str(run.folder))
    with api(problem(403, "sign in")) as server:
        for command in (("list", "items", "c"), ("search", "-c", "c"), (*plan, "--dry-run"), plan):
            assert "no key was sent" in run("--source", server.location, *command, code=3).stderr
