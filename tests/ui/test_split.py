"""The split of Browse: moved, zoomed, remembered, and refused where one pane fits."""

from __future__ import annotations

import pytest

from mlhub_tui.options import AppOptions
from mlhub_tui.ui.state import AppState

from .conftest import Driver, Sizes, driven


def width(driver: Driver, pane: str) -> int:
    """Return the columns that a pane of the screen in front has."""
    found = driver.app.screen.query_one(f"#{pane}")
    return found.region.width


@pytest.mark.parametrize("size", [(80, 24), (140, 40), (200, 60)])
async def test_the_split_moves_zooms_and_is_found_again_as_it_was_left(
    size: Sizes, options: AppOptions
) -> None:
    async with driven(options, size, then="BigEarthNet") as driver:
        tree, whole = width(driver, "left"), size[0]
        await driver.press("greater_than_sign", then=lambda: width(driver, "left") > tree)
        await driver.press("less_than_sign", "less_than_sign", then=lambda: width(driver, "left") < tree)
        assert width(driver, "left") + width(driver, "right") == whole
        narrower = width(driver, "left")
        await driver.press("Z")
        await driver.until(lambda: width(driver, "left") == whole, lambda: width(driver, "right") == 0)
        await driver.press("tab")
        await driver.until(lambda: width(driver, "right") == whole, lambda: width(driver, "left") == 0)
        await driver.press("escape", then=lambda: width(driver, "left") == whole)
        await driver.until(lambda: AppState.load().zoom)
        await driver.press("q")
    async with driven(options, size) as driver:
        await driver.until("BigEarthNet", lambda: width(driver, "left") == whole)
        await driver.press("greater_than_sign", then="One pane is zoomed: Z shows both.")
        await driver.press("tab", "Z", then=lambda: width(driver, "left") == narrower)
        assert width(driver, "right") == whole - narrower


async def test_the_split_ends_where_a_pane_would_be_too_narrow(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press(*["less_than_sign"] * 8)
        await driver.until("The tree cannot be narrower.", lambda: width(driver, "left") == 20)
        await driver.press(*["greater_than_sign"] * 20)
        await driver.until("The detail cannot be narrower.", lambda: width(driver, "right") == 20)
        await driver.press("less_than_sign", then=lambda: width(driver, "right") > 20)


async def test_where_one_pane_fits_the_keys_of_the_split_say_so(options: AppOptions) -> None:
    AppState(split=4, zoom=True).write()
    async with driven(options, (60, 15)) as driver:
        await driver.until("BigEarthNet", lambda: width(driver, "left") == 60)
        await driver.press("less_than_sign", then="One pane fits 60 columns")
        await driver.press("Z", then="tab shows the other")
        await driver.press("tab", then=lambda: width(driver, "right") == 60)
        await driver.pilot.resize_terminal(100, 30)
        await driver.until(lambda: width(driver, "right") == 100)
