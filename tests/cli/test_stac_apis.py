"""STAC APIs as people meet them: gateways, missing endpoints, odd ids; each command asked from outside."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.auth import Auth, ProfilesFile
from mlhub_tui.http.session import Session
from mlhub_tui.sources.stac.api_source import STACAPISource
from tests.support.http_server import Answer, Request, as_json, page_of_html
from tests.support.paged_api import PagedAPI
from tests.support.stac import catalog, collection, item, link
from tests.support.stac_api import (
    CLASSES,
    COMPLETE,
    DATA_LINK,
    MISSING,
    SEARCH_LINKS,
    STACAPI,
    Part,
    landing,
    listing,
    of_collection,
    tiffs,
)

from .conftest import Run


def ids_of(listed: str) -> list[str]:
    return [entry["id"] for entry in json.loads(listed)]


def searched(features: Iterable[dict[str, Any]]) -> Callable[[Request], Answer]:
    """Return an item search by collections and ids, by GET and POST."""

    def answer(asked: Request) -> Answer:
        given = {name: values[0].split(",") for name, values in asked.query.items()}
        wanted = asked.body or given
        fits = [
            each
            for each in features
            if all(
                each[field] in wanted.get(name, [each[field]])
                for name, field in (("collections", "collection"), ("ids", "id"))
            )
        ]
        return listing(fits)

    return answer


@pytest.mark.parametrize(
    ("root", "typed", "status"),
    [
        ("", "", 401),
        ("", "/", 403),
        ("", "/", 405),
        ("", "/", 200),
        ("/", "", 401),
        ("/", "", 403),
        ("/", "", 404),
        ("/", "/", 404),
        ("/", "", 400),
        ("", "/", 500),
    ],
)
def test_a_root_url_is_used_as_given_and_else_in_its_other_spelling(
    run: Run, tmp_path: Path, root: str, typed: str, status: int
) -> None:
    one = item("i1", assets={"data": {"href": "../../../files/i1.tif"}})
    parts: dict[str, Part] = {
        root: landing(links=(DATA_LINK, *SEARCH_LINKS)),
        "/collections": as_json({"collections": [collection("c")], "links": []}),
        "/collections/c": as_json(collection("c")),
        "/collections/c/items": listing([one]),
        "/collections/c/items/i1": as_json(one),
        "/search": listing([one]),
        **tiffs("i1"),
    }
    missing = (
        page_of_html() if status == 200 else as_json({"message": "Missing Authentication Token"}, status)
    )
    with STACAPI(parts, missing) as server:
        url = server.stac + typed
        assert ids_of(run("--source", url, "list", "collections", "--json").stdout) == ["c"]
        assert ids_of(run("--source", url, "list", "items", "c", "--json").stdout) == ["i1"]
        assert run("search", url, "-c", "c", "--csv").stdout.count("i1") >= 1
        where = ("--output-dir", str(tmp_path / "out"))
        assert run("--source", url, "download", "item", "c", "i1", *where).exit_code == 0
        if root == typed:
            assert server.asked("/" if typed == "" else "") == 0
        assert run("sources", "add", "gate", url).exit_code == 0
        assert ProfilesFile.load().get("gate").root_url == server.stac + root
        server.requests.clear()
        assert run("sources", "test", "gate").exit_code == 0
        assert ids_of(run("--source", "gate", "list", "collections", "--json").stdout) == ["c"]
        assert server.asked("/" if root == "" else "") == 0
        assert run("sources", "add", "forced", url, "--kind", "stac-api").exit_code == 0
        assert ids_of(run("--source", "forced", "list", "collections", "--json").stdout) == ["c"]
    assert next((tmp_path / "out").rglob("data.tif")).read_bytes() == b"II*\0i1"


def test_a_root_refused_in_both_spellings_names_the_one_that_was_given(run: Run) -> None:
    with STACAPI({}, as_json({"message": "no"}, 403)) as server:
        refused = run("--source", server.stac, "list", "collections", code=3)
        assert f"{server.stac}" in refused.stderr
        assert f"{server.stac}/" not in refused.stderr


@pytest.mark.parametrize("status", [404, 501, 403])
def test_without_a_list_of_collections_those_that_links_lead_to_are_listed(run: Run, status: int) -> None:
    data = {"data": {"href": "/stac/files/a.tif"}}
    found = [item(f"{name}-{n}", name, assets=data) for name in ("red", "blue", "deep") for n in (0, 1)]
    child = {"rel": "child", "type": "application/json"}
    catalog = {**collection("mid"), "type": "Catalog", "links": [{**child, "href": "deep.json"}]}
    parts: dict[str, Part] = {
        "": landing(
            ("core", "browseable", "item-search"),
            (
                {**child, "href": "collections/red"},
                {**child, "href": "elsewhere/blue.json"},
                {**child, "href": "elsewhere/mid.json"},
                {**child, "href": "elsewhere/mid.json", "title": "again"},
                {**child, "href": "elsewhere/lost.json"},
                *SEARCH_LINKS,
            ),
        ),
        "/collections": as_json({"code": "NotImplemented", "description": "none"}, status),
        "/collections/red": as_json(collection("red")),
        "/elsewhere/blue.json": as_json(collection("blue")),
        "/elsewhere/mid.json": as_json(catalog),
        "/elsewhere/deep.json": as_json(
            {**collection("deep"), "links": [{"rel": "child", "href": "mid.json"}]}
        ),
        "/search": searched(found),
        **tiffs("a"),
    }
    with STACAPI(parts) as server:
        at = ("--source", server.stac)
        listed = run(*at, "list", "collections", "--json")
        assert (listed.exit_code, ids_of(f"{listed.stdout}]")) == (1, ["red", "blue", "deep"])  # cut
        assert "lost.json" in listed.stderr
        assert "the listing is not complete: 1 document could not be read" in listed.stderr
        assert server.asked("/elsewhere/mid.json") == 1
        for name in ("red", "blue", "deep"):
            assert run.json(*at, "show", "collection", name)["id"] == name
            items = run(*at, "list", "items", name, "--json")
            assert ids_of(items.stdout) == [f"{name}-0", f"{name}-1"]
            where = ("--output-dir", str(run.folder / name))
            assert run(*at, "download", "dataset", name, *where).exit_code == 0
            assert len(list((run.folder / name).rglob("data.tif"))) == 2
        missing = run(*at, "list", "items", "nowhere")
        assert (missing.exit_code, missing.stdout) == (1, "")
        assert 'collection "nowhere" does not exist' in missing.stderr


@pytest.mark.parametrize("inner", ["127.0.0.2:9", "127.0.0.1:9"])
def test_a_root_that_redirects_to_an_inner_name_is_used_in_its_other_spelling(run: Run, inner: str) -> None:
    parts: dict[str, Part] = {
        "": Answer(307, headers={"Location": f"http://{inner}/stac/"}),
        "/": landing(),
        "/collections": as_json({"collections": [collection("c")]}),
    }
    with STACAPI(parts) as server:
        assert ids_of(run("--source", server.stac, "list", "collections", "--json").stdout) == ["c"]
        assert run("sources", "add", "gate", server.stac).exit_code == 0
        assert ProfilesFile.load().get("gate").root_url == f"{server.stac}/"


@pytest.mark.parametrize("classes", [COMPLETE, COMPLETE[:3]])
def test_a_collection_that_is_in_the_list_alone_is_found(run: Run, classes: tuple[str, ...]) -> None:
    one = item("i1", assets={"data": {"href": "http://127.0.0.1:9/a.tif"}})
    listed = collection("c", link("items", "../collections/c/items/"))
    parts: dict[str, Part] = {
        "": landing(classes, ({"rel": "data", "href": "collections/"},)),
        "/collections/": as_json({"collections": [listed]}),
        "/collections/c/items/": listing([one]),
    }
    with STACAPI(parts) as server:
        at = ("--source", server.stac)
        assert run.json(*at, "show", "collection", "c")["id"] == "c"
        assert ids_of(run(*at, "list", "items", "c", "--json").stdout) == ["i1"]
        where = ("--dry-run", "--json", "--output-dir", str(run.folder))
        assert json.loads(run(*at, "download", "dataset", "c", *where).stdout)["files"] == 1
        assert 'collection "d" does not exist' in run(*at, "list", "items", "d").stderr


@pytest.mark.parametrize(
    "answer", [as_json({"message": "not implemented"}), as_json({"message": "Unauthorized"}, 401)]
)
def test_a_list_of_collections_that_is_none_gives_way_to_links(run: Run, answer: Answer) -> None:
    child = {"rel": "child", "href": "red"}
    parts: dict[str, Part] = {
        "": landing(("core", "browseable", "item-search"), (child, *SEARCH_LINKS)),
        "/collections": answer,
        "/red": as_json(collection("red")),
    }
    with STACAPI(parts) as server:
        assert ids_of(run("--source", server.stac, "list", "collections", "--json").stdout) == ["red"]


@pytest.mark.slow
@pytest.mark.parametrize("post", [True, False])
@pytest.mark.parametrize("status", [404, 405, 501])
def test_an_api_that_has_a_search_alone_is_called_that_and_searched(
    run: Run, tmp_path: Path, status: int, post: bool
) -> None:
    data = {"data": {"href": "/stac/files/a.tif"}}
    search = searched([item(f"{name}-{n}", name, assets=data) for name in ("red", "blue") for n in (0, 1)])

    def by_get(asked: Request) -> Answer:
        return search(asked) if asked.method == "GET" else as_json({"detail": "Method Not Allowed"}, 405)

    parts: dict[str, Part] = {
        "": landing(("core", "item-search"), SEARCH_LINKS),
        "/search": search if post else by_get,
        **tiffs("a"),
    }
    with STACAPI(parts, as_json({"description": "none"}, status)) as server:
        at = ("--source", server.stac)
        for asked in ((*at, "list", "collections"), (*at, "list", "collections", "--json")):
            listed = run(*asked)
            assert (listed.exit_code, listed.stdout) == (1, "")
            assert "no list of collections" in listed.stderr
            assert " search`, or" in listed.stderr
            assert "there is no STAC API" not in listed.stderr
        assert run("sources", "add", "mine", server.stac).exit_code == 0
        assert run("sources", "test", "mine").exit_code == 0
        assert ids_of(run(*at, "list", "items", "red", "--json").stdout) == ["red-0", "red-1"]
        assert run.json(*at, "show", "item", "red", "red-1")["id"] == "red-1"
        assert "describes no collections" in run(*at, "show", "collection", "red").stderr
        assert run(*at, "download", "dataset", "red", "--output-dir", tmp_path / "d").exit_code == 0
        assert len(list((tmp_path / "d").rglob("data.tif"))) == 2
        lost = run(*at, "download", "dataset", "green", "--output-dir", tmp_path / "e", code=1)
        assert "green" in lost.stderr


@pytest.mark.parametrize(
    ("identity", "status"),
    [
        ("2020/07/scene", 400),
        ("a%2Fb", 403),
        ("50% cloud", 404),
        ("../../up", 405),
        ("a b+c?d#e", 501),
        ("1/2/3", 500),
    ],
)
def test_an_item_that_its_own_address_does_not_give_is_searched_by_its_id(
    run: Run, tmp_path: Path, identity: str, status: int
) -> None:
    data = {"data": {"href": "/stac/files/a.tif"}}
    items = [item(name, "c/d", assets=data) for name in ("other", identity)]
    parts: dict[str, Part] = {
        "": landing(links=(DATA_LINK, *SEARCH_LINKS)),
        "/collections": as_json({"collections": [collection("c/d")], "links": []}),
        "/search": searched(items),
        **tiffs("a"),
    }
    with STACAPI(parts, as_json({"detail": "no such route"}, status)) as server:
        at = ("--source", server.stac)
        assert ids_of(run(*at, "list", "items", "c/d", "--json").stdout) == ["other", identity]
        shown = run(*at, "show", "item", "c/d", identity, "--json")
        assert json.loads(shown.stdout)["id"] == identity
        where = ("--output-dir", str(tmp_path / "out"))
        assert run(*at, "download", "item", "c/d", identity, *where).exit_code == 0
        assert run(*at, "show", "collection", "c/d", "--json").exit_code == 0
        missing = run(*at, "show", "item", "c/d", "1/2")
        assert (missing.exit_code in (1, 3), missing.stdout) == (True, "")
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name == "data.tif"]
    assert [path.is_relative_to(tmp_path / "out") for path in files] == [True]


@pytest.mark.parametrize("identity", ["mine", "other/mine"])
def test_a_server_that_ignores_ids_gives_no_other_item_for_one_that_is_missing(
    run: Run, identity: str
) -> None:
    parts: dict[str, Part] = {
        "": landing(links=SEARCH_LINKS),
        "/search": listing([item("other", "c")]),
        "/collections/c/items/other%2Fmine": as_json(item("other", "c")),
    }
    with STACAPI(parts) as server:
        missing = run("--source", server.stac, "show", "item", "c", identity)
        assert (missing.exit_code, missing.stdout) == (1, "")
        assert f'item "{identity}" of collection "c" does not exist' in missing.stderr


@pytest.mark.parametrize(
    "answer", [listing([item("a/b")]), as_json(item("a")), MISSING], ids=["list", "other", "none"]
)
@pytest.mark.parametrize("classes", [COMPLETE, COMPLETE[:3]])
def test_an_item_whose_address_gives_another_document_is_looked_for(
    run: Run, answer: Answer, classes: tuple[str, ...]
) -> None:
    both = [item("other"), item("a/b")]
    parts: dict[str, Part] = {
        "": landing(classes, SEARCH_LINKS if classes == COMPLETE else ()),
        "/collections/c": as_json(collection("c")),
        "/collections/c/items": listing(both),
        "/collections/c/items/a%2Fb": answer,
        "/search": searched(both),
    }
    with STACAPI(parts) as server:
        shown = run("--source", server.stac, "show", "item", "c", "a/b", "--json")
        assert json.loads(shown.stdout)["id"] == "a/b"
        lost = run("--source", server.stac, "show", "item", "c", "a/c")
        assert (lost.exit_code, 'item "a/c" of collection "c" does not exist' in lost.stderr) == (1, True)


def test_an_item_is_searched_in_a_collection_whose_id_is_a_number(run: Run) -> None:
    one = {**item("1/2"), "collection": 7}
    with STACAPI({"": landing(links=SEARCH_LINKS), "/search": listing([one])}) as server:
        assert run("--source", server.stac, "show", "item", "7", "1/2").exit_code == 0


@pytest.mark.parametrize("named", ["/stac//search", "http://127.0.0.1:1/search"])
def test_where_the_search_that_is_linked_is_not_there_the_usual_one_serves(run: Run, named: str) -> None:
    links = ({"rel": "search", "href": named, "method": "POST"},)
    with STACAPI({"": landing(links=links), "/search": listing([item("i")])}) as server:
        assert ids_of(run("search", server.stac, "--json").stdout) == ["i"]


@pytest.mark.parametrize("known", ["datetime", "properties.datetime"])
@pytest.mark.parametrize("typed", ["-datetime", "-properties.datetime"])
@pytest.mark.parametrize("listed", [True, False])
def test_a_sort_field_that_is_refused_is_spelled_otherwise(
    run: Run, known: str, typed: str, listed: bool
) -> None:
    def search(asked: Request) -> Answer:
        (sorted_by,) = asked.body["sortby"]
        good = sorted_by == {"field": known, "direction": "desc"}
        return listing([item("i")]) if good else as_json({"description": "no such field"}, 400)

    more: dict[str, Part] = {"/queryables": named("datetime")} if listed else {}
    links = (*SEARCH_LINKS, {"rel": "queryables", "href": "queryables"})
    with STACAPI({"": landing((*COMPLETE, "item-search#sort"), links), "/search": search, **more}) as server:
        assert ids_of(run("search", server.stac, f"--sort={typed}", "--json").stdout) == ["i"]
        unknown = run("search", server.stac, "--sort=nowhere")
        assert (unknown.exit_code, "no such field" in unknown.stderr) == (1, True)


def test_catalogs_that_are_apis_of_their_own_are_named_where_there_are_no_collections(run: Run) -> None:
    own = landing(("core", "collections"), (DATA_LINK,))
    parts: dict[str, Part] = {"": landing(("core",), ({"rel": "child", "href": "LPCLOUD"},)), "/LPCLOUD": own}
    with STACAPI(parts) as server:
        listed = run("--source", server.stac, "list", "collections")
        assert (listed.exit_code, f"{server.stac}/LPCLOUD" in listed.stderr) == (1, True)


def test_asset_keys_that_a_collection_does_not_have_are_refused_with_those_that_it_has(run: Run) -> None:
    assets = {key: {"href": f"/stac/files/{key}.tif"} for key in ("red", "blue")}
    parts = of_collection(item("i", assets=assets)) | {"/search": listing([])} | tiffs("red")
    with STACAPI(parts) as server:
        asked = ("--source", server.stac, "download", "dataset", "c", "--output-dir", str(run.folder))
        nowhere = run(*asked, "--collection", "c=RED", "--bbox", "0,0,1,1", "--dry-run")
        assert (nowhere.exit_code, "has no asset" in nowhere.stderr) == (0, False)
        planned = run(*asked, "--collection", "c=RED", "--dry-run")
        assert (planned.exit_code, planned.stdout) == (2, "")
        fetched = run(*asked, "--collection", "c=RED")
        assert (fetched.exit_code, fetched.stdout) == (2, "")
        for said in (planned.stderr, fetched.stderr):
            assert "c has no asset 'RED'; there are: red, blue" in said
            assert "widen" not in said
        both = run(*asked, "--collection", "c=RED,red")
        assert (both.exit_code, len(list(run.folder.rglob("red.tif")))) == (0, 1)
        assert "c has no asset 'RED'" in both.stderr


def query_api(*links: dict[str, Any]) -> dict[str, Part]:
    return {
        "": landing((*COMPLETE, "item-search#query"), links),
        "/collections": as_json({"collections": [collection("c")], "links": []}),
        "/search": listing([item("i")]),
    }


@pytest.mark.parametrize(
    ("expression", "query"),
    [
        ('"eo:cloud_cover" < 30', {"eo:cloud_cover": {"lt": 30}}),
        ("properties.a:b<=-1.5e1 and gsd <> 10", {"a:b": {"lte": -15.0}, "gsd": {"neq": 10}}),
        ("(a > 1) AND ((b >= 2 AND a > 3))", {"a": {"gt": 3}, "b": {"gte": 2}}),
        ("10 > gsd", {"gsd": {"lt": 10}}),
        ("platform IN ('a', 'it''s') AND gsd BETWEEN 5 AND 10", {
            "platform": {"in": ["a", "it's"]}, "gsd": {"gte": 5, "lte": 10},
        }),
        ("ok = TRUE AND updated > TIMESTAMP('2020-01-01T00:00:00Z')", {
            "ok": {"eq": True}, "updated": {"gt": "2020-01-01T00:00:00Z"},
        }),
        ("a LIKE 'x%' AND b LIKE '%y' AND c LIKE '%z%'", {
            "a": {"startsWith": "x"}, "b": {"endsWith": "y"}, "c": {"contains": "z"},
        }),
        ("name = 'A OR (B' AND \"o\"\"dd\" = 1", {"name": {"eq": "A OR (B"}, 'o"dd': {"eq": 1}}),
        ('{"op": "<", "args": [{"property": "properties.gsd"}, 30]}', {"gsd": {"lt": 30}}),
    ],
)  # fmt: skip
def test_where_there_is_no_cql2_comparisons_are_sent_as_a_query(
    run: Run, expression: str, query: dict[str, Any]
) -> None:
    for links in (SEARCH_LINKS, SEARCH_LINKS[:1]):
        with STACAPI(query_api(*links)) as server:
            found = run("search", server.stac, "-c", "c", "--filter", expression, "--json")
            assert (found.exit_code, ids_of(found.stdout)) == (0, ["i"])
            (asked,) = [request for request in server.requests if request.path == "/stac/search"]
            assert asked.method == ("POST" if links is SEARCH_LINKS else "GET")
            sent = asked.body or {name: values[0] for name, values in asked.query.items()}
            assert "filter" not in sent
            assert (sent["query"] if asked.body else json.loads(sent["query"])) == query


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("a > 1 OR b = 2", "OR"),
        ("(a > 1 OR b = 2) AND c = 3", "OR"),
        ("NOT a = 1", "NOT"),
        ("a NOT IN (1, 2)", "NOT"),
        ("a IS NULL", "IS NULL"),
        ("S_INTERSECTS(geometry, POINT(1 2))", "geometry or time function S_INTERSECTS"),
        ("CASEI(a) = 'x'", "the function CASEI"),
        ("a = CASEI('x')", "the function CASEI"),
        ("a + 1 < 3", "arithmetic"),
        ("a < b", "two properties"),
        ("a LIKE 'x%y'", "the pattern 'x%y'"),
        ("a = 1 AND a = 2", "two conditions"),
        ("id = 'x'", "--ids"),
        ("collection IN ('x')", "-c"),
        ("a", "without a value"),
        ("a = ", "ends too early"),
        ("a = 'x", "cannot be read at"),
        ("a = 1)", "cannot be read at ')'"),
        ("(a = 1", ") is missing"),
        ('{"op": "<"}', "no op with args"),
        ('{"op": "<", "args": 1}', "no op with args"),
        ('{"op": "<", "args": []}', "CQL2 JSON"),
        ('{"op": "=", "args": [{"property": 1}, 2]}', "CQL2 JSON"),
        ('{"op": "a_overlaps", "args": [{"property": "a"}, [1]]}', "the operator a_overlaps"),
        ('{"op": "<", "args": [', "is no JSON"),
    ],
)
def test_what_a_query_cannot_say_is_refused_by_name_and_nothing_is_asked(
    run: Run, expression: str, named: str
) -> None:
    with STACAPI(query_api(*SEARCH_LINKS)) as server:
        refused = run("search", server.stac, "-c", "c", "--filter", expression)
        assert (refused.exit_code in (1, 2), refused.stdout) == (True, "")
        assert named in refused.stderr
        assert "fault" not in refused.stderr
        assert server.asked("/search") == 0


LESS = {"op": "<", "args": [{"property": "eo:cloud_cover"}, 30]}


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ('"eo:cloud_cover" < 30', LESS),
        ("properties.eo:cloud_cover<30 and (a != 'x' or b > 1)", {"op": "and", "args": [
            LESS, {"op": "or", "args": [
                {"op": "<>", "args": [{"property": "a"}, "x"]}, {"op": ">", "args": [{"property": "b"}, 1]},
            ]},
        ]}),
        ("NOT a IN (1, 2.5)", {"op": "not", "args": [{"op": "in", "args": [{"property": "a"}, [1, 2.5]]}]}),
        ("a NOT LIKE 'x%'", {"op": "not", "args": [{"op": "like", "args": [{"property": "a"}, "x%"]}]}),
        ("a IS NOT NULL", {"op": "not", "args": [{"op": "isNull", "args": [{"property": "a"}]}]}),
        ("a BETWEEN 1 AND 2", {"op": "between", "args": [{"property": "a"}, 1, 2]}),
        ("a < b", {"op": "<", "args": [{"property": "a"}, {"property": "b"}]}),
        ("updated > TIMESTAMP('2020-01-01T00:00:00Z')", {"op": ">", "args": [
            {"property": "updated"}, {"timestamp": "2020-01-01T00:00:00Z"},
        ]}),
        ("id = 'i'", {"op": "=", "args": [{"property": "id"}, "i"]}),
        (' {"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Point"}]}',
         {"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Point"}]}),
    ],
)  # fmt: skip
def test_where_there_is_but_cql2_json_the_text_is_sent_as_that(
    run: Run, expression: str, said: dict[str, Any]
) -> None:
    for links in (SEARCH_LINKS, SEARCH_LINKS[:1]):
        parts = query_api(*links)
        page = json.loads(landing((*COMPLETE, "item-search#filter"), links).body or b"")
        page["conformsTo"].append("http://www.opengis.net/spec/cql2/1.0/conf/cql2-json")
        parts[""] = as_json(page)
        with STACAPI(parts) as server:
            found = run("search", server.stac, "-c", "c", "--filter", expression, "--json")
            assert (found.exit_code, ids_of(found.stdout)) == (0, ["i"]), found.stderr
            (asked,) = [request for request in server.requests if request.path == "/stac/search"]
            sent = asked.body or {name: values[0] for name, values in asked.query.items()}
            assert sent["filter-lang"] == "cql2-json"
            assert (sent["filter"] if asked.body else json.loads(sent["filter"])) == said
            for refused, named in (
                ("S_INTERSECTS(a, POINT(1 2))", "S_INTERSECTS"),
                ("a + 1 < 3", "arithmetic"),
            ):
                result = run("search", server.stac, "-c", "c", "--filter", refused, code=1)
                assert (named in result.stderr, "CQL2 JSON" in result.stderr) == (True, True)
            assert server.asked("/search") == 1


def test_where_there_is_cql2_text_alone_json_is_refused_and_geojson_is_taken_as_it_is_typed(run: Run) -> None:
    parts = query_api(*SEARCH_LINKS)
    page = json.loads(landing((*COMPLETE, "item-search#filter"), SEARCH_LINKS).body or b"")
    page["conformsTo"].append("http://www.opengis.net/spec/cql2/1.0/conf/cql2-text")
    parts[""] = as_json(page)
    point = {"type": "Point", "coordinates": [1, 2]}
    with STACAPI(parts) as server:
        refused = run("search", server.stac, "--filter", json.dumps(LESS))
        assert (refused.exit_code, "as CQL2 text" in refused.stderr) == (1, True)
        assert run("search", server.stac, "--intersects", json.dumps(point)).exit_code == 0
        assert [r.body["intersects"] for r in server.requests if r.path == "/stac/search"] == [point]
        broken = run("search", server.stac, "--intersects", '{"type": "Point", "coordinates": [1')
        assert (broken.exit_code, "--intersects is no JSON" in broken.stderr) == (2, True)


def named(*names: str) -> Answer:
    return as_json({"type": "object", "properties": {name: {} for name in names}})


@pytest.mark.parametrize(
    ("parts", "collections", "sent"),
    [
        ({}, ("c",), ["properties.datetime", "id", "properties.gsd", "properties.cloud", "collection"]),
        ({"sortables": named("datetime", "gsd", "id"), "queryables": named("cloud")}, (),
         ["datetime", "id", "gsd", "properties.cloud", "collection"]),
        ({"sortables": MISSING, "queryables": named("datetime", "properties.gsd")}, (),
         ["datetime", "id", "properties.gsd", "properties.cloud", "collection"]),
        ({"sortables": named(), "queryables": as_json({"detail": "broken"}, 500)}, (),
         ["properties.datetime", "id", "properties.gsd", "properties.cloud", "collection"]),
        ({"collections/c/sortables": named("gsd", "cloud")}, ("c",),
         ["properties.datetime", "id", "gsd", "cloud", "collection"]),
    ],
)  # fmt: skip
def test_sort_fields_are_sent_as_the_api_lists_them(
    run: Run, parts: dict[str, Answer], collections: tuple[str, ...], sent: list[str]
) -> None:
    links = [{"rel": f"http://www.opengis.net/def/rel/ogc/1.0/{name}", "href": name} for name in parts]
    whole = {**collection("c"), "links": [{"rel": "sortables", "href": "c/sortables"}]}
    places: dict[str, Part] = {
        "": landing(
            (*COMPLETE, "item-search#sort"),
            (*SEARCH_LINKS, *[each for each in links if "/" not in each["href"]]),
        ),
        "/collections/c": as_json(whole),
        "/search": listing([item("i")]),
        **{f"/{path}": answer for path, answer in parts.items()},
    }
    with STACAPI(places) as server:
        options = [option for name in collections for option in ("-c", name)]
        order = "datetime,-id,gsd,-cloud,collection,-properties.datetime"
        found = run("search", server.stac, *options, f"--sort={order}", "--json")
        assert (found.exit_code, ids_of(found.stdout)) == (0, ["i"])
        body = server.requests[-1].body
        assert [each["field"] for each in body["sortby"]] == [*sent, "properties.datetime"]
        directions = [each["direction"] for each in body["sortby"]]
        assert directions == ["asc", "desc", "asc", "desc", "asc", "desc"]


@pytest.mark.parametrize("version", [1, 2, "known"])
def test_assets_whose_reader_pays_are_left_out_of_a_dataset_and_the_reason_is_told(
    run: Run, tmp_path: Path, version: int | str
) -> None:
    bucket = "naip-analytic" if version == "known" else "example-bucket"
    paid: dict[str, Any] = {"href": f"s3://{bucket}/a.tif"}
    more: dict[str, Any] = {}
    if version == 1:
        paid |= {"storage:platform": "AWS", "storage:requester_pays": True}
    elif version == 2:
        paid |= {"storage:refs": ["aws"]}
        more = {"storage:schemes": {"aws": {"type": "aws-s3", "bucket": bucket, "requester_pays": True}}}
    assets = {
        "free": {"href": "/stac/files/free.tif"},
        "paid": paid,
        "both": {**paid, "alternate": {"https": {"href": "/stac/files/both.tif"}}},
    }
    moment = {"datetime": "2020-01-01T00:00:00Z"}
    items = [item(name, assets=assets, properties={**moment, **more}) for name in ("one", "two")]
    with STACAPI(of_collection(*items) | tiffs("free", "both")) as server:
        asked = ("--source", server.stac, "download", "dataset", "c", "--output-dir", str(tmp_path))
        planned = run(*asked, "--dry-run", "--json")
        counts = json.loads(planned.stdout)
        assert (planned.exit_code, counts["files"], counts["assets_requester_pays"]) == (0, 4, 2)
        reason = f"2 assets left out: the bucket {bucket} is requester-pays"
        assert reason in planned.stderr
        chosen = run(*asked, "--dry-run", "--collection", "c=free")
        assert "requester-pays" not in chosen.stderr
        fetched = run(*asked)
        assert (fetched.exit_code, reason in fetched.stderr) == (0, True)
        files = sorted(str(path.relative_to(tmp_path / "c")) for path in tmp_path.rglob("*.tif"))
        assert files == ["c/one/both.tif", "c/one/free.tif", "c/two/both.tif", "c/two/free.tif"]
        nothing = run(*asked, "--collection", "c=paid")
        assert (nothing.exit_code, reason in nothing.stderr) == (1, True)
        assert "has no asset" not in nothing.stderr


STATED: dict[
    str, tuple[dict[str, Any], dict[str, Any]]
] = {  # by the collection alone: what it has, and what its items' assets have
    "schemes": (
        {"storage:schemes": {"aws": {"type": "aws-s3", "requester_pays": True}}},
        {"storage:refs": ["aws"]},
    ),
    "schemes and item assets": (
        {
            "storage:schemes": {"aws": {"type": "aws-s3", "requester_pays": True}},
            "item_assets": {key: {"storage:refs": ["aws"]} for key in ("paid", "both")},
        },
        {},
    ),
    "summaries": ({"summaries": {"storage:requester_pays": [True]}}, {}),
    "a field": ({"storage:requester_pays": True}, {}),
}


@pytest.mark.parametrize("how", STATED)
def test_what_a_collection_states_of_who_pays_holds_for_its_items(run: Run, tmp_path: Path, how: str) -> None:
    stated, reference = STATED[how]
    paid = {"href": "s3://example-bucket/a.tif", **reference}
    alternate = {"alternate": {"https": {"href": "/stac/files/both.tif"}}}
    assets = {"free": {"href": "/stac/files/free.tif"}, "paid": paid, "both": {**paid, **alternate}}
    items = [item(name, assets=assets) for name in ("one", "two")]
    parts = of_collection(*items, **stated) | tiffs("free", "both")
    parts |= {"/collections/c/items/one": as_json(items[0]), "/search": listing(items)}
    reason = "the bucket example-bucket is requester-pays"
    with STACAPI(parts) as server:
        asked, where = ("--source", server.stac), ("--output-dir", str(tmp_path))
        for chosen in ((), ("--datetime", "2020")):  # all items are read, or what a search finds
            planned = run(*asked, "download", "dataset", "c", *chosen, "--dry-run", "--json")
            counts = json.loads(planned.stdout)
            assert (counts["files"], counts["assets_requester_pays"]) == (4, 2), planned.stderr
            assert reason in planned.stderr
        fetched = run(*asked, "download", "dataset", "c", *where)
        assert (fetched.exit_code, reason in fetched.stderr) == (0, True)
        single = run(*asked, "download", "item", "c", "one", *where)
        assert (single.exit_code, f"one paid is left out: {reason}" in single.stderr) == (1, True)
        assert len(list(tmp_path.rglob("*.tif"))) == 4 + 2
        urls = run(*asked, "search", "-c", "c", "--urls")
        assert urls.stdout.count("/files/both.tif") == 2
        assert "assets whose reader pays for the transfer: 2" in urls.stderr
        del parts["/files/free.tif"]
        failed = run(*asked, "download", "dataset", "c", "--output-dir", tmp_path / "again")
        assert (failed.exit_code, "done with 2 failed" in failed.stderr) == (1, True)
        assert f"2 assets left out: {reason}" in failed.stderr
    folder = tmp_path / "catalog"
    folder.mkdir()
    linked = [{"rel": "item", "href": f"{each['id']}.json"} for each in items]
    (folder / "collection.json").write_text(json.dumps(collection("c") | stated | {"links": linked}))
    for each in items:
        (folder / f"{each['id']}.json").write_text(json.dumps(each))
    planned = run("--source", folder, "download", "dataset", "c", "--dry-run", "--json")
    assert json.loads(planned.stdout)["assets_requester_pays"] == 2, planned.stderr


def test_hints_name_commands_that_the_source_at_hand_can_do(run: Run, tmp_path: Path) -> None:
    parts = of_collection() | {
        "/collections": as_json({"collections": [collection("c")], "links": []}),
        "/collections/closed": as_json({"detail": "log in"}, 401),
        "/search": listing([]),
    }
    where = ("--output-dir", str(tmp_path))
    with STACAPI(parts) as server:
        asking = f"mlhub-tui --source {server.stac}"
        for arguments, hint in (
            (("list", "datasets"), f"`{asking} list collections`"),
            (("list", "models"), f"`{asking} list collections`"),
            (("show", "dataset", "x"), f"`{asking} list collections`"),
            (("download", "c", *where), f"`{asking} download dataset COLLECTION`"),
            (("queue", "add", "c", *where), f"`{asking} download dataset COLLECTION`"),
            (("download", "dataset", "nowhere", *where), f"`{asking} list collections`"),
            (("list", "items", "nowhere"), f"`{asking} list collections`"),
            (("show", "collection", "nowhere"), f"`{asking} list collections`"),
            (("show", "item", "c", "nowhere"), f"`{asking} list items COLLECTION`"),
            (("show", "collection", "closed"), "`mlhub-tui sources add NAME URL --token`"),
        ):
            refused = run("--source", server.stac, *arguments)
            assert refused.exit_code in (1, 3), arguments
            assert hint in refused.stderr, arguments
            assert "configure" not in refused.stderr
            assert "datasets`" not in refused.stderr
        run("--source", server.stac, "queue", "add", "--dataset", "nowhere", *where)
        assert f"`{asking} list collections`" in run("queue", "run", "--until-empty").stderr
        del parts["/search"], parts["/collections/c/items"], parts["/collections/c"]
        parts[""] = landing(("core", "collections"))
        assert f"`{asking} list collections`" in run("search", server.stac, "-c", "nowhere").stderr


def test_a_file_that_wants_a_key_names_no_command_of_another_source(run: Run, tmp_path: Path) -> None:
    parts: dict[str, Part] = {
        "": landing(),
        "/collections/c": as_json(collection("c")),
        "/collections/c/items/a": as_json(item("a", assets={"data": {"href": "a.tif"}})),
        "/collections/c/items/a.tif": as_json({"detail": "log in"}, 401),
    }
    with STACAPI(parts) as server:
        asked = ("--source", server.stac, "--api-key", "wrong-wrong-wrong")
        refused = run(*asked, "download", "item", "c", "a", "--output-dir", tmp_path)
    assert refused.exit_code in (1, 3)
    assert "401" in refused.stderr
    assert "`mlhub-tui sources test NAME`" in refused.stderr
    assert "configure" not in refused.stderr


@pytest.mark.parametrize("own", [True, False], ids=["at its own place", "linked"])
def test_collections_that_only_link_their_items_are_listed_where_an_api_has_no_search(
    run: Run, tmp_path: Path, own: bool
) -> None:
    names = [f"i{number}" for number in range(3)]
    links = [{"rel": "item", "href": f"./items/{name}.json"} for name in names[:2]]
    nested = {"rel": "child", "href": "./2020.json"}
    place = "/collections/c" if own else "/tree/c.json"
    base = place.rpartition("/")[0]
    parts: dict[str, Part] = {
        "": landing(COMPLETE[:1], [{"rel": "child", "href": f".{place}"}]),
        place: as_json({**collection("c"), "links": [*links, nested]}),
        f"{base}/2020.json": as_json(
            catalog("2020", *(link("item", f"./items/{name}.json") for name in names))
        ),
        **{
            f"{base}/items/{name}.json": as_json(item(name, assets={"data": {"href": f"./{name}.tif"}}))
            for name in names
        },
    }
    with STACAPI(parts) as server:
        at = ("--source", server.stac)
        assert ids_of(run(*at, "list", "items", "c", "--json").stdout) == names
        assert ids_of(run(*at, "search", "-c", "c", "--json").stdout) == names
        assert run.json(*at, "show", "item", "c", "i2")["id"] == "i2"
        assert run(*at, "show", "item", "c", "i9").exit_code == 1
        planned = run(*at, "download", "dataset", "c", "--dry-run", "--output-dir", tmp_path, code=0)
        assert planned.stdout.splitlines()[-1].split()[1] == "3"


def test_a_finished_dataset_whose_files_are_gone_is_completed_by_a_retry_of_it(run: Run) -> None:
    assets = {key: {"href": f"/stac/files/{key}.tif"} for key in ("red", "blue")}
    with STACAPI(of_collection(item("i", assets=assets)) | tiffs(*assets)) as server:
        asked = ("--source", server.stac, "download", "dataset", "c", "--output-dir", str(run.folder))
        assert run(*asked).exit_code == 0
        assert run("queue", "retry").stderr == "nothing to retry\n"
        (gone,) = run.folder.rglob("red.tif")
        gone.unlink()
        damaged = run("queue", "verify", "1")
        assert (damaged.exit_code, "1 file gone or changed" in damaged.stdout) == (1, True)
        assert run("queue", "retry", "1").exit_code == 0
        assert run("queue", "run", "--until-empty").exit_code == 0
        assert gone.read_bytes() == b"II*\0red"
        assert server.asked("/files/blue.tif") == 1
        assert run("queue", "verify", "1").exit_code == 0


@pytest.mark.parametrize("named", [True, False])
def test_an_api_that_has_collections_alone_is_called_that(run: Run, named: bool) -> None:
    """As an openEO backend; without an id of the landing page as pygeoapi."""
    links = [DATA_LINK, {"rel": "conformance", "href": "conformance"}]
    whole = {"id": "openeo", "stac_version": "0.9.0"} if named else {}
    parts: dict[str, Part] = {
        "": as_json({**whole, "title": "T", "description": "d", "links": links}),
        "/conformance": as_json({"conformsTo": [f"{CLASSES}core", f"{CLASSES}collections"]}),
        "/collections": as_json({"collections": [collection("S2")], "links": []}),
        "/collections/S2": as_json(collection("S2")),
    }
    with STACAPI(parts) as server:
        assert ids_of(run("--source", server.stac, "list", "collections", "--json").stdout) == ["S2"]
        for command in (("list", "items", "S2"), ("search", "-c", "S2")):
            missing = run("--source", server.stac, *command)
            assert (missing.exit_code, missing.stdout) == (1, "")
            assert "lists no items of collection" in missing.stderr


def test_children_that_an_api_lists_apart_are_its_collections(run: Run) -> None:
    own = {"links": [{"rel": "self", "href": "/stac/of/blue.json"}, {"rel": "items", "href": "/stac/blue"}]}
    blue = {**collection("blue"), **own}
    parts: dict[str, Part] = {
        "": landing(("core", "children"), ({"rel": "children", "href": "children"},)),
        "/children": as_json({"children": [collection("red"), blue], "links": []}),
        "/collections/red": as_json(collection("red")),
        "/of/blue.json": as_json(blue),
        "/blue": listing([item("i", "blue")]),
    }
    with STACAPI(parts) as server:
        listed = run("--source", server.stac, "list", "collections", "--json")
        assert (listed.exit_code, ids_of(listed.stdout)) == (0, ["red", "blue"])

        async def shown() -> list[str]:
            async with aclosing(STACAPISource(Session(root_url=server.stac, auth=Auth()))) as source:
                top = await source.entries()
                below = await source.entries(top.entries[1])
                return [entry.id for entry in (*top.entries, *below.entries)]

        assert asyncio.run(shown()) == ["red", "blue", "i"]


@pytest.mark.parametrize("busy", [202, 429, 503])
def test_a_landing_page_that_is_busy_is_asked_for_again(run: Run, busy: int) -> None:
    answers = [Answer(busy, headers={"Retry-After": "0"})]
    parts: dict[str, Part] = {
        "": lambda _: answers.pop() if answers else landing(links=SEARCH_LINKS),
        "/search": as_json({"error": "the index is being built"}),
    }
    with STACAPI(parts) as server:
        refused = run("search", server.stac)
        assert (refused.exit_code, "the index is being built" in refused.stderr) == (1, True)
    assert not answers


class Relations(PagedAPI):
    """Writes the relations of its links in another form."""

    def __init__(self, form: str) -> None:
        super().__init__(lambda *_: None)
        self.form = form

    def answer(self, request: Request) -> Answer:
        found = super().answer(request)
        return replace(found, body=spelled((found.body or b"").decode(), self.form).encode())


def spelled(document: str, form: str) -> str:
    """Return a document with the relations of its links in another form."""
    return re.sub(r'"rel": "(\w+)"', lambda match: f'"rel": "{form.format(match[1])}"', document)


@pytest.mark.parametrize(
    "form",
    [
        "http://www.iana.org/assignments/relation/{}",
        "https://www.iana.org/assignments/relation/{}",
        "HTTP://www.IANA.org/assignments/Relation/{}",
        " {} ",
    ],
)
def test_relations_of_links_are_known_in_all_their_forms(run: Run, tmp_path: Path, form: str) -> None:
    with Relations(form) as server:
        listed = run("list", "items", "c", "--source", server.location, "--limit", "250", "--json", code=0)
        assert len(json.loads(listed.stdout)) == 250
    root = catalog("r", link("child", "c/collection.json"), link("license", "https://l.example/terms"))
    (tmp_path / "c").mkdir()
    (tmp_path / "catalog.json").write_text(spelled(json.dumps(root), form))
    of_one = json.dumps(collection("c", link("item", "i.json")))
    (tmp_path / "c" / "collection.json").write_text(spelled(of_one, form))
    (tmp_path / "c" / "i.json").write_text(json.dumps(item()))
    listed = run("list", "items", "c", "--source", tmp_path, "--json")
    assert [found["id"] for found in json.loads(listed.stdout)] == ["i"], listed.output
