"""Favourites in the file: bounded, without keys, and not undone by another program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mlhub_tui.models import Entry, EntryKind
from mlhub_tui.ui.state import MAX_FAVOURITES, AppState, Favourite, Favourites, TreeState

SOURCE = "https://stac.example/v1/"


def favourite(name: str, url: str = "") -> Favourite:
    """Return the favourite of a collection."""
    return Favourite.of(Entry(EntryKind.COLLECTION, name, url=url), ("group", name), SOURCE)


def test_two_programs_do_not_undo_each_other(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    one, other = AppState.load(path), AppState.load(path)
    one.favourites.toggle(SOURCE, favourite("a"))
    one.favourites.toggle(SOURCE, favourite("b"))
    one.keep("one", TreeState(filter="x"))
    one.write(path)
    other.favourites.toggle(SOURCE, favourite("c"))
    other.keep("other", TreeState(filter="y"))
    other.write(path)
    one.favourites.toggle(SOURCE, favourite("a"))
    one.write(path)
    found = AppState.load(path)
    assert {entry.id for _, entry in found.favourites.all()} == {"b", "c"}
    assert found.view("one").filter == "x"
    assert found.view("other").filter == "y"


def test_a_favourite_comes_back_as_it_was_without_keys(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    memory = AppState()
    memory.favourites.toggle(f"{SOURCE}?token=secret-secret", favourite("a", f"{SOURCE}a?key=secret-secret"))
    memory.write(path)
    assert "secret" not in path.read_text()
    ((source, one),) = AppState.load(path).favourites.all()
    assert one.entry().id == "a"
    assert one.path == ("group", "a")
    assert AppState.load(path).favourites.of(f"{SOURCE}?token=other") or source


def test_what_was_marked_is_not_pushed_out_by_more() -> None:
    favourites = Favourites()
    for number in range(MAX_FAVOURITES):
        assert favourites.toggle(SOURCE, favourite(str(number))) is True
    assert favourites.toggle(SOURCE, favourite("one more")) is None
    assert favourites.toggle(SOURCE, favourite("0")) is False
    assert favourites.toggle(SOURCE, favourite("one more")) is True
    assert favourites.toggle(SOURCE, favourite("x" * 9999)) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5),
    lambda c: (
        st.lists(c, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "id", "title", "url", "collection_id", "path", "place"]), c
        )
    ),
    max_leaves=12,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=4), st.lists(_JSON, max_size=3) | _JSON, max_size=3))
def test_what_a_file_has_is_taken_for_what_it_is_worth(raw: dict[str, Any]) -> None:
    favourites = Favourites.read(json.loads(json.dumps(raw)))
    for _, one in favourites.all():
        assert one.fits
        assert one.key
        one.entry()
