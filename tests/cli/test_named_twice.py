"""An id that two items have, links that expired, and a SOCKS proxy, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, Run
from tests.cli.test_network import COLLECTION, download
from tests.http.scripted import serving
from tests.http.test_through_proxies import socks5
from tests.support.http_server import Answer, LoopbackServer, Request, as_json

DATA = b"II*\0" + bytes(range(256))


def item(name: str, href: str) -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": "c",
        "geometry": None,
        "properties": {"datetime": "2020-01-01T00:00:00Z"},
        "links": [],
        "assets": {"data": {"href": href}},
    }


@pytest.mark.parametrize("names", [("2019/image.json", "2020/image.json"), ("a.json", "b.json")])
def test_an_id_of_two_items_names_both_and_their_addresses_serve(
    run: Run, tmp_path: Path, names: tuple[str, str]
) -> None:
    links = [{"rel": "item", "href": name} for name in names]
    (tmp_path / "collection.json").write_text(json.dumps(COLLECTION | {"links": links}))
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(item("image", f"./{path.stem}.tif")))
        path.with_suffix(".tif").write_bytes(DATA + name.encode())
    command = ("--source", str(tmp_path / "collection.json"), "--output-dir", str(tmp_path / "out"))
    result = run("download", "item", "c", "image", *command)
    assert result.exit_code == 2
    assert all(name in result.output for name in names)
    result = run("download", "item", "c", (tmp_path / names[1]).as_uri(), *command)
    assert result.exit_code == 0, result.output
    found = [path.read_bytes() for path in (tmp_path / "out").rglob("*.tif")]
    assert found == [DATA + names[1].encode()]


class Expiring(LoopbackServer):
    """A collection whose item's link is good once: then the store refuses it, and the item has a new one."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.signed = 0
        self.refused = ""

    def _answer(self, request: Request) -> Answer:
        if request.path == "/collection.json":
            return as_json(COLLECTION | {"links": [{"rel": "item", "href": "i.json"}]})
        if request.path == "/i.json":
            self.signed += 1
            return as_json(item("i", f"{self.url}/i.tif?sig={self.signed}"))
        self.refused = self.refused or request.target
        denied = Answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        return denied if request.target == self.refused else Answer(body=DATA)


def test_a_link_that_expired_is_requested_again(run: Run, tmp_path: Path) -> None:
    with Expiring() as server:
        source = ("--source", f"{server.url}/collection.json", "--output-dir", str(tmp_path))
        result = run("download", "item", "c", "i", *source)
        assert result.exit_code == 0, result.output
        assert len({target for target in server.targets if ".tif" in target}) == 2
    assert [path.read_bytes() for path in tmp_path.rglob("*.tif")] == [DATA]


def test_a_file_comes_through_a_socks_proxy(command: Command, tmp_path: Path) -> None:
    handle, heard = socks5()
    with serving(handle) as server:
        proxy = f"socks5h://127.0.0.1:{server.port}"
        result = command(*download(tmp_path, "http://files.test/x"), all_proxy=proxy, no_proxy="")
    assert result.returncode == 0, result.stderr
    assert heard[-1] == b"\x05\x01\x00\x03files.test\x00\x50"
    assert [path.read_bytes() for path in (tmp_path / "out").rglob("data*")] == [b"/x for files.test"]
