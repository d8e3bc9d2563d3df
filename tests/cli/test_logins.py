"""Files behind the login of another host, as those of NASA Earthdata: .netrc, redirects, cookies."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.http_server import Answer, LoopbackServer, Request, as_json, redirect
from tests.support.stac import collection, item, link

DATA = b"II*\0" + bytes(range(256)) * 9
LOGIN = f"Basic {base64.b64encode(b'user:pass word').decode()}"
WRITE_IT = "write `machine 127.0.0.1 login USER password PASSWORD` into ~/.netrc"
GOOD = 'machine other.example login a password b\nmachine 127.0.0.1 login user password "pass word"\n'


class Site:
    """A catalog, the server of its files, and the server that people log in to: three origins."""

    def __init__(self) -> None:
        self.catalog = LoopbackServer(self._catalog)
        self.files = LoopbackServer(self._file)
        self.logins = LoopbackServer(self._login)
        self.servers = (self.catalog, self.files, self.logins)

    def _catalog(self, request: Request) -> Answer:
        one = item(assets={"data": {"href": f"{self.files.url}/data.tif", "type": "image/tiff"}})
        return as_json(one if request.path == "/i.json" else collection("c", link("item", "i.json")))

    def _file(self, request: Request) -> Answer:
        if request.path == "/session":
            return Answer(302, headers={"Location": "/data.tif", "Set-Cookie": "session=ok; Path=/"})
        if "session=ok" in request.headers.get("cookie", ""):
            return Answer(body=DATA, headers={"Content-Type": "image/tiff"})
        return redirect(f"{self.logins.url}/authorize")

    def _login(self, request: Request) -> Answer:
        if request.headers.get("authorization") == LOGIN:
            return redirect(f"{self.files.url}/session?code=ok")
        return Answer(401, b"<html>log in</html>", {"WWW-Authenticate": 'Basic realm="Earthdata"'})

    def logged_in(self) -> list[str]:
        """Return what was sent to authorize a request, to whichever server."""
        sent = [r.headers.get("authorization") for server in self.servers for r in server.requests]
        return [authorization for authorization in sent if authorization]


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    with made.catalog, made.files, made.logins:
        yield made


@pytest.mark.parametrize("command", ["item c i", "dataset c --assets"])
def test_the_login_of_a_host_in_netrc_is_sent_to_that_host_only(
    run: Run, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (tmp_path / "netrc").write_text(GOOD)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    source = ("--source", f"{site.catalog.url}/collection.json")
    result = run("download", *command.split(), *source, "--output-dir", tmp_path / "out", code=0)
    (found,) = (tmp_path / "out").rglob("*.tif")
    assert found.read_bytes() == DATA
    assert set(site.logged_in()) == {LOGIN}
    assert not [r for r in (*site.catalog.requests, *site.files.requests) if "authorization" in r.headers]
    assert "pass word" not in result.output


@pytest.mark.parametrize(
    ("netrc", "hint"),
    [
        (None, WRITE_IT),
        ("machine other.example login user password secret-secret\n", WRITE_IT),
        ("default login user password secret-secret\n", WRITE_IT),
        (
            "machine 127.0.0.1 login user password wrong-secret\n",
            "127.0.0.1 refused the login of your .netrc",
        ),
        ("machine 127.0.0.1 login user password very secret\n", "your .netrc is ignored: correct"),
    ],
)
def test_a_login_that_is_missing_or_wrong_is_named_with_its_host(
    run: Run, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, netrc: str | None, hint: str
) -> None:
    if netrc is not None:
        (tmp_path / "netrc").write_text(netrc)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    source = ("--source", f"{site.catalog.url}/collection.json")
    result = run("download", "item", "c", "i", *source, "--output-dir", tmp_path / "out", code=1)
    assert "401" in result.stderr
    assert f"127.0.0.1 requires a login: {hint}" in result.stderr
    assert bool(site.logged_in()) == (netrc is not None and "wrong" in netrc)
    assert "secret" not in result.output


@pytest.mark.parametrize("command", ["item c i", "dataset c --assets"])
def test_a_file_that_asks_for_credentials_where_there_are_none_says_which_command_gives_them(
    run: Run, site: Site, tmp_path: Path, command: str
) -> None:
    site.files.handler = lambda request: as_json({"message": "token required"}, 401)
    source = ("--source", f"{site.catalog.url}/collection.json")
    result = run("download", *command.split(), *source, "--output-dir", tmp_path / "out")
    reports = "".join(path.read_text() for path in (tmp_path / "out").rglob("err_report*"))
    said = result.output + reports
    assert result.exit_code == 1
    assert "asks for credentials (401)" in said
    assert "token required" in said
    assert "`mlhub-tui sources add NAME URL --token`" in said
    assert "expired" not in said
    assert len(site.files.requests) == 1, "what asks for credentials is not asked again without"
