"""Commands over servers that write the caller's key into what they answer: no other origin sees it."""

from __future__ import annotations

import contextlib
import gzip
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.cli.conftest import Run
from tests.support.http_server import Answer, LoopbackServer, Request, as_json, redirect
from tests.support.stac import archive, catalog, collection, item, link

KEY = "the0users1Key2of3its4own"
PARTLY = KEY.replace("u", "%75").replace("K", "%4B")
TWICE = quote("".join(f"%{ord(letter):02X}" for letter in KEY))
ENCODED = b64encode(KEY.encode()).decode()
TIF = b"II*\0" + bytes(range(256)) * 4
Place = Callable[["Far"], str]

CUT: dict[str, str] = {
    "under its name": "{far}/a.tif?key={key}",
    "among others": "{far}/a.tif?v=2&apikey={key}&w=a%2Fb",
    "under another name": "{far}/a.tif?token={key}&v=2",
    "without a name": "{far}/a.tif?{key}",
    "encoded in part": f"{{far}}/a.tif?t={PARTLY}",
    "encoded twice": f"{{far}}/a.tif?t={TWICE}",
    "in other letters": f"{{far}}/a.tif?t={KEY.upper()}",
    "with escapes of JSON": "{far}/a.tif?key={key}&v=2",
    "as an entity": "{far}/a.tif?v=2&amp;key={key}",
    "as a user": "http://{key}@{place}/a.tif",
    "as a password": "http://me:{key}@{place}/a.tif",
    "in the fragment": "{far}/a.tif#{key}",
    "in Base64": f"{{far}}/a.tif?t={ENCODED}",
}
REFUSED: dict[str, str] = {
    "in the path": "{far}/files/{key}/a.tif",
    "as a part of the name": "{far}/a-{key}.tif",
    "encoded in the path": f"{{far}}/{TWICE}/a.tif",
    "encoded in part in the path": f"{{far}}/{PARTLY}/a.tif",
    "in a part of a parameter": "{far}/a.tif?header=Bearer%20{key}",
    "in a URL in a parameter": "{far}/a.tif?url=http%3A%2F%2Fhome%2F%3Fkey%3D{key}",
    "as a user in Base64": f"{{far}}/a.tif?v=2&a=Basic%20{quote(b64encode(f'{KEY}:'.encode()).decode())}",
    "as a password in Base64, in the path": f"{{far}}/{urlsafe_b64encode(f':{KEY}'.encode()).decode()}/a.tif",
    "in the name of the host": f"http://{KEY}.localhost:{{port}}/a.tif",
}


class Far(LoopbackServer):
    """A store at another origin that has whatever it is asked for."""

    def __init__(self) -> None:
        super().__init__(lambda _: Answer(body=TIF, headers={"Content-Type": "image/tiff"}))

    def holding(self, template: str) -> str:
        """Return a URL of this store with the key in it."""
        return template.format(far=self.url, place=f"127.0.0.1:{self.port}", port=self.port, key=KEY)

    @property
    def heard(self) -> str:
        """All that it was told, in small letters."""
        return "".join(f"{r.target} {dict(r.headers)} {r.content!r}" for r in self.requests).lower()


class Home(LoopbackServer):
    """An MLHub API whose one item has one asset; the store sends what is at `/moved.tif` on to `onward`."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.href = self.onward = ""
        self.pages: dict[str, Any] = {}
        self.escapes = False

    def item(self) -> dict[str, Any]:
        assets = {"a": {"href": self.href, "type": "image/tiff"}}
        return item("i1", "c1", links=[link("thumbnail", self.href)], assets=assets)

    def _catalog(self) -> bytes:
        documents = {
            "ds/catalog.json": catalog("ds"),
            "ds/c1/collection.json": collection("c1"),
            "ds/c1/i1/i1.json": self.item(),
        }
        return archive({name: self._written(document) for name, document in documents.items()})

    def _written(self, document: Any) -> bytes:
        """Return JSON; where it `escapes`, with an escape for each letter of the key."""
        escaped = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
        return json.dumps(document).replace(KEY, escaped if self.escapes else KEY).encode()

    def _answer(self, request: Request) -> Answer:
        path = request.path.removeprefix("/mlhub/v1")
        if path in ("/moved.tif", "/archive/c1"):
            return redirect(self.onward)
        if path == "/catalog/ds":
            return Answer(body=self._catalog(), headers={"Content-Type": "application/gzip"})
        if path in self.pages:
            return as_json(self.pages[path])
        collection = {"id": "c1", "types": []}
        documents: dict[str, Any] = {
            "/catalog/ds/info": {"stac_catalog_size": len(self._catalog())},
            "/datasets/ds": {"id": "ds", "title": "d", "status": "ready", "collections": [collection]},
            "/collections/c1": {"type": "Collection", "id": "c1", "description": "d", "links": []},
            "/collections/c1/items": {"type": "FeatureCollection", "features": [self.item()], "links": []},
            "/collections/c1/items/i1": self.item(),
        }
        if path not in documents:
            return Answer(status=404)
        return Answer(body=self._written(documents[path]), headers={"Content-Type": "application/json"})


@pytest.fixture
def far() -> Iterator[Far]:
    with Far() as server:
        yield server


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with Home() as server:
        monkeypatch.setenv("MLHUB_ROOT_URL", server.root)
        monkeypatch.setenv("MLHUB_API_KEY", KEY)
        yield server


def saved(folder: Path) -> bytes:
    """Return all bytes of the files below a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


