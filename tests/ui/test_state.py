"""What is found again at the next start: how trees were left, the screen, the theme."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlhub_tui.options import AppOptions
from mlhub_tui.ui.screens.browse import BrowseScreen
from mlhub_tui.ui.state import MOST_OPENED, MOST_SOURCES, AppState, Favourite, TreeState

from .conftest import Driver, driven


def tree(driver: Driver) -> Any:
    screen = driver.app.screen
    assert isinstance(screen, BrowseScreen)
    return screen.tree_view


def rows(driver: Driver) -> list[str]:
    return [line.partition("▏")[0] for line in driver.screen().splitlines()[1:12]]


def a_favourite(item: str) -> Favourite:
    return Favourite("item", item, "", "", "landcover", ("landcover", item), "sample")


async def leave(driver: Driver) -> None:
    await driver.press("q", then=lambda: driver.app.return_code == 0)


async def test_the_tree_is_found_as_it_was_left(options: AppOptions, mlhub_home: Path) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("slash")
        await driver.type("kenya crop", then="of 45 datasets")
        await driver.press("enter", "l", "j", "j", then=lambda: tree(driver).subject is not None)
        left = rows(driver)
        path = tree(driver).tree_model.path(tree(driver).current)
        assert len(path) > 2
        await leave(driver)
    assert stat.S_IMODE((mlhub_home / "state.json").stat().st_mode) == 0o600
    async with driven(options, then="/kenya crop") as driver:
        await driver.until(lambda: tree(driver).tree_model.path(tree(driver).current) == path)
        await driver.until(lambda: rows(driver) == left)
        await driver.press("escape", then="BigEarthNet")


async def test_who_moves_the_cursor_first_keeps_it(options: AppOptions, mlhub_home: Path) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        source = driver.app.connection.job_source if driver.app.connection else ""
    memory = AppState()
    memory.keep(source, TreeState(cursor=("datasets", "nowhere-any-more")))
    memory.write()
    async with driven(options, then="BigEarthNet") as driver:
        assert tree(driver).cursor_line == 0
        await driver.press("j", "j")
        await leave(driver)
    assert AppState.load().view(source).cursor[1:] != ("nowhere-any-more",)


async def test_screen_and_theme_are_found_again(options: AppOptions, mlhub_home: Path) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        driver.app.theme = "nord"
        await driver.press("2", then=lambda: driver.app.current_mode == "downloads")
        await leave(driver)
    async with driven(options) as driver:
        assert driver.app.theme == "nord"
        await driver.until(lambda: driver.app.current_mode == "downloads")
        await driver.press("1", then="BigEarthNet")
        await leave(driver)
    assert AppState.load().theme == "nord"
    (mlhub_home / "config.toml").write_text('theme = "mlhub-light"\nrestore = false\n')
    async with driven(options) as driver:
        assert driver.app.theme == "mlhub-light"
        assert driver.app.current_mode == "browse"


async def test_colours_that_the_terminal_wants_are_not_remembered_as_a_choice(
    options: AppOptions, mlhub_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(options, then="BigEarthNet") as driver:
        await leave(driver)
    assert AppState.load().theme == ""


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda c: st.lists(c) | st.dictionaries(st.sampled_from(["opened", "closed", "cursor", "filter"]), c),
)


@pytest.mark.slow
@given(st.fixed_dictionaries({"version": st.just(1), "theme": _JSON, "screen": _JSON, "views": _JSON}))
def test_a_file_from_elsewhere_is_taken_for_what_it_is_worth(
    tmp_path_factory: Any, raw: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "state.json"
    path.write_text(json.dumps(raw))
    memory = AppState.load(path)
    assert isinstance(memory.theme, str)
    assert all(isinstance(view, TreeState) for view in memory.views.values())
    assert "\n" not in memory.theme


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 2}', b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    assert AppState.load(path) == AppState()


def test_what_is_remembered_is_bounded_and_holds_no_keys(tmp_path: Path) -> None:
    memory = AppState()
    many = tuple(("group", f"row {number}") for number in range(1000))
    for number in range(100):
        memory.keep(
            f"https://s{number}.example/?key=secret-secret", TreeState(many, many, ("x" * 9999,), "f" * 9999)
        )
    memory.write(tmp_path / "state.json")
    text = (tmp_path / "state.json").read_text()
    assert len(text) < 500_000
    assert "secret" not in text
    again = AppState.load(tmp_path / "state.json")
    assert len(again.views) == MOST_SOURCES
    view = again.view("https://s99.example/?key=secret-secret")
    assert len(view.opened) == MOST_OPENED
    assert view.cursor == ()


async def test_what_was_changed_last_is_what_stands_there_at_the_end(mlhub_home: Path) -> None:
    memory = AppState()
    for turn in range(5):
        writing = []
        for step in range(20):
            memory.split = step
            memory.favourites.toggle("sample", a_favourite(f"{turn}-{step}"))
            writing.append(asyncio.create_task(memory.save()))
            await asyncio.sleep(0)
            if step % 3:
                writing[-1].cancel()  # what was to be written before need not be
        memory.zoom = turn % 2 == 0
        await asyncio.gather(memory.save(), *writing, return_exceptions=True)
        found = AppState.load()
        assert (found.split, found.zoom) == (19, memory.zoom)
        assert len(found.favourites.of("sample")) == (turn + 1) * 20


def test_where_nothing_can_be_written_nothing_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    AppState(theme="nord").write(tmp_path / "file" / "state.json")
    assert AppState.load(tmp_path / "file" / "state.json") == AppState()
