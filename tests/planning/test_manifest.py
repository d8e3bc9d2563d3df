"""The manifest as it is looked at: pages from any place."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlhub_tui.planning.manifest import FileStatus, Manifest
from mlhub_tui.planning.selection import PlannedFile


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
