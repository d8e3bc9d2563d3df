"""Saved searches come back as they were, whatever else is in their file."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.models import BBox, Search
from mlhub_tui.sources.saved_searches import SavedSearch, SavedSearchError, SavedSearches

texts = st.text(max_size=6)
tuples = st.lists(texts, max_size=3).map(tuple)
searches = st.builds(
    Search,
    collections=tuples,
    ids=tuples,
    bbox=st.none() | st.just(BBox(170.5, -1, -170, 2)),
    intersects=st.none() | st.just({"type": "Point", "coordinates": [1, 2]}),
    datetime=texts,
    text=texts,
    filter=texts,
    sort=tuples,
    limit=st.none() | st.integers(0, 9),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("saved") / "new" / "searches.json"


@given(searches, st.none() | st.integers(0, 10**9))
def test_a_search_comes_back_as_it_was(path: Path, search: Search, count: int | None) -> None:
    saved = SavedSearch("name", "https://api.example.org/", search, count, "2018-04-25T10:00:00Z")
    SavedSearches(path).put(saved)
    assert SavedSearches(path).all() == [saved]


def test_searches_are_kept_by_name_in_a_private_file(mlhub_home: Path) -> None:
    store = SavedSearches()
    assert store.all() == []
    for name in ("b", "a", "b"):
        store.put(SavedSearch(name, "sample", Search(text=name), 1))
    assert [saved.name for saved in SavedSearches().all()] == ["b", "a"]
    assert stat.S_IMODE((mlhub_home / "searches.json").stat().st_mode) == 0o600
    store.remove("b")
    assert [saved.name for saved in store.all()] == ["a"]
    with pytest.raises(SavedSearchError, match='no saved search "b"') as caught:
        store.get("b")
    assert caught.value.hint == "there are: a"


def test_what_is_no_search_is_passed_over_and_stays_in_the_file(mlhub_home: Path) -> None:
    mlhub_home.mkdir()
    path = mlhub_home / "searches.json"
    strange = {
        "newer": {"source": "x", "search": {"bbox": "x"}},
        "number": 7,
        "no source": {"search": {}},
        "bad limit": {"source": "x", "search": {"limit": "x"}},
        "good": {"source": "x", "search": {"unknown": 1}, "count": "x"},
    }
    path.write_text(json.dumps({"version": 9, "searches": strange}))
    store = SavedSearches()
    assert store.all() == [SavedSearch("good", "x")]
    store.put(SavedSearch("mine", "y"))
    assert set(json.loads(path.read_text())["searches"]) == {*strange, "mine"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"searches": 7}'])
def test_a_damaged_file_is_said_and_not_overwritten(mlhub_home: Path, text: str) -> None:
    mlhub_home.mkdir()
    path = mlhub_home / "searches.json"
    path.write_text(text)
    with pytest.raises(SavedSearchError, match="is damaged"):
        SavedSearches().all()
    with pytest.raises(SavedSearchError, match="is damaged"):
        SavedSearches().put(SavedSearch("a", "b"))
    assert path.read_text() == text


def test_a_home_that_is_a_file_is_said(mlhub_home: Path) -> None:
    mlhub_home.write_text("")
    with pytest.raises(SavedSearchError, match=r"cannot be read|cannot be written"):
        SavedSearches().put(SavedSearch("a", "b"))
