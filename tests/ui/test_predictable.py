"""Keys and news that a user can foresee: one status line, a footer that follows, sources that come back."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen
from textual.widgets import Input

from mlhub_tui.options import AppOptions
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.ui.catalog.catalog_tree import CatalogTree
from mlhub_tui.ui.screens.browse import BrowseScreen
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.state import AppState
from mlhub_tui.ui.widgets.form import ChoiceField

from .conftest import Driver, driven, use_sample
from .test_browse import find, finding

SMALL = "ref_african_crops_kenya_02_source"


def footer(driver: Driver) -> str:
    """Return the last line of the screen."""
    return driver.screen().splitlines()[-1]


def asset_key(driver: Driver) -> str:
    """Return the key of the asset under the cursor of the screen in front."""
    screen = driver.app.screen
    return screen.asset_key if isinstance(screen, DocumentScreen) else ""


def status(driver: Driver) -> str:
    """Return the line above the footer."""
    return driver.screen().splitlines()[-2]


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        (["x"], "x (remove) does nothing here; it works in Downloads, Profiles."),
        (["i"], "Put the cursor on a collection first."),
        (["n"], "No filter is set"),
        (["2", "r"], "Put the cursor on a transfer first."),
        (["2", "i"], "i (items) does nothing here"),
        (["3", "E"], "Only profiles can be edited"),
        (["ctrl+c"], "q quits"),
    ],
)
async def test_a_key_that_cannot_act_says_why_in_the_status_line(
    keys: list[str], why: str, options: AppOptions
) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        for key in keys:
            await driver.press(key)
        await driver.until(lambda: why in status(driver))
        assert "quit" in footer(driver), "the hints stay"


async def test_a_refusal_goes_with_the_next_key_that_acts_other_news_stay(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("x", then=lambda: "does nothing here" in status(driver))
        await driver.press("j", then=lambda: "does nothing here" not in driver.screen())
        await driver.press("y", then=lambda: "ID copied" in status(driver))
        await driver.press("j", "n", then=lambda: "No filter is set" in status(driver))
        await driver.press("slash")
        await driver.until(
            lambda: "enter apply" in footer(driver), lambda: "No filter" not in driver.screen()
        )


async def test_the_favourite_key_says_what_it_did(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("j", "asterisk", then=lambda: "Added to the favourites (F)." in status(driver))
        await driver.press("asterisk", then=lambda: "Removed from the favourites (F)." in status(driver))


@pytest.mark.parametrize("key", ["s", "comma", "ctrl+p", "o"])
async def test_ctrl_c_in_a_dialog_says_how_to_leave_it(key: str, options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press(key, then=lambda: driver.app.screen.is_modal)
        await driver.press("ctrl+c", then="esc closes this, then q quits")


async def test_news_are_one_line_errors_two_and_both_are_in_the_history(options: AppOptions) -> None:
    async with driven(options, toasts=True, then="BigEarthNet") as driver:
        driver.app.notify("some news\nof two lines", markup=False)
        await driver.until(lambda: "some news of two lines" in status(driver))
        driver.app.notify("it failed " * 30 + "\nfix it " * 30, severity="error", markup=False)
        await driver.until("it failed it failed", "fix it fix it")
        lines = [line for line in driver.screen().splitlines() if "it failed" in line or "fix it" in line]
        assert len(lines) == 2
        assert "quit" in footer(driver)
        assert "some news" in status(driver), "an error covers neither news nor hints"
        await driver.press("exclamation_mark", then="some news")


async def test_an_error_is_never_shown_over_the_cursor_nor_beside_another(options: AppOptions) -> None:
    def lines_of(driver: Driver, words: str) -> list[int]:
        return [number for number, line in enumerate(driver.screen().splitlines()) if words in line]

    async with driven(options, toasts=True, then="BigEarthNet") as driver:
        half = driver.app.size.height // 2
        driver.app.notify("this failed", severity="error", markup=False)
        await driver.until(lambda: lines_of(driver, "this failed"))
        assert lines_of(driver, "this failed")[0] > half, "the cursor is at the top"
        await driver.press("G", then=lambda: (lines_of(driver, "this failed") or [half])[0] < half)
        driver.app.notify("that failed", severity="error", markup=False)
        await driver.until(
            lambda: lines_of(driver, "that failed"), lambda: not lines_of(driver, "this failed")
        )
        assert lines_of(driver, "that failed")[0] in range(1, half)


@pytest.mark.slow
async def test_the_footer_follows_the_pane_that_has_the_focus(options: AppOptions) -> None:
    async with driven(options, (100, 30)) as driver:
        await find(driver, SMALL, then=lambda: "d download" in footer(driver))
        await driver.press("slash")
        await driver.until(lambda: "enter apply" in footer(driver), lambda: "esc clear" in footer(driver))
        assert "d download" not in footer(driver)
        await driver.press("escape")
        await find(driver, SMALL)
        await driver.press("tab", then=lambda: "tab back to tree" in footer(driver))
        await driver.press("tab", "enter", then=lambda: "next pane" in footer(driver))
        await driver.press("m", then=lambda: "+ zoom in" in footer(driver))
        await driver.press("b")
        await driver.until(lambda: "enter take box  space other corner  esc cancel" in footer(driver))
        await driver.press("escape", then=lambda: "b box" in footer(driver))
        await driver.press("t", then=lambda: "b range" in footer(driver))
        await driver.press("J", then=lambda: "enter fold" in footer(driver))
        await driver.press("slash", then=lambda: "esc clear" in footer(driver))
        assert "list" not in footer(driver), "there is none beside the JSON"
        await driver.press("escape", "i", then=lambda: "d download" in footer(driver))


async def test_the_footer_names_only_what_acts_on_the_row_under_the_cursor(options: AppOptions) -> None:
    async with driven(options, (200, 60)) as driver:
        await driver.until("BigEarthNet", lambda: "enter open" in footer(driver))
        of_entries = ("D plan", "* favourite", "e export", "y copy id", "p preview", "c copy as")
        assert not [hint for hint in (*of_entries, "d download", "i items") if hint in footer(driver)]
        await driver.press("j", then=lambda: "d download" in footer(driver))
        assert not [hint for hint in of_entries if hint not in footer(driver)]


@pytest.mark.slow
async def test_empty_lists_name_no_keys_that_need_a_line(options: AppOptions) -> None:
    async with finding(options, SMALL) as driver:
        await driver.press("asterisk", "F", then="x removes, enter chooses, esc closes")
        await driver.press("x")
        await driver.until("None yet", "─ esc closes ─", lambda: "enter chooses" not in driver.screen())
        await driver.press("escape", "F")
        await driver.until("None yet", "─ esc closes ─", lambda: "enter chooses" not in driver.screen())
        await driver.press("escape", "4", then=("Press 1", lambda: "reload" in footer(driver)))
        assert not any(key in footer(driver) for key in ("open  v", "verify", "copy path", "filter", "sort"))


async def test_enter_on_a_map_says_how_to_go_to_a_footprint_first(options: AppOptions) -> None:
    async with finding(options, SMALL) as driver:
        await driver.press("m", then="footprints")
        await driver.press("enter", then=lambda: "Go to a footprint first, by n or N." in status(driver))
        await driver.press("n", "enter", then="Bands")


async def test_keys_of_footprints_say_why_they_cannot_act_on_the_map_of_one_item(options: AppOptions) -> None:
    async with finding(options, SMALL) as driver:
        await driver.press("m", then="footprints")
        await driver.press("n", "enter", then="Bands")
        await driver.press("m", then=lambda: "+ zoom in" in footer(driver))
        assert not any(words in footer(driver) for words in ("enter open", "n next", "t dates"))
        for key in ("enter", "n", "N"):
            await driver.press(key)
            await driver.until(lambda: "No footprint to go to: no item with a place is" in status(driver))
            await driver.press("plus", then=lambda: "No footprint" not in driver.screen())
        await driver.press("t", then=lambda: "No dates are known here." in status(driver))
        await driver.press("O", "enter")
        await driver.until(
            lambda: "enter (open) does nothing here; ? shows the keys that do." in status(driver)
        )


async def test_d_is_about_the_row_under_the_cursor_in_every_pane(options: AppOptions) -> None:
    async with finding(options, SMALL, size=(100, 30)) as driver:
        await driver.press("i")
        screen = driver.app.screen
        assert isinstance(screen, DocumentScreen)
        await driver.until(lambda: screen.table.current is not None)
        item = screen.subject.entry.id
        assert item != SMALL
        await driver.press("d", then=("Download assets", f"[item {item}"[:20], "all items of"))
        await driver.press("escape", "y", then=lambda: driver.app.clipboard == item)
        await driver.press("enter", then=lambda: driver.app.screen is not screen)
        await driver.press("a")
        await driver.until(
            lambda: isinstance(driver.app.screen, DocumentScreen) and driver.app.screen.asset_key
        )
        key = driver.app.screen.asset_key  # type: ignore[attr-defined] # of the screen of the item
        await driver.press("d", then=("Download assets", "1 file,"))
        chosen = [line for line in driver.screen().splitlines() if "[x]" in line]
        assert len(chosen) >= 1 and any(key in line for line in chosen)


async def test_a_restart_reopens_the_last_source_at_the_last_place(tmp_path: Path) -> None:
    started = AppOptions(output_dir=tmp_path)
    async with driven(started, then="Welcome") as driver:
        await use_sample(driver)
        await find(driver, SMALL, then=lambda: AppState.load().recent == ["sample"])
        await driver.press("q")
    async with driven(started) as driver:
        await driver.until(lambda: "sample catalog" in driver.screen().splitlines()[0])
        tree = driver.app.screen.query_one("#tree")
        await driver.until(lambda: tree.current is not None and getattr(tree.current.data, "id", "") == SMALL)  # type: ignore[attr-defined] # it is the tree


def _is_at(screen: Screen[Any], identity: str) -> bool:
    assert isinstance(screen, BrowseScreen)
    return screen.subject is not None and screen.subject.label == identity


@pytest.mark.parametrize("pane", ["json", "items"])
async def test_a_restart_reopens_the_document_that_was_open(pane: str, tmp_path: Path) -> None:
    def front(driver: Driver) -> str:
        screen = driver.app.screen
        return f"{screen.whole.entry.id} {screen.pane}" if isinstance(screen, DocumentScreen) else ""

    started = AppOptions(sample=True, output_dir=tmp_path)
    async with driven(started, then="BigEarthNet") as driver:
        await find(driver, SMALL)
        await driver.press(pane[0].replace("j", "J"), then=lambda: front(driver) == f"{SMALL} {pane}")
        await driver.press("q")
    for left_open in (True, False):
        async with driven(started) as driver:
            browse = driver.app.screen_stack[0]
            await driver.until(partial(_is_at, browse, SMALL))
            if left_open:
                await driver.until(lambda: front(driver) == f"{SMALL} {pane}")
                await driver.press("escape")
            await driver.until(lambda: not front(driver))
            await driver.press("q")


async def test_a_source_that_is_named_is_opened_in_place_of_the_last(
    sample: SampleServer, tmp_path: Path, mlhub_home: Path
) -> None:
    state = AppState(recent=["sample"])
    state.write()
    named = AppOptions(root_url=sample.root_url, api_key=sample.key, output_dir=tmp_path)
    async with driven(named, then="BigEarthNet") as driver:
        assert "MLHub 127.0.0.1" in driver.screen().splitlines()[0]
        await driver.press("3", then="Recent")
        lines = driver.screen().splitlines()
        recent, first = (
            next(n for n, line in enumerate(lines) if word in line) for word in ("Recent", "sample c")
        )
        assert first == recent + 1
    (mlhub_home / "config.toml").write_text("restore = false\n")
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        await driver.until("Welcome")


async def test_a_last_source_that_is_gone_is_no_obstacle(tmp_path: Path) -> None:
    AppState(recent=["a profile that was deleted"]).write()
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        await driver.until("Welcome")


async def test_more_than_ten_archives_are_queued_only_after_a_question_of_their_own(
    options: AppOptions, tmp_path: Path
) -> None:
    async with finding(options, "fusion_competition") as driver:
        tree = driver.app.screen.query_one(CatalogTree)
        while len(tree.marked) < 11:
            row = tree.current
            assert row is not None
            await driver.press("space" if tree.tree_model.mark(row) else "l", "j")
        await driver.press("d")
        await driver.until("11 archives", "enter queues", lambda: "requesting" not in driver.screen())
        dialog = driver.app.screen
        dialog.query_one("#folder", Input).value = str(tmp_path / "elsewhere")
        dialog.query_one("#if-exists", ChoiceField).choose("skip")
        for answer in ("enter", "escape", "q", "n"):
            await driver.press("ctrl+s", then=("Download 11 archives,", " MB", str(tmp_path)[:40]))
            await driver.press(answer, then=lambda: driver.app.screen is dialog)
            assert driver.app.jobs == () and len(tree.marked) == 11, "the safe answer; all is as it was left"
        await driver.press("ctrl+s", then="Download 11 archives,")
        await driver.press("y", then=lambda: len(driver.app.jobs) == 11)
        assert {job.request.folder for job in driver.app.jobs} == {tmp_path / "elsewhere"}
        assert {job.request.if_exists.value for job in driver.app.jobs} == {"skip"}
