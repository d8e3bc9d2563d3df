"""`--source` with every command, and `mlhub-tui sources`: what is looked at, kept, shown and refused."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from mlhub_tui.auth import Kind, ProfilesFile, SecretNotSet, for_location, for_profile, unsaved_key
from mlhub_tui.auth.location import location
from mlhub_tui.errors import InvalidRootURL, ProfileNotFound
from mlhub_tui.http.client import HTTPClient
from mlhub_tui.http.errors import ConnectTimeout
from mlhub_tui.options import AppOptions
from mlhub_tui.queue import background
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.sources.open_source import KNOWN, by_name, by_url, choose
from tests.support.http_server import Answer, LoopbackServer, Request, as_json, page_of_html
from tests.support.stac import catalog, collection, item, link
from tests.support.stac_api import CLASSES, DATA_LINK, STACAPI, Part, listing

from .conftest import Command, Run

TOKEN = "token-long-enough-1234"
ITEM = item("item-1", "x", assets={"data": {"href": "./data.tif"}})
COLLECTION = collection("x", link("item", "./item-1.json"), title="Fields", license="MIT")
CATALOG = catalog("cat", link("child", "./x/collection.json"), title="Kept")


ROOT = as_json(catalog("cat", DATA_LINK, title="Small", conformsTo=[f"{CLASSES}core"]))
SMALL: dict[str, Part] = {
    "": ROOT,
    "/": ROOT,
    "/collections": as_json({"collections": [COLLECTION], "links": []}),
    "/collections/x": as_json(COLLECTION),
    "/collections/x/items": listing([ITEM]),
    "/collections/x/items/item-1": as_json(ITEM),
}


class Guarded(STACAPI):
    """An API that wants a bearer token."""

    def _answer(self, asked: Request) -> Answer:
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
            return as_json({"code": "Unauthorized", "description": "log in"}, 401)
        return super()._answer(asked)


@pytest.fixture
def stac() -> Iterator[STACAPI]:
    with STACAPI(SMALL) as server:
        yield server


@pytest.fixture
def guarded() -> Iterator[STACAPI]:
    with Guarded(SMALL) as server:
        yield server


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Return the folder of a static catalog, with the same packed beside it."""
    folder = tmp_path / "kept"
    (folder / "x").mkdir(parents=True)
    (folder / "catalog.json").write_text(json.dumps(CATALOG))
    (folder / "x" / "collection.json").write_text(json.dumps(COLLECTION))
    (folder / "x" / "item-1.json").write_text(json.dumps(ITEM))
    with tarfile.open(tmp_path / "kept.tar.gz", "w:gz") as archive:
        archive.add(folder, "kept")
    return folder


