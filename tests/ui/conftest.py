"""The app under Pilot, on the sample catalog."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from mlhub_tui.http import session as http
from mlhub_tui.http.errors import NO_RETRIES
from mlhub_tui.options import AppOptions
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.ui.app import MLHubApp
from mlhub_tui.ui.terminal.diff_rendering import forget_drawings
from mlhub_tui.ui.widgets.profile_list import ProfileList

from ..support.waiting import until
from . import idle, painting, stylesheets
from .drawing import screen_text

Sizes = tuple[int, int]
Condition = Callable[[], Any] | str | type[Screen[Any]]
"""Something that holds, a text that is on the screen, or the kind of screen that is in front."""
Then = Condition | tuple[Condition, ...]
"""What a step leads to."""

idle.use()
painting.use()
stylesheets.use()


class Driver:
    """Drives the app as a person does: presses keys, reads the screen."""

    def __init__(self, app: MLHubApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot
        self._screen_before: object = None
        self._workers_before: set[object] = set()

    async def press(self, *keys: str, then: Then = ()) -> None:
        """Press keys, each once what the one before it started is over; wait for what they lead to."""
        for key in keys:
            await self.over()
            self._screen_before, self._workers_before = self.app.screen, set(self.app.workers)
            await self.pilot.press(key)
        await self.lead(then)

    async def lead(self, then: Then) -> None:
        """Wait for what a step leads to."""
        if then:
            await self.until(*(then if isinstance(then, tuple) else (then,)))

    async def over(self) -> None:
        """Wait until what the last key started is over, or led to another screen."""
        await until(self._is_over, lambda: self._stands(()), pause=self.pilot.pause)

    def _is_over(self) -> bool:
        """Whether no worker is left that the last key started, or another screen is in front."""
        if self._screen_before is None or self.app.screen is not self._screen_before:
            return True
        return all(worker.is_finished for worker in set(self.app.workers) - self._workers_before)

    async def type(self, text: str, then: Then = ()) -> None:
        """Type text, faster than the screen follows; wait for what it leads to."""
        names = {"_": "underscore", "/": "slash", ".": "full_stop", ":": "colon", " ": "space", "-": "minus"}
        for character in text:
            self.app.post_message(events.Key(names.get(character, character), character))
        await self.pilot.pause()
        await self.lead(then)

    def screen(self) -> str:
        """Return what is on the screen, line by line."""
        return screen_text(self.app)

    def said(self) -> str:
        """Return what the app said aside; toasts are drawn only on demand."""
        return "\n".join(one.words for one in self.app.message_history)

    async def until(self, *conditions: Condition) -> None:
        """Wait until conditions hold, texts are on the screen and the screen is in front, all at once."""
        await idle.wait_for_idle()
        shown = self._shown()
        await until(
            lambda: self._all(conditions, shown), lambda: self._stands(conditions), pause=self.pilot.pause
        )
        await idle.wait_for_idle()
        self._screen_before = None  # what the last key started is what was waited for

    def _stands(self, conditions: Iterable[Condition]) -> str:
        at_work = [repr(worker) for worker in self.app.workers if not worker.is_finished]
        return f"{conditions}\nat work: {at_work}\n{self.screen()}"

    def _all(self, conditions: Iterable[Condition], shown: Iterator[str]) -> bool:
        words = [condition for condition in conditions if isinstance(condition, str)]
        screen = next(shown) if words else ""
        return all(word in screen for word in words) and all(map(self._holds, conditions))

    def _holds(self, condition: Condition) -> bool:
        if isinstance(condition, type):
            return isinstance(self.app.screen, condition)
        return isinstance(condition, str) or bool(condition())

    def _shown(self) -> Iterator[str]:
        """Yield what is on the screen, drawn again once what is painted stays the same, and now and then."""
        drawn: object = None
        before: object = None
        text = ""
        for look in itertools.count():
            now = (self.app.screen, painting.changes())
            if look % 10 == 0 or before == now != drawn:
                drawn, text = now, self.screen()
            before = now
            yield text


class Stage(App[None]):
    """An app for widgets by themselves, which has the colours that our own themes name."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return those colours."""
        return {"muted": "#8a8980", "line": "#4a4a5a", "primary-muted": "#2d4f67"}


@asynccontextmanager
async def driven(
    options: AppOptions,
    size: Sizes = (80, 24),
    kind: type[MLHubApp] = MLHubApp,
    *,
    toasts: bool = False,
    then: Then = (),
) -> AsyncIterator[Driver]:
    """Run the app, or a variant of it, with options at a size, and wait for what it starts with."""
    app = kind(options)
    app.animation_level = "none"  # nobody watches: scrolling takes no time
    async with app.run_test(size=size, notifications=toasts) as pilot:
        driver = Driver(app, pilot)
        try:
            await driver.lead(then)
            yield driver
        finally:
            # When the app is quit this comes before its screens are taken down; Pilot would leave it out.
            app.workers.cancel_all()
            forget_drawings()


async def use_sample(driver: Driver) -> None:
    """Browse the sample catalog, by way of the palette."""
    await driver.press("ctrl+p")
    await driver.type("sample catalog", then="45 datasets, no key")
    await driver.press("enter", then="BigEarthNet")


async def to_row(driver: Driver, key: str) -> None:
    """Go to a row of the list of profiles and sources."""
    rows = driver.app.screen.query_one(ProfileList)
    await driver.press("g")
    while rows.current is None or rows.current.key != key:
        await driver.press("j")


@pytest.fixture
def painted() -> Iterator[None]:
    """Have the app painted, as on a terminal, where nobody looks, too."""
    with painting.as_on_a_terminal():
        yield


@pytest.fixture
def options(sample: SampleServer, tmp_path: Path) -> AppOptions:
    """Return options that lead to the sample catalog as to any deployment."""
    return AppOptions(api_key=sample.key, root_url=sample.root_url, output_dir=tmp_path / "out")


@pytest.fixture(scope="session")
def slow_sample() -> Iterator[SampleServer]:
    """Return a sample catalog whose archives take their time."""
    with SampleServer(rate=2_000_000) as server:
        yield server


@pytest.fixture
def slow(slow_sample: SampleServer, tmp_path: Path) -> AppOptions:
    """Return options for the sample whose archives take their time."""
    return AppOptions(api_key=slow_sample.key, root_url=slow_sample.root_url, output_dir=tmp_path / "out")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have requests tried once: how often is tested elsewhere."""
    monkeypatch.setattr(http, "RetryPolicy", lambda: NO_RETRIES)
