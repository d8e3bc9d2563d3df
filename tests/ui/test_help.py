"""Help, palette and the first steps: every command of every screen with its key, found, and done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.screen import Screen

from mlhub_tui.options import AppOptions
from mlhub_tui.ui.commands import COMMANDS, EVERYWHERE, of
from mlhub_tui.ui.configured import Tour, tour_lines
from mlhub_tui.ui.dialogs.help import HelpEntry, HelpScreen, reachable, sections
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.screens.results import ResultsScreen
from mlhub_tui.ui.widgets.line_view import PickList

from .conftest import Driver, driven
from .test_browse import finding


def ways(driver: Driver) -> dict[str, HelpEntry]:
    """Return what the help shows of the screen in front, by command."""
    return {
        entry.command.id: entry
        for part in sections(driver.app, driver.app.screen)
        for entry in part.entries
        if entry.command.id
    }


def help_screen(driver: Driver) -> HelpScreen:
    """Return the help in front."""
    assert isinstance(driver.app.screen, HelpScreen)
    return driver.app.screen


def bound(screen: Screen[object]) -> Iterator[Binding]:
    """Yield the key bindings of our commands that are in use on a screen, as Textual has them."""
    known = {command.id for command in COMMANDS}
    for active in screen.active_bindings.values():
        if active.binding.id in known:
            yield active.binding


def check(driver: Driver, place: str) -> None:
    """Check that help and palette have every command of the screen in front, with the keys that do it."""
    shown = ways(driver)
    palette = {
        one.title.rpartition("  ")[2]: one for one in driver.app.get_system_commands(driver.app.screen)
    }
    here = {binding.id for binding in bound(driver.app.screen)} | {c.id for c in of(place, EVERYWHERE)}
    assert len(here) > 15
    for identity in here:
        way = shown[str(identity)]
        assert way.target is not None, f"{identity} could not be run"
        assert f"({way.command.all_keys})" in palette, identity
    for command in COMMANDS:
        assert shown[command.id].command is command


async def test_every_command_of_every_screen_is_in_help_and_palette_with_its_key(
    options: AppOptions, mlhub_home: Path
) -> None:
    mlhub_home.mkdir()
    (mlhub_home / "config.toml").write_text('[keys]\n"browse.items" = "I"\n"list.down" = "f9,j"\n')
    async with finding(options, "kenya_02_s", size=(100, 30)) as driver:
        check(driver, "Browse")
        assert ways(driver)["browse.items"].command.all_keys == "I"
        assert ways(driver)["list.down"].command.all_keys == "f9 j"
        await driver.press("2", then=lambda: driver.app.current_mode == "downloads")
        check(driver, "Downloads")
        await driver.press("3", then=lambda: driver.app.current_mode == "profiles")
        check(driver, "Profiles")
        await driver.press("1", then=lambda: driver.app.current_mode == "browse")
        await driver.press("enter", then=DocumentScreen)
        check(driver, "Collection")
        await driver.press("m", then="items loaded")
        check(driver, "Collection")
        assert next(iter(reachable(driver.app, driver.app.screen))).name == "Map"
        await driver.press("t", then=lambda: type(driver.app.focused).__name__ == "TimeHistogram")
        assert next(iter(reachable(driver.app, driver.app.screen))).name == "Dates"
        await driver.press("s", then="ctrl+s searches")
        await driver.press("ctrl+s", then=ResultsScreen)
        check(driver, "Results")


async def test_the_focus_comes_first_then_the_screen_then_the_app_then_the_rest(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        parts = sections(driver.app, driver.app.screen)
        assert [part.name for part in parts[:3]] == ["Lists", "Browse", "Everywhere"]
        assert all(part.here for part in parts[:3])
        assert not any(part.here or way.target for part in parts[3:] for way in part.entries)


async def test_what_is_searched_for_is_found_and_done_on_the_screen_below(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("question_mark", then="esc closes")
        keys = help_screen(driver)
        total = keys.found
        await driver.press("slash", *"queue", then="Show the download queue")
        assert 0 < keys.found < total
        await driver.press("enter", then=lambda: isinstance(driver.app.focused, PickList))
        while keys.current is None or keys.current.command.id != "app.downloads":
            await driver.press("j")
        await driver.press("enter", then=lambda: driver.app.current_mode == "downloads")


async def test_a_move_that_is_chosen_moves_what_has_the_focus(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        tree = driver.app.screen.query_one("#tree")
        await driver.press("question_mark", then="Go down")
        await driver.press("enter")
        await driver.until(lambda: tree.cursor_line == 1)  # type: ignore[attr-defined] # it is the tree


async def test_keys_of_other_screens_are_shown_and_not_done(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("question_mark", "slash", *"sooner", "enter")
        await driver.until("Not on this screen", "downloads.up")
        await driver.press("enter", then="works on another screen")
        assert isinstance(driver.app.screen, HelpScreen)
        await driver.press("escape", then="Go down")
        await driver.press("escape", then=lambda: not driver.app.screen.is_modal)


async def test_the_cursor_passes_over_headings_and_ends_where_the_list_does(options: AppOptions) -> None:
    async with driven(options, (60, 15), then="BigEarthNet") as driver:
        await driver.press("question_mark", then="Go down")
        keys, listed = help_screen(driver), driver.app.screen.query_one(PickList)
        seen = []
        for _ in range(listed.line_count):
            assert keys.current is not None
            seen.append(keys.current)
            listed.action_cursor_down()
        assert set(seen) == {
            way for part in sections(driver.app, driver.app.screen_stack[0]) for way in part.entries
        }
        for step in (listed.action_page_up, listed.action_cursor_up, listed.action_page_down):
            for _ in range(30):
                step()
                assert keys.current is not None
        await driver.press("g", then="Lists")


async def test_dialogs_tell_their_keys_too_and_fields_keep_what_is_typed(options: AppOptions) -> None:
    async with finding(options, "kenya_02_s") as driver:
        await driver.press("s", then="ctrl+s searches")
        await driver.press("question_mark")
        dialog = driver.app.screen
        await driver.until(lambda: "?" in [field.value for field in dialog.query("Input")])  # type: ignore[attr-defined]
        await driver.press("f1", then="This dialog")
        await driver.press("escape", then=lambda: driver.app.screen is dialog)


# The first steps


@pytest.fixture
def new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first start be one."""
    monkeypatch.delenv("MLHUB_TOUR")


async def test_the_first_steps_are_shown_once_and_the_key_that_ends_them_counts(
    options: AppOptions, mlhub_home: Path, new: None
) -> None:
    async with driven(options, then=("First steps", "BigEarthNet")) as driver:
        tree = driver.app.screen.query_one("#tree")
        await driver.press("j", then=lambda: not driver.app.screen.query(Tour))
        assert tree.cursor_line == 1  # type: ignore[attr-defined] # it is the tree
        await driver.until(lambda: json.loads((mlhub_home / "state.json").read_text())["toured"])
    async with driven(options, then="BigEarthNet") as driver:
        assert not driver.app.screen.query(Tour)
        await driver.press("question_mark", then="t first steps")
        await driver.press("t", then=("First steps", "BigEarthNet"))


async def test_the_palette_has_the_first_steps_too(options: AppOptions) -> None:
    async with driven(options, (60, 15), then="BigEarthNet") as driver:
        await driver.press("ctrl+p")
        await driver.type("first steps", then="Five lines")
        await driver.press("enter", then=("any key continues", "Datasets"))


def test_the_first_steps_are_five_lines_that_fit() -> None:
    text = tour_lines().plain.splitlines()
    assert len(text) == 5
    assert max(map(len, text)) <= 56
