"""Widgets hear of their size, whoever asks for places between their coming and the layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

from mlhub_tui.options import AppOptions

from .conftest import driven


class Late(Widget):
    """Shows the size it was told."""

    DEFAULT_CSS = "Late { dock: top; height: 1; width: 40; }"
    told = "nothing"

    def on_resize(self) -> None:
        """Take note of the size."""
        self.told = f"{self.size.width} cells"
        self.refresh()

    def render(self) -> str:
        """Show it."""
        return f"told {self.told}"


@pytest.mark.parametrize("dialog", [False, True])
async def test_a_widget_that_comes_late_is_told_its_size(dialog: bool, tmp_path: Path) -> None:
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        await driver.until("Welcome")
        if dialog:
            driver.app.push_screen(ModalScreen())
            await driver.until(lambda: len(driver.app.screen_stack) == 2)
            await driver.app.screen.mount(Static("a dialog"))
            await driver.until("a dialog")
        screen: Screen[object] = driver.app.screen
        with driver.app.batch_update():
            await screen.mount(Late())
            screen._compositor._full_map_invalidated = True
            assert screen._compositor.full_map, "somebody asked for a place"
        await driver.until("told 40 cells")
