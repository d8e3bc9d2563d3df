"""The profiles file: read as the seed library reads it, edited without losing anything."""

from __future__ import annotations

import configparser
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlhub_tui.auth import ProfilesFile
from mlhub_tui.errors import ProfileNotFound, ProfilesFileError

ODD_KEYS = [
    "plain0123456789",
    "with%percent",
    "%%double",
    "%(api_key)s",
    "a=b=c",
    "=leading",
    ": colon",
    "# hash ; semicolon",
    "two words",
    "[bracketed]",
    "schlüssel-日本",
]

LAYOUT = """\
# keys of the whole team
; second comment

[DEFAULT]
team = crops

[default]
# do not share
api_key = old-key-000000
    continued
colour = blue   ; stays

[Project One]
Other : value
API_KEY=second

# about the last one
[last]
root_url = https://last.example.org/
"""


def write(home: Path, text: str | bytes) -> Path:
    home.mkdir(exist_ok=True)
    path = home / "profiles"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def seed_parser(path: Path) -> configparser.ConfigParser:
    """Read a file with the very calls of the seed library's `Session.from_config`."""
    config = configparser.ConfigParser()
    config.read(path, encoding="utf-8")
    return config


def parse(text: str) -> dict[str, dict[str, str]]:
    """Return the sections with their values, as the seed library reads them; a lone `%` as it is written."""
    config = configparser.ConfigParser()
    config.read_string(text.replace("\r\n", "\n"))
    return {name: dict(config.items(name, raw=True)) for name in config.sections()}


def test_a_missing_file_has_no_profiles(mlhub_home: Path) -> None:
    file = ProfilesFile.load()
    assert (file.names(), file.exists, file.path) == ((), False, mlhub_home / "profiles")


def test_a_profile_has_a_key_a_root_and_what_else_the_file_says(mlhub_home: Path) -> None:
    write(mlhub_home, "[a]\nAPI_Key = k1\nroot_url=https://x.example/\nnote = 50%\n[b]\n")
    a = ProfilesFile.load().get("a")
    assert (a.name, a.api_key, a.root_url, dict(a.extra)) == (
        "a",
        "k1",
        "https://x.example/",
        {"note": "50%"},
    )
    b = ProfilesFile.load().get("b")
    assert (b.api_key, b.root_url) == (None, None)


def test_values_of_the_default_section_count_for_every_profile(mlhub_home: Path) -> None:
    write(mlhub_home, "[DEFAULT]\napi_key = shared\n[a]\n[b]\napi_key = own\n")
    file = ProfilesFile.load()
    assert file.names() == ("a", "b")
    assert (file.get("a").api_key, file.get("b").api_key) == ("shared", "own")


@pytest.mark.parametrize("key", ODD_KEYS)
def test_the_seed_library_reads_back_every_key_that_is_saved(mlhub_home: Path, key: str) -> None:
    path = write(mlhub_home, LAYOUT)
    ProfilesFile.load().save("default", api_key=key)
    assert seed_parser(path).get("default", "api_key") == key
    assert ProfilesFile.load().get("default").api_key == key


