"""The JSON of a document on the screen: it folds, is searched, and is copied from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.strip import Strip

from mlhub_tui.options import AppOptions
from mlhub_tui.ui.widgets.bars import KeyRefused
from mlhub_tui.ui.widgets.json_lines import JsonLines
from mlhub_tui.ui.widgets.json_view import JsonPane, JsonView

from .conftest import Driver, Stage, driven
from .drawing import strips
from .scenes import json as json_scene

DOCUMENT = {
    "id": "one",
    "bbox": [34.0, 0.4, 34.5, 0.7],
    "nested": {"inner": {"needle": 1, "text": "needle " * 30}},
    "links": [{"rel": "self", "href": "https://x.example/?key=stolen-key-12"}, {"rel": "root"}],
}


class Shown(Stage):
    """A pane by itself."""

    def __init__(self, document: Any) -> None:
        super().__init__()
        self._document = document
        self.copied: list[str] = []
        self.refused: list[str] = []

    def compose(self) -> ComposeResult:
        """Lay out the pane."""
        yield JsonPane()

    def on_mount(self) -> None:
        """Show the document."""
        pane = self.query_one(JsonPane)
        pane.show(self._document)
        pane.focus()

    @on(KeyRefused)
    def keep(self, message: KeyRefused) -> None:
        """Keep why nothing was done."""
        self.refused.append(message.words)

    def copy_text(self, text: str, what: str) -> None:
        """Keep what is copied."""
        self.copied.append(text)


@asynccontextmanager
async def shown(document: Any) -> AsyncIterator[tuple[Shown, Driver]]:
    """Show a document."""
    app = Shown(document)
    async with app.run_test(size=(60, 20)) as pilot:
        driver = Driver(app, pilot)  # type: ignore[arg-type]  # it needs no more than a screen
        await driver.until(lambda: app.query_one(JsonView).line_count > 0)
        yield app, driver


def view(driver: Driver) -> JsonView:
    """Return the lines."""
    return driver.app.screen.query_one(JsonView)


async def test_what_is_short_stands_on_one_line_and_the_rest_unfolds_and_folds() -> None:
    async with shown(DOCUMENT) as (_, driver):
        await driver.until('▸ "bbox": [34.0, 0.4, 34.5, 0.7],')
        await driver.press("j", "j", "l", then='▾ "bbox": [')
        await driver.press("h", then='▸ "bbox": [34.0, 0.4, 34.5, 0.7],')
        await driver.press("minus", then='▸ "nested": {…} 1 field,')
        assert view(driver).line_count == 6
        await driver.press("plus", "j", "enter", then=lambda: view(driver).line_count > 6)
        await driver.press("g", "h", then="▸ {…} 4 fields")


async def test_left_goes_to_what_holds_a_line_once_there_is_nothing_to_fold() -> None:
    async with shown(DOCUMENT) as (_, driver):
        lines = view(driver)
        await driver.press("G", "k", then=lambda: lines.cursor_line == lines.line_count - 2)
        await driver.press("h", then='▸ "links": […] 2 entries')
        await driver.press("h", then=lambda: lines.cursor_line == 0)


async def test_search_unfolds_what_hides_a_match_and_goes_round() -> None:
    async with shown(DOCUMENT) as (app, driver):
        pane = app.query_one(JsonPane)
        await driver.press("minus", then='▸ "nested"')
        await driver.press("slash", *"NEEDLE", then=("1 of 2 matches", '"needle": 1'))
        await driver.press("enter", "n", then=lambda: pane.status == "2 of 2 matches")
        await driver.press("n", then=lambda: pane.status == "1 of 2 matches")
        await driver.press("N", then=lambda: pane.status == "2 of 2 matches")
        marked = [s.text for strip in strips(driver.app) for s in strip if s.style and s.style.underline]
        assert {text.lower() for text in marked} == {"needle"}
        await driver.press("escape", then=lambda: pane.status.endswith("lines"))
        assert view(driver).wanted is None


async def test_n_without_a_search_says_which_key_searches() -> None:
    async with shown(DOCUMENT) as (app, driver):
        await driver.press("n", then=lambda: app.refused == ["Nothing is searched for: / searches."])


async def test_what_is_not_there_is_said_not_to_be_and_esc_goes_back_to_where_one_was() -> None:
    async with shown(DOCUMENT) as (_, driver):
        await driver.press("j", "slash", *"inner", then="1 of 1 match")
        await driver.press(*"zz", then="no match")
        await driver.press("escape", then=lambda: driver.app.focused is view(driver))
        assert view(driver).row == 1


async def test_values_and_paths_are_copied_on_one_line_and_without_keys() -> None:
    async with shown({"lines": "one\ntwo", **DOCUMENT}) as (app, driver):
        await driver.press("j", "y", "j", "y", "j", "y", "c", "G", *"kkkkkkycgy")
        await driver.until(lambda: len(app.copied) == 7)
        assert app.copied[:4] == ['"one\\ntwo"', "one", "[34.0, 0.4, 34.5, 0.7]", "$.bbox"]
        assert app.copied[5] == "$.links[0].href"
        assert not any("stolen" in text or "\n" in text for text in app.copied)


async def test_what_is_too_much_for_a_clipboard_is_not_copied() -> None:
    async with shown({"a": list(range(100_000))}) as (app, driver):
        await driver.press("y", "c", then=lambda: app.copied == ["$"])
        await driver.until(lambda: app.refused == ["Too much for the clipboard; e writes it to a file."])


async def test_lines_fit_any_width_and_lose_no_letter_of_a_text() -> None:
    document = {"漢字" * 20: "漢字🛰" * 40, "k": {"deep": {"er": ["x" * 500]}}, "empty": {}}
    for width in (1, 7, 20, 40, 80, 200):
        lines = JsonLines(document)
        lines.fit(width)
        lines.fit(width + 3)
        shown_lines = [lines.line(number) for number in range(len(lines))]
        if width >= 20:
            assert all(cell_len(line.name + line.text) + line.indent + 2 <= width + 3 for line in shown_lines)
        row = lines.values.index("x" * 500)
        parts = lines.text_parts(row) or [""]
        assert "".join(parts) in ("", '"' + "x" * 500 + '"')


@pytest.mark.usefixtures("painted")
async def test_a_document_of_200_000_lines_is_moved_in_without_looking_at_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is drawn is counted, not timed: machines differ."""
    many = {"features": [{"id": f"item_{n}", "properties": {"a": n, "b": "x"}} for n in range(30_000)]}
    async with shown(many) as (_, driver):
        lines = view(driver)
        assert lines.line_count > 200_000
        drawn: list[int] = []
        draw = lines.draw_line

        def counted(number: int, width: int) -> Strip:
            drawn.append(number)
            return draw(number, width)

        monkeypatch.setattr(lines, "draw_line", counted)
        await driver.press("G", "k", "h", "j", "g", "j", "j", "enter", "minus", "plus", "pagedown")
        await driver.until(lambda: lines.cursor_line > 10)
        assert len(drawn) < 20 * 40


async def test_a_document_is_laid_out_once_it_is_looked_at(options: AppOptions) -> None:
    async with driven(options, (80, 24)) as driver:
        await json_scene(driver)
        await driver.press("O", "J", then='"type": "Collection"')
        assert view(driver).has_focus
        await driver.press("y", then=lambda: driver.app.clipboard.startswith('{"id": "ref_african_crops'))
