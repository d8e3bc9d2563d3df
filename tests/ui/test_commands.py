"""The table of commands: keys that do not collide, a README and a help that tell the truth."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from types import UnionType
from typing import get_args

import pytest

from mlhub_tui.options import AppOptions
from mlhub_tui.ui.app import MLHubApp
from mlhub_tui.ui.commands import (
    BROWSE,
    COMMANDS,
    DATES,
    DOCUMENT,
    DOWNLOADS,
    EVERYWHERE,
    MAP,
    PLAN,
    PROFILES,
    RESULTS,
    fitting,
    hints,
    key_table,
    of,
)
from mlhub_tui.ui.map.footprint_map import FootprintMap
from mlhub_tui.ui.map.map_pane import MapPane
from mlhub_tui.ui.map.time_histogram import TimeHistogram
from mlhub_tui.ui.own_keys import checked
from mlhub_tui.ui.screens.browse import BrowseScreen
from mlhub_tui.ui.screens.document_screen import DocumentScreen
from mlhub_tui.ui.screens.downloads import DownloadsScreen
from mlhub_tui.ui.screens.plan_screen import PlanScreen
from mlhub_tui.ui.screens.profiles import ProfilesScreen
from mlhub_tui.ui.screens.results import ResultsScreen

from .conftest import driven

PLACES = (BROWSE, DOCUMENT, RESULTS, PLAN, DOWNLOADS, PROFILES)


def test_the_keys_of_the_readme_are_those_of_the_table_of_commands() -> None:
    readme = (Path(__file__).parent.parent.parent / "README.md").read_text()
    named = re.findall(r"`([^`]+)`", readme.partition("## Keys")[2].partition("## Command line")[0])
    table = key_table()
    assert named
    assert [key for key in named if f"`{key}`" not in table] == []


def test_ids_are_unique() -> None:
    assert not [name for name, times in Counter(c.id for c in COMMANDS).items() if times > 1]


@pytest.mark.parametrize("place", PLACES)
def test_no_key_means_two_things_on_one_screen(place: str) -> None:
    keys = Counter(key for command in of(place, EVERYWHERE) for key in command.keys.split(","))
    assert not [key for key, times in keys.items() if times > 1]


MEANINGS = {
    "space": "mark tick corner range",
    "s": "search",
    "z": "sort",
    "f": "facets group",
    "m": "map pictures",
    "p": "preview",
    "d": "download queue",
    "D": "plan",
    "y": "copy",
    "c": "copy_as path clear",
    "e": "export",
    "r": "reload retry again",
    "x": "cancel delete",
    "i": "items",
    "a": "assets",
    "J": "json",
    "o": "open",
    "A": "all mark_all",
    "b": "box range area",
    "t": "time dates",
    "n": "next",
    "N": "previous",
    "g": "top first",
    "G": "bottom last",
    "v": "verify test",
    "h": "collapse left fold",
    "l": "expand right unfold",
    "j": "down",
    "k": "up",
    "q": "quit",
}
"""By key, the last part of the ids of the commands that it may run: one meaning a letter, on every screen.

`c` copies as something, and in Downloads clears the transfers that are done.
"""


def test_a_letter_means_the_same_on_every_screen() -> None:
    found: dict[str, set[str]] = {}
    for one in COMMANDS:
        for key in one.keys.split(","):
            found.setdefault(key, set()).add(one.id.rpartition(".")[2])
    for key, words in MEANINGS.items():
        assert found[key] <= {*words.split()}, key
    others = {key: ids for key, ids in found.items() if len(key) == 1 and key not in MEANINGS}
    assert {key: ids for key, ids in others.items() if len(ids) > 1} == {}


def test_keys_that_were_set_for_commands_of_version_01_are_taken(tmp_path: Path) -> None:
    wanted = {"browse.back": "f5", "profiles.open": "f6", "profiles.sample": "f7", "downloads.mark": "m"}
    good, problems = checked(wanted)
    assert problems == []
    assert good == {"app.earlier": "f5", "app.open": "f6", "downloads.mark": "m"}


@pytest.mark.parametrize("forbidden", ["ctrl+b", "ctrl+a", "ctrl+space"])
def test_keys_of_tmux_and_screen_are_left_alone(forbidden: str) -> None:
    assert not [c.id for c in COMMANDS if forbidden in c.keys.split(",")]


@pytest.mark.parametrize(
    ("place", "owner"),
    [
        (BROWSE, BrowseScreen),
        (DOCUMENT, DocumentScreen),
        (RESULTS, ResultsScreen),
        (PLAN, PlanScreen),
        (DOWNLOADS, DownloadsScreen),
        (PROFILES, ProfilesScreen),
        (EVERYWHERE, MLHubApp),
        (MAP, FootprintMap | MapPane),
        (DATES, TimeHistogram | MapPane),
    ],
)
def test_every_command_has_its_action(place: str, owner: type | UnionType) -> None:
    for command in of(place):
        name = command.action.partition("(")[0]
        assert any(hasattr(one, f"action_{name}") for one in get_args(owner) or (owner,)), command.id


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_hints_fit_and_always_show_help_and_quit(width: int) -> None:
    for place in PLACES:
        shown = fitting(hints((place,)), width)
        assert sum(len(c.key) + len(c.title) + 3 for c in shown) <= width
        assert [c.id for c in shown[-2:]] == ["app.help", "app.quit"]


async def test_the_palette_puts_words_before_letters(options: AppOptions) -> None:
    async with driven(options, then="BigEarthNet") as driver:
        await driver.press("ctrl+p")
        await driver.type("url", then="Open a URL or path: API, catalog, archive")
        found = driver.screen()
        assert "Page up" not in found or found.index("a URL") < found.index("Page up")


async def test_the_palette_offers_the_commands_of_the_screen(options: AppOptions) -> None:
    async with driven(options, (100, 30), then="BigEarthNet") as driver:
        offered = {command.help for command in driver.app.get_system_commands(driver.app.screen)}
        assert {c.help for c in of(BROWSE, EVERYWHERE) if c.palette} <= offered
        await driver.press("colon")
        await driver.type("reload", then="Reload the listing")
        await driver.press("enter", then="BigEarthNet")