@pytest.mark.slow
@pytest.mark.timeout(400)  # the first run makes the seed library's environment
def test_the_seed_library_itself_reads_what_is_saved_and_is_read(mlhub_home: Path, peer_python: Path) -> None:
    for number, key in enumerate(ODD_KEYS):
        ProfilesFile.load().save(f"p{number}", api_key=key)
    script = (
        "import json, radiant_mlhub as m; from radiant_mlhub.cli import mlhub\n"
        "from click.testing import CliRunner\n"
        f"names = [f'p{{n}}' for n in range({len(ODD_KEYS)})]\n"
        "print(json.dumps([m.get_session(profile=name).params['key'] for name in names]))\n"
        "r = CliRunner().invoke(mlhub, ['configure', '--profile', 'seed', '--api-key', 'a%%b=c'])\n"
        "assert r.exit_code == 0, r.output"
    )
    done = subprocess.run([peer_python, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ODD_KEYS
    assert ProfilesFile.load().get("seed").api_key == "a%b=c"


def test_saving_touches_only_the_lines_of_the_option(mlhub_home: Path) -> None:
    path = write(mlhub_home, LAYOUT)
    ProfilesFile.load().save("default", api_key="new")
    expected = LAYOUT.replace("api_key = old-key-000000\n    continued\n", "api_key = new\n")
    assert path.read_text() == expected
    ProfilesFile.load().save("Project One", api_key="n2", root_url="https://one.example/")
    expected = expected.replace("API_KEY=second\n", "API_KEY = n2\nroot_url = https://one.example/\n")
    assert path.read_text() == expected
    ProfilesFile.load().save("fresh", api_key="n3")
    assert path.read_text() == expected + "\n[fresh]\napi_key = n3\n"


def test_none_removes_an_option_and_silence_keeps_it(mlhub_home: Path) -> None:
    path = write(mlhub_home, LAYOUT)
    ProfilesFile.load().save("last", root_url=None, api_key="k")
    assert path.read_text() == LAYOUT.replace("root_url = https://last.example.org/", "api_key = k")
    ProfilesFile.load().save("last")
    assert ProfilesFile.load().get("last").api_key == "k"


def test_removing_a_key_of_a_profile_that_inherits_one_is_possible(mlhub_home: Path) -> None:
    write(mlhub_home, "[DEFAULT]\napi_key = shared\n[a]\napi_key = own\n")
    ProfilesFile.load().save("a", api_key=None)
    assert ProfilesFile.load().get("a").api_key == "shared"


def test_deleting_leaves_the_others_and_their_comments(mlhub_home: Path) -> None:
    path = write(mlhub_home, LAYOUT)
    file = ProfilesFile.load()
    file.delete("Project One")
    assert file.names() == ("default", "last")
    assert path.read_text() == LAYOUT.replace("[Project One]\nOther : value\nAPI_KEY=second\n", "")
    with pytest.raises(ProfileNotFound):
        file.delete("Project One")


def test_a_change_of_another_program_between_load_and_save_survives(mlhub_home: Path) -> None:
    path = write(mlhub_home, "[a]\napi_key = 1\n")
    file = ProfilesFile.load()
    path.write_text("[a]\napi_key = 1\n[b]\napi_key = 2\n")
    file.save("a", api_key="3")
    assert file.names() == ("a", "b")


def test_line_endings_stay_and_a_last_line_without_one_gets_it(mlhub_home: Path) -> None:
    path = write(mlhub_home, b"[a]\r\napi_key = 1\r\nx = 2\r\n")
    ProfilesFile.load().save("a", api_key="3", root_url="https://r.example/")
    assert path.read_bytes() == b"[a]\r\napi_key = 3\r\nx = 2\r\nroot_url = https://r.example/\r\n"
    write(mlhub_home, b"[a]\r\nx = 2\r\n")
    ProfilesFile.load().save("b", api_key="3")
    assert path.read_bytes() == b"[a]\r\nx = 2\r\n\r\n[b]\r\napi_key = 3\r\n"
    write(mlhub_home, "[a]\nx = 1")
    ProfilesFile.load().save("a", api_key="k")
    assert path.read_bytes() == b"[a]\nx = 1\napi_key = k\n"


def test_a_byte_order_mark_utf_16_and_latin_1_are_read_and_written_as_utf_8(mlhub_home: Path) -> None:
    for coding in ("utf-8-sig", "utf-16"):
        path = write(mlhub_home, "[a]\napi_key = 1\n".encode(coding))
        ProfilesFile.load().save("a", api_key="2")
        assert path.read_bytes() == b"[a]\napi_key = 2\n"
    write(mlhub_home, "# für alle\n[a]\napi_key = 1\n".encode("latin-1"))
    ProfilesFile.load().save("a", api_key="2")
    assert path.read_text(encoding="utf-8") == "# für alle\n[a]\napi_key = 2\n"


@pytest.mark.skipif(os.name != "posix", reason="POSIX permission bits")
def test_only_the_owner_can_read_the_file_and_its_new_folder(mlhub_home: Path) -> None:
    ProfilesFile.load().save("default", api_key="k")
    assert stat.S_IMODE(mlhub_home.stat().st_mode) == 0o700
    assert stat.S_IMODE((mlhub_home / "profiles").stat().st_mode) == 0o600
    (mlhub_home / "profiles").chmod(0o644)
    ProfilesFile.load().save("default", api_key="k2")
    assert stat.S_IMODE((mlhub_home / "profiles").stat().st_mode) == 0o600
    assert [entry.name for entry in mlhub_home.iterdir()] == ["profiles"]


def test_a_symbolic_link_keeps_pointing_to_the_file(mlhub_home: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles-profiles"
    real.write_text("[a]\napi_key = 1\n")
    mlhub_home.mkdir()
    (mlhub_home / "profiles").symlink_to(real)
    ProfilesFile.load().save("a", api_key="2")
    assert (mlhub_home / "profiles").is_symlink()
    assert real.read_text() == "[a]\napi_key = 2\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[a]\nx = 1\n[a]\n", 3),
        ("[a]\nx = 1\nX = 2\n", 3),
        ("secret-key-alone\n", 1),
        ("\n[a]\nsecret-key-alone\n", 3),
        ("[a]\n= secret-key-alone\n", 2),
    ],
)
def test_broken_ini_names_file_and_line_and_what_to_do_but_not_the_line(
    mlhub_home: Path, text: str, line: int
) -> None:
    path = write(mlhub_home, text)
    with pytest.raises(ProfilesFileError) as caught:
        ProfilesFile.load()
    assert str(path) in caught.value.message
    assert f"line {line}:" in caught.value.message
    assert "secret" not in caught.value.message
    assert "mlhub-tui configure" in caught.value.hint
    assert path.read_text() == text