DOWNLOADS = [("item", "c1", "i1"), ("dataset", "ds")]


@pytest.mark.parametrize("command", DOWNLOADS, ids=["item", "dataset"])
@pytest.mark.parametrize("how", CUT)
def test_a_key_beside_the_path_is_cut_from_an_href(
    home: Home, far: Far, run: Run, tmp_path: Path, mlhub_home: Path, how: str, command: tuple[str, ...]
) -> None:
    home.escapes = how == "with escapes of JSON"
    home.href = far.holding(CUT[how])
    result = run("download", *command, "--output-dir", tmp_path, code=0)
    assert {request.path for request in far.requests} == {"/a.tif"}
    assert all("v=2" in target for target in far.targets) is ("v=2" in home.href)
    for written in (KEY.lower(), ENCODED.lower()):
        assert written not in far.heard
        assert written not in result.output.lower()
        assert written.encode() not in saved(mlhub_home).lower()


@pytest.mark.parametrize("command", DOWNLOADS, ids=["item", "dataset"])
@pytest.mark.parametrize("how", REFUSED)
def test_an_href_that_would_carry_the_key_is_refused_and_says_so(
    home: Home, far: Far, run: Run, tmp_path: Path, mlhub_home: Path, how: str, command: tuple[str, ...]
) -> None:
    home.href = far.holding(REFUSED[how])
    result = run("download", *command, "--output-dir", tmp_path, code=1)
    assert not far.requests
    report = next(tmp_path.rglob("err_report.csv"), None)
    told = result.output + (report.read_text() if report else "")
    assert "would carry the API key" in told
    assert KEY.lower() not in told.lower()
    assert KEY.lower().encode() not in saved(mlhub_home).lower()


@pytest.mark.parametrize("command", [*DOWNLOADS, ("archives", "c1")], ids=["item", "dataset", "archive"])
@pytest.mark.parametrize("how", ["under another name", "in the path"])
def test_a_redirect_takes_no_key_to_another_origin(
    home: Home, far: Far, run: Run, tmp_path: Path, how: str, command: tuple[str, ...]
) -> None:
    home.href = f"{home.url}/moved.tif"
    home.onward = far.holding((CUT | REFUSED)[how])
    if command[0] == "archives":
        far.handler = lambda _: Answer(body=gzip.compress(bytes(1024)))
    result = run("download", *command, "--output-dir", tmp_path)
    if how in REFUSED:
        assert result.exit_code == 1
        assert not far.requests
        report = next(tmp_path.rglob("err_report.csv"), None)
        assert "would carry the API key" in result.output + (report.read_text() if report else "")
    else:
        assert far.requests
    assert KEY.lower() not in far.heard
    assert KEY.lower() not in result.output.lower()


def test_a_page_behind_another_origin_is_asked_for_without_the_key(home: Home, far: Far, run: Run) -> None:
    features = [{**home.item(), "id": "i0"}]
    far.handler = lambda _: as_json({"type": "FeatureCollection", "features": [], "links": []})
    for how in ("encoded twice", "in the path"):
        links = [{"rel": "next", "href": far.holding((CUT | REFUSED)[how])}]
        home.pages["/collections/c1/items"] = {"features": features, "links": links}
        result = run("list", "items", "c1")
        assert far.targets == ["/a.tif"]
        assert KEY.lower() not in far.heard
        assert KEY.lower() not in result.output.lower()


