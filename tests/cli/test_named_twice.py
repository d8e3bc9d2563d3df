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
from tests.support.stac import catalog, item, link

DATA = b"II*\0" + bytes(range(256))


def with_data(name: str, href: str) -> dict[str, Any]:
    return item(name, assets={"data": {"href": href}})


@pytest.mark.parametrize("names", [("2019/image.json", "2020/image.json"), ("a.json", "b.json")])
def test_an_id_of_two_items_names_both_and_their_addresses_serve(run: Run, names: tuple[str, str]) -> None:
    links = [{"rel": "item", "href": name} for name in names]
    (run.folder / "collection.json").write_text(json.dumps(COLLECTION | {"links": links}))
    for name in names:
        path = run.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(with_data("image", f"./{path.stem}.tif")))
        path.with_suffix(".tif").write_bytes(DATA + name.encode())
    command = ("--source", str(run.folder / "collection.json"), "--output-dir", str(run.folder / "out"))
    result = run("download", "item", "c", "image", *command, code=2)
    assert all(name in result.output for name in names)
    run("download", "item", "c", (run.folder / names[1]).as_uri(), *command, code=0)
    found = [path.read_bytes() for path in (run.folder / "out").rglob("*.tif")]
    assert found == [DATA + names[1].encode()]


@pytest.mark.parametrize("copies", [1, 2])
def test_items_of_one_id_in_a_list_have_addresses_of_their_own(run: Run, tmp_path: Path, copies: int) -> None:
    features = [with_data("x", f"./{name}.tif") for name in "aab"[2 - copies :]]
    where = tmp_path / "items.geojson"
    where.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    for name in "ab":
        (tmp_path / f"{name}.tif").write_bytes(DATA + name.encode())
    command = ("--source", str(where), "--output-dir", str(tmp_path / "out"))
    result = run("download", "item", "items", "x", *command)
    addresses = [f"{where.as_uri()}#{number}" for number in (0, copies)]
    assert result.exit_code == 2
    assert " and ".join(addresses) in result.output
    assert addresses[1] in run("show", "item", "items", "x", *command[:2]).output
    run("download", "item", "items", *addresses, *command, code=0)
    found = [path.read_bytes() for path in sorted((tmp_path / "out").rglob("*.tif"))]
    assert sorted(found) == [DATA + b"a", DATA + b"b"]
    assert run("search", where, "--ids", addresses[1], "--urls").stdout.endswith("/b.tif\n")


class Expiring(LoopbackServer):
    """A collection, of a static catalog and of an API, whose store refuses links but the newest."""

    def __init__(self, refusal: Answer) -> None:
        super().__init__(self._answer)
        self.signed = 0
        self.refusal, self.refused = refusal, ""

    def _answer(self, request: Request) -> Answer:
        if request.path == "/collection.json":
            return as_json(COLLECTION | {"links": [{"rel": "item", "href": "i.json"}]})
        if request.path in ("/i.json", "/api/collections/c/items/i", "/api/collections/c/items"):
            self.signed += 1
            signed = with_data("i", f"{self.url}/i.tif?sig={self.signed}")
            listing = {"type": "FeatureCollection", "features": [signed], "links": []}
            return as_json(listing if request.path.endswith("items") else signed)
        if request.path.startswith("/api"):
            data = link("data", f"{self.url}/api/collections")
            landing = catalog("a", data, conformsTo=["https://api.stacspec.org/v1.0.0/core"])
            found = COLLECTION if request.path == "/api/collections/c" else landing
            return as_json({"collections": [COLLECTION]} if request.path == "/api/collections" else found)
        self.refused = self.refused or request.target
        return self.refusal if request.target == self.refused else Answer(body=DATA)


@pytest.mark.parametrize("command", ["item c i", "dataset c --assets"])
@pytest.mark.parametrize("source", ["collection.json", "api"])
@pytest.mark.parametrize(
    "refusal",
    [
        Answer(403, b"<Error><Code>AccessDenied</Code></Error>"),
        Answer(400, b"<Error><Code>ExpiredToken</Code><Message>Invalid argument.</Message></Error>"),
    ],
)
def test_a_link_that_expired_is_requested_again(run: Run, command: str, source: str, refusal: Answer) -> None:
    with Expiring(refusal) as server:
        where = ("--source", f"{server.url}/{source}", "--output-dir", str(run.folder))
        run("download", *command.split(), *where, code=0)
        assert len({target for target in server.targets if ".tif" in target}) == 2
    assert [path.read_bytes() for path in run.folder.rglob("*.tif")] == [DATA]


def test_a_file_comes_through_a_socks_proxy(command: Command, tmp_path: Path) -> None:
    handle, heard = socks5()
    with serving(handle) as server:
        proxy = f"socks5h://127.0.0.1:{server.port}"
        result = command(*download(tmp_path, "http://files.test/x"), all_proxy=proxy, no_proxy="")
    assert result.returncode == 0, result.stderr
    assert heard[-1] == b"\x05\x01\x00\x03files.test\x00\x50"
    assert [path.read_bytes() for path in (tmp_path / "out").rglob("data*")] == [b"/x for files.test"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_names_how_to_sign_in_as_the_item_states_it(run: Run, tmp_path: Path, status: int) -> None:
    schemes = {
        "s3": {"type": "s3"},
        "oidc": {"type": "openIdConnect", "openIdConnectUrl": "https://login.example/realms/x"},
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "odd": 7,
    }
    with LoopbackServer(lambda _: Answer(status)) as server:
        over_https = {"href": f"{server.url}/a.tif", "auth:refs": ["oidc", "no-such", 7]}
        data = {"href": "s3://bucket/a.tif", "auth:refs": ["s3"], "alternate": {"https": over_https, "x": 1}}
        own = item("i", assets={"data": data, "open": {"href": f"{server.url}/o.tif"}})
        own["properties"] |= {"auth:schemes": schemes}
        (tmp_path / "i.json").write_text(json.dumps(own))
        links = [{"rel": "item", "href": "i.json"}]
        (tmp_path / "collection.json").write_text(json.dumps(COLLECTION | {"links": links}))
        source = ("--source", str(tmp_path / "collection.json"))
        shown = run(*source, "show", "item", "c", "i").stdout
        failed = run(*source, "download", "item", "c", "i", "--output-dir", tmp_path / "out")
    rows = [line.split() for line in shown.partition("Sign-in:")[2].splitlines()]
    assert ["oidc", "OpenID", "Connect", "of", "login.example", "data"] in rows
    assert ["key", "a", "key", "(header", "X-Key)"] in rows
    assert failed.exit_code == 1
    stated = [line for line in failed.stderr.splitlines() if "as its document states" in line]
    assert stated
    assert all("data.tif: it requires" in line.replace(";", ":") for line in stated)
    assert all("requires OpenID Connect of login.example, as" in line for line in stated)
