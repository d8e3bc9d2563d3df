"""What is found at a URL or path: each kind of source, whatever part of it was pasted; and what is none."""

from __future__ import annotations

import gzip
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.auth import Auth, Kind, Scheme, for_location
from mlhub_tui.errors import (
    AuthenticationError,
    EntityDoesNotExist,
    MLHubException,
    ServerError,
    ServerTimeout,
    ServerUnreachable,
    UnexpectedAnswer,
)
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.sources.probe import ProbeResult, open_any, probe, with_kind
from mlhub_tui.sources.static.source import NotASource
from tests.support.http_server import Answer, LoopbackServer, Request, as_json, page_of_html, redirect

from .replay import Replay
from .static.grow import pack

TOKEN = "a-token-long-enough-5678"
CORE = "https://api.stacspec.org/v1.0.0/core"
CATALOG: dict[str, Any] = {
    "type": "Catalog",
    "stac_version": "1.0.0",
    "id": "c1",
    "title": "First [/] \x1b[31mcatalog",
    "description": "d",
    "links": [{"rel": "child", "href": "a/collection.json"}, {"rel": "item", "href": "i.json"}],
}
COLLECTION: dict[str, Any] = {
    "type": "Collection",
    "stac_version": "1.0.0",
    "id": "x",
    "extent": {},
    "license": "MIT",
    "links": [],
}
ITEM: dict[str, Any] = {"type": "Feature", "stac_version": "1.0.0", "id": "i", "assets": {}, "links": []}
ERROR = {"code": "NotFoundError", "description": "nothing here"}


def landing(root: str, **more: Any) -> dict[str, Any]:
    links = [{"rel": "data", "href": f"{root}/collections"}, {"rel": "search", "href": f"{root}/search"}]
    return {**CATALOG, "title": "An API", "conformsTo": [CORE], "links": links} | more


def serve(
    pages: dict[str, Any], *, key: Callable[[Request], bool] | None = None
) -> Callable[[Request], Answer]:
    """Return a handler of JSON pages by path; what is callable is called, what is missing is a 404."""

    def answer(asked: Request) -> Answer:
        if key is not None and not key(asked):
            return as_json({"detail": "who are you"}, 401)
        page = pages.get(asked.path, ...)
        if page is ...:
            return as_json(ERROR, 404)
        return page if isinstance(page, Answer) else as_json(page)

    return answer


async def look(url: str, **options: Any) -> ProbeResult:
    return await probe(for_location(url, **options))


async def look_at(pages: dict[str, Any], path: str) -> tuple[ProbeResult, str]:
    """Return what is at a path of a server of pages, and the URL of the server."""
    with LoopbackServer(serve(pages)) as server:
        return await look(f"{server.url}{path}"), server.url


def api_pages(root: str = "/stac/v1") -> dict[str, Any]:
    return {
        root: landing(root),
        f"{root}/": landing(root),
        f"{root}/collections": {"collections": [COLLECTION, {**COLLECTION, "id": "y"}], "links": []},
        f"{root}/collections/x": COLLECTION,
        f"{root}/collections/x/items": {"type": "FeatureCollection", "features": [ITEM]},
        f"{root}/search": {"type": "FeatureCollection", "features": [ITEM]},
    }


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "/",
        "/?f=json",
        "/collections",
        "/collections/",
        "/collections/x",
        "/collections/x/items",
        "/search",
    ],
)
async def test_a_stac_api_is_found_by_any_of_its_urls(pasted: str) -> None:
    found, url = await look_at(api_pages(), f"/stac/v1{pasted}")
    given = pasted in ("", "/")
    assert (found.kind, found.location) == (Kind.STAC_API, f"{url}/stac/v1{pasted if given else '/'}")
    assert (found.title, found.counts, found.needs_key) == ("An API", {"collections": 2}, False)
    assert found.counts_words == "2 collections"


