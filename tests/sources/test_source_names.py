"""What a URL or path that is being typed may become."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlhub_tui.sources.open_source import completions


def test_folders_come_first_then_what_may_be_a_catalog(tmp_path: Path) -> None:
    for name in ("wheat.tar.gz", "wheat.json", "wheat.txt", "rye.json", ".hidden.json", "wheat\x1b[31m.json"):
        (tmp_path / name).write_text("")
    (tmp_path / "wheat-2021").mkdir()
    found = completions(f"{tmp_path}/wh")
    assert found == [f"{tmp_path}/{name}" for name in ("wheat-2021/", "wheat.json", "wheat.tar.gz")]
    assert completions("wheat.j", base=tmp_path) == ["wheat.json"]
    assert not [text for text in completions(f"{tmp_path}/") if "hidden" in text or "\x1b" in text]


def test_public_sources_are_completed_by_url_and_by_name() -> None:
    assert completions("https://openveda") == ["https://openveda.cloud/api/stac/"]
    assert "umbra-open-data" in completions("umb")
    assert "umbra-open-data" not in completions("./umb")


@pytest.mark.parametrize(
    "text", ["", " ", "/no/such/folder/x", "~nobody-of-that-name/x", "\x00/x", "https://x"]
)
def test_what_leads_nowhere_has_none(text: str) -> None:
    assert completions(text) == []