@pytest.mark.parametrize("part", ["body", "headers"])
def test_what_a_link_wants_to_be_sent_has_no_key_in_it(
    home: Home, far: Far, run: Run, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    link = {"rel": "next", "method": "POST", "href": f"{far.url}/search", "body": {"page": 2}}
    link[part] = {**link.get(part, {}), "X-Mine": KEY, "X-Other": "x"}  # type: ignore[dict-item]  # of a dict
    collections = [{"type": "Collection", "id": "c1", "description": "d", "links": []}]
    page = {"type": "FeatureCollection", "features": [home.item()], "links": [link]}
    landing = {"type": "Catalog", "id": "x", "description": "d", "conformsTo": [], "links": []}
    documents = {"/": landing, "/collections": {"collections": collections}, "/search": page}
    far.handler = lambda _: as_json({"type": "FeatureCollection", "features": [], "links": []})
    with LoopbackServer(lambda asked: as_json(documents.get(asked.path, {}))) as api:
        source = ["--source", f"{api.url}/", "--api-key", KEY]
        result = run(*source, "search", "--json")
        assert any(KEY in f"{asked.target}{asked.headers}" for asked in api.requests)
    assert "x-other" in far.heard, result.output
    assert KEY.lower() not in far.heard
    assert KEY not in result.output


@pytest.mark.parametrize("how", [*CUT, *REFUSED])
def test_exports_and_what_is_printed_have_no_key(home: Home, far: Far, run: Run, how: str) -> None:
    home.href = far.holding((CUT | REFUSED)[how])
    for command in (
        ("search", "-c", "c1", "--urls"),
        ("search", "-c", "c1", "--aria2"),
        ("search", "-c", "c1", "--geojson"),
        ("list", "items", "c1", "--json"),
        ("show", "item", "c1", "i1", "--json"),
        ("show", "item", "c1", "i1"),
    ):
        printed = run(*command).output.lower()
        for form in (KEY, PARTLY, TWICE, quote(TWICE)):
            assert form.lower() not in printed, command


@pytest.mark.parametrize("relation", ["child", "item"])
@pytest.mark.parametrize("how", ["under another name", "encoded in part in the path"])
def test_links_of_a_static_catalog_take_no_key_along(
    far: Far, run: Run, how: str, relation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = catalog("x", link(relation, far.holding((CUT | REFUSED)[how])))
    far.handler = lambda _: as_json(catalog("child"))
    with LoopbackServer(lambda _: as_json(root)) as server:
        result = run("--source", f"{server.url}/catalog.json", "--api-key", KEY, "list", "collections")
        search = run("--source", f"{server.url}/catalog.json", "--api-key", KEY, "search", "--json")
    assert KEY.lower() not in far.heard
    assert KEY not in result.output + search.output
    assert bool(far.requests) is (how in CUT)


def test_a_queued_dataset_keeps_no_key_and_asks_without_it(
    home: Home, far: Far, run: Run, tmp_path: Path, mlhub_home: Path
) -> None:
    home.href = far.holding(CUT["among others"])
    run("queue", "add", "--dataset", "ds", "--output-dir", tmp_path, code=0)
    assert KEY.encode() not in saved(mlhub_home)
    run("queue", "run", "--until-empty", code=0)
    assert far.targets
    assert KEY.lower() not in far.heard
    assert KEY not in run("queue", "log", "1").output
    assert KEY.encode() not in saved(mlhub_home)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("tif", "/tif/a.tif?tif=a.tif"),
        ("sentinel", "/sentinel-2/sentinel2/a.tif?x=sentinel2"),
        ("a1", "/a1/a.tif?v=a1"),
        ("files-of-2020", "/xfiles-of-2020x/a.tif?v=1%2F2"),
        ("key", "/key/a.tif?v=key"),
    ],
)
def test_a_url_that_holds_the_letters_of_a_key_by_chance_is_asked_for_as_it_is(
    home: Home, far: Far, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, path: str
) -> None:
    if key == "sentinel":
        path = path.replace("/sentinel-2", "")
    monkeypatch.setenv("MLHUB_API_KEY", key)
    home.href = f"{far.url}{path}"
    run("download", "item", "c1", "i1", "--output-dir", tmp_path, code=0)
    assert set(far.targets) == {path}


def test_the_keys_own_origin_gets_it(home: Home, run: Run, tmp_path: Path) -> None:
    home.href = f"{home.url}/own/{KEY}/a.tif?token={KEY}&v=2"
    inner = home.handler
    home.handler = lambda asked: Answer(body=TIF) if asked.path.startswith("/own/") else inner(asked)
    run("download", "item", "c1", "i1", "--output-dir", tmp_path, code=0)
    asked = [request for request in home.requests if request.path.startswith("/own/")]
    assert {request.target for request in asked} == {f"/own/{KEY}/a.tif?v=2&key={KEY}"}
    with contextlib.suppress(StopIteration):
        assert next(tmp_path.rglob("a.tif")).read_bytes() == TIF
