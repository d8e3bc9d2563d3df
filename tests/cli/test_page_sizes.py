"""Commands over servers that refuse a page for its size: smaller ones follow, from the same item on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.http_server import Answer, LoopbackServer, Request, as_json
from tests.support.paged_api import PagedAPI, Rule, items, problem, refusing_above

ALL = [f"i{number:04}" for number in range(400)]
REFUSALS = {
    "400 with the bound": problem(400, "limit must be between 1 and 50"),
    "400 of pydantic": problem(400, "Input should be less than or equal to 50: limit"),
    "400 without the bound": problem(400, "the page is too large"),
    "400 without words": Answer(400),
    "422": problem(422, "limit: ensure this value is less than 51"),
    "413": Answer(413),
    "502": problem(502, "Internal server error"),
    "504": problem(504, "Endpoint request timed out"),
    "500 that says so": problem(500, "Response payload size exceeded maximum allowed payload size"),
    "403 without words": Answer(403),
    "403 of a firewall": Answer(403, b"<html><head><title>403 Forbidden</title></head></html>"),
    "404 with the bound": problem(404, "the limit is 50"),
    "414": Answer(414),
    "JSON that ends too early": Answer(body=b'{"type": "FeatureCollection", "features": [{"id": "a'),
    "JSON of whole items alone": Answer(body=b'{"type": "FeatureCollection", "features": [{"id": "a"}, {}'),
    "cut short": Answer(body=b"[", headers={"Content-Type": "application/json"}, length=1000),
    "larger than is read": Answer(body=b"[", headers={"Content-Type": "application/json"}, length=10**9),
}
LEFT_TO_THE_SERVER = ("400 without words", "403 without words", "403 of a firewall", "414")
COMMANDS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "list": lambda url: ("--source", url, "list", "items", "c", "--json"),
    "search": lambda url: ("search", url, "-c", "c", "--json"),
}


def ids(run: Run, *command: str) -> list[str]:
    """Return the ids of the items that a command prints as JSON."""
    result = run(*command, code=0)
    return [item["id"] for item in json.loads(result.stdout)]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("how", REFUSALS)
def test_all_items_come_in_smaller_pages(run: Run, how: str, command: str) -> None:
    with PagedAPI(refusing_above(50, REFUSALS[how])) as server:
        assert ids(run, *COMMANDS[command](server.location)) == ALL
        assert 50 in server.limits or how in LEFT_TO_THE_SERVER
        assert server.limits.count(100) <= 3  # of a gateway's failure, as often as any is tried again


@pytest.mark.parametrize("paging", ["offset", "page"])
@pytest.mark.parametrize("searches", [("GET",), ("GET", "POST"), ()])
def test_a_later_page_that_is_too_large_is_made_smaller(
    run: Run, searches: tuple[str, ...], paging: str
) -> None:
    heavy = range(150, 260)

    def rule(_request: Request, limit: int, start: int) -> Answer | None:
        weight = sum(10 for number in range(start, start + limit) if number in heavy)
        return Answer(413) if weight > 300 else None

    with PagedAPI(rule, paging=paging, searches=searches) as server:
        for command in COMMANDS.values():
            assert ids(run, *command(server.location)) == ALL


def test_a_limit_of_the_user_counts_items_whatever_the_page(run: Run) -> None:
    with PagedAPI(refusing_above(7, Answer(413))) as server:
        assert ids(run, "search", server.location, "-c", "c", "--limit", "60", "--json") == ALL[:60]
        assert ids(run, *COMMANDS["list"](server.location), "--limit", "60") == ALL[:60]


@pytest.mark.parametrize("status", [400, 413, 502])
def test_a_dataset_is_read_in_smaller_pages(run: Run, tmp_path: Path, status: int) -> None:
    asset = {"a": {"href": "https://data.example/a.tif"}}
    with PagedAPI(refusing_above(99, problem(status, "too large")), items(400, assets=asset)) as server:
        arguments = ("download", "dataset", "c", "--dry-run", "--output-dir", str(tmp_path))
        result = run("--source", server.location, *arguments)
    assert result.exit_code == 0, result.output
    assert "400" in result.stdout


@pytest.mark.parametrize("asked", [50, None], ids=["of a size", "of the server's size"])
@pytest.mark.parametrize("way", ["with a token alone", "with the limit"])
def test_an_mlhub_api_is_asked_for_smaller_pages_to_the_end(
    run: Run, monkeypatch: pytest.MonkeyPatch, way: str, asked: int | None
) -> None:
    limits: list[int] = []

    def answer(request: Request) -> Answer:
        start, limit = (
            int(request.query.get(name, [value])[0]) for name, value in (("token", 0), ("limit", 99))
        )
        limits.append(limit)
        if limit > 20:
            return Answer(413)
        page = {"type": "FeatureCollection", "features": items(60)[start : start + limit], "links": []}
        more = f"?token={start + limit}" + ("" if way == "with a token alone" else f"&limit={limit}")
        if start + limit < 60:
            page["links"] = [{"rel": "next", "href": more}]
        return as_json(page)

    with LoopbackServer(answer) as server:
        monkeypatch.setenv("MLHUB_ROOT_URL", server.root)
        monkeypatch.setenv("MLHUB_API_KEY", "key")
        size = ("--page-size", str(asked)) if asked else ()
        assert ids(run, "list", "items", "c", *size, "--json") == ALL[:60]
    assert limits == [*((50, 25) if asked else (99,)), 10, 10, 10, 10, 10, 10]


def test_a_page_of_one_item_that_is_too_large_is_not_made_larger(run: Run) -> None:
    with PagedAPI(refusing_above(0, Answer(413))) as server:
        assert run(*COMMANDS["list"](server.location), "--page-size", "1").exit_code == 1
        assert set(server.limits) == {1}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (refusing_above(0, problem(400, "the collection is closed")), "the collection is closed"),
        (refusing_above(0, problem(400, "bbox is not within the limits")), "bbox is not within"),
        (refusing_above(0, problem(502, "nobody is home")), "nobody is home"),
        (refusing_above(0, Answer(403)), "not allowed"),
        (refusing_above(0, problem(403, "the limit of your plan is used up")), "of your plan"),
        (refusing_above(0, problem(404, "no page of that name")), "no page of that name"),
        (refusing_above(0, Answer(body=b'{"features": [')), "where it ends too early"),
    ],
)
def test_a_failure_that_is_not_for_the_size_is_said_as_it_came_first(
    run: Run, rule: Rule, words: str
) -> None:
    with PagedAPI(rule) as server:
        result = run(*COMMANDS["search"](server.location))
        assert len(server.limits) <= 9
    assert result.exit_code == (3 if "not allowed" in result.stderr else 1)
    assert result.stdout == ""
    assert words in result.stderr


def test_after_a_gateway_s_failure_no_page_is_left_to_the_server_s_size(run: Run) -> None:
    with PagedAPI(refusing_above(0, problem(502, "nobody is home"))) as server:
        assert run(*COMMANDS["list"](server.location)).exit_code == 1
        pages = [request.query for request in server.requests if request.path.endswith("/items")]
    assert len(pages) > 1
    assert all("limit" in query for query in pages)


def test_a_search_by_post_stays_the_same_without_its_size(run: Run) -> None:
    def refuse_sizes(request: Request, _: int, __: int) -> Answer | None:
        return Answer(400) if "limit" in (request.body or request.query) else None

    with PagedAPI(refuse_sizes, items(9), searches=("POST",)) as server:
        assert ids(run, *COMMANDS["search"](server.location)) == ALL[:9]
        asked = [request.body for request in server.requests if request.method == "POST"]
    assert "limit" not in asked[-1]
    assert {key: value for key, value in asked[0].items() if key != "limit"} == asked[-1]
