"""The app under Pilot, on the sample catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual import _wait
from textual.pilot import Pilot

from mlhub_tui.options import AppOptions
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.ui.app import MLHubApp

Sizes = tuple[int, int]

# Pilot looks every 20 ms whether the app is idle, several times a key: most of a test's time would be that.
_wait.SLEEP_GRANULARITY = 1 / 250
_wait.SLEEP_IDLE = 1 / 500


class Driver:
    """Drives the app as a person does: presses keys, reads the screen."""

    def __init__(self, app: MLHubApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type text."""
        names = {"_": "underscore", "/": "slash", ".": "full_stop", ":": "colon", " ": "space", "-": "minus"}
        await self.pilot.press(*(names.get(character, character) for character in text))

    def screen(self) -> str:
        """Return what is on the screen, line by line."""
        compositor = self.app.screen._compositor
        return "\n".join("".join(s.text for s in strip).rstrip() for strip in compositor.render_strips())

    async def until(self, condition: Callable[[], Any] | str, seconds: float = 10.0) -> None:
        """Wait until a condition holds, or a text is on the screen."""
        test = condition if callable(condition) else lambda: condition in self.screen()
        try:
            async with asyncio.timeout(seconds):
                while not test():
                    await self.pilot.pause(0.02)
        except TimeoutError:
            raise AssertionError(f"never: {condition}\n{self.screen()}") from None


@asynccontextmanager
async def driven(options: AppOptions, size: Sizes = (80, 24)) -> AsyncIterator[Driver]:
    """Run the app with options at a size."""
    app = MLHubApp(options)
    app.animation_level = "none"  # nobody watches: scrolling takes no time
    async with app.run_test(size=size) as pilot:
        yield Driver(app, pilot)


@pytest.fixture
def options(sample: SampleServer, tmp_path: Path) -> AppOptions:
    """Return options that lead to the sample catalogue as to any deployment."""
    return AppOptions(api_key=sample.key, root_url=sample.root_url, output_dir=tmp_path / "out")


@pytest.fixture(scope="session")
def slow_sample() -> Iterator[SampleServer]:
    """Return a sample catalogue whose archives take their time."""
    with SampleServer(rate=2_000_000) as server:
        yield server
