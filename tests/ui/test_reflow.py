"""Widgets hear of their size, whoever asks for places between their coming and the layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.containers import VerticalScroll
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


class Long(Screen[None]):
    """More lines than there is room for."""

    def compose(self) -> ComposeResult:
        """Have lines."""
        with VerticalScroll():
            yield from (Static(f"line {number}") for number in range(200))


class LongDialog(Long, ModalScreen[None]):
    """The same, over another screen."""


@pytest.mark.parametrize("kind", [Long, LongDialog])
async def test_a_widget_that_comes_late_is_told_its_size(kind: type[Long], tmp_path: Path) -> None:
    async with driven(AppOptions(output_dir=tmp_path), then="Welcome") as driver:
        screen = kind()
        await driver.app.push_screen(screen)
        await driver.until("line 0")
        # Where it scrolled, Textual looks for the places of all once one of them is asked for.
        screen.query_one(VerticalScroll).scroll_to(y=100, animate=False, immediate=True)
        await driver.pilot.pause()
        with driver.app.batch_update():
            late = Late()
            await screen.mount(late)
            assert screen.find_widget(late).region
        await driver.until("told 40 cells")