def test_a_folder_in_its_place_and_a_file_in_place_of_the_home_are_said(mlhub_home: Path) -> None:
    (mlhub_home / "profiles").mkdir(parents=True)
    with pytest.raises(ProfilesFileError, match="is a folder"):
        ProfilesFile.load()
    (mlhub_home / "profiles").rmdir()
    mlhub_home.rmdir()
    mlhub_home.write_text("")
    with pytest.raises(ProfilesFileError, match="is not a folder"):
        ProfilesFile.load()


def test_a_home_on_a_disk_that_is_not_mounted_is_said_where_it_is_written(mlhub_home: Path) -> None:
    mlhub_home.symlink_to(mlhub_home.with_name("unmounted"))
    with pytest.raises(ProfilesFileError, match="is a link to what does not exist"):
        ProfilesFile.load().save("field", api_key="key-of-the-field")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_said(mlhub_home: Path) -> None:
    write(mlhub_home, "[a]\n").chmod(0)
    with pytest.raises(ProfilesFileError, match="Permission denied"):
        ProfilesFile.load()


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_read_error_names_the_file_and_its_reason(mlhub_home: Path) -> None:
    mlhub_home.mkdir()
    path = mlhub_home / "profiles"
    path.symlink_to(path)
    with pytest.raises(ProfilesFileError, match="Too many levels of symbolic links") as caught:
        ProfilesFile.load()
    assert str(path) in caught.value.message


def test_a_home_that_cannot_be_made_is_said(mlhub_home: Path) -> None:
    file = ProfilesFile.load()
    mlhub_home.write_text("in the way")
    with pytest.raises(ProfilesFileError, match=r"profiles file .*profiles"):
        file.save("a", api_key="k")


def test_a_missing_profile_names_those_that_exist_and_the_nearest(mlhub_home: Path) -> None:
    with pytest.raises(ProfileNotFound, match="does not exist"):
        ProfilesFile.load().get("a")
    write(mlhub_home, "")
    with pytest.raises(ProfileNotFound, match="holds no profiles"):
        ProfilesFile.load().get("a")
    write(mlhub_home, "[project1]\n[other]\n")
    with pytest.raises(ProfileNotFound) as caught:
        ProfilesFile.load().get("projct1")
    assert "project1, other" in caught.value.message
    assert "did you mean project1?" in caught.value.hint
    assert "mlhub-tui configure --profile projct1" in caught.value.hint


@pytest.mark.parametrize(
    "name", ["", "  ", "a]b", "[a", "a\nb", "a\tb", "\x1b[31m", "DEFAULT", "__anonymous__"]
)
def test_names_that_no_section_can_have_are_refused(mlhub_home: Path, name: str) -> None:
    with pytest.raises(ProfilesFileError):
        ProfilesFile.load().save(name, api_key="k")
    assert not mlhub_home.exists()


@pytest.mark.parametrize("key", ["", "   ", "a\nb", "a\rb", "\x1b]52;c;x\x07", "a\u2028b"])
def test_keys_that_no_line_can_hold_are_refused(mlhub_home: Path, key: str) -> None:
    path = write(mlhub_home, "[a]\napi_key = 1\n")
    with pytest.raises(ProfilesFileError, match="API key"):
        ProfilesFile.load().save("a", api_key=key)
    assert path.read_text() == "[a]\napi_key = 1\n"


def test_no_representation_shows_a_key(mlhub_home: Path) -> None:
    write(mlhub_home, "[a]\napi_key = SECRETSECRET\ntoken = OTHERSECRET\n")
    file = ProfilesFile.load()
    assert "SECRET" not in f"{file!r}{file.get('a')!r}"


_LAYOUT_LINES = """\

# note
  ; note
[a]
[b]
  [b]
[DEFAULT]
[c]
api_key = 1
API_KEY: 2
\tapi_key = 3
x = 1
  y = %(x)s
    deeper
root_url = %
x=%(nothing)s
z:
"""
_LINES = st.lists(st.sampled_from(_LAYOUT_LINES.splitlines()), max_size=12)
_KEYS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1).filter(
    lambda key: key == key.strip() and key.isprintable()
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=_LINES, key=_KEYS)
def test_a_save_changes_its_option_or_nothing(tmp_path: Path, lines: list[str], key: str) -> None:
    path = tmp_path / "profiles"
    text = "\n".join(lines)
    path.write_bytes(text.encode())
    try:
        ProfilesFile.load(path).save("a", api_key=key)
    except ProfilesFileError:
        assert path.read_bytes() == text.encode()
        return
    before, after = parse(text), parse(path.read_bytes().decode())
    assert (
        after.pop("a")["api_key"].replace("%%", "%")
        == key
        == seed_parser(path).get("a", "api_key", raw=False)
    )
    before.pop("a", None)
    assert after == before
