"""The work list as it is looked at: pages from any place."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlhub_tui.planning.manifest import FileStatus, Manifest
from mlhub_tui.planning.selection import PlannedFile


@pytest.mark.parametrize("fate", [None, FileStatus.WANTED, FileStatus.DONE, FileStatus.FAILED])
def test_pages_begin_where_the_marks_say(tmp_path: Path, fate: FileStatus | None) -> None:
    with Manifest(tmp_path / "list.db") as files:
        files.want(PlannedFile(f"{n}.tif", "", None, "", False, "c", None, str(n)) for n in range(1000))
        with files.transaction() as db:
            db.execute("UPDATE fate SET state = 1 + id % 3")
        marks = files.marks(fate, every=70)
        pages = [files.entries(fate, after=mark, most=70) for mark in marks]
        whole = files.entries(fate)
        assert [entry for page in pages for entry in page] == whole
        assert {len(page) for page in pages[:-1]} == {70}


def test_an_empty_list_has_no_pages(tmp_path: Path) -> None:
    with Manifest(tmp_path / "list.db") as files:
        assert files.marks() == []
