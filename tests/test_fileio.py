"""Atomic writes: old or new content, never a part, and readable by the owner only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mlhub_tui.fileio import make_private_folder, write_atomic


def test_the_content_is_replaced_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    write_atomic(path, "ä\r\nb\n")
    assert path.read_bytes() == "ä\r\nb\n".encode()
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX permission bits")
def test_modes_are_those_asked_for_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_private_folder(tmp_path / "a" / "b")
        write_atomic(tmp_path / "a" / "b" / "file", "x")
        os.umask(0o077)
        write_atomic(tmp_path / "a" / "b" / "shared", "x", mode=0o664)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    for name, mode in (("file", 0o600), ("shared", 0o664)):
        assert stat.S_IMODE((tmp_path / "a" / "b" / name).stat().st_mode) == mode


def test_an_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    before = tmp_path.stat().st_mode
    make_private_folder(tmp_path)
    assert tmp_path.stat().st_mode == before


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(step, full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomic(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
