"""What changes behind dialogs is seen between and beside them, however many there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.screen import ModalScreen
from textual.widgets import Static

from mlhub_tui.options import AppOptions

from .conftest import driven


@pytest.mark.usefixtures("painted")
@pytest.mark.parametrize("dialogs", [1, 2, 4])
async def test_a_change_behind_dialogs_is_seen(dialogs: int, tmp_path: Path) -> None:
    async with driven(AppOptions(output_dir=tmp_path), then="Welcome") as driver:
        text = driver.app.screen.query("#too-small").first(Static)
        text.styles.display = "block"
        for _ in range(dialogs):
            driver.app.push_screen(ModalScreen())
        await driver.until(lambda: len(driver.app.screen_stack) == dialogs + 1, "needs 40 columns")
        await driver.pilot.pause(0.2)  # all have been drawn by now, and are not drawn again on their own
        text.update("changed behind all", layout=False)
        await driver.until("changed behind all")
