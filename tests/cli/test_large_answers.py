"""Commands over documents that are too large, nested too deep, or odd: one sentence, little memory."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.errors import UnexpectedAnswer
from mlhub_tui.http.session import Session
from tests.cli.conftest import Run
from tests.support.http_server import Answer, LoopbackServer, Request, as_json
from tests.support.paged_api import items
from tests.support.stac import catalog, item, link

JSON = {"Content-Type": "application/json"}
LEVELS = 100_000
DEEP = b'{"type":"Catalog","id":"x","links":[],"more":' + b"[" * LEVELS + b"]" * LEVELS + b"}"
ITEM = item("i1", "c1")


def page(**more: Any) -> bytes:
    """Return a page of items that holds one."""
    return json.dumps({"type": "FeatureCollection", "features": [{**ITEM, **more}], "links": []}).encode()


class API(LoopbackServer):
    """An MLHub API whose listing of items is `listing`."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.listing = Answer(body=page(), headers=JSON)

    def _answer(self, request: Request) -> Answer:
        if request.path.endswith("/items"):
            return self.listing
        return as_json({"type": "Collection", "id": "c1", "description": "d", "links": []})


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[API]:
    with API() as server:
        monkeypatch.setenv("MLHUB_ROOT_URL", server.root)
        monkeypatch.setenv("MLHUB_API_KEY", "key")
        yield server


