"""The manual in the app: topics, their text, and a search that leads to the line."""

from __future__ import annotations

import pytest
from textual.content import Content

from mlhub_tui import manual
from mlhub_tui.options import AppOptions
from mlhub_tui.ui.dialogs.help import ManualScreen
from mlhub_tui.ui.widgets import detail_view
from mlhub_tui.ui.widgets.detail_view import DetailView

from .conftest import driven


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
async def test_topics_are_read_searched_and_left_again(options: AppOptions, size: tuple[int, int]) -> None:
    async with driven(options, size) as driver:
        await driver.press("f1", then=(ManualScreen, "Install from PyPI"))
        await driver.press("end", then=("Changelog", "0.2.0"))
        await driver.press("slash", *"resume", then=(" lines", "downloads: "))
        await driver.press("enter", "down", "enter")
        await driver.until(lambda: isinstance(driver.app.focused, DetailView), "resume")
        await driver.press("escape", then=("Getting started", "Browsing"))
        await driver.press("escape", then=lambda: not isinstance(driver.app.screen, ManualScreen))


async def test_a_search_scrolls_to_the_line_that_was_found(options: AppOptions) -> None:
    hits = [
        hit
        for topic in manual.TOPICS
        for hit in manual.found(iter([(topic, manual.source(topic))]), "NO_PROXY")
    ]
    assert [hit.topic for hit in hits] == ["configuration"]
    async with driven(options, (140, 40)) as driver:
        await driver.press("f1", then="Getting started")
        await driver.press("slash", *"no_proxy", then=("1 line", "hosts, domains"))


async def test_a_word_that_is_nowhere_says_so_and_the_topics_come_back(options: AppOptions) -> None:
    async with driven(options, (140, 40)) as driver:
        await driver.press("f1", then="Getting started")
        await driver.press("slash", *"qqqq", then="0 lines")
        await driver.press("backspace", "backspace", "backspace", then="Changelog")


async def test_the_manual_opens_again_without_setting_its_text_again(
    options: AppOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with driven(options) as driver:
        await driver.press("f1", then=(ManualScreen, "Install from PyPI"))
        await driver.press("escape", then=lambda: not isinstance(driver.app.screen, ManualScreen))
        again: list[str] = []
        lines = detail_view.lines

        def noted(text: str, width: int) -> list[Content]:
            again.append(text)
            return lines(text, width)

        monkeypatch.setattr(detail_view, "lines", noted)
        await driver.press("f1", then=(ManualScreen, "Install from PyPI"))
        assert again == []


async def test_the_manual_has_the_classes_of_its_own_widths_alone(options: AppOptions) -> None:
    async with driven(options) as driver:
        await driver.press("f1", then=(ManualScreen, "Install from PyPI"))
        screen = driver.app.screen
        assert screen.classes >= {"-wide", "-tall"}, (
            "given before its first layout: later ones style all again"
        )
        assert not screen.classes & {"-normal", "-narrow"}
