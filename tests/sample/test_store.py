"""The store's partial and conditional answers (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import base64
import hashlib
import time

import httpx
import pytest

from mlhub_tui.sample.archives import catalog_bytes
from mlhub_tui.sample.catalog import SampleCatalog
from mlhub_tui.sample.server import SampleServer

PATH = "archives/ref_african_crops_kenya_02_labels.tar.gz"


@pytest.fixture
def content(store: httpx.Client) -> bytes:
    answer = store.get(PATH)
    assert answer.status_code == 200
    return answer.content


def test_a_whole_answer_says_what_it_is(store: httpx.Client, content: bytes) -> None:
    headers = store.get(PATH).headers
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["ETag"].startswith('"')
    assert headers["ETag"].endswith('"')
    assert headers["Content-MD5"] == base64.b64encode(hashlib.md5(content).digest()).decode()
    assert headers["Last-Modified"].endswith("GMT")
    assert int(headers["Content-Length"]) == len(content)


def test_head_says_the_same_and_sends_nothing(store: httpx.Client) -> None:
    whole, head = store.get(PATH), store.head(PATH)
    assert head.content == b""
    for name in ("Content-Length", "ETag", "Content-MD5", "Last-Modified", "Accept-Ranges", "Content-Type"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=65530-65560", 65530, 65561),
        ("bytes=1000-", 1000, None),
        ("bytes=-500", -500, None),
        ("bytes=-999999999", 0, None),
        ("bytes=1000-999999999", 1000, None),
        ("Bytes=0-9", 0, 10),
    ],
)
def test_a_range_is_the_slice_it_names(
    store: httpx.Client, content: bytes, wanted: str, start: int, stop: int | None
) -> None:
    answer = store.get(PATH, headers={"Range": wanted})
    part = content[start:stop]
    first = start % len(content) if start else 0
    assert answer.status_code == 206
    assert answer.content == part
    assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{len(content)}"
    assert int(answer.headers["Content-Length"]) == len(part)


@pytest.mark.parametrize("wanted", ["{size}-", "999999999-", "-0"])
def test_a_range_behind_the_end_is_a_416_with_the_size(
    store: httpx.Client, content: bytes, wanted: str
) -> None:
    answer = store.get(PATH, headers={"Range": f"bytes={wanted.format(size=len(content))}"})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(content)}"


@pytest.mark.parametrize("wanted", ["bytes=5-2", "bytes=0-1,5-6", "bytes=x-", "lines=1-2", "bytes=-"])
def test_a_range_that_makes_no_sense_or_is_several_is_ignored(
    store: httpx.Client, content: bytes, wanted: str
) -> None:
    answer = store.get(PATH, headers={"Range": wanted})
    assert answer.status_code == 200
    assert answer.content == content


def test_if_range_gives_the_part_only_of_the_same_version(store: httpx.Client) -> None:
    head = store.head(PATH).headers
    for validator, status in (
        (head["ETag"], 206),
        (head["Last-Modified"], 206),
        ('"other"', 200),
        ("W/" + head["ETag"], 200),
        (head["ETag"].strip('"'), 200),
        ("Thu, 26 Aug 2021 19:16:06 GMT", 200),
    ):
        answer = store.get(PATH, headers={"Range": "bytes=5-9", "If-Range": validator})
        assert answer.status_code == status, validator


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_preconditions(store: httpx.Client, method: str) -> None:
    head = store.head(PATH).headers
    etag, modified = head["ETag"], head["Last-Modified"]
    for header, value, status in (
        ("If-None-Match", etag, 304),
        ("If-None-Match", f'"other", W/{etag}', 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", '"other"', 200),
        ("If-Match", etag, 200),
        ("If-Match", '"other"', 412),
        ("If-Modified-Since", modified, 304),
        ("If-Modified-Since", "Thu, 26 Aug 2010 00:00:00 GMT", 200),
        ("If-Modified-Since", "yesterday", 200),
        ("If-Unmodified-Since", modified, 200),
        ("If-Unmodified-Since", "Thu, 26 Aug 2010 00:00:00 GMT", 412),
    ):
        answer = store.request(method, PATH, headers={header: value})
        assert answer.status_code == status, (header, value)


@pytest.mark.parametrize(
    "path",
    [
        "archives/none.tar.gz",
        "archives/rti_rwanda_crop_type_raw.tar.gz",
        "catalogs/none.tar.gz",
        "assets/a/b/c",
    ],
)
def test_an_unknown_blob_is_a_404(store: httpx.Client, path: str) -> None:
    assert store.get(path).status_code == 404


def test_a_key_is_neither_needed_nor_refused_but_noticed() -> None:
    with (
        SampleServer(rate=None) as server,
        httpx.Client(base_url=server.store_url, trust_env=False) as client,
    ):
        assert client.get(PATH, headers={"Range": "bytes=0-9"}).status_code == 206
        assert saw_key(server) is False
        assert client.head(PATH, params={"key": "anything"}).status_code == 200
        assert saw_key(server) is True
        seen = server.store.requests
        assert [(request.method, request.range, request.carried_key) for request in seen] == [
            ("GET", "bytes=0-9", False),
            ("HEAD", None, True),
        ]
        assert "anything" not in repr(seen)
        server.store.requests.clear()
        assert saw_key(server) is False


def saw_key(server: SampleServer) -> bool:
    return any(request.carried_key for request in server.store.requests)


def test_archives_come_no_faster_than_the_rate_and_everything_else_does() -> None:
    with (
        SampleServer(rate=1_000) as server,
        httpx.Client(base_url=server.store_url, trust_env=False) as client,
    ):
        began = time.monotonic()
        assert len(client.get(PATH, headers={"Range": "bytes=0-1199"}).content) == 1_200
        assert time.monotonic() - began > 0.5
        began, came = time.monotonic(), 0
        for _ in range(5):
            came += len(client.get("assets/sn2_AOI_3_Paris/sn2_AOI_3_Paris_00001/thumbnail.png").content)
        assert time.monotonic() - began < came / 1_000


def test_no_port_changes_the_size_of_a_catalog(catalog: SampleCatalog) -> None:
    entry = catalog.datasets["umd_mali_crop_type"]
    urls = [f"http://127.0.0.1:{port}/store/" for port in (1024, 8000, 20345, 34567, 65535)]
    assert {len(catalog_bytes(entry, url)) for url in urls} == {4111}


def test_catalogs_say_their_size(api: httpx.Client, store: httpx.Client, catalog: SampleCatalog) -> None:
    for dataset in ("umd_mali_crop_type", "spacenet6", "su_sar_moisture_content_main"):
        info = api.get(f"catalog/{dataset}/info").json()
        assert len(store.get(f"catalogs/{dataset}.tar.gz").content) == info["stac_catalog_size"]
        sizes = [
            api.get(f"archive/{entry.id}/info").json()["size"]
            for entry in catalog.datasets[dataset].collections
        ]
        assert info["estimated_dataset_size"] == sum(sizes)
