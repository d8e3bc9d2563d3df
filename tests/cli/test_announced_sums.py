"""Downloads whose sums are announced: what differs fails, what is the sum of another form does not."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import google_crc32c
import pytest

from tests.cli.conftest import Run
from tests.support.http_server import Answer, LoopbackServer, Request, as_json
from tests.support.stac import collection, item, link

DATA = b"II*\0" + bytes(range(256)) * 90
PACKED = gzip.compress(DATA, mtime=0)
OTHER = b"another"


def in_base64(algorithm: str, data: bytes, *, url: bool = False) -> str:
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    return encode(hashlib.new(algorithm, data).digest()).decode()


def crc32c(data: bytes) -> str:
    return base64.b64encode(google_crc32c.value(data).to_bytes(4)).decode()


def multihash(data: bytes) -> str:
    return "1220" + hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class File:
    """A file of a server; `body` is sent with these headers, `facts` are beside its href."""

    body: bytes = DATA
    headers: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    ending: str = ".tif"


def fields(data: bytes) -> dict[str, dict[str, str]]:
    """Return headers that announce data, by what they are called here."""
    return {
        "content-digest": {"Content-Digest": f"sha-256=:{in_base64('sha256', data)}:"},
        "repr-digest": {"Repr-Digest": f"sha-512=:{in_base64('sha512', data)}:"},
        "for-urls": {"Digest": f"sha-256={in_base64('sha256', data, url=True)}"},
        "unpadded": {"Content-MD5": in_base64("md5", data).rstrip("=")},
        "amazon": {"x-amz-checksum-sha1": in_base64("sha1", data)},
        "amazon-crc": {"x-amz-checksum-crc32c": crc32c(data)},
        "google-crc": {"x-goog-hash": f"crc32c={crc32c(data)}"},
    }


GZIP = {"Content-Encoding": "gzip"}
TRANSCODED = {"x-goog-stored-content-encoding": "gzip"}
RIGHT = {
    **{name: File(headers=headers) for name, headers in fields(DATA).items()},
    **{f"coded-{name}": File(PACKED, {**GZIP, **headers}) for name, headers in fields(PACKED).items()},
    "catalog-of-coded": File(PACKED, GZIP, {"file:checksum": multihash(PACKED)}),
    "catalog-of-both": File(PACKED, GZIP | fields(PACKED)["amazon"], {"file:checksum": multihash(DATA)}),
    "catalog-of-stored": File(DATA, TRANSCODED, {"file:checksum": multihash(PACKED)}),
    "catalog-of-content": File(PACKED, {}, {"file:checksum": multihash(DATA)}, ".gz"),
    "crc-of-stored": File(DATA, TRANSCODED | {"x-goog-hash": f"crc32c={crc32c(PACKED)}"}),
    "composite": File(headers={"x-amz-checksum-sha256": f"{in_base64('sha256', OTHER)}-3"}),
}
WRONG = {
    **{name: File(headers=headers) for name, headers in fields(OTHER).items()},
    **{f"coded-{name}": File(PACKED, {**GZIP, **headers}) for name, headers in fields(OTHER).items()},
    "catalog-of-coded": File(PACKED, GZIP, {"file:checksum": multihash(OTHER)}),
    "catalog-of-content": File(PACKED, {}, {"file:checksum": multihash(OTHER)}, ".gz"),
    "catalog-of-nothing": File(DATA, {}, {"file:checksum": multihash(b"")}),
    "catalog-older": File(DATA, {}, {"checksum:multihash": multihash(OTHER)}),
}


class Store(LoopbackServer):
    """A catalog of one item, of these files."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.files: dict[str, File] = {}

    def _answer(self, request: Request) -> Answer:
        if request.path == "/collection.json":
            return as_json(collection("c", link("item", "i.json")))
        if request.path == "/i.json":
            assets = {
                key: {"href": f"{self.url}/{key}{file.ending}", **file.facts}
                for key, file in self.files.items()
            }
            return as_json(item("i", "c", assets=assets))
        file = self.files.get(request.path[1:].partition(".")[0])
        return Answer(404) if file is None else Answer(body=file.body, headers=file.headers)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as server:
        yield server


def fetched(run: Run, store: Store, folder: Path, what: str) -> tuple[int, dict[str, bytes], str]:
    """Return the exit code of a download, the files that it left by their keys, and what it said."""
    done = run("--source", f"{store.url}/collection.json", "download", *what.split(), "--output-dir", folder)
    files = {
        path.name: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "err_report.csv"
    }
    return done.exit_code, {name.partition(".")[0]: data for name, data in files.items()}, done.output


@pytest.mark.parametrize("what", ["item c i", "dataset c"])
def test_the_sum_of_either_form_is_that_of_the_file(run: Run, store: Store, what: str) -> None:
    store.files = RIGHT
    code, files, words = fetched(run, store, run.folder / "out", what)
    assert code == 0, words
    assert files == {key: file.body if file.ending == ".gz" else DATA for key, file in RIGHT.items()}


@pytest.mark.parametrize("what", ["item c i", "dataset c"])
def test_a_sum_of_neither_form_is_fatal_and_leaves_nothing(run: Run, store: Store, what: str) -> None:
    store.files = WRONG
    code, files, words = fetched(run, store, run.folder / "out", what)
    assert code == 1
    assert files == {}
    if what.startswith("item"):
        assert words.count("checksum mismatch: expected") == len(WRONG), words
