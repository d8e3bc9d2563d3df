"""Commands over hrefs as GDAL writes them, and over local names with percent signs in them."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.cli.conftest import Run
from tests.cli.test_ids import catalog
from tests.support.http_server import Answer, LoopbackServer
from tests.support.paged_api import PagedAPI, items

TIF = b"II*\0" + bytes(range(256))
GDAL = {
    "/vsicurl/https://host.example/a%20b.tif": "https://host.example/a%20b.tif",
    "/vsicurl_streaming/https://host.example/a.tif?x=1&y=2": "https://host.example/a.tif?x=1&y=2",
    "/vsicurl?max_retry=3&url=https%3A%2F%2Fhost.example%2Fa.tif%3Fx%3D1": "https://host.example/a.tif?x=1",
    "/vsicurl?max_retry=3&url=https://host.example/c/a.tif": "https://host.example/c/a.tif",
    "/vsis3/bucket/some/key.tif": "https://bucket.s3.amazonaws.com/some/key.tif",
    "/vsis3_streaming/bucket/key.tif": "https://bucket.s3.amazonaws.com/key.tif",
    "/vsigs/bucket/some/key.tif": "https://storage.googleapis.com/bucket/some/key.tif",
    "/vsiaz/container/key.tif": "https://account.blob.core.windows.net/container/key.tif",
}
NOWHERE = ("/vsizip//vsicurl/https://host.example/a.zip/b.tif", "/vsimem/a.tif", "/vsicurl/", "/vsis3/")


def feature(href: str) -> dict[str, Any]:
    """Return an item with one asset."""
    return {**items(1, assets={"a": {"href": href}})[0], "msft:storage_account": "account"}


@pytest.mark.parametrize("href", GDAL)
def test_a_name_of_gdal_means_what_it_names(run: Run, tmp_path: Path, href: str) -> None:
    here = catalog(tmp_path, [feature(href)], how="list")
    with PagedAPI(lambda *_: None, [feature(href)]) as server:
        for source in (here, server.location):
            assert run("search", source, "-c", "c", "--urls").stdout == f"{GDAL[href]}\n"


@pytest.mark.parametrize("href", NOWHERE)
def test_what_leads_into_a_file_is_no_address(run: Run, tmp_path: Path, href: str) -> None:
    with PagedAPI(lambda *_: None, [feature(href)]) as server:
        result = run("search", server.location, "-c", "c", "--urls")
        assert result.stdout == ""
        assert "without an address" in result.stderr
        for what in (("item", "c", "i0000"), ("dataset", "c")):
            arguments = ("download", *what, "--output-dir", str(tmp_path))
            assert run("--source", server.location, *arguments).exit_code == 1
        assert not [request for request in server.requests if "vsi" in request.target]


def test_assets_behind_names_of_gdal_are_downloaded(run: Run, tmp_path: Path) -> None:
    with LoopbackServer(lambda _: Answer(body=TIF)) as store:
        with PagedAPI(lambda *_: None, [feature(f"/vsicurl/{store.url}/x/a.tif")]) as server:
            for what in (("item", "c", "i0000"), ("dataset", "c")):
                arguments = ("download", *what, "--output-dir", str(tmp_path / what[0]))
                run("--source", server.location, *arguments, code=0)
                assert next((tmp_path / what[0]).rglob("*.tif")).read_bytes() == TIF
        assert {request.path for request in store.requests} == {"/x/a.tif"}


def test_a_server_names_no_file_of_this_machine_by_gdal_either(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(TIF)
    with PagedAPI(lambda *_: None, [feature(f"/vsicurl/{(tmp_path / 'a.tif').as_uri()}")]) as server:
        arguments = ("download", "item", "c", "i0000", "--output-dir", str(tmp_path / "out"))
        assert run("--source", server.location, *arguments).exit_code == 1
    assert not list((tmp_path / "out").rglob("*.tif"))


@pytest.mark.slow
@pytest.mark.parametrize("written", ["plain", "encoded"])
@pytest.mark.parametrize("name", ["a b", "a%20b", "50%", "ä+b", "x%2Fy"])
def test_names_with_percent_signs_are_found_however_they_are_written(
    run: Run, tmp_path: Path, name: str, written: str
) -> None:
    folder = tmp_path / f"in {name}"
    folder.mkdir()
    href = quote(name) if written == "encoded" else name
    (folder / f"{name}.tif").write_bytes(TIF)
    (folder / f"{name}.json").write_text(json.dumps(feature(f"./{href}.tif")))
    root = {"type": "Collection", "stac_version": "1.0.0", "id": "c", "description": "d", "license": "x"}
    links = [{"rel": "item", "href": f"./{href}.json"}]
    (folder / "collection.json").write_text(json.dumps({**root, "extent": {}, "links": links}))
    with tarfile.open(tmp_path / "c.tar.gz", "w:gz") as tar:
        for path in folder.iterdir():
            member = tarfile.TarInfo(path.name)
            member.size = path.stat().st_size
            tar.addfile(member, io.BytesIO(path.read_bytes()))
    places = (str(folder), quote(str(folder)), folder.as_uri(), str(tmp_path / "c.tar.gz"))
    for number, source in enumerate(places):
        out = tmp_path / f"out{number}"
        run("--source", source, "download", "item", "c", "i0000", "--output-dir", out, code=0)
        assert next(out.rglob("*.tif")).read_bytes() == TIF


@pytest.mark.parametrize("href", ["http://127.0.0.1:9/x.zarr", "s3://bucket/x.zarr/", "gs://bucket/folder/"])
def test_what_is_many_files_is_left_out_with_its_reason(run: Run, tmp_path: Path, href: str) -> None:
    with PagedAPI(lambda *_: None, [feature(href)]) as server:
        arguments = ("--source", server.location, "download")
        result = run(*arguments, "item", "c", "i0000", "--output-dir", tmp_path, code=1)
        assert "it is a store of many files" in result.stderr
        assert run(*arguments, "dataset", "c", "--output-dir", tmp_path).exit_code == 1
    [report] = tmp_path.rglob("err_report.csv")
    assert report.read_text().startswith(
        "it is a store of many files: open it with a tool that reads it in place,c"
    )
