"""Which key and which root URL apply: the documented order, five ways to a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlhub_tui.auth import DEFAULT_ROOT_URL, Credentials, for_profile, normalise_root_url, resolve
from mlhub_tui.errors import APIKeyNotFound, InvalidRootURL, ProfileNotFound, ProfilesFileError

FILE = """\
[default]
api_key = key-of-default

[project1]
api_key = key-of-project1
root_url = https://one.example/api

[open]
root_url = http://open.example:8080/

[bare]
"""


@pytest.fixture
def profiles(mlhub_home: Path) -> Path:
    mlhub_home.mkdir()
    path = mlhub_home / "profiles"
    path.write_text(FILE)
    return path


BOTH = {"MLHUB_API_KEY": "E", "MLHUB_PROFILE": "bare"}


@pytest.mark.parametrize(
    ("arguments", "environ", "key", "origin"),
    [
        ({"api_key": "A", "profile": "project1"}, BOTH, "A", "--api-key argument"),
        ({"profile": "project1"}, BOTH, "E", "MLHUB_API_KEY"),
        ({"profile": "project1"}, {"MLHUB_PROFILE": "bare"}, "key-of-project1", "profile project1"),
        ({}, {"MLHUB_PROFILE": "project1"}, "key-of-project1", "profile project1 (MLHUB_PROFILE)"),
        ({}, {}, "key-of-default", "profile default"),
    ],
)
def test_five_ways_to_a_key_in_the_documented_order(
    profiles: Path, arguments: dict[str, str], environ: dict[str, str], key: str, origin: str
) -> None:
    found = resolve(**arguments, environ=environ)  # type: ignore[arg-type]  # a table of keyword arguments
    assert (found.secret, found.key_origin) == (key, origin)


def test_the_process_environment_is_what_counts_by_default(
    profiles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLHUB_API_KEY", "from-the-shell")
    assert resolve().secret == "from-the-shell"


def test_empty_values_count_as_not_given(profiles: Path) -> None:
    environ = {"MLHUB_API_KEY": "", "MLHUB_PROFILE": "", "MLHUB_ROOT_URL": ""}
    found = resolve(api_key="", profile="", root_url="", environ=environ)
    assert (found.secret, found.profile, found.root_url) == ("key-of-default", "default", DEFAULT_ROOT_URL)


def test_the_anonymous_profile_sends_no_key_and_needs_no_file(mlhub_home: Path) -> None:
    by_argument = resolve(profile="__anonymous__", environ={})
    assert (by_argument.secret, by_argument.key_origin) == (None, "no key (__anonymous__)")
    assert resolve(environ={"MLHUB_PROFILE": "__anonymous__"}).secret is None


def test_mlhub_home_says_where_the_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder, key in ((tmp_path / ".mlhub", "at-home"), (tmp_path / "elsewhere", "moved")):
        folder.mkdir()
        (folder / "profiles").write_text(f"[default]\napi_key = {key}\n")
    monkeypatch.delenv("MLHUB_HOME")
    assert resolve(environ={}).secret == "at-home"
    monkeypatch.setenv("MLHUB_HOME", "~/elsewhere")
    assert resolve(environ={}).secret == "moved"


def test_the_root_url_is_argument_then_variable_then_profile_then_default(profiles: Path) -> None:
    environ = {"MLHUB_ROOT_URL": "https://env.example/x"}
    first = resolve(root_url="https://arg.example/", profile="project1", environ=environ)
    assert (first.root_url, first.root_origin) == ("https://arg.example/", "--root-url argument")
    second = resolve(profile="project1", environ=environ)
    assert (second.root_url, second.root_origin) == ("https://env.example/x/", "MLHUB_ROOT_URL")
    third = resolve(profile="project1", environ={})
    assert (third.root_url, third.root_origin) == ("https://one.example/api/", "profile project1")
    last = resolve(environ={})
    assert (last.root_url, last.root_origin) == (DEFAULT_ROOT_URL, "default")


def test_a_key_from_elsewhere_still_goes_to_the_root_of_the_named_profile(profiles: Path) -> None:
    found = resolve(profile="project1", environ={"MLHUB_API_KEY": "E"})
    assert (found.secret, found.profile, found.root_url) == ("E", None, "https://one.example/api/")


def test_a_key_from_elsewhere_does_not_need_the_profile(profiles: Path) -> None:
    assert resolve(api_key="A", profile="nowhere", environ={}).root_url == DEFAULT_ROOT_URL


def test_a_key_never_goes_to_a_host_guessed_from_a_broken_file(profiles: Path) -> None:
    profiles.write_text("[default]\nroot_url = https://mine.example/\n[default]\n")
    with pytest.raises(ProfilesFileError):
        resolve(api_key="A", environ={})
    assert resolve(api_key="A", root_url="https://mine.example/", environ={}).secret == "A"


def test_no_key_anywhere_names_all_places_and_what_to_run(mlhub_home: Path) -> None:
    with pytest.raises(APIKeyNotFound) as caught:
        resolve(environ={})
    assert str(mlhub_home / "profiles") in caught.value.message
    assert "MLHUB_API_KEY" in caught.value.message
    assert "mlhub-tui configure" in caught.value.hint
    assert caught.value.message.endswith("does not exist")
    mlhub_home.mkdir()
    (mlhub_home / "profiles").write_text("# nothing yet\n")
    with pytest.raises(APIKeyNotFound, match=r"holds no profiles"):
        resolve(environ={})


def test_no_default_profile_names_those_there_are(profiles: Path) -> None:
    profiles.write_text("[crops]\napi_key = 1\n")
    with pytest.raises(APIKeyNotFound) as caught:
        resolve(environ={})
    assert "crops" in caught.value.message
    assert "--profile crops" in caught.value.hint


def test_a_profile_without_a_key_is_no_key(profiles: Path) -> None:
    with pytest.raises(APIKeyNotFound, match=r"'bare' .* has no api_key"):
        resolve(profile="bare", environ={})


def test_a_named_profile_that_is_not_there_is_an_error_wherever_it_was_named(profiles: Path) -> None:
    for anonymous in (False, True):
        with pytest.raises(ProfileNotFound):
            resolve(profile="projekt1", environ={}, anonymous=anonymous)
        with pytest.raises(ProfileNotFound):
            resolve(environ={"MLHUB_PROFILE": "projekt1"}, anonymous=anonymous)


def test_listing_falls_back_to_no_key_and_keeps_the_root(profiles: Path) -> None:
    found = resolve(anonymous=True, profile="open", environ={})
    assert (found.secret, found.root_url) == (None, "http://open.example:8080/")
    profiles.unlink()
    assert resolve(anonymous=True, environ={}).root_url == DEFAULT_ROOT_URL


def test_a_profile_chosen_by_hand_goes_before_the_environment(profiles: Path) -> None:
    environ = {"MLHUB_API_KEY": "E", "MLHUB_ROOT_URL": "https://env.example/"}
    chosen = for_profile("project1", environ=environ)
    assert (chosen.secret, chosen.root_url) == ("key-of-project1", "https://one.example/api/")
    assert for_profile("default", environ=environ).root_url == "https://env.example/"
    bare = for_profile("bare", environ={})
    assert (bare.secret, "__anonymous__" in bare.key_origin) == (None, False)
    given = for_profile("__anonymous__", api_key="K", environ={})
    assert (given.secret, "__anonymous__" in given.key_origin) == ("K", False)
    assert for_profile("__anonymous__", environ={}).root_url == DEFAULT_ROOT_URL
    with pytest.raises(ProfileNotFound):
        for_profile("nowhere", environ={})


def test_no_representation_shows_the_key() -> None:
    assert "SECRET" not in repr(Credentials("SECRETSECRET", DEFAULT_ROOT_URL, None, "MLHUB_API_KEY"))


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("https://a.example", "https://a.example/"),
        (" http://127.0.0.1:8000/mlhub/v1 ", "http://127.0.0.1:8000/mlhub/v1/"),
        ("http://[::1]:80/x/", "http://[::1]:80/x/"),
    ],
)
def test_a_root_url_gets_its_slash(given: str, normal: str) -> None:
    assert normalise_root_url(given) == normal


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("api.example.org/mlhub/v1", "no scheme"),
        ("localhost:8000/x", "no scheme"),
        ("ftp://a.example/", "not http"),
        ("https:///v1", "names no host"),
        ("https://user:PASSWORD@a.example/", "user name"),
        ("https://a.example/?key=PASSWORD", "query"),
        ("https://a.example/#top", "fragment"),
        ("https://a.example:99999/", "Port"),
        ("https://a.example/a b", "spaces"),
        ("https://a.example/\x1b[2J", "control"),
        ("http://[::1/", "IPv6"),
    ],
)
def test_what_cannot_be_a_root_url_is_refused_with_its_origin(given: str, reason: str) -> None:
    with pytest.raises(InvalidRootURL, match=reason) as caught:
        normalise_root_url(given, "MLHUB_ROOT_URL")
    assert "MLHUB_ROOT_URL" in caught.value.message
    assert "PASSWORD" not in caught.value.message
    assert "\x1b" not in caught.value.message


def test_a_missing_scheme_is_guessed() -> None:
    with pytest.raises(InvalidRootURL) as caught:
        normalise_root_url("api.example.org/mlhub/v1")
    assert caught.value.hint == "did you mean https://api.example.org/mlhub/v1?"
