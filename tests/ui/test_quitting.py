"""Quitting while a screen is still being put up."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.css.query import NoMatches
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Label

from mlhub_tui.options import AppOptions
from tests.support.waiting import until

from .conftest import driven


@pytest.mark.parametrize("place", ["browse", "downloads"])
@pytest.mark.parametrize("turns", [1, 2, 4])
async def test_a_screen_that_is_not_whole_yet_does_not_keep_the_app_from_ending(
    place: str, turns: int, tmp_path: Path
) -> None:
    async with driven(AppOptions(output_dir=tmp_path), then="Welcome") as driver:
        driver.app.action_go(place)
        for _ in range(turns):
            await asyncio.sleep(0)
    assert not driver.app.return_code


class Late(ModalScreen[None]):
    """A dialog that looks for a part of its own when it is put up."""

    def compose(self) -> ComposeResult:
        """Have a part in a box."""
        with Vertical():
            yield Label("there")

    def on_mount(self) -> None:
        """Look for the part."""
        self.query_one(Label).update("seen")


@pytest.mark.parametrize("turns", range(8))
async def test_a_dialog_that_is_not_whole_yet_does_not_either(turns: int, tmp_path: Path) -> None:
    async with driven(AppOptions(output_dir=tmp_path), then="Welcome") as driver:
        driver.app.push_screen(Late())
        for _ in range(turns):
            await asyncio.sleep(0)
    assert not driver.app.return_code


@pytest.mark.parametrize("turns", [0, 3, 5, 8])
async def test_the_palette_that_opens_while_the_app_ends_does_not_either(turns: int, tmp_path: Path) -> None:
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        await driver.until("Welcome")
        driver.app.post_message(Key("q", "q"))
        for _ in range(turns):
            await asyncio.sleep(0)
        driver.app.post_message(Key("colon", ":"))
        await until(lambda: driver.app.return_code is not None)
    assert driver.app.return_code == 0


async def test_a_part_that_is_missing_while_the_app_runs_is_a_fault(tmp_path: Path) -> None:
    class Wrong(Late):
        def compose(self) -> ComposeResult:
            yield from ()

    with pytest.raises(NoMatches):
        async with driven(AppOptions(output_dir=tmp_path), then="Welcome") as driver:
            driver.app.push_screen(Wrong())
            await driver.until(lambda: driver.app.return_code == 1)
