"""The table of commands: keys that do not collide, a README and a help that tell the truth."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from mlhub_tui.options import AppOptions
from mlhub_tui.ui.app import MLHubApp
from mlhub_tui.ui.key_bindings import (
    BROWSE,
    COMMANDS,
    DOCUMENT,
    DOWNLOADS,
    EVERYWHERE,
    PLAN,
    PROFILES,
    RESULTS,
    fitting,
    hints,
    key_table,
    of,
)
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
    ],
)
def test_every_command_has_its_action(place: str, owner: type) -> None:
    for command in of(place):
        name = command.action.partition("(")[0]
        assert hasattr(owner, f"action_{name}"), command.id


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_hints_fit_and_always_show_help_and_quit(width: int) -> None:
    for place in PLACES:
        shown = fitting(hints(place), width)
        assert sum(len(c.key) + len(c.title) + 3 for c in shown) <= width
        assert [c.id for c in shown[-2:]] == ["app.help", "app.quit"]


async def test_the_palette_offers_the_commands_of_the_screen(options: AppOptions) -> None:
    async with driven(options, (100, 30)) as driver:
        await driver.until("BigEarthNet")
        offered = {command.help for command in driver.app.get_system_commands(driver.app.screen)}
        assert {c.help for c in of(BROWSE, EVERYWHERE) if c.palette} <= offered
        await driver.press("colon")
        await driver.type("reload")
        await driver.until("Load the listing again")
        await driver.press("enter")
        await driver.until("BigEarthNet")
