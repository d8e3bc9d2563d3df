"""Profiles as sources: kinds, five ways of a secret, and whose secret goes where."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.auth import (
    DEFAULT_ROOT_URL,
    Auth,
    Kind,
    ProfilesFile,
    Scheme,
    SecretNotSet,
    for_location,
    for_profile,
    resolve,
    secret_words,
)
from mlhub_tui.auth.location import location
from mlhub_tui.errors import APIKeyNotFound, InvalidRootURL, ProfileNotFound, ProfilesFileError

FILE = """\
[DEFAULT]
api_key = shared-mlhub-key

[default]

[bearer]
# a private STAC API
kind = stac-api
root_url = https://stac.example/v1
token_env = STAC_TOKEN

[written]
kind = stac-api
root_url = https://stac.example/v1
token = token-on-disk-1234

[header]
kind = stac-api
root_url = https://stac.example/v1
header = X-API-Key
header_env = STAC_TOKEN

[basic]
kind = static
root_url = https://files.example/catalog.json?v=2
user = ann
password = pass%%word-1234

[query]
kind = stac-api
root_url = https://stac.example/v1
key_env = STAC_TOKEN
key_param = subscription-key

[open]
kind = static
root_url = /data/catalog.tar.gz

[hub]
root_url = https://hub.example/v1
token_env = STAC_TOKEN
"""


@pytest.fixture(autouse=True)
def profiles(mlhub_home: Path) -> Path:
    mlhub_home.mkdir()
    path = mlhub_home / "profiles"
    path.write_text(FILE)
    return path


ENVIRON = {"STAC_TOKEN": " secret-of-the-shell "}
HUB = {"MLHUB_API_KEY": "hub-key", "MLHUB_ROOT_URL": "https://hub.example/"}


STAC, SHELL = "https://stac.example/v1", "secret-of-the-shell"
BASIC = Auth(Scheme.BASIC, "", "ann")


@pytest.mark.parametrize(
    ("name", "kind", "root", "secret", "auth"),
    [
        ("bearer", Kind.STAC_API, STAC, SHELL, Auth(Scheme.BEARER, "")),
        ("written", Kind.STAC_API, STAC, "token-on-disk-1234", Auth(Scheme.BEARER, "")),
        ("header", Kind.STAC_API, STAC, SHELL, Auth(Scheme.HEADER, "X-API-Key")),
        ("basic", Kind.STATIC, "https://files.example/catalog.json?v=2", "pass%word-1234", BASIC),
        ("query", Kind.STAC_API, STAC, SHELL, Auth(Scheme.QUERY, "subscription-key")),
        ("open", Kind.STATIC, "/data/catalog.tar.gz", None, Auth()),
        ("hub", Kind.MLHUB, "https://hub.example/v1/", SHELL, Auth(Scheme.BEARER, "")),
        ("default", Kind.MLHUB, DEFAULT_ROOT_URL, "shared-mlhub-key", Auth()),
    ],
)
def test_a_profile_says_what_a_source_speaks_and_how_its_secret_is_sent(
    name: str, kind: Kind, root: str, secret: str | None, auth: Auth
) -> None:
    for found in (for_profile(name, environ=ENVIRON), resolve(profile=name, environ=ENVIRON)):
        assert (found.kind, found.root_url, found.secret, found.auth) == (kind, root, secret, auth)
        assert found.profile == name
        assert secret is None or secret not in repr(found)


def test_the_mlhub_variables_do_not_count_for_a_source_of_another_kind() -> None:
    for environ in (ENVIRON | HUB, ENVIRON | HUB | {"MLHUB_PROFILE": "bearer"}):
        found = resolve(profile=None if "MLHUB_PROFILE" in environ else "bearer", environ=environ)
        assert (found.secret, found.root_url) == ("secret-of-the-shell", "https://stac.example/v1")
    keyless = resolve(profile="open", environ=HUB)
    assert (keyless.secret, keyless.root_url) == (None, "/data/catalog.tar.gz")


def test_a_key_for_all_profiles_is_for_mlhub_apis_only(profiles: Path) -> None:
    assert ProfilesFile.load().get("open").api_key is None
    assert ProfilesFile.load().get("hub").api_key is None
    assert ProfilesFile.load().get("default").api_key == "shared-mlhub-key"


def test_a_default_profile_of_another_kind_gives_way_to_a_root_url_and_keeps_its_secret(
    profiles: Path,
) -> None:
    profiles.write_text(
        "[default]\nkind = stac-api\nroot_url = https://stac.example/\ntoken = stac-token-1\n"
    )
    assert resolve(environ={}).secret == "stac-token-1"
    assert resolve(environ={"MLHUB_API_KEY": "hub-key"}).secret == "stac-token-1"
    there = resolve(anonymous=True, root_url="https://hub.example/", environ={})
    assert (there.kind, there.secret, there.root_url) == (Kind.MLHUB, None, "https://hub.example/")
    assert resolve(environ=HUB).secret == "hub-key"
    with pytest.raises(APIKeyNotFound):
        resolve(environ={"MLHUB_ROOT_URL": "https://hub.example/"})


def test_a_root_url_is_no_argument_for_a_profile_of_another_kind() -> None:
    with pytest.raises(InvalidRootURL, match="'bearer' is a source of another kind"):
        resolve(profile="bearer", root_url="https://elsewhere.example/", environ=ENVIRON)


def test_a_secret_that_is_typed_goes_before_the_profiles_and_is_sent_the_same_way() -> None:
    for found in (
        resolve(profile="header", api_key="typed", environ={}),
        for_profile("header", api_key="typed", environ={}),
    ):
        assert (found.secret, found.auth) == ("typed", Auth(Scheme.HEADER, "X-API-Key"))
    assert for_profile("hub", api_key="typed", environ={}).auth.scheme is Scheme.BEARER


@pytest.mark.parametrize("name", ["bearer", "header", "query", "hub"])
def test_a_variable_that_is_not_set_is_named_when_the_profile_is_used(name: str) -> None:
    for use in (for_profile, lambda n, **k: resolve(anonymous=True, profile=n, **k)):
        with pytest.raises(SecretNotSet) as caught:
            use(name, environ={"STAC_TOKEN": "  "})
        assert "STAC_TOKEN" in caught.value.message
        assert repr(name) in caught.value.message
        assert "export STAC_TOKEN" in caught.value.hint
    assert [ProfilesFile.load().get(n).name for n in ProfilesFile.load().names()]


def test_a_variable_goes_before_what_is_written_and_that_is_used_without_it(profiles: Path) -> None:
    profiles.write_text("[a]\nkind = static\nroot_url = /x\ntoken = written-token\ntoken_env = T\n")
    assert for_profile("a", environ={"T": "from-the-shell"}).secret == "from-the-shell"
    assert for_profile("a", environ={}).secret == "written-token"


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("kind = stack-api\nroot_url = /x", "kind that is not known: 'stack-api'"),
        ("kind = stac-api", "has no root_url"),
        ("kind = stac-api\nroot_url = /x", "http:// or https:// is missing"),
        ("kind = static\nroot_url = x/catalog.json", "neither a URL nor an absolute path"),
        ("kind = static\nroot_url = /x\ntoken = a\napi_key = b", "more than one secret: api_key and token"),
        ("kind = static\nroot_url = /x\nheader = X-Key", "neither header_value nor header_env"),
        ("kind = static\nroot_url = /x\nuser = u", "neither password nor password_env"),
        ("kind = static\nroot_url = /x\nheader = Host\nheader_value = v", "'Host' cannot be the header"),
        ("kind = static\nroot_url = /x\nheader = a b\nheader_value = v", "cannot be the header"),
        ("kind = static\nroot_url = /x\nheader_value = v", "'' cannot be the header"),
        ("kind = static\nroot_url = /x\nuser = a:b\npassword = v", "colon"),
    ],
)
def test_what_a_section_cannot_say_is_an_error_that_names_it(
    profiles: Path, section: str, words: str
) -> None:
    profiles.write_text(f"[odd]\n{section}\n")
    with pytest.raises((ProfilesFileError, InvalidRootURL)) as caught:
        for_profile("odd", environ={})
    assert words in caught.value.message
    assert "odd" in caught.value.message
    listed = ProfilesFile.load().get("odd")
    assert secret_words(listed, {})


def test_a_secret_that_no_header_can_hold_is_refused_without_being_shown() -> None:
    with pytest.raises(ProfilesFileError) as caught:
        for_profile("bearer", environ={"STAC_TOKEN": "first-line\nX-Injected: 1"})
    assert "STAC_TOKEN" in caught.value.message
    assert "first-line" not in caught.value.message


def test_secrets_in_a_list_are_masked_and_variables_named() -> None:
    file = ProfilesFile.load()
    shown = {name: secret_words(file.get(name), {}) for name in file.names()}
    assert shown["bearer"] == "$STAC_TOKEN (not set)"
    assert shown["written"] == "token ****1234"
    assert shown["basic"] == "basic ann ****1234"
    assert shown["open"] == "none"
    assert secret_words(file.get("header"), ENVIRON) == "X-API-Key $STAC_TOKEN"
    assert not any("token-on-disk" in words or "pass%word" in words for words in shown.values())


def test_saving_a_source_keeps_what_the_section_has_besides(profiles: Path) -> None:
    ProfilesFile.load().save("bearer", root_url="https://other.example/", token_env=None, token="a%b")
    expected = FILE.replace(
        "root_url = https://stac.example/v1\ntoken_env = STAC_TOKEN\n\n[written]",
        "root_url = https://other.example/\ntoken = a%%b\n\n[written]",
    )
    assert profiles.read_text() == expected
    assert for_profile("bearer", environ={}).secret == "a%b"


@pytest.mark.slow
@pytest.mark.timeout(400)  # the first run makes the seed library's environment
def test_the_seed_library_still_reads_a_file_with_sources_in_it(mlhub_home: Path, peer_python: Path) -> None:
    file = ProfilesFile.load()
    file.save("query-kept", api_key="k%y", root_url="https://s.example/", kind="stac-api")
    file.save("pc", root_url="https://pc.example/", kind="stac-api", token="100%")
    script = (
        "import json, radiant_mlhub as m\n"
        "def key(name):\n"
        "    return m.get_session(profile=name).params['key']\n"
        "print(json.dumps([key('default'), key('query-kept')]))"
    )
    done = subprocess.run([peer_python, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["shared-mlhub-key", "k%y"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" https://x.example/a/catalog.json ", "https://x.example/a/catalog.json"),
        ("https://x.example/a?sig=1&b=2", "https://x.example/a?sig=1&b=2"),
        ("https://x.example", "https://x.example"),
        ("/a/./b/../catalog.json", "/a/catalog.json"),
        ("a/catalog.json", "/base/a/catalog.json"),
        ("file:///a/my%20catalog.json", "/a/my catalog.json"),
        ("file://localhost/a.json", "/a.json"),
    ],
)
@pytest.mark.skipif("os.name != 'posix'", reason="paths of POSIX")
def test_the_location_of_a_static_catalog_stays_as_it_is(text: str, expected: str) -> None:
    assert location(text, Kind.STATIC, base=Path("/base")) == expected
    assert location(text, None, base=Path("/base")) == expected


def test_a_path_is_taken_as_it_is_if_it_exists_else_as_it_is_in_a_url(tmp_path: Path) -> None:
    copied = str(tmp_path / "a%20b")
    assert location(copied, Kind.STATIC) == copied
    (tmp_path / "a b").mkdir()
    assert location(copied, Kind.STATIC) == str(tmp_path / "a b")
    Path(copied).mkdir()
    assert location(copied, Kind.STATIC) == copied


@pytest.mark.parametrize(
    "text",
    [
        *("", "https://", "ftp://x/", "https://u:p@x.example/c.json", "file://elsewhere/a"),
        *(
            "https://x.example/a b",
            "https://x.example/?a=b c",
            "https://x.example/#f",
            "a\x00b",
            "a\nb",
            "https://x.example/?a#f",
        ),
    ],
)
def test_what_is_no_location_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InvalidRootURL) as caught:
        location(text, None, "--source argument", base=Path("/base"))
    assert "\n" not in caught.value.message
    assert "u:p" not in caught.value.message


@given(st.text(max_size=40))
def test_any_text_is_a_location_or_an_error_of_ours(text: str) -> None:
    try:
        found = for_location(text, base=Path("/base"))
    except InvalidRootURL:
        return
    assert found.kind is None
    assert found.root_url


def test_the_key_in_a_url_is_taken_out_of_it() -> None:
    found = for_location("https://x.example/c.json?a=1&api_key=S%26CRET&b=2")
    assert found.root_url == "https://x.example/c.json?a=1&b=2"
    assert (found.secret, found.auth) == ("S&CRET", Auth(Scheme.QUERY, "api_key"))
    with pytest.raises(ProfileNotFound):
        for_profile("nowhere")


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("https://b.example/browser/#/external/x.example/a/catalog.json", "https://x.example/a/catalog.json"),
        ("https://b.example/#/external/http://x.example/a?.language=en&.asset=1", "http://x.example/a"),
        ("https://b.example/#/external/https:/x.example/a", "https://x.example/a"),
        ("https://b.example/#/external/http:/x.example/a", "http://x.example/a"),
        ("https://b.example/#/search/external/x.example/a?.language=en", "https://x.example/a"),
    ],
)
def test_the_page_of_a_stac_browser_stands_for_what_it_shows(page: str, shown: str) -> None:
    assert for_location(page).root_url == shown
