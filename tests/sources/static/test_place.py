"""Places: one URL for each document, wherever it lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.errors import UnexpectedAnswer
from mlhub_tui.sources.static.document_urls import (
    file_url,
    is_archive,
    is_member,
    local_path,
    member_url,
    name_of,
    place_of,
    split_member,
)


def test_a_path_becomes_a_file_url_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a b!" / "100% ü#?.json"
    assert local_path(file_url(path)) == path
    assert "!/" not in file_url(path)


def test_a_relative_path_is_taken_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert place_of("./cat/../catalog.json") == file_url(tmp_path / "catalog.json")


def test_urls_stay_as_they_were_typed() -> None:
    assert place_of(" https://host.org/catalog.json?a=1 ") == "https://host.org/catalog.json?a=1"
    assert place_of("file:///x/catalog.json") == "file:///x/catalog.json"


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1))
def test_members_are_found_again_by_their_url(name: str) -> None:
    url = member_url("file:///a/c.tar.gz", name)
    assert is_member(url)
    assert split_member(url) == ("file:///a/c.tar.gz", name)


@pytest.mark.parametrize("url", ["file://server/share/x.json", "https://host.org/x", "file:///a%00b"])
def test_only_files_of_this_machine_have_a_path(url: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        local_path(url)


@pytest.mark.parametrize(
    ("location", "archive"),
    [
        ("https://host.org/cat.tar.gz?sig=x", True),
        ("/data/CAT.TGZ", True),
        ("file:///data/cat.tar", True),
        ("file:///data/cat.tar!/catalog.json", False),
        ("https://host.org/catalog.json?name=x.tar", False),
    ],
)
def test_archives_are_known_by_their_names(location: str, archive: bool) -> None:
    assert is_archive(location) is archive


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://host.org/cats/kenya/collection.json", "kenya"),
        ("https://host.org/cats/kenya/S2_01.json", "S2_01"),
        ("https://host.org/cats/v1.2/catalog.json", "v1.2"),
        ("file:///data/cat.tar.gz!/catalog.json", "cat.tar.gz"),
        ("file:///data/a%20b.geojson", "a b"),
    ],
)
def test_a_url_names_its_document(url: str, name: str) -> None:
    assert name_of(url) == name