def test_every_command_works_on_a_stac_api_and_a_static_catalog_alike(
    run: Run, stac: STACAPI, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(kept.parent)
    for source in (stac.stac, "kept", "./kept/catalog.json", "kept.tar.gz", (kept / "catalog.json").as_uri()):
        listed = run.json("--source", source, "list", "collections")
        assert [entry["id"] for entry in listed] == ["x"]
        assert "Fields" in run("list", "collections", "--source", source).stdout
        items = json.loads(run("list", "items", "x", "--json", "--source", source).stdout)
        assert [entry["id"] for entry in items] == ["item-1"]
        assert json.loads(run("show", "item", "x", "item-1", "--json", "--source", source).stdout) == ITEM
        sheet = run("show", "--source", source, "collection", "x")
        assert (sheet.exit_code, sheet.stderr) == (0, "")
        assert "Fields" in sheet.stdout
        assert "Archive" not in sheet.stdout


@pytest.mark.parametrize("what", ["datasets", "models"])
def test_what_a_kind_of_source_does_not_have_is_said_with_what_it_has(
    run: Run, stac: STACAPI, kept: Path, what: str
) -> None:
    for source in (stac.stac, str(kept)):
        result = run("list", what, "--source", source)
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"has no {what}" in result.stderr
        assert len(result.stderr.splitlines()) == 2
    assert "collections" in run("list", "datasets", "--source", kept).stderr


def test_archives_of_another_kind_of_source_are_refused_in_one_line(run: Run, stac: STACAPI) -> None:
    result = run("download", "x", "--source", stac.stac)
    assert result.exit_code != 0
    assert "MLHub" in result.output


@pytest.mark.parametrize(
    "other", [("--root-url", "http://x.example/"), ("--profile", "p"), ("--sample",)], ids=lambda o: o[0]
)
def test_a_source_takes_no_other_connection(run: Run, other: tuple[str, ...]) -> None:
    for arguments in (
        ("--source", "x", "list", "datasets", *other),
        (*other, "list", "datasets", "--source", "x"),
    ):
        result = run(*arguments, code=2)
        assert "leave out" in result.stderr


def test_the_app_gets_the_source(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[AppOptions] = []
    monkeypatch.setattr("mlhub_tui.cli.command.is_terminal", lambda stream: True)
    monkeypatch.setitem(sys.modules, "mlhub_tui.ui.app", SimpleNamespace(run=seen.append))
    assert run("--source", "./kept", "--api-key", "k").exit_code == 0
    assert (seen[0].source, seen[0].api_key) == ("./kept", "k")


def test_the_key_of_the_environment_is_not_told_to_another_source(
    run: Run, stac: STACAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLHUB_API_KEY", TOKEN)
    monkeypatch.setenv("MLHUB_ROOT_URL", "http://127.0.0.1:9/")
    assert run("sources", "add", "mine", stac.stac).exit_code == 0
    for name in ("mine", stac.stac):
        assert run("list", "items", "x", "--json", "--source", name).exit_code == 0
    assert run("list", "collections", "--json", "--profile", "mine").exit_code == 0
    assert TOKEN not in "".join(f"{asked.target}{dict(asked.headers)}" for asked in stac.requests)
    assert run("list", "collections", "--json", "--source", stac.stac, "--api-key", "typed").exit_code == 0
    assert stac.requests[-1].query["key"] == ["typed"]


def test_adding_looks_says_what_is_there_and_keeps_it(run: Run, stac: STACAPI, mlhub_home: Path) -> None:
    result = run("sources", "add", "mine", f"{stac.stac}/collections/x")
    assert (result.exit_code, result.stdout) == (0, f"Wrote profile mine to {mlhub_home / 'profiles'}\n")
    assert 'found: a STAC API "Small", 1 collection' in result.stderr
    assert (mlhub_home / "profiles").read_text() == f"[mine]\nkind = stac-api\nroot_url = {stac.stac}/\n"
    assert run("sources", "list").stdout.splitlines()[1].split() == [
        "mine",
        "stac-api",
        "none",
        f"{stac.stac}/",
    ]
    test = run("sources", "test", "mine")
    assert test.stdout.startswith(f'ok: stac-api "Small" at {stac.stac}/')
    again = run("sources", "add", "mine", stac.stac, code=2)
    assert "--replace" in again.stderr
    assert run("sources", "remove", "mine").exit_code == 0
    assert ProfilesFile.load().names() == ()


def test_a_relative_path_is_kept_as_an_absolute_one(
    run: Run, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(kept.parent)
    assert run("sources", "add", "a", "kept").exit_code == 0
    assert run("sources", "add", "b", "kept.tar.gz").exit_code == 0
    monkeypatch.chdir("/")
    file = ProfilesFile.load()
    assert file.get("a").root_url == str(kept / "catalog.json")
    assert file.get("b").root_url == str(kept.parent / "kept.tar.gz")
    assert run.json("list", "collections", "--source", "b")[0]["id"] == "x"


def test_nonsense_is_refused_unless_the_kind_is_said(run: Run, mlhub_home: Path) -> None:
    with LoopbackServer(lambda _: page_of_html()) as server:
        refused = run("sources", "add", "web", f"{server.url}/page", code=1)
        assert "a web page" in refused.stderr
        assert not mlhub_home.exists()
        asked = len(server.requests)
        assert run("sources", "add", "web", f"{server.url}/page", "--kind", "stac-api").exit_code == 0
        assert len(server.requests) == asked
    assert ProfilesFile.load().get("web").kind is Kind.STAC_API


def test_what_wants_a_key_is_kept_with_the_variable_that_holds_it(
    run: Run, guarded: STACAPI, mlhub_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = run("sources", "add", "mine", guarded.stac, code=3)
    assert "the contents require a key" in bare.stderr
    unset = run("sources", "add", "mine", guarded.stac, "--token-env", "MINE_TOKEN", code=3)
    assert "set MINE_TOKEN" in unset.stderr
    assert not mlhub_home.exists()
    monkeypatch.setenv("MINE_TOKEN", TOKEN)
    assert run("sources", "add", "mine", guarded.stac, "--token-env", "MINE_TOKEN").exit_code == 0
    assert TOKEN not in (mlhub_home / "profiles").read_text()
    assert run("sources", "test", "mine").exit_code == 0
    assert run.json("list", "items", "x", "--source", "mine")
    monkeypatch.delenv("MINE_TOKEN")
    listed = run("sources", "list")
    assert (listed.exit_code, "$MINE_TOKEN (not set)" in listed.stdout) == (0, True)
    used = run("list", "collections", "--source", "mine", code=3)
    assert "MINE_TOKEN" in used.stderr
    assert "'mine'" in used.stderr


def test_a_token_is_piped_in_and_replaced_and_never_shown(
    run: Run, command: Command, guarded: STACAPI, mlhub_home: Path
) -> None:
    done = command("sources", "add", "mine", guarded.stac, "--token", stdin=f"{TOKEN}\n")
    assert done.returncode == 0
    assert TOKEN not in done.stdout + done.stderr
    assert ProfilesFile.load().get("mine").extra["token"] == TOKEN
    listed = run("sources", "list", "--json").stdout
    assert json.loads(listed)[0]["secret"] == "token ****1234"
    assert run("sources", "test", "mine").exit_code == 0
    wrong = run("sources", "test", "mine", "--api-key", "another-token-9999", code=3)
    assert "another-token" not in wrong.output
    url = f"{guarded.stac}/"
    again = run("sources", "add", "mine", url, "--replace", "--kind", "stac-api", "--key-env", "K", code=0)
    assert "K is not set" in again.stderr
    assert (
        mlhub_home / "profiles"
    ).read_text() == f"[mine]\nkind = stac-api\nroot_url = {url}\nkey_env = K\n"
    run("sources", "remove", "mine", input="n\n", code=1)
    assert run("sources", "remove", "mine", "--yes").exit_code == 0


@pytest.mark.parametrize(
    ("options", "typed", "expected"),
    [
        (("--key",), "s3cret\n", {"api_key": "s3cret"}),
        (("--key-param", "apikey"), "s3cret\n", {"api_key": "s3cret", "key_param": "apikey"}),
        (("--header", "X-Key"), "s3cret\n", {"header": "X-Key", "header_value": "s3cret"}),
        (("--header", "X-Key", "--header-env", "H"), "", {"header": "X-Key", "header_env": "H"}),
        (("--user", "ann"), "s3cret\n", {"user": "ann", "password": "s3cret"}),
        (("--user", "ann", "--password-env", "P"), "", {"user": "ann", "password_env": "P"}),
        (("--api-key", "s3cret"), "", {"api_key": "s3cret"}),
        (("--api-key", "s3cret", "--token"), "", {"token": "s3cret"}),
    ],
)
def test_each_way_of_a_secret_is_written_as_the_profile_wants_it(
    run: Run, options: tuple[str, ...], typed: str, expected: dict[str, str]
) -> None:
    result = run(
        "sources", "add", "p", "https://x.example/", "--kind", "static", *options, input=typed, code=0
    )
    assert "s3cret" not in result.output
    profile = ProfilesFile.load().get("p")
    written = dict(profile.extra) | ({"api_key": profile.api_key} if profile.api_key else {})
    assert written == {"kind": "static", **expected}


@pytest.mark.parametrize(
    "options",
    [("--token", "--key"), ("--header-env", "H"), ("--password-env", "P"), ("--user", "a:b"), ("--token",)],
)
def test_half_a_secret_or_two_or_none_are_usage_errors(
    run: Run, mlhub_home: Path, options: tuple[str, ...]
) -> None:
    run("sources", "add", "p", "https://x.example/", "--kind", "static", *options, input="\n", code=2)
    assert not mlhub_home.exists()


def test_the_key_in_a_pasted_url_is_kept_apart_from_it(run: Run, stac: STACAPI) -> None:
    result = run("sources", "add", "p", f"{stac.stac}?apikey={TOKEN}", code=0)
    assert TOKEN not in result.output
    profile = ProfilesFile.load().get("p")
    assert (profile.root_url, profile.api_key) == (stac.stac, TOKEN)
    assert profile.extra["key_param"] == "apikey"


def test_a_well_known_source_is_added_by_its_name_without_asking_anybody(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("nothing is to be contacted")

    monkeypatch.setattr(HTTPClient, "request", refuse)
    assert run("sources", "add", "earth-search").exit_code == 0
    assert run("sources", "add", "mine", "planetary-computer").exit_code == 0
    file = ProfilesFile.load()
    assert file.get("earth-search").root_url == "https://earth-search.aws.element84.com/v1/"
    assert file.get("mine").kind is Kind.STAC_API
    assert run("sources", "add", "no-such-name").exit_code == 2
    nameless = run("sources", "add", "https://x.example/")
    assert "sources add NAME https://x.example/" in nameless.stderr


def test_the_known_sources_are_listed_with_what_wants_a_key(run: Run) -> None:
    records = run.json("sources", "list", "--known")
    assert len(records) == len(KNOWN) > 10
    lines = run("sources", "list", "--known").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [record["name"] for record in records]
    assert run.json("sources", "list") == []


def test_the_known_sources_are_distinct_and_well_formed() -> None:
    assert len({known.name for known in KNOWN}) == len({known.root_url for known in KNOWN}) == len(KNOWN)
    for known in KNOWN:
        assert location(known.root_url, known.kind) == known.root_url
        assert known.root_url.startswith("https://")
        assert by_name(known.name.upper()) is by_url(known.root_url.rstrip("/")) is known
        assert len(known.about) <= 80
    assert by_name("x") is by_url("https://x.example/") is None


def test_a_name_is_a_profile_then_a_path_then_a_public_source(tmp_path: Path) -> None:
    assert choose("earth-search", base=tmp_path).root_origin == "public source earth-search"
    (tmp_path / "earth-search").mkdir()
    assert choose("earth-search", base=tmp_path).root_url == str(tmp_path / "earth-search")
    ProfilesFile.load().save("earth-search", root_url="/kept.json", kind="static")
    assert choose("earth-search", base=tmp_path).profile == "earth-search"
    assert choose("./earth-search", base=tmp_path).profile is None
    assert choose("https://planetarycomputer.microsoft.com/api/stac/v1").kind is Kind.STAC_API
    assert choose("https://api.radiant.earth/mlhub/v1/").kind is Kind.MLHUB
    assert choose("__anonymous__").secret is None
    for text, guess in (("earth-serch", "earth-search"), ("stac.example.org", "https://stac.example.org")):
        with pytest.raises(ProfileNotFound) as caught:
            choose(text, base=tmp_path)
        assert f"did you mean {guess}?" in caught.value.hint
    ProfilesFile.load().save("t", root_url="https://x.example/", kind="static", token_env="T")
    with pytest.raises(SecretNotSet):
        choose("t")
    with pytest.raises(InvalidRootURL):
        choose("ftp://x.example/", base=tmp_path)


def test_an_mlhub_api_named_by_its_url_is_found_to_be_one(run: Run, sample: SampleServer) -> None:
    found = json.loads(run("list", "datasets", "--json", "--source", sample.root_url).stdout)
    assert len(found) >= 30
    run("list", "items", "ref_african_crops_kenya_02_source", "--source", sample.root_url, code=3)
    allowed = ("list", "items", "ref_african_crops_kenya_02_source", "--limit", "1", "--json")
    assert json.loads(run(*allowed, "--source", sample.root_url, "--api-key", sample.key).stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "datasets"),
        ("list", "datasets", "--source", "https://api.radiant.earth/mlhub/v1/"),
        ("sources", "test", "https://api.radiant.earth/mlhub/v1"),
        ("sources", "add", "old", "https://api.radiant.earth/mlhub/v1/"),
    ],
)
def test_the_retired_root_says_what_there_is_instead_and_does_not_hang(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    tries = []

    async def vanish(_: object, __: object, seconds: float, ___: object) -> NoReturn:
        tries.append(seconds)
        raise ConnectTimeout("timeout: no answer")

    monkeypatch.setattr("mlhub_tui.http.client.open_connection", vanish)
    result = run(*arguments, code=1)
    assert "ended in 2023" in result.stderr.splitlines()[-1]
    assert "sources list --known" in result.stderr.splitlines()[-1]
    assert len(tries) == 1
    assert tries[0] <= 5


def test_a_damaged_archive_and_a_path_that_is_not_there_are_said(run: Run, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz"):
        pass
    (tmp_path / "empty.tar.gz").write_bytes(packed.getvalue())
    for name, words in (("empty.tar.gz", "neither catalog.json"), ("gone.tar.gz", "no such file")):
        result = run("list", "collections", "--source", tmp_path / name, code=1)
        assert words in result.stderr
        assert len(result.stderr.splitlines()) == 2


def test_a_background_runner_is_not_told_the_secret_of_another_kind_of_source() -> None:
    environ = {"MLHUB_API_KEY": "other", "PATH": "/bin"}
    url = "https://stac.example/"
    adhoc = for_location(url, kind=Kind.STAC_API, api_key=TOKEN)
    assert background.environment(adhoc, environ).keys() == {"PATH", "PYTHONPATH"}
    assert "sources add" in unsaved_key(adhoc)
    options = {"kind": "stac-api", "token_env": "MINE_TOKEN"}
    ProfilesFile.load().save("mine", root_url=url, **options)
    named = for_profile("mine", environ={"MINE_TOKEN": TOKEN})
    made = background.environment(named, environ)
    assert (made["MLHUB_PROFILE"], TOKEN in made.values(), "MLHUB_ROOT_URL" in made) == ("mine", False, False)
    assert "variable MINE_TOKEN" in unsaved_key(named)
    assert TOKEN not in unsaved_key(named)
    ProfilesFile.load().save("mine", token_env=None, token=TOKEN)
    assert unsaved_key(for_profile("mine")) == ""
    assert "another one" in unsaved_key(for_profile("mine", api_key="typed-token"))


@pytest.mark.parametrize("name", ["[x]", "a\tb", "", "DEFAULT"])
def test_a_name_that_no_profile_can_have_is_a_mistake_of_usage(run: Run, name: str) -> None:
    refused = run("sources", "add", name, "https://stac.example.org/")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "no profile can be called" in refused.stderr
