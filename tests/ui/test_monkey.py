"""Random keys at random moments: none ends the app.

A run that fails says its seed and its last steps. `MONKEY_SEEDS=4-33` runs others than the three.
"""

from __future__ import annotations

import asyncio
import os
import random
import string
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual import events, screen
from textual.geometry import Size
from textual.screen import Screen

from mlhub_tui.options import AppOptions
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.ui.app import MLHubApp
from mlhub_tui.ui.commands import COMMANDS
from mlhub_tui.ui.dialogs.help import HelpScreen
from mlhub_tui.ui.screens.browse import BrowseScreen
from mlhub_tui.ui.terminal.dispatch import IN_ONE_GO

from .closed_world import confined_to
from .conftest import Driver, driven

STEPS = 2_000
TOLD = 50
"""Steps that a run that fails says."""

CHARACTERS = {
    "enter": "\r",
    "tab": "\t",
    "escape": "\x1b",
    "backspace": "\x7f",
    "space": " ",
    "slash": "/",
    "colon": ":",
    "comma": ",",
    "question_mark": "?",
    "exclamation_mark": "!",
    "asterisk": "*",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}
"""What a terminal sends with a key, of those that are not called so."""
MOVES = ("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "shift+tab", "delete", "f1")
LEAVING = ("q", "ctrl+q")
COMMANDED = tuple(dict.fromkeys(key for c in COMMANDS for key in c.keys.split(",") if key not in LEAVING))
CONTROLS = tuple(f"ctrl+{letter}" for letter in string.ascii_lowercase if letter != "q")
OTHERS = (*string.ascii_letters, *string.digits, *CHARACTERS, *MOVES, *CONTROLS)
CHOICES = (COMMANDED, COMMANDED, OTHERS, ("enter", "escape"))
PAUSES = (0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 8, 12, 20, 40, 100, -20)
"""Turns of the event loop between two steps; see `turn`."""
KINDS = {"key": 92, "leave": 0.3, "resize": 2, "click": 3, "wheel": 1, "paste": 1.7}
"""How often of each kind."""
SIZES = ((80, 24), (100, 20), (140, 24), (60, 15), (40, 40), (20, 5), (200, 12))
"""Wide or high; not both, as each cell takes its time."""
PASTES = ("kenya", "10.34911/rdnt.dw605x", "two\nlines", "", "-1,2,3,4", "no/such/path")


def _seeds() -> list[int]:
    first, _, last = os.environ.get("MONKEY_SEEDS", "1-3").partition("-")
    return [*range(int(first), int(last or first) + 1)]


def steps(seed: int) -> Iterator[tuple[str, str, int]]:
    """Yield what is done, with what, and how many turns of the event loop later comes the next; for ever."""
    chance = random.Random(seed)
    while True:
        turns = chance.choice(PAUSES)
        match chance.choices([*KINDS], [*KINDS.values()])[0]:
            case "key":
                yield "key", chance.choice(chance.choice(CHOICES)), turns
            case "leave":
                yield "key", chance.choice(LEAVING), turns
            case "paste":
                yield "paste", chance.choice(PASTES), turns
            case "resize":
                yield "resize", "{}x{}".format(*chance.choice(SIZES)), turns
            case where:
                yield where, f"{chance.randrange(200)}x{chance.randrange(60)}", turns


def happen(driver: Driver, kind: str, what: str) -> None:
    """Let the app have what a terminal sends."""
    app = driver.app
    if kind == "key":
        app.post_message(events.Key(what, CHARACTERS.get(what, what if len(what) == 1 else None)))
    elif kind == "paste":
        app.post_message(events.Paste(what))
    else:
        x, y = map(int, what.split("x"))
        if kind == "resize":
            app.post_message(events.Resize(Size(x, y), Size(x, y)))
            return
        x, y = x % app.size.width, y % app.size.height
        at = (None, x, y, 0, 0, 1, False, False, False)
        for kind_of in (events.MouseMove, *(_CLICK if kind == "click" else _WHEEL)):
            app.post_message(kind_of(*at))


_CLICK = (events.MouseDown, events.MouseUp)
_WHEEL = (events.MouseScrollDown, events.MouseScrollDown, events.MouseScrollUp)


async def turn(turns: int) -> None:
    """Let the event loop turn; negative: turns that last a millisecond, for threads and sockets."""
    for _ in range(abs(turns)):
        await asyncio.sleep(0 if turns > 0 else 0.001)


@pytest.fixture(scope="module")
def paced_sample() -> Iterator[SampleServer]:
    """Return a sample catalog of whose archives little arrives."""
    with SampleServer(rate=200_000) as server:
        yield server


@pytest.mark.slow
@pytest.mark.usefixtures("painted")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", _seeds())
async def test_random_keys_end_no_app(
    seed: int, paced_sample: SampleServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    # Screens are drawn as on a terminal that is slow; keys come between two drawings as well as behind each.
    monkeypatch.setattr(screen, "UPDATE_PERIOD", 1 / 20)
    options = AppOptions(
        api_key=paced_sample.key, root_url=paced_sample.root_url, output_dir=tmp_path / "out"
    )
    done: deque[str] = deque(maxlen=TOLD)
    to_do, left = steps(seed), STEPS
    try:
        with confined_to(tmp_path):
            while left:
                async with driven(options) as driver:
                    while left and driver.app.is_running:
                        left -= 1
                        kind, what, turns = next(to_do)
                        done.append(f"{kind} {what} {turns}")
                        happen(driver, kind, what)
                        await turn(turns)
                    if driver.app.is_running:
                        await _is_alive(driver)
                if left:
                    done.append("(started again)")
    except BaseException as error:
        last = "\n  ".join(done)
        raise AssertionError(
            f"seed {seed}, {STEPS - left} steps, {error!r} after (what, with what, turns):\n  {last}"
        ) from error


async def _is_alive(driver: Driver) -> None:
    """Go back to Browse, and ask for help there."""
    app = driver.app
    await driver.pilot.resize_terminal(80, 24)
    for _ in range(100):
        if isinstance(app.screen, BrowseScreen):
            break
        await driver.press("escape")
        if len(app.screen_stack) == 1:
            await driver.press("1")
    assert _in_front(app, BrowseScreen), app.screen
    for _ in range(10):
        await driver.press("escape")
        await asyncio.sleep(IN_ONE_GO)  # what comes sooner goes the way of the key before it
        await driver.press("question_mark")
        if _in_front(app, HelpScreen):
            return
    raise AssertionError(f"no help; keys go to {app.focused}\n{driver.screen()}")


def _in_front(app: MLHubApp, kind: type[Screen[Any]]) -> bool:
    return isinstance(app.screen, kind)