async def test_an_old_landing_page_without_conformance_is_an_api_by_its_links() -> None:
    old = {"id": "o", "stac_version": "0.9.0", "links": [{"rel": "search", "href": "search"}]}
    found, _ = await look_at({"/v0": old}, "/v0")
    assert found.kind is Kind.STAC_API
    assert "conforms" in found.notes[0]


async def test_a_landing_page_without_links_still_has_its_parts() -> None:
    pages = {"/s": {**CATALOG, "links": []}, "/s/collections": {"collections": [], "links": []}}
    found, _ = await look_at(pages, "/s")
    assert (found.kind, found.counts) == (Kind.STAC_API, {"collections": 0})
    assert "no links" in found.notes[0]


async def test_a_paged_listing_is_not_counted_unless_the_api_says_how_many() -> None:
    pages = api_pages()
    pages["/stac/v1/collections"] = {"collections": [COLLECTION], "links": [{"rel": "next", "href": "?p=2"}]}
    with LoopbackServer(serve(pages)) as server:
        assert (await look(f"{server.url}/stac/v1")).counts == {}
        pages["/stac/v1/collections"]["numberMatched"] = 900
        assert (await look(f"{server.url}/stac/v1")).counts == {"collections": 900}


async def test_a_landing_page_that_is_open_before_collections_that_are_not_wants_a_key() -> None:
    pages = api_pages() | {"/stac/v1/collections": as_json({"detail": "no"}, 401)}
    found, _ = await look_at(pages, "/stac/v1")
    assert (found.kind, found.needs_key, found.counts) == (Kind.STAC_API, True, {})


async def test_what_shows_nothing_without_a_key_says_so_and_is_found_with_it() -> None:
    def allowed(asked: Request) -> bool:
        return str(asked.headers.get("X-Api-Key")) == TOKEN

    with LoopbackServer(serve(api_pages(), key=allowed)) as server:
        url = f"{server.url}/stac/v1"
        found = await look(url)
        assert (found.kind, found.needs_key) == (None, True)
        assert "who are you" in found.notes[0]
        with pytest.raises(AuthenticationError, match="who are you"):
            await with_kind(for_location(url))
        auth = Auth(Scheme.HEADER, "X-Api-Key")
        assert (await look(url, api_key=TOKEN, auth=auth)).kind is Kind.STAC_API
        with pytest.raises(AuthenticationError, match="refused the key") as caught:
            await look(url, api_key="another-wrong-token", auth=auth)
    assert "another-wrong" not in str(caught.value)


async def test_the_key_in_a_pasted_url_is_a_credential_and_no_part_of_the_location() -> None:
    def allowed(asked: Request) -> bool:
        return asked.query.get("apikey") == [TOKEN]

    with LoopbackServer(serve(api_pages(), key=allowed)) as server:
        credentials = for_location(f"{server.url}/stac/v1?apikey={TOKEN}&a=1")
        found = await probe(credentials)
    assert found.kind is Kind.STAC_API
    assert TOKEN not in repr(credentials) + repr(found)
    assert credentials.root_url == f"{server.url}/stac/v1?a=1"
    assert found.location == f"{server.url}/stac/v1"


async def test_the_mlhub_api_is_told_from_the_stac_api_it_looks_like(replay: Replay) -> None:
    found = await look(replay.root)
    assert (found.kind, found.location) == (Kind.MLHUB, replay.root)
    assert found.counts["datasets"] > 20
    assert found.needs_key
    assert found.title == "Radiant MLHub API"


@pytest.mark.parametrize("tail", ["", "/", "/datasets", "/collections"])
async def test_an_mlhub_api_without_a_landing_page_is_found(tail: str) -> None:
    pages = {
        "/v1/datasets": [{"id": "d", "collections": []}],
        "/v1/collections": {"collections": [COLLECTION]},
    }
    found, url = await look_at(pages, f"/v1{tail}")
    assert (found.kind, found.location, found.counts) == (Kind.MLHUB, f"{url}/v1/", {"datasets": 1})


async def test_the_sample_catalogue_is_an_mlhub_api(sample: SampleServer) -> None:
    assert (await look(sample.root_url)).kind is Kind.MLHUB


