"""Writing config.toml: what changes changes, all else stays as it was written."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from mlhub_tui.config import load
from mlhub_tui.config.config import change
from mlhub_tui.errors import ConfigFileError

WRITTEN = """\
# My settings
theme = 'nord'   # calm

units   =   "SI" # as disks are sold
transfers = 4

[keys]  # my own
"browse.download" = "D"  # as in the other program
# the end
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file as somebody wrote it."""
    path = tmp_path / "config.toml"
    path.write_text(WRITTEN)
    return path


def test_comments_order_and_layout_stay(path: Path) -> None:
    change({"units": "IEC"}, path)
    assert path.read_text() == WRITTEN.replace('"SI"', '"IEC"')
    change({"transfers": None}, path)
    assert path.read_text() == WRITTEN.replace('"SI"', '"IEC"').replace("transfers = 4\n", "")


def test_a_new_setting_is_explained_beside_it_and_goes_before_the_tables(path: Path) -> None:
    change({"mouse": False}, path)
    text = path.read_text()
    assert "mouse = false # use the mouse here; otherwise the terminal selects text with it" in text
    assert text.index("mouse") < text.index("[keys]")
    assert load(path).problems == ()
    assert load(path).config.mouse is False


def test_keys_change_one_by_one(path: Path) -> None:
    change({"keys": {"browse.items": "I"}}, path)
    assert tomllib.loads(path.read_text())["keys"] == {"browse.download": "D", "browse.items": "I"}
    change({"keys": {"browse.download": None}}, path)
    assert tomllib.loads(path.read_text())["keys"] == {"browse.items": "I"}


def test_keys_written_without_quotes_change_where_they_are(path: Path) -> None:
    path.write_text('[keys]\nbrowse.download = "D" # mine\n')
    change({"keys": {"browse.download": "F", "browse.items": "I"}}, path)
    assert load(path).config.keys == {"browse.download": "F", "browse.items": "I"}
    assert "# mine" in path.read_text()


def test_a_missing_file_is_made_for_its_owner_alone(mlhub_home: Path) -> None:
    change({"units": "IEC", "keys": {"app.quit": "Q"}})
    path = mlhub_home / "config.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load().config.units == "IEC"
    assert load().config.keys == {"app.quit": "Q"}


def test_the_permissions_of_a_file_stay(path: Path) -> None:
    path.chmod(0o644)
    change({"units": "IEC"}, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"units": "metric"}, "units"), ({"colors": "16"}, "no setting"), ({"transfers": 0}, "transfers")],
)
def test_what_will_not_do_is_not_written(path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigFileError, match=said):
        change(changes, path)
    assert path.read_text() == WRITTEN


@pytest.mark.parametrize("broken", ["theme = ", "a = 1\na = 2\n"])
def test_a_broken_file_is_left_alone(path: Path, broken: str) -> None:
    path.write_text(broken)
    with pytest.raises(ConfigFileError, match=r"config\.toml"):
        change({"units": "IEC"}, path)
    assert path.read_text() == broken
