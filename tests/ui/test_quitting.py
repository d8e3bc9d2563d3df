"""Quitting while a screen is still being put up."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mlhub_tui.options import AppOptions

from .conftest import driven


@pytest.mark.parametrize("place", ["browse", "downloads"])
@pytest.mark.parametrize("turns", [1, 2, 4])
async def test_a_screen_that_is_not_whole_yet_does_not_keep_the_app_from_ending(
    place: str, turns: int, tmp_path: Path
) -> None:
    async with driven(AppOptions(output_dir=tmp_path)) as driver:
        await driver.until("Welcome")
        driver.app.action_go(place)
        for _ in range(turns):
            await asyncio.sleep(0)
    assert driver.app._exception is None