@pytest.mark.parametrize("tail", ["/cat/catalog.json", "/cat", "/cat/"])
async def test_a_static_catalog_is_found_by_its_document_or_its_folder(tail: str) -> None:
    pages = {"/cat/catalog.json": CATALOG, "/cat": page_of_html(), "/cat/": page_of_html()}
    found, url = await look_at(pages, f"{tail}")
    assert (found.kind, found.location) == (Kind.STATIC, f"{url}/cat/catalog.json")
    assert found.counts == {"catalogs and collections": 1, "items": 1}
    assert found.counts_words == "1 catalog or collection, 1 item"
    assert "\x1b" not in found.title


async def test_a_folder_of_a_bucket_that_refuses_its_listing_may_hold_a_collection() -> None:
    pages = {"/b/collection.json": COLLECTION, "/b/": Answer(403, b"<Error>AccessDenied</Error>")}
    found, _ = await look_at(pages, "/b/")
    assert found.location.endswith("/b/collection.json")
    assert "anything below" in found.notes[0]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_redirect_is_followed_and_a_secret_stays_where_it_was_meant_for(host: str) -> None:
    with LoopbackServer(serve(api_pages())) as there:
        moved = {"/old": redirect(f"http://{host}:{there.port}/stac/v1/")}
        with LoopbackServer(serve(moved)) as here:
            found = await look(f"{here.url}/old")
            assert found.location == f"http://{host}:{there.port}/stac/v1/"
            assert f"redirects to {host}:{there.port}" in found.notes[0]
            with_secret = await look(f"{here.url}/old", api_key=TOKEN)
    assert with_secret.location == f"{here.url}/old"
    assert TOKEN not in "".join(there.targets)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (page_of_html(), "a web page"),
        (
            Answer(200, b"<html><title>Index of /x</title>", {"Content-Type": "text/html"}),
            "a listing of files",
        ),
        (Answer(200, b"<ListBucketResult/>", {"Content-Type": "application/xml"}), "a listing of files"),
        (Answer(200, b"II*\0rest", {"Content-Type": "image/tiff"}), "no JSON"),
        ({"openapi": "3.0.0"}, "OpenAPI"),
        ({"type": "Feature", "geometry": None}, "GeoJSON that is not STAC"),
        ({"hello": "world"}, "JSON that is not STAC"),
        ([1, 2], "JSON that is not STAC"),
        ({"type": "FeatureCollection", "features": []}, "a list of items"),
        ({"detail": "not today"}, "not today"),
        ({"code": "x", "description": "other words"}, "other words"),
        (ITEM, "a single STAC item"),
    ],
)
async def test_what_is_no_source_is_called_what_it_is(page: Any, words: str) -> None:
    with LoopbackServer(serve({"/x": page})) as server, pytest.raises(NotASource) as caught:
        await look(f"{server.url}/x")
    assert words in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


async def test_an_item_names_what_it_belongs_to() -> None:
    item = {**ITEM, "links": [{"rel": "parent", "href": "../collection.json"}]}
    with LoopbackServer(serve({"/a/b/i.json": item})) as server, pytest.raises(NotASource) as caught:
        await look(f"{server.url}/a/b/i.json")
    assert f"{server.url}/a/collection.json" in caught.value.hint


@pytest.mark.parametrize(("status", "error"), [(404, EntityDoesNotExist), (500, ServerError)])
async def test_what_a_server_says_of_a_url_is_passed_on(status: int, error: type[MLHubException]) -> None:
    refused = as_json({"detail": "its own words"}, status)
    with LoopbackServer(lambda _: refused) as server, pytest.raises(error, match="its own words"):
        await look(f"{server.url}/x")


async def test_another_spelling_counts_only_where_a_source_is() -> None:
    def answer(asked: Request) -> Answer:
        return as_json({"features": []}) if asked.path == "/x/" else as_json(ERROR, 403)

    with LoopbackServer(answer) as server:
        found = await look(f"{server.url}/x")
    assert (found.kind, found.location, found.needs_key) == (None, f"{server.url}/x", True)


