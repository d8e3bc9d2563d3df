"""The manifest as it is looked at: pages from any place; and a disk that is full when it is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from mlhub_tui.planning.index import IndexBuilder
from mlhub_tui.planning.manifest import FileStatus, Manifest
from mlhub_tui.planning.selection import PlannedFile

from .made import item


@pytest.mark.parametrize("status", [None, *FileStatus])
def test_pages_follow_each_other_whatever_is_shown(tmp_path: Path, status: FileStatus | None) -> None:
    with Manifest(tmp_path / "list.db") as files:
        assert files.entries(status) == []
        files.want(PlannedFile(f"{n}.tif", "", None, "", False, "c", None, str(n)) for n in range(500))
        with files.transaction() as db:
            db.execute("UPDATE fate SET state = 1 + id % 3")
        whole = files.entries(status)
        pages = [files.entries(status, skip=skip, most=70) for skip in range(0, len(whole), 70)]
        assert [entry for page in pages for entry in page] == whole
        assert {entry.status for entry in whole} == ({status} if status else {*FileStatus})
        assert files.entries(status, after=whole[9].id, skip=1, most=2) == whole[11:13]


def test_a_disk_that_is_full_takes_nothing_of_what_was_recorded(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    with Manifest(tmp_path / "list.db") as files:
        files.want([PlannedFile("a.tif", "", None, "", False, "c", None, "a")])
        with files.transaction() as db:
            db.execute("UPDATE fate SET state = 2, bytes = 7")
    builder = IndexBuilder(tmp_path / "index.db")
    builder.add(item("one"))
    builder.end_page("fields", "http://a.example/2")
    builder.close()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(sqlite3.OperationalError), Manifest(tmp_path / "list.db"):
            pass
        with pytest.raises(sqlite3.OperationalError), IndexBuilder(tmp_path / "index.db"):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with Manifest(tmp_path / "list.db") as files:
        assert files.stats().done == 1
    with IndexBuilder(tmp_path / "index.db") as builder:
        assert (builder.items, builder.listings()) == (1, {"fields": "http://a.example/2"})
