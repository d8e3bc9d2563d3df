"""Keys that come a few turns of the event loop behind another: as a screen opens, closes or loads."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from textual import events
from textual.screen import Screen
from textual.widgets import Input, Static

from mlhub_tui.options import AppOptions
from mlhub_tui.ui.dialogs.base import QuestionScreen
from mlhub_tui.ui.dialogs.help import HelpScreen, MessageLogScreen, Palette
from mlhub_tui.ui.map.footprint_map import FootprintMap
from mlhub_tui.ui.map.time_histogram import TimeHistogram
from mlhub_tui.ui.screens.browse import BrowseScreen
from mlhub_tui.ui.screens.contact_sheet import ContactSheet
from mlhub_tui.ui.screens.downloads import DownloadsScreen
from mlhub_tui.ui.screens.library import LibraryScreen
from mlhub_tui.ui.screens.profiles import ProfilesScreen
from mlhub_tui.ui.terminal.dispatch import IN_ONE_GO
from mlhub_tui.ui.terminal.driver import EscapeKey
from mlhub_tui.ui.widgets.profile_list import OPEN

from . import idle, scenes
from .conftest import Driver, driven, to_row
from .test_browse import find, finding

CHARACTERS = {
    "enter": "\r",
    "escape": "\x1b",
    "question_mark": "?",
    "exclamation_mark": "!",
    "comma": ",",
    "slash": "/",
    "colon": ":",
}
SURE = (("y", "Yes"), ("n", "No"))
OPENING = (*"esSdDfFtimpO23", "enter", "comma", "colon", "question_mark")
FOLLOWING = ("enter", "escape", "i", "m", "J", "j", "slash", "x")


async def send(driver: Driver, *keys: str, turns: int = 0) -> None:
    """Send keys as a terminal does, some turns of the event loop after each, and wait for nothing."""
    for key in keys:
        driver.app.post_message(events.Key(key, CHARACTERS.get(key, key if len(key) == 1 else None)))
        for _ in range(turns):
            await asyncio.sleep(0)


async def back_in_browse(driver: Driver) -> None:
    """Leave whatever is open."""
    app = driver.app
    for again in range(20):
        if again > 2:
            await asyncio.sleep(IN_ONE_GO)  # what comes sooner goes the way of the key before it
        await driver.press("escape")
        if len(app.screen_stack) == 1:
            await driver.press("1")
        if isinstance(app.screen, BrowseScreen):
            return
    raise AssertionError(f"Escape does not lead back from {app.screen}")


@pytest.mark.slow
@pytest.mark.parametrize("opening", OPENING)
async def test_a_key_behind_one_that_opens_something_acts_or_is_ignored(
    opening: str, options: AppOptions
) -> None:
    async with finding(options, "kenya_02_s", size=(100, 30)) as driver:
        for place, key in enumerate(FOLLOWING, OPENING.index(opening)):
            # Over all that opens something, every number of turns.
            await send(driver, opening, turns=place % 6)
            await send(driver, key)
            await driver.pilot.pause()
            await back_in_browse(driver)
        assert driver.app.is_running


@pytest.mark.slow
@pytest.mark.parametrize("keys", [("slash", "escape"), ("slash", "down"), ("2", "slash", "escape", "1")])
async def test_a_key_that_ends_a_filter_ends_it_however_soon_it_comes(
    keys: tuple[str, ...], options: AppOptions
) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        for turns in range(0, 12, 2):
            await send(driver, *keys, turns=turns)
            await driver.pilot.pause()
            await send(driver, "question_mark")
            await driver.until(HelpScreen)
            await back_in_browse(driver)


@pytest.mark.slow
async def test_enter_right_behind_the_key_of_a_dialog_answers_it_or_is_ignored(options: AppOptions) -> None:
    async with finding(options, "kenya_02_s", size=(100, 30)) as driver:
        for key in ("enter", "escape"):
            for turns in range(6):
                await send(driver, "e", turns=turns)
                await send(driver, key)
                await driver.pilot.pause()
                await back_in_browse(driver)
        assert driver.app.is_running


async def test_a_dialog_is_dismissed_once_however_often_it_is_asked_to(options: AppOptions) -> None:
    answers: list[str | None] = []
    async with driven(options, then="BigEarthNet") as driver:
        app, dialog = driver.app, QuestionScreen("Sure?", "", SURE)
        app.push_screen(MessageLogScreen([]))
        app.push_screen(dialog, answers.append)
        await driver.until("Sure?")
        for answer in ("y", "n", "y"):
            dialog.dismiss(answer)
        await driver.until(lambda: isinstance(app.screen, MessageLogScreen), lambda: answers == ["y"])
        dialog.dismiss("n")
        await driver.pilot.pause()
        assert isinstance(app.screen, MessageLogScreen) and answers == ["y"]


async def test_a_worker_that_ends_between_two_dialogs_leaves_the_app_running(options: AppOptions) -> None:
    leaving, gone = asyncio.Event(), asyncio.Event()

    class Lingering(QuestionScreen):
        async def on_unmount(self) -> None:
            leaving.set()
            await gone.wait()

    async with driven(options, then="BigEarthNet") as driver:
        dialog = Lingering("Sure?", "", SURE)

        async def ask() -> None:
            await driver.app.push_screen_wait(dialog)
            await leaving.wait()
            await driver.app.push_screen_wait(QuestionScreen("Really?", "", SURE))

        worker = driver.app.run_worker(ask())
        await driver.until("Sure?")
        driver.app.call_next(dialog.dismiss, "y")  # as actions of keys are, by the app
        await leaving.wait()
        await idle.wait_for_idle()
        worker.cancel()
        await idle.wait_for_idle()
        gone.set()
        await driver.press("question_mark", then=HelpScreen)


async def test_a_dialog_that_another_covers_is_dismissed_once_that_is_closed(options: AppOptions) -> None:
    answers: list[str | None] = []
    async with driven(options, then="BigEarthNet") as driver:
        app, dialog, above = driver.app, QuestionScreen("Sure?", "", SURE), MessageLogScreen([])
        app.push_screen(dialog, answers.append)
        app.push_screen(above)
        await driver.until(lambda: above.is_mounted)
        dialog.dismiss("y")
        await driver.pilot.pause()
        assert app.screen is above
        await driver.press("escape")
        await driver.until(lambda: isinstance(app.screen, BrowseScreen), lambda: answers == ["y"])


async def test_enter_twice_in_the_palette_runs_a_command_once(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("ctrl+p", then=Palette)
        await driver.type("messages", then="Messages")
        await send(driver, *["enter"] * 3)
        await driver.until(lambda: not isinstance(driver.app.screen, Palette))
        await driver.pilot.pause()
        assert driver.app.is_running


@pytest.mark.parametrize("opening", ["question_mark", "exclamation_mark"])
async def test_a_key_behind_one_that_closes_a_screen_reaches_the_one_beneath(
    opening: str, options: AppOptions
) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        app = driver.app
        for turns in range(0, 12, 2):
            await driver.press(opening, then=lambda: not isinstance(app.screen, BrowseScreen))
            await send(driver, "escape", "3", turns=turns)
            await driver.until(lambda: app.current_mode == "profiles")
            await driver.press("1", then=lambda: isinstance(app.screen, BrowseScreen))


@pytest.mark.slow
@pytest.mark.parametrize("key", ["pageup", "pagedown", "up", "down", "ctrl+end"])
async def test_a_move_in_the_palette_before_its_list_is_there_is_ignored(
    key: str, options: AppOptions
) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        for turns in range(0, 8, 2):
            await send(driver, "ctrl+p", turns=turns)
            await send(driver, key)
            await driver.pilot.pause()
            await back_in_browse(driver)
        assert driver.app.is_running


@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_a_paste_behind_the_key_of_the_filter_is_typed_into_it(turns: int, options: AppOptions) -> None:
    async with driven(options, (100, 30), then="▸ ") as driver:
        await send(driver, "slash", turns=turns)
        driver.app.post_message(events.Paste("kenya_02"))
        await driver.until("/ kenya_02")


async def test_a_paste_before_the_key_of_the_filter_is_not_typed_into_it(options: AppOptions) -> None:
    async with driven(options, (100, 30), then="▸ ") as driver:
        driver.app.post_message(events.Paste("kenya_02"))
        await send(driver, "slash")
        await driver.pilot.pause(0.1)  # it would be typed by now
        await driver.type("mali", then=("/ mali", "umd_mali_crop_type"))


async def test_a_click_on_what_was_removed_and_is_still_drawn_is_ignored(options: AppOptions) -> None:
    async with driven(options, (100, 30), then="BigEarthNet") as driver:
        app, note = driver.app, Static("Soon gone")
        note.styles.dock = "top"
        await app.screen.mount(note)
        await driver.until("Soon gone")
        x, y = note.region.offset
        with app.batch_update():
            await note.remove()
            for made in (events.MouseDown, events.MouseMove, events.MouseUp):
                app.post_message(made(None, x, y, 0, 0, 1, False, False, False, x, y))
            for _ in range(50):
                await asyncio.sleep(0)
        await driver.until("BigEarthNet", lambda: "Soon gone" not in driver.screen())
        assert app.is_running


async def _tree(driver: Driver) -> None:
    await find(driver, "kenya_02_s")


async def _detail(driver: Driver) -> None:
    await _tree(driver)
    await driver.press("tab")


async def _dates(driver: Driver) -> None:
    await scenes.where(driver)
    await driver.press("t")


async def _sheet(driver: Driver) -> None:
    await scenes.items(driver)
    await driver.press("p", then=ContactSheet)


async def _results_on_map(driver: Driver) -> None:
    await scenes.results(driver)
    await driver.press("m", then=lambda: isinstance(driver.app.focused, FootprintMap))


async def _place(driver: Driver, key: str, screen: type[Screen[None]]) -> None:
    await driver.until("BigEarthNet", lambda: driver.app.queue is not None)
    await driver.press(key)
    await driver.until(lambda: isinstance(driver.app.screen, screen) and driver.app.screen.is_mounted)


FIELDS: dict[str, tuple[scenes.Scene, tuple[str, ...]]] = {
    "map": (scenes.where, ("s", "S", "o", "colon")),
    "tree": (_tree, ("s", "S", "o", "slash", "colon", "ctrl+g", "f")),
    "detail": (_detail, ("s", "S", "o", "slash", "colon", "ctrl+g")),
    "overview": (scenes.collection, ("s", "S", "o", "colon")),
    "items": (scenes.items, ("s", "S", "o", "colon")),
    "assets": (scenes.collection_assets, ("s", "S", "o")),
    "dates": (_dates, ("s", "S", "o")),
    "sheet": (_sheet, ("S", "o", "colon")),
    "json": (scenes.json, ("s", "S", "o", "slash", "colon")),
    "results": (scenes.results, ("s", "S", "o", "slash", "colon", "ctrl+s")),
    "results on a map": (_results_on_map, ("s", "S", "o", "colon", "ctrl+s")),
    "plan": (scenes.plan, ("b", "t", "S", "o", "colon")),
    "downloads": (partial(_place, key="2", screen=DownloadsScreen), ("slash", "R", "S", "o", "colon")),
    "profiles": (partial(_place, key="3", screen=ProfilesScreen), ("S", "o", "colon")),
    "library": (partial(_place, key="4", screen=LibraryScreen), ("S", "o", "colon")),
}
"""Keys that open a field, by where they are pressed."""


@pytest.mark.parametrize(
    "place",
    [pytest.param(name, marks=() if name in ("map", "downloads") else pytest.mark.slow) for name in FIELDS],
)
async def test_letters_behind_the_key_of_a_field_are_typed_into_it(place: str, options: AppOptions) -> None:
    scene, keys = FIELDS[place]
    async with driven(options, (100, 40)) as driver:
        await scene(driver)
        app, before = driver.app, driver.app.focused
        for key in keys:
            await asyncio.sleep(IN_ONE_GO)  # what comes sooner goes the way of the key before it
            await send(driver, key, *"kenya")
            await driver.until(lambda: getattr(app.focused, "value", "").endswith("kenya"))
            while app.focused is not before:
                await asyncio.sleep(IN_ONE_GO)
                await driver.press("escape")
                if app.focused is not before and not app.screen.is_modal:
                    app.screen.set_focus(before)


async def test_letters_behind_enter_on_a_box_are_typed_into_the_search_that_it_opens(
    options: AppOptions,
) -> None:
    async with driven(options, (100, 40)) as driver:
        await scenes.choosing_a_box(driver)
        await asyncio.sleep(IN_ONE_GO)
        await send(driver, "enter", *"kenya")
        await driver.until(lambda: getattr(driver.app.focused, "value", "") == "kenya")


@pytest.mark.parametrize("apart", [False, True])
async def test_letters_behind_the_enter_that_searches_in_dates_are_typed_into_the_search(
    apart: bool, options: AppOptions
) -> None:
    async with driven(options, (100, 40)) as driver:
        await _dates(driver)
        await driver.until(lambda: isinstance(driver.app.focused, TimeHistogram))
        await asyncio.sleep(IN_ONE_GO)
        await send(driver, "enter")
        if apart:
            await driver.until("enter searches there")
            await asyncio.sleep(IN_ONE_GO)
        await send(driver, "enter", *"kenya")
        await driver.until(lambda: getattr(driver.app.focused, "value", "") == "kenya")


async def test_letters_behind_enter_on_the_row_of_another_source_are_typed_into_its_form(
    options: AppOptions,
) -> None:
    async with driven(options) as driver:
        await _place(driver, "3", ProfilesScreen)
        await to_row(driver, OPEN)
        await asyncio.sleep(IN_ONE_GO)
        await send(driver, "enter", *"kenya")
        await driver.until(lambda: getattr(driver.app.focused, "value", "") == "kenya")


async def test_letters_behind_enter_in_a_form_go_to_the_next_field(options: AppOptions) -> None:
    async with finding(options, "kenya_02_s", size=(100, 40)) as driver:
        await driver.press("s", then="ctrl+s searches")
        fields = [one for one in driver.app.screen.focus_chain if isinstance(one, Input)]
        first, second, third = fields[1:4]
        driver.app.screen.set_focus(first)
        await send(driver, "1", "2", "enter", "3", "4", "enter", "5")
        await driver.until(lambda: third.value.endswith("5"))
        assert (first.value[-2:], second.value[-2:]) == ("12", "34")


async def test_a_word_that_is_corrected_in_one_packet_is_what_the_field_holds(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("s", then="ctrl+s searches")
        field = next(one for one in driver.app.screen.focus_chain if isinstance(one, Input))
        driver.app.screen.set_focus(field)
        await send(driver, "x", "ctrl+u", "a", "b", "x", "backspace", "c", "left", "left", "b", "home", "a")
        await driver.until(lambda: field.value == "aabbc")


async def test_keys_act_after_the_focus_went_to_a_field_that_was_taken_down(options: AppOptions) -> None:
    """An empty library has nothing else that could have the focus: every key was lost."""
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("4", "slash", then="0 of 0")
        library, field = driver.app.screen, driver.app.focused
        assert isinstance(library, LibraryScreen) and isinstance(field, Input)
        await driver.press("escape")
        library.set_focus(field)
        await driver.until(lambda: not field.is_running)
        await driver.press("1", then=BrowseScreen)


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        (["\x1bj"], ["escape", "j"]),
        (["ab\x1b/cd\x1b\r"], ["ab", "escape", "/cd", "escape", "\r"]),
        (["\x1b", "j"], ["escape", "j"]),
        (["\x1b", ""], ["escape"]),
        (["\x1b\x1bj"], ["escape", "escape", "j"]),
        (["\x1b[A\x1bOP\x1b[<0;1;1M"], ["\x1b[A\x1bOP\x1b[<0;1;1M"]),
        (["\x1b", "[A"], ["\x1b[A"]),
        (["\x1bb\x1bf\x1b\x7f\x1b\t"], ["\x1bb\x1bf\x1b\x7f\x1b\t"]),
        (["\x1b]11;rgb:0/0/0\x1b\\", "q"], ["\x1b]11;rgb:0/0/0\x1b\\", "q"]),
    ],
)
def test_esc_is_told_from_the_beginning_of_a_sequence(packets: list[str], expected: list[str]) -> None:
    keys, found = EscapeKey(), list[str]()
    for packet in packets:
        pieces = keys.take(packet) if packet else keys.let_go()  # nothing: the line rests
        found += [piece if isinstance(piece, str) else piece.key for piece in pieces]
    assert found == expected
