"""Downloads as commands over servers that send something else: nothing wrong ends as done, and it heals."""

from __future__ import annotations

import csv
import gzip
import json
import random
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.support.fault_server import md5
from tests.support.http_server import Answer, LoopbackServer, Request, as_json, redirect
from tests.support.stac import archive, catalog, collection, item, link

TIF = b"II*\0" + bytes(range(256)) * 90
CSV = b"a,b\n" * 3000
ERROR = b'{"error":"link expired","code":403}'
Send = Callable[[bytes], Answer]


ARCHIVE = archive({"c1/data.bin": random.Random(1).randbytes(60_000)})


def as_it_is(data: bytes) -> Answer:
    return Answer(body=data, headers={"Content-Type": "application/octet-stream", "ETag": '"good"'})


def coded(label: str, encode: Callable[[bytes], bytes], **how: Any) -> Send:
    return lambda data: Answer(body=encode(data), headers={"Content-Encoding": label}, **how)


class Hub(LoopbackServer):
    """An MLHub API of one dataset; `send` answers for its files, archive and catalog."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.send: Send = as_it_is
        self.files: dict[str, bytes] = {"/image.tif": TIF, "/table.csv": CSV}
        self.assets: dict[str, Any] | None = None
        self.archive = ARCHIVE

    def _item(self) -> dict[str, Any]:
        assets = self.assets or {
            "image": {"href": f"{self.url}/image.tif", "type": "image/tiff"},
            "table": {"href": f"{self.url}/table.csv", "type": "text/csv"},
        }
        return item("i1", "c1", assets=assets)

    def _catalog(self) -> bytes:
        documents = {
            "ds/catalog.json": catalog("ds", link("child", "./c1/collection.json")),
            "ds/c1/collection.json": collection("c1", link("item", "./i1/i1.json")),
            "ds/c1/i1/i1.json": self._item(),
        }
        return archive({name: json.dumps(document).encode() for name, document in documents.items()})

    def _answer(self, request: Request) -> Answer:
        path = request.path.removeprefix("/mlhub/v1")
        dataset = {"id": "ds", "title": "d", "status": "ready", "collections": [{"id": "c1", "types": []}]}
        sizes = {"collection": "c1", "dataset": "ds", "types": []}
        sizes |= {"size": len(self.archive), "stac_catalog_size": len(self._catalog())}  # type: ignore[dict-item]  # numbers beside words
        documents: dict[str, Any] = {
            "/datasets/ds": dataset,
            "/collections/c1": collection("c1"),
            "/collections/c1/items/i1": self._item(),
            "/archive/c1/info": sizes,
            "/catalog/ds/info": sizes,
        }
        if path in documents:
            return as_json(documents[path])
        if path in ("/archive/c1", "/catalog/ds"):
            return redirect(f"{self.url}/store{path}")
        if path == "/store/archive/c1":
            return self.send(self.archive)
        if path == "/store/catalog/ds":
            return self.send(self._catalog()) if "catalog" in self.files else as_it_is(self._catalog())
        return self.send(self.files[path]) if path in self.files else Answer(status=404)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as hub:
        monkeypatch.setenv("MLHUB_ROOT_URL", hub.root)
        monkeypatch.setenv("MLHUB_API_KEY", "key")
        yield hub


def put(body: bytes, media_type: str = "", **how: Any) -> Send:
    return lambda _: Answer(body=body, headers={"Content-Type": media_type}, **how)


INSTEAD: dict[str, tuple[Send, str]] = {
    "json": (put(ERROR, "application/json"), "link expired"),
    "json after a mark": (put(b"\xef\xbb\xbf \n" + ERROR), "link expired"),
    "xml": (put(b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'), "XML"),
    "page": (put(b"<!DOCTYPE html><html>Log in</html>", "text/html"), "web page"),
    "text": (put(b"Service temporarily \x1b[31munavailable", "text/plain"), "instead of"),
    "nothing": (put(b""), "empty answer"),
    "nothing in chunks": (put(b"", chunked=True), "empty answer"),
    "cut": (lambda data: as_it_is(data[: len(data) // 3]), "gzip"),
    "several ranges": (put(b"--x\r\n\r\n", "multipart/byteranges; boundary=x"), "ranges"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", INSTEAD)
@pytest.mark.parametrize("command", ["archives c1", "dataset ds --catalog-only"])
def test_what_is_not_the_archive_fails_and_the_same_command_heals(
    hub: Hub, run: Run, tmp_path: Path, command: str, what: str
) -> None:
    hub.files["catalog"] = b""
    hub.send, words = INSTEAD[what]
    out = tmp_path / "out"
    ill = run("download", *command.split(), "--output-dir", out, code=1)
    assert words in ill.output
    assert "\x1b" not in ill.output
    assert "what arrived is saved" not in ill.output
    assert not list(out.rglob("*.tar.gz"))
    hub.send = as_it_is
    run("download", *command.split(), "--output-dir", out, code=0)
    (found,) = out.rglob("*.tar.gz")
    with tarfile.open(found) as whole:
        assert whole.getnames()


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "another CRC": lambda data: data[:-8] + bytes([data[-8] ^ 1]) + data[-7:],
    "another byte": lambda data: data[:30_000] + bytes([data[30_000] ^ 1]) + data[30_001:],
    "an end of zeros": lambda data: data[:-5000] + bytes(5000),
    "nothing but a magic": lambda data: data[:2] + bytes(len(data) - 2),
}


@pytest.mark.parametrize("how", DAMAGED)
def test_an_archive_of_the_announced_size_that_is_damaged_fails_and_the_same_command_heals(
    hub: Hub, run: Run, tmp_path: Path, how: str
) -> None:
    hub.send = lambda data: as_it_is(DAMAGED[how](data))
    ill = run("download", "archives", "c1", "--output-dir", tmp_path / "out", code=1)
    assert "gzip" in ill.output
    assert "what arrived is saved" not in ill.output
    assert not [*(tmp_path / "out").iterdir()]
    hub.send = as_it_is
    assert run("download", "archives", "c1", "--output-dir", tmp_path / "out").exit_code == 0


def test_a_large_archive_that_ends_in_zeros_is_read_to_its_end(hub: Hub, run: Run, tmp_path: Path) -> None:
    hub.archive = archive({"c1/data.bin": random.Random(1).randbytes(9 << 20)})
    hub.send = lambda data: as_it_is(data[:-5000] + bytes(5000))
    ill = run("download", "archives", "c1", "--output-dir", tmp_path / "out", code=1)
    assert "ends in the middle of its gzip data" in ill.output


def test_a_catalog_that_is_damaged_behind_its_checksum_leaves_no_mark_and_heals(hub: Hub, run: Run) -> None:
    hub.files["catalog"] = b""

    def spoilt(data: bytes) -> bytes:
        plain = bytearray(gzip.decompress(data))
        plain[1024 + 148] ^= 1  # the sum of the second member's header
        return gzip.compress(plain)

    hub.send = lambda data: as_it_is(spoilt(data))
    given = ("download", "dataset", "ds", "--catalog-only", "--output-dir", str(run.folder / "out"))
    ill = run(*given, code=1)
    assert "the archive is damaged at byte 1,024" in ill.output
    assert not [path for path in (run.folder / "out").iterdir() if path.is_file()]
    hub.send = as_it_is
    assert run(*given).exit_code == 0
    assert (run.folder / "out" / "ds" / "c1" / "i1" / "i1.json").exists()


@pytest.mark.parametrize("left", [ERROR, b"", ARCHIVE[:20_000]], ids=["json", "nothing", "cut"])
def test_what_an_earlier_version_stored_as_the_archive_is_replaced(hub: Hub, run: Run, left: bytes) -> None:
    (run.folder / "c1.tar.gz").write_bytes(left)
    run("download", "archives", "c1", "--output-dir", run.folder, code=0)
    assert (run.folder / "c1.tar.gz").read_bytes() == ARCHIVE


def test_a_damaged_catalog_of_the_announced_size_is_fetched_again_and_one_of_nothing_is_none(
    hub: Hub, run: Run, tmp_path: Path
) -> None:
    hub.files["catalog"] = b""
    hub.send = lambda data: as_it_is(data[:-8] + bytes([data[-8] ^ 1]) + data[-7:])  # another CRC
    given = ("download", "dataset", "ds", "--catalog-only", "--output-dir", str(tmp_path))
    ill = run(*given, code=1)
    assert "ds.tar.gz is not a whole gzip file" in ill.output
    assert "what arrived is saved" not in ill.output
    assert not (tmp_path / "ds.tar.gz").exists()
    hub.send = lambda _: as_it_is(archive({"elsewhere/catalog.json": b"{}"}))
    empty = run(*given, code=1)
    assert "no file in the folder ds" in empty.output
    hub.send = as_it_is
    run(*given, "--if-exists", "overwrite", code=0)
    assert (tmp_path / "ds" / "catalog.json").exists()


def test_a_damaged_catalog_that_stood_there_is_kept_until_it_may_be_overwritten(hub: Hub, run: Run) -> None:
    given = ("download", "dataset", "ds", "--catalog-only", "--output-dir", str(run.folder))
    assert run(*given).exit_code == 0
    kept = run.folder / "ds.tar.gz"
    kept.write_bytes(b"\x1f\x8b" + bytes(kept.stat().st_size - 2))
    ill = run(*given, code=1)
    assert f"use --if-exists overwrite, or remove {kept}" in ill.output
    assert run(*given, "--if-exists", "overwrite").exit_code == 0


def test_an_archive_that_is_labelled_a_web_page_is_one_all_the_same(hub: Hub, run: Run) -> None:
    hub.send = lambda data: Answer(body=data, headers={"Content-Type": "text/html"})
    run("download", "archives", "c1", "--output-dir", run.folder, code=0)
    assert (run.folder / "c1.tar.gz").read_bytes() == ARCHIVE


ENCODED: dict[str, Send] = {
    "gzip": coded("gzip", gzip.compress),
    "x-gzip": coded("x-gzip", gzip.compress),
    "chunked": coded("gzip", gzip.compress, chunked=True),
    "deflate": coded("deflate", zlib.compress),
    "raw deflate": coded("deflate", lambda data: zlib.compress(data, wbits=-15)),
    "twice": coded("gzip, gzip", lambda data: gzip.compress(gzip.compress(data))),
    "aws-chunked": coded("aws-chunked", bytes),
    "UTF-8": coded("UTF-8", bytes),
    "none": coded("none", bytes),
    "a label alone": coded("gzip", bytes),
    "zlib as gzip": coded("gzip", zlib.compress),
    "gzip as deflate": coded("deflate", gzip.compress),
    "quoted": coded('"gzip"', gzip.compress),
    "with the sum of the file": lambda data: Answer(
        body=gzip.compress(data), headers={"Content-Encoding": "gzip", "Content-MD5": md5(data)}
    ),
}


@pytest.mark.parametrize("how", ENCODED)
@pytest.mark.parametrize("command", ["archives c1", "item c1 i1", "dataset ds"])
def test_codings_that_nobody_asked_for_are_undone(hub: Hub, run: Run, command: str, how: str) -> None:
    hub.send = ENCODED[how]
    for _ in range(2):  # given again it finds what is there
        run("download", *command.split(), "--output-dir", run.folder / "out", code=0)
    wanted = {"c1.tar.gz": ARCHIVE, "image.tif": TIF, "table.csv": CSV}
    found: dict[str, bytes] = {}
    for path in (run.folder / "out").rglob("*"):
        if path.name in wanted:
            found[path.name] = path.read_bytes()
    assert found
    assert found == {name: wanted[name] for name in found}


@pytest.mark.slow
def test_a_coding_that_nothing_here_undoes_is_named_after_it_was_asked_for_as_it_is(
    hub: Hub, run: Run, tmp_path: Path
) -> None:
    hub.send = coded("zstd", lambda data: b"\x28\xb5\x2f\xfd" + b"\xff" * 8 + data[:64])
    done = run("download", "item", "c1", "i1", "--asset", "image", "--output-dir", tmp_path / "out", code=1)
    assert "zstd" in done.output or "damaged" in done.output  # damaged: where a library undoes it
    assert len([asked for asked in hub.gets if asked.headers["accept-encoding"] != "identity"]) > 0 or (
        "damaged" in done.output
    )
    assert not list((tmp_path / "out").rglob("*.tif"))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["item c1 i1", "dataset ds"])
def test_documents_that_are_assets_arrive_and_errors_in_place_of_images_do_not(
    hub: Hub, run: Run, tmp_path: Path, command: str
) -> None:
    hub.assets = {
        "facts": {"href": f"{hub.url}/facts.json", "type": "application/json"},
        "meta": {"href": f"{hub.url}/meta.xml", "type": "application/xml"},
        "image": {"href": f"{hub.url}/image.tif", "type": "image/tiff"},
    }
    hub.files = {"/facts.json": ERROR, "/meta.xml": b"<a/>", "/image.tif": b"<?xml version='1.0'?><Error/>"}
    run("download", *command.split(), "--output-dir", tmp_path / "out", code=1)
    names = {path.name for path in (tmp_path / "out").rglob("*.*")}
    assert {"facts.json", "meta.xml"} <= names
    assert "image.tif" not in names


def test_the_report_is_inert_and_tells_every_asset_of_hosts_that_refuse(hub: Hub, run: Run) -> None:
    keys = ["=1+1", "+1", "-1+1", "@SUM(1)", "\tx", "t\x1b]0;title\x07", "c\x9b31m", " =2", "＝3", "\u202e=4"]
    hub.assets = {key: {"href": f"{hub.url}/gone{n}.tif"} for n, key in enumerate(keys)}
    run("download", "dataset", "ds", "--output-dir", run.folder / "out", code=1)
    with (run.folder / "out" / "ds" / "err_report.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == len(keys)
    assert not [cell for row in rows for cell in row if not cell.isprintable()]
    assert not [cell for row in rows for cell in row if cell.lstrip()[:1] in tuple("=+-@＝")]
    assert all(row[1:4] == ["ds", "c1", "i1"] for row in rows)


def test_a_file_that_comes_empty_is_named(run: Run, tmp_path: Path) -> None:
    with Hub() as hub:
        hub.send = lambda _: Answer(200, b"")
        arguments = ("--root-url", hub.url, "--api-key", "k", "--output-dir", str(tmp_path))
        result = run("download", "item", "c1", "i1", "--asset", "image", *arguments)
    assert "the server sent an empty file" in result.stderr, result.output


def test_a_pointer_of_git_lfs_is_neither_a_file_nor_a_document(run: Run, tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    with Hub() as hub:
        hub.send = lambda _: as_it_is(pointer)
        arguments = ("--root-url", hub.url, "--api-key", "k", "--output-dir", str(tmp_path / "out"))
        result = run("download", "item", "c1", "i1", *arguments)
    assert result.exit_code == 1
    assert "sent a Git LFS pointer instead of image.tif" in result.stderr
    assert "sent a Git LFS pointer instead of table.csv" in result.stderr
    assert "git lfs pull" in result.stderr
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    clone, files = tmp_path / "clone", {"image.tif": pointer, "table.csv": b"a,b"}
    clone.mkdir()
    for name, data in files.items():
        (clone / name).write_bytes(data)
    (clone / "i.json").write_text(json.dumps(item(assets={name[:5]: {"href": name} for name in files})))
    (clone / "collection.json").write_text(json.dumps(collection("c", link("item", "i.json"))))
    for command in (("item", "c", "i"), ("dataset", "c")):
        run("--source", clone, "download", *command, "--output-dir", tmp_path / "copies", code=1)
    assert (
        "image.tif is a Git LFS pointer (`git lfs pull`" in (tmp_path / "copies/c/err_report.csv").read_text()
    )
    assert not [*(tmp_path / "copies").rglob("image*")]
    (tmp_path / "catalog.json").write_bytes(pointer)
    opened = run("list", "collections", "--source", tmp_path / "catalog.json")
    assert "catalog.json is a Git LFS pointer: `git lfs pull`" in opened.stderr
