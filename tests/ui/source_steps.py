"""Steps of the tests about sources: a catalog on disk, the form filled in as a person does."""

from __future__ import annotations

import json
from pathlib import Path

from textual.events import Paste

from mlhub_tui.auth import Profile, ProfilesFile
from mlhub_tui.ui.dialogs.source_form import SourceForm
from mlhub_tui.ui.screens.profiles import ProfilesScreen

from ..sources.test_probe import CATALOG, COLLECTION
from .conftest import Driver, Then

TOKEN = "0123456789-this-is-a-token-abcd"


def write_catalog(folder: Path, title: str = "Fields of wheat") -> Path:
    """Write a static catalog with a collection."""
    folder.mkdir(parents=True, exist_ok=True)
    links = [{"rel": "child", "href": "./x/collection.json", "title": "wheat"}]
    (folder / "catalog.json").write_text(json.dumps({**CATALOG, "title": title, "links": links}))
    (folder / "x").mkdir(exist_ok=True)
    (folder / "x" / "collection.json").write_text(json.dumps(COLLECTION))
    return folder / "catalog.json"


def kept(name: str) -> Profile:
    """Return a profile as it was saved."""
    return ProfilesFile.load().get(name)


async def paste(driver: Driver, text: str) -> None:
    """Paste into the field that has the focus."""
    driver.app.post_message(Paste(text))
    await driver.pilot.pause()


async def ask_for(driver: Driver, place: str, *, key: str = "o", then: Then = ()) -> None:
    """Open the form, and paste a place into it."""
    await driver.until(ProfilesScreen)
    await driver.press(key, then="URL or path ")
    await paste(driver, place)
    await driver.press("enter", then=then)


async def choose(driver: Driver, word: str, row: str) -> None:
    """Choose a word in a row of the form."""
    driver.app.screen.set_focus(driver.app.screen.query_one(row))
    for _ in range(6):
        if f"[{word}]" in driver.screen():
            break
        await driver.press("right")
    await driver.until(f"[{word}]")


def is_form(driver: Driver) -> bool:
    """Tell whether the form is in front."""
    return isinstance(driver.app.screen, SourceForm)
