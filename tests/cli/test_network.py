"""Networks as people have them: proxies of the environment, NO_PROXY, certificates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlhub_tui.http.connect import ProxySettings
from mlhub_tui.http.urls import parse_url
from tests.cli.conftest import Command, Run
from tests.support.hasty.sitecustomize import IN_HASTE
from tests.support.http_server import Answer, LoopbackServer, Request, as_json
from tests.support.stac import collection, item, link

DATA = b"II*\0" + bytes(range(256)) * 9
SITE = "http://stac.example"
COLLECTION = collection("c", link("item", "i.json"))
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def answer(request: Request) -> Answer:
    """Answer as a proxy before a static catalog of one item."""
    match request.target:
        case "http://stac.example/collection.json":
            return as_json(COLLECTION)
        case "http://stac.example/i.json":
            return as_json(item(assets={"data": {"href": f"{SITE}/data.tif", "type": "image/tiff"}}))
        case "http://stac.example/data.tif":
            return Answer(body=DATA, headers={"Content-Type": "image/tiff"})
    return Answer(status=404)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.slow
def test_entries_of_no_proxy_that_fit_nothing_or_cannot_be_used_change_nothing(
    command: Command, tmp_path: Path
) -> None:
    entries = "localhost,fd00::/8,[::1],host:notaport,10.0.0.0/99,*.org:x,[,stac.example:8080,example.org"
    with LoopbackServer(answer) as proxy:
        environ = {"http_proxy": proxy.url, "no_proxy": entries}
        source = ("--source", f"{SITE}/collection.json")
        listed = command("list", "items", "c", *source, **environ)
        fetched = command("download", "item", "c", "i", *source, "--output-dir", str(tmp_path), **environ)
    assert listed.returncode == 0, listed.stderr
    assert fetched.returncode == 0, fetched.stderr
    assert (tmp_path / "c" / "i" / "data.tif").read_bytes() == DATA
    assert {request.target for request in proxy.requests} == {
        f"{SITE}/{name}" for name in ("collection.json", "i.json", "data.tif")
    }


def download(folder: Path, href: str) -> tuple[str, ...]:
    """Return the command that downloads a file, of a collection in a folder."""
    (folder / "collection.json").write_text(
        json.dumps(COLLECTION | {"links": [], "assets": {"data": {"href": href}}}), encoding="utf-8"
    )
    return ("download", "item", "c", "--source", str(folder), "--output-dir", str(folder / "out"))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down_is_named(run: Run, command: Command, tmp_path: Path, scheme: str) -> None:
    environ = {f"{scheme}_proxy": "http://user:hush-hush-hush@127.0.0.1:9"}
    listed = run("list", "items", "c", "--source", f"{scheme}://stac.example/c.json", env=environ)
    # In a process of its own: one reads the environment once for its downloads.
    fetched = command(*download(tmp_path, f"{scheme}://stac.example/data.tif"), **environ, **IN_HASTE)
    for status, printed in ((listed.exit_code, listed.output), (fetched.returncode, fetched.stderr)):
        assert status == 1
        assert "proxy 127.0.0.1:9" in printed
        assert "NO_PROXY" in printed
    assert "hush" not in listed.output + fetched.stdout + fetched.stderr


@pytest.mark.parametrize(
    ("no_proxy", "past", "through"),
    [
        ("10.0.0.0/8", "10.1.2.3", "11.1.2.3"),
        ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
        ("10.1.2.3:8080", "10.1.2.3:8080", "10.1.2.3"),
        ("fd00::/8", "[fd12::1]", "[fe12::1]"),
        ("[fd12::1]", "[fd12::1]", "[fd12::2]"),
        ("[fd12::1]:8080", "[fd12::1]:8080", "[fd12::1]:8081"),
        ("example.org", "a.example.org", "badexample.org"),
        (".example.org", "a.example.org", "badexample.org"),
        ("*.example.org", "a.example.org", "badexample.org"),
        ("EXAMPLE.org.", "example.ORG", "example.com"),
        ("example.org:8080", "example.org:8080", "example.org"),
        ("host:notaport [ 10.0.0.0/99; example.org", "example.org", "host"),
        ("10.0.0.0/8", "localhost", "a.example"),
        ("", "127.0.0.1", "a.example"),
        ("", "[::1]", "a.example"),
    ],
)
def test_what_no_proxy_lists_is_requested_directly(no_proxy: str, past: str, through: str) -> None:
    proxies = ProxySettings({"all_proxy": "proxy.example:3128", "no_proxy": no_proxy})
    assert proxies.url_for(parse_url(f"http://{past}/").origin) == ""
    assert proxies.url_for(parse_url(f"http://{through}/").origin) == "http://proxy.example:3128"


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
@pytest.mark.slow
def test_certificates_that_are_not_there_are_named_and_do_not_touch_http(
    run: Run, command: Command, tmp_path: Path, variable: str
) -> None:
    environ = {variable: "/nowhere/certificates"}
    with LoopbackServer(lambda _: Answer(body=DATA)) as server:
        plain = command(*download(tmp_path, f"{server.url}/data.tif"), **environ)
    assert plain.returncode == 0, plain.stderr
    assert (tmp_path / "out" / "c" / "data.tif").read_bytes() == DATA
    secret = command(*download(tmp_path, "https://127.0.0.1:9/other.tif"), **environ)
    listed = run("list", "items", "c", "--source", "https://127.0.0.1:9/c.json", env=environ)
    for status, printed in ((listed.exit_code, listed.stderr), (secret.returncode, secret.stderr)):
        assert status == 1
        assert f"{variable} is /nowhere/certificates" in printed
        assert f"unset {variable}" in printed