async def test_a_server_that_is_not_there_or_says_nothing_is_given_up_on() -> None:
    with pytest.raises(ServerUnreachable):
        await look("http://127.0.0.1:9/stac")

    given_up = threading.Event()

    def slow(_: Request) -> Answer:
        given_up.wait()
        return as_json(ERROR, 404)

    with LoopbackServer(slow) as server:
        with pytest.raises(ServerTimeout):
            await probe(for_location(f"{server.url}/x"), read_timeout=0.05)
        with pytest.raises(ServerTimeout, match="did not answer"):
            await probe(for_location(f"{server.url}/x"), timeout=0.1)
        assert not given_up.is_set(), "it did not wait for the answer"
        given_up.set()


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    endless = Answer(200, b"[" * 300_000)
    with (
        LoopbackServer(lambda _: endless) as server,
        pytest.raises(UnexpectedAnswer, match=r"more than the 100\.0 kB") as raised,
    ):
        await probe(for_location(f"{server.url}/x.json"), largest=100_000)
    assert "download it, and name the file" in raised.value.hint


async def test_a_remote_archive_is_judged_by_its_first_bytes(tmp_path: Path) -> None:
    packed = pack(tmp_path / "good.tar.gz", {"catalog.json": CATALOG}).read_bytes()

    def answer(asked: Request) -> Answer:
        body = packed if asked.path == "/good.tar.gz" else b"no archive at all"
        return Answer(206, body[:512], {"Content-Range": f"bytes 0-{len(body) - 1}/123456789"})

    with LoopbackServer(answer) as server:
        found = await look(f"{server.url}/good.tar.gz?sig=abc")
        assert (found.kind, found.location) == (Kind.STATIC, f"{server.url}/good.tar.gz?sig=abc")
        assert "123.5 MB" in found.notes[0]
        with pytest.raises(NotASource, match="neither a tar nor"):
            await look(f"{server.url}/bad.tgz")


@pytest.mark.parametrize("name", ["catalog.json", "collection.json"])
async def test_a_file_and_its_folder_are_the_same_catalog(tmp_path: Path, name: str) -> None:
    document = CATALOG if name == "catalog.json" else COLLECTION
    (tmp_path / name).write_text(json.dumps(document), encoding="utf-8-sig")
    for typed in (tmp_path, tmp_path / name, (tmp_path / name).as_uri()):
        found = await look(str(typed))
        assert (found.kind, found.location) == (Kind.STATIC, str(tmp_path / name))


async def test_paths_are_relative_to_the_current_folder_and_may_begin_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "catalog.json").write_text(json.dumps(CATALOG))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for typed in ("catalog.json", "./x/../catalog.json", ".", "~/catalog.json", "~"):
        assert (await look(typed)).location == str(tmp_path / "catalog.json")


@pytest.mark.parametrize("name", ["kept.bin", "kept.bin.gz"])
async def test_an_archive_holds_the_catalog_nearest_to_its_top(tmp_path: Path, name: str) -> None:
    members = {"set/a/collection.json": COLLECTION, "../up.json": {}, "./set/catalog.json": CATALOG}
    path = pack(tmp_path / name, members)
    found = await look(str(path))
    assert (found.kind, found.location) == (Kind.STATIC, str(path))
    assert found.title.startswith("First")


