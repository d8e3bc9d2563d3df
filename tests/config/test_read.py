"""Reading config.toml: what is right counts, what is wrong is one line, nothing stops the program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.config import DEFAULTS, load, settings
from mlhub_tui.config.config import checked, parse


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_without_a_file_the_defaults_count_and_nothing_is_made(mlhub_home: Path) -> None:
    assert load().config == DEFAULTS
    assert load().problems == ()
    assert not mlhub_home.exists()


def test_what_is_written_counts(tmp_path: Path) -> None:
    loaded = load(
        write(
            tmp_path,
            'units = "IEC"\nmouse = false\ntransfers = 5\nlimit = "5M"\ndownload_folder = "~/data"\n'
            '[keys]\n"browse.download" = "D"\nbrowse.items = "I"\n',
        )
    )
    config = loaded.config
    assert loaded.problems == ()
    assert (config.units, config.mouse, config.transfers, config.limit) == ("IEC", False, 5, 5_000_000)
    assert config.download_folder == Path.home() / "data"
    assert config.keys == {"browse.download": "D", "browse.items": "I"}
    assert config.theme == DEFAULTS.theme


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('colors = "16"', "there is no setting 'colors'; did you mean colours?"),
        ('colours = "moni"', "did you mean mono?"),
        ("mouse = 'no'", "neither true nor false"),
        ("transfers = 0", "0 is no whole number from 1 to 64"),
        ("transfers = true", "no whole number"),
        ("limit = 'fast'", "no speed"),
        ("download_folder = 'data'", "begins neither with / nor with ~"),
        ("keys = 3", "no table"),
        ("theme = ''", "no name"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_key_and_the_default_counts(
    tmp_path: Path, line: str, said: str
) -> None:
    path = write(tmp_path, f"{line}\nper_host = 7\n")
    loaded = load(path)
    assert len(loaded.problems) == 1
    assert loaded.problems[0].startswith(f"{path}: ")
    assert line.partition(" ")[0] in loaded.problems[0]
    assert said in loaded.problems[0]
    assert loaded.config.per_host == 7
    assert loaded.config.transfers == DEFAULTS.transfers


@pytest.mark.parametrize("content", [b"theme = ", b"\xff\xfe", b"[" * 5000, b"x" * 1_000_001])
def test_a_file_that_is_no_toml_is_left_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    loaded = load(path)
    assert loaded.config == DEFAULTS
    assert len(loaded.problems) == 1
    assert str(path) in loaded.problems[0]


def test_a_folder_in_its_place_is_left_out(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    assert loaded.config == DEFAULTS
    assert len(loaded.problems) == 1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda c: st.lists(c, max_size=2) | st.dictionaries(st.text(max_size=5), c, max_size=2),
    max_leaves=3,
)


@given(st.dictionaries(st.sampled_from([*settings()]) | st.text(max_size=20), _JSON, max_size=6))
def test_no_value_is_a_fault_and_each_bad_one_is_a_line(found: dict[str, object]) -> None:
    good, problems = checked(found)
    assert len(good) + len(problems) == len(found)
    assert all("\n" not in line and "\x1b" not in line for line in problems)


@given(st.binary(max_size=200))
def test_any_bytes_are_toml_or_an_error_in_words(content: bytes) -> None:
    try:
        assert isinstance(parse(content), dict)
    except ValueError as error:
        assert str(error).startswith("it is")


def test_every_default_passes_its_own_check() -> None:
    for setting in settings().values():
        assert setting.check(setting.written) == getattr(DEFAULTS, setting.name)
        assert setting.about


def test_reading_without_a_file_loads_neither_tomllib_nor_tomlkit() -> None:
    code = "import sys; from mlhub_tui.config import load; load(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"tomllib", "tomlkit", "difflib", "logging"} & set(done.stdout.split())
