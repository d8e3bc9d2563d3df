"""Files of exports: whole under their name, or not there at all."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mlhub_tui.errors import ServerError
from mlhub_tui.models import Item
from mlhub_tui.sources.export import ExportError, GeoJSON, export_file, write_text


async def items(number: int, words: str = "", fail: bool = False) -> AsyncIterator[Item]:
    """Yield items, and fail at the end if asked to."""
    for n in range(number):
        yield Item({"id": f"i{n}", "type": "Feature", "properties": {"words": words}})
    if fail:
        raise ServerError("the server failed")


def names(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return [path.name for path in folder.iterdir()]


async def test_items_are_written_as_they_come(tmp_path: Path) -> None:
    path, told = tmp_path / "items.geojson", list[tuple[int, int]]()
    written = await export_file(
        items(60, "x" * 50_000), GeoJSON(), path, lambda n, size: told.append((n, size))
    )
    features = json.loads(path.read_text())["features"]
    assert [f["id"] for f in features] == [f"i{n}" for n in range(60)]
    assert (written.items, written.size) == (60, path.stat().st_size)
    assert [n for n, _ in told] == [25, 50] and told[0][1] > 1_000_000
    assert names(tmp_path) == ["items.geojson"]


@pytest.mark.parametrize("number", [0, 3])
async def test_what_was_there_stays_where_the_items_fail(tmp_path: Path, number: int) -> None:
    path = tmp_path / "items.geojson"
    path.write_text("before")
    with pytest.raises(ServerError):
        await export_file(items(number, fail=True), GeoJSON(), path)
    assert path.read_text() == "before" and names(tmp_path) == ["items.geojson"]


async def test_a_folder_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot be written"):
        await export_file(items(1), GeoJSON(), tmp_path / "no" / "items.geojson")


async def test_a_folder_in_its_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "items").mkdir()
    with pytest.raises(ExportError):
        await export_file(items(1), GeoJSON(), tmp_path / "items")
    assert names(tmp_path) == ["items"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes are those of POSIX")
def test_the_file_is_as_readable_as_the_user_lets_files_be(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")
    write_text(tmp_path / "made", "text")
    assert (tmp_path / "made").stat().st_mode == plain.stat().st_mode


def test_text_that_is_no_unicode_is_written_escaped(tmp_path: Path) -> None:
    write_text(tmp_path / "made", "a\ud800b\n")
    assert (tmp_path / "made").read_bytes() == b"a\\ud800b\n"