async def test_an_unpacked_archive_one_level_down_is_found_and_several_are_named(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "collection.json").write_text(json.dumps(COLLECTION))
    assert (await look(str(tmp_path))).location == str(tmp_path / "one" / "collection.json")
    pack(tmp_path / "two.tar.gz", {"catalog.json": CATALOG})
    with pytest.raises(NotASource, match="neither catalog") as caught:
        await look(str(tmp_path))
    assert "one, two.tar.gz" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"{broken", "is not JSON"),
        (b"[" * 200_000, "is nested too deep"),
        (b"plain text", "is not JSON"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"BZh91AY&SY\x01", "bzip2 archive"),
        (b"II*\x00rest", "an image"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\x1f\x8bnot really", "no archive that can be read"),
        (json.dumps(ITEM).encode(), "a single STAC item"),
        (b'{"a": 1}', "JSON that is not STAC"),
        (b"null", "JSON that is not STAC"),
    ],
)
async def test_a_file_that_is_no_catalog_is_called_what_it_is(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(NotASource, match=words):
        await look(str(path))


async def test_archives_without_a_catalog_and_damaged_ones_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotASource, match="holds neither"):
        await look(str(pack(tmp_path / "a.tar.gz", {"readme.txt": b"x"})))
    with pytest.raises(NotASource, match=r"1 member left out \(its name leads out of the archive\)"):
        await look(str(pack(tmp_path / "a.tar.gz", {"/catalog.json": b"{}"})))
    twice = pack(tmp_path / "t.tar.gz", {"catalog.json": b"{}"})
    twice.write_bytes(gzip.compress(twice.read_bytes()))
    with pytest.raises(NotASource, match="the archive is neither a tar nor"):
        await look(str(twice))
    with pytest.raises(NotASource, match="JSON that is not STAC"):
        await look(str(pack(tmp_path / "b.tar.gz", {"catalog.json": b"{]"})))
    whole = pack(tmp_path / "c.tar.gz", {"readme.txt": os.urandom(200_000)}).read_bytes()
    (tmp_path / "c.tar.gz").write_bytes(whole[:50_000])
    with pytest.raises(NotASource, match="no archive") as caught:
        await look(str(tmp_path / "c.tar.gz"))
    assert "download it again" in caught.value.hint


async def test_a_long_archive_is_looked_at_for_some_seconds_and_not_refused(tmp_path: Path) -> None:
    members: dict[str, Any] = {f"set/{n}.json": b"{}" for n in range(500)}
    path = pack(tmp_path / "long.tar", members | {"set/catalog.json": CATALOG})
    found = await probe(for_location(str(path)), archive_timeout=0.0)
    assert (found.kind, found.title, found.location) == (Kind.STATIC, "long.tar", str(path))
    assert "only the beginning" in found.notes[0]
    assert (await look(str(path))).counts


async def test_a_path_where_nothing_is_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "catalogue.tar.gz").touch()
    with pytest.raises(EntityDoesNotExist, match="no such file or folder") as caught:
        await look(str(tmp_path / "catalog.tar.gz"))
    assert "catalogue.tar.gz" in caught.value.hint


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
async def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotASource, match="neither a file nor a folder"):
        await look(str(tmp_path / "pipe"))


async def test_every_recorded_landing_page_is_what_it_is(stac_recorded: Path) -> None:
    index = json.loads((stac_recorded / "index.json").read_text())
    pages: dict[str, Any] = {}
    for entry in index:
        if entry["method"] == "GET" and entry["type"] in ("Catalog", None) and entry["status"] == 200:
            pages[f"/{entry['file']}"] = json.loads((stac_recorded / entry["file"]).read_text())
    assert len(pages) > 6
    expected = {Kind.STAC_API, Kind.STATIC}
    with LoopbackServer(serve(pages)) as server:
        kinds = {path: (await look(f"{server.url}{path}")).kind for path in pages}
    assert set(kinds.values()) == expected


async def test_what_is_detected_can_be_opened(tmp_path: Path) -> None:
    (tmp_path / "catalog.json").write_text(json.dumps({**CATALOG, "links": []}))
    source = await open_any(for_location(str(tmp_path)))
    assert source.kind is Kind.STATIC
    assert (await source.about()).kind is Kind.STATIC
    await source.aclose()
    with LoopbackServer(serve(api_pages())) as server:
        source = await open_any(for_location(f"{server.url}/stac/v1/search"))
        assert (source.kind, source.root_url) == (Kind.STAC_API, f"{server.url}/stac/v1/")
        assert [c.id for c in await source.collections()] == ["x", "y"]
        await source.aclose()
