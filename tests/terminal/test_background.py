"""The theme follows the background that the terminal reports, where no other theme is chosen."""

from __future__ import annotations

import pytest

from mlhub_tui.ui.terminal.driver import BACKGROUND_QUESTION

from .conftest import Starter
from .harness import Terminal

pytestmark = pytest.mark.terminal

WHITE, BLACK = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\", "\x1b]11;rgb:0000/0000/0000\x07"
GROUNDS = {"light": "fbfaf4", "dark": "16161d"}
"""The backgrounds of our themes."""


LIGHT = b"48;2;251;250;244"


def ground(terminal: Terminal) -> str:
    """Return the name of the ground that the tree is drawn on."""
    drawn = terminal.looks(12)[60][1]
    return next((name for name, colour in GROUNDS.items() if colour == drawn), drawn)


def started(start: Starter, **changes: str | None) -> Terminal:
    """Start the app, and wait for its first paint and its question."""
    terminal = start("--sample", **{"COLORTERM": "truecolor", **changes})
    terminal.until("BigEarthNet")
    return terminal


def test_a_light_terminal_gets_the_light_theme_and_a_dark_one_the_dark(start: Starter) -> None:
    terminal = started(start)
    assert terminal.raw.count(BACKGROUND_QUESTION.encode()) == 1
    assert ground(terminal) == "dark", "the first paint waits for no answer"
    terminal.press(WHITE[:9])
    terminal.read(0.2)
    terminal.press(WHITE[9:])
    terminal.until(lambda: ground(terminal) == "light")
    terminal.press("q")
    terminal.until(terminal.ended)
    terminal = started(start)
    assert LIGHT in terminal.raw, "the next start begins so"
    terminal.press(BLACK)
    terminal.until(lambda: ground(terminal) == "dark")
    assert "BigEarthNet" in terminal.text, "the answer was taken for no key"


def test_a_terminal_that_answers_nothing_is_taken_for_dark(start: Starter) -> None:
    terminal = started(start)
    terminal.press(WHITE)
    terminal.until(lambda: ground(terminal) == "light")
    terminal.press("q")
    terminal.until(terminal.ended)
    terminal = started(start)
    assert LIGHT in terminal.raw
    terminal.until(lambda: ground(terminal) == "dark")


def test_a_theme_that_is_chosen_asks_nothing(start: Starter) -> None:
    terminal = start("--sample", "--theme", "mlhub-light", COLORTERM="truecolor")
    terminal.until("BigEarthNet")
    assert BACKGROUND_QUESTION.encode() not in terminal.raw
    assert ground(terminal) == "light"