def zeros(size: int) -> bytes:
    """Return a gzip file of so many spaces, a thousandth of their size."""
    made = io.BytesIO()
    with gzip.GzipFile(fileobj=made, mode="wb", compresslevel=9) as packed:
        for _ in range(size // 1_000_000):
            packed.write(b" " * 1_000_000)
    return made.getvalue()


LARGE = {
    "announced": (Answer(body=b"[", headers=JSON, length=200_000_000), "200.0 MB of JSON"),
    "in chunks": (Answer(body=b" " * 65_000_000, headers=JSON, chunked=True, piece=1 << 20), "64.0 MB"),
    "packed": (Answer(body=zeros(200_000_000), headers={**JSON, "Content-Encoding": "gzip"}), "64.0 MB"),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", LARGE)
def test_a_large_answer_is_refused_with_its_size_in_little_memory(api: API, run: Run, how: str) -> None:
    api.listing, words = LARGE[how]
    tracemalloc.start()
    try:
        result = run("list", "items", "c1")
        assert tracemalloc.get_traced_memory()[1] < 320_000_000
    finally:
        tracemalloc.stop()
    assert result.exit_code == 1
    assert result.stdout == ""
    assert words in result.stderr
    assert "smaller pages" in result.stderr
    asked = [request for request in api.requests if request.path.endswith("/items")]
    assert [request.query.get("limit") for request in asked] == [None, ["10"], ["1"]]
    if how == "announced":
        assert api.sent < 100_000


def test_an_answer_below_the_bound_is_read(api: API, run: Run) -> None:
    api.listing = Answer(body=page() + b" " * 30_000_000, headers=JSON)
    assert [item["id"] for item in run.json("list", "items", "c1")] == ["i1"]


async def test_an_answer_that_is_packed_twice_is_not_unpacked() -> None:
    body = gzip.compress(zeros(100_000_000))
    twice = Answer(body=body, headers={**JSON, "Content-Encoding": "gzip, gzip"})
    with LoopbackServer(lambda _: twice) as server:
        async with Session(root_url=server.root) as session:
            with pytest.raises(UnexpectedAnswer, match="compressed more than once"):
                await session.get("x")


async def test_a_large_error_keeps_its_status_and_is_not_read_to_its_end() -> None:
    failing = Answer(404, b"no such thing " * 5_000_000, {"Content-Type": "text/plain"})
    with LoopbackServer(lambda _: failing) as server:
        async with Session(root_url=server.root) as session:
            with pytest.raises(Exception, match="not found"):
                await session.get("x")
        assert server.sent < 50_000_000


def test_json_nested_too_deep_is_called_that(api: API, run: Run) -> None:
    api.listing = Answer(body=DEEP, headers=JSON)
    result = run("list", "items", "c1", code=1)
    assert "nested too deep" in result.stderr
    assert "not JSON" not in result.stderr
    assert "guest" not in result.stderr


@pytest.mark.parametrize("kind", ["large", "deep"])
def test_documents_of_static_catalogs_are_bounded_too(run: Run, tmp_path: Path, kind: str) -> None:
    body, words = (b" " * 65_000_000, "65.0 MB of JSON") if kind == "large" else (DEEP, "nested too deep")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "catalog.json").write_bytes(body)
    with LoopbackServer(lambda _: Answer(body=body, headers=JSON)) as server:
        for place in (str(folder), f"{server.url}/catalog.json"):
            result = run("--source", place, "list", "collections", code=1)
            assert words in result.stderr, place
            assert "not JSON" not in result.stderr
            assert "guest" not in result.stderr


@pytest.mark.parametrize("kind", ["large", "deep"])
def test_a_member_of_an_archive_that_cannot_be_read_is_named(run: Run, tmp_path: Path, kind: str) -> None:
    body, words = (b" " * 65_000_000, "65.0 MB") if kind == "large" else (DEEP, "nested too deep")
    root = catalog("x", link("item", "./big.json"), link("item", "./i1.json"))
    members = {"catalog.json": json.dumps(root).encode(), "i1.json": json.dumps(ITEM).encode()}
    with tarfile.open(tmp_path / "c.tar.gz", "w:gz", compresslevel=1) as tar:
        for name, data in {**members, "big.json": body}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    result = run("--source", tmp_path / "c.tar.gz", "search", "--json")
    assert [item["id"] for item in json.loads(f"{result.stdout}]")] == ["i1"], "cut, as one is missing"
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    told = run("--source", tmp_path / "c.tar.gz", "search", "--json").stderr + result.stderr
    assert words in told


ODD = {
    "a huge number": page(bbox=[10**4000, 0, 1, 1]),
    "a number of 5,000 digits": page().replace(b'"i1"', b'"i1", "n": ' + b"9" * 5000),
    "no number": page().replace(b'"i1"', b'"i1", "bbox": [NaN, -Infinity, Infinity, 1e999]'),
    "a lone surrogate": page(title="\ud83d"),
    "a byte order mark": b"\xef\xbb\xbf" + page(),
    "UTF-16": page().decode().encode("utf-16"),
    "UTF-16 without a mark": page().decode().encode("utf-16-le"),
}


@pytest.mark.parametrize("how", ODD)
def test_odd_json_is_read_or_refused_in_a_sentence(api: API, run: Run, how: str) -> None:
    api.listing = Answer(body=ODD[how], headers=JSON)
    for arguments in (
        ("list", "items", "c1"),
        ("list", "items", "c1", "--json"),
        ("search", "-c", "c1", "--csv"),
    ):
        result = run(*arguments)
        if how == "a number of 5,000 digits":
            assert result.exit_code == 1
            assert "a number too long" in result.stderr
        else:
            assert result.exit_code == 0, result.output
            assert "i1" in result.stdout


@pytest.mark.parametrize(
    ("body", "kind", "words", "portal"),
    [
        (b"<!DOCTYPE html><html>Log in</html>", "text/html", "a web page", True),
        (b"<html><body>Log in", "application/json", "a web page", True),
        (b'<?xml version="1.0"?><Error/>', "application/xml", "XML, not JSON", False),
        (b"Service unavailable", "text/plain", "not JSON", False),
        (b"", "application/json", "is empty", False),
    ],
)
def test_a_guest_network_is_suspected_of_web_pages_only(
    api: API, run: Run, body: bytes, kind: str, words: str, portal: bool
) -> None:
    api.listing = Answer(body=body, headers={"Content-Type": kind})
    result = run("list", "items", "c1", code=1)
    assert words in result.stderr
    assert ("guest network" in result.stderr) is portal


def test_a_saved_search_of_any_size_opens_as_a_source(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "found.geojson"
    with path.open("w") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for number, item in enumerate(items(66)):
            item["properties"]["text"] = "x" * 1_000_000
            file.write((",\n" if number else "\n") + json.dumps(item))
        file.write("\n]}")
    assert path.stat().st_size > 64_000_000
    listed = run("--source", path, "list", "items", "c", "--limit", "2", code=0)
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == ["i0000", "i0001"]
    added = run("sources", "add", "found", path, code=0)
    assert "looked through whole" in added.stderr
