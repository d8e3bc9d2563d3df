"""The scenes of what lies over a screen: first steps, palette, questions, lists to choose from, a preview."""

from __future__ import annotations

from collections.abc import Sequence

from mlhub_tui.models import BBox
from mlhub_tui.ui.dialogs.base import LeaveQuestion, QuestionScreen
from mlhub_tui.ui.dialogs.job_dialog import JobLogScreen
from mlhub_tui.ui.dialogs.search_dialog import BoxScreen
from mlhub_tui.ui.widgets.line_view import PickLine, PickList

from .conftest import Driver
from .scenes import JOBS, Scene, item, items, listed, results, search
from .test_browse import browse, find


async def first_steps(driver: Driver) -> None:
    """The five lines of the very first start."""
    await listed(driver)
    driver.app.action_tour()
    await driver.until("First steps")


async def palette(driver: Driver) -> None:
    """The palette, with the commands of the screen and their keys."""
    await listed(driver)
    await driver.press("colon")
    await driver.type("search", then=("Search for items", "saved search"))


def lines(driver: Driver) -> Sequence[PickLine]:
    """Return the lines of the list in front."""
    return driver.app.screen.query_one(PickList).lines


async def keys_found(driver: Driver) -> None:
    """The help, searched in, one of the keys under the cursor."""
    await listed(driver)
    await driver.press("question_mark", "slash", *"map")
    await driver.until(
        lambda: (
            0 < len([*filter(None, (one.key for one in driver.app.screen.query_one(PickList).lines))]) < 30
        )
    )
    await driver.press("down", then=lambda: driver.app.focused is driver.app.screen.query_one(PickList))
    await driver.press("j", then="In config.toml: document.map")


async def facets(driver: Driver) -> None:
    """What the tree can be narrowed by."""
    await listed(driver)
    detail = browse(driver).detail
    before = detail.virtual_size.height
    await driver.press("f")
    await driver.until("enter selects", lambda: any(one.key == "year=2018" for one in lines(driver)))
    await driver.until(lambda: detail.virtual_size.height > before)


async def going(driver: Driver) -> None:
    """Going to an id, part of it typed."""
    await listed(driver)
    await driver.press("ctrl+g", then="enter goes there")
    await driver.type("kenya", then="ref_african_crops_kenya_02")


async def favourites(driver: Driver) -> None:
    """Two favourites."""
    await find(driver, "kenya_02_s")
    await driver.press("asterisk", "k", "k", "asterisk", "F")
    await driver.until("x removes", lambda: "Added" not in driver.screen())


async def saving(driver: Driver) -> None:
    """A name for a search."""
    await results(driver)
    await driver.press("ctrl+s", then="enter saves")


async def saved(driver: Driver) -> None:
    """The saved searches, none yet."""
    await listed(driver)
    await driver.press("ctrl+s", then="None yet")


async def box(driver: Driver) -> None:
    """A map to choose the box of a search on."""
    await search(driver)
    driver.app.push_screen(BoxScreen(BBox(34.0, 0.4, 34.5, 0.7)))
    await driver.until("enter takes")


async def question(driver: Driver) -> None:
    """A question before something that cannot be taken back."""
    await listed(driver)
    driver.app.push_screen(
        QuestionScreen(
            "Cancel bigearthnet_v1_source?", "12.0 GB are deleted.", (("y", "Cancel it"), ("n", "No"))
        )
    )
    await driver.until("Cancel it")


async def leaving(driver: Driver) -> None:
    """The question at the end while transfers run."""
    await listed(driver)
    driver.app.push_screen(LeaveQuestion(4))
    await driver.until("4 transfers are running")


async def log(driver: Driver) -> None:
    """What happened to a transfer."""
    await listed(driver)
    await driver.until(lambda: driver.app.queue is not None)
    driver.app.push_screen(JobLogScreen(JOBS[7]))
    await driver.until("G follows", "failed: the server")


async def picture(driver: Driver) -> None:
    """An image of an item."""
    await item(driver)
    await driver.press("p", then=("▀", "esc closes"))


async def sheet(driver: Driver) -> None:
    """The items of a collection as a contact sheet, one of them selected."""
    await items(driver)
    await driver.press("p", then=("▀▀▀▀▀▀▀▀▀▀▀▀  ▀▀▀▀▀▀▀▀▀▀▀▀", "1 of 30 items"))
    await driver.press("space", then="2 of 30 items, 1 selected")


OVER: tuple[Scene, ...] = (
    first_steps,
    palette,
    keys_found,
    facets,
    going,
    favourites,
    saving,
    saved,
    box,
    question,
    leaving,
    log,
    picture,
    sheet,
)
COLOURED = (picture, sheet)
"""Scenes with colours of their own."""
