"""What the app makes of the news of transfers: toasts, a call to the user, the window's title, speeds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..endings import CompletionNotifier
from .attention import TerminalNotifier, for_terminal
from .batch import GroupProgress, TransferGroup
from .rates import RateSampler
from .window_title import NAME, TitleUpdater, title_of

if TYPE_CHECKING:
    from textual.timer import Timer

    from ...queue.job import Job
    from ..configured import ConfiguredApp


class TransferMonitor:
    """Looks at the transfers at each news of the queue; all of it belongs to the app's event loop.

    Attributes
    ----------
    rates
        How fast transfers were in the last minutes.
    """

    def __init__(self, app: ConfiguredApp) -> None:
        self._app = app
        self.rates = RateSampler()
        self._batch = TransferGroup()
        self._standing = GroupProgress()
        self._attention = TerminalNotifier()
        self._endings = CompletionNotifier()
        self._saying: Timer | None = None
        self._titles = TitleUpdater()
        self._naming: Timer | None = None

    def look(self, jobs: Sequence[Job], *, seen: bool) -> None:
        """Take note of the transfers as they are now.

        Parameters
        ----------
        seen
            Whether the user has them in front.
        """
        self.rates.feed(time.monotonic(), jobs)
        self._standing = self._batch.look(jobs)
        self._call_user(jobs)
        self._name_window()
        if self._endings.look(jobs, seen=seen) and self._saying is None:
            # A moment later, so that what ends with it is said with it: thousands may.
            self._saying = self._app.set_timer(0.5, self._say_endings)

    def take_up_settings(self) -> None:
        """Name the window, or no more."""
        self._name_window()

    def _say_endings(self) -> None:
        self._saying = None
        for word in self._endings.words():
            self._app.notify(word.text, title=word.title, severity=word.severity, markup=False)

    # The terminal

    def _call_user(self, jobs: Sequence[Job]) -> None:
        words = self._attention.look(jobs, self._standing)
        how = self._app.loaded.config.notify
        if words and how != "none":
            self._app.run_worker(self._call(how, words), group="attention")

    async def _call(self, how: str, words: str) -> None:
        sequence = await for_terminal(how, words)
        driver = self._app._driver  # as App.bell does, which has no other way either
        if sequence and driver is not None:
            driver.write(sequence)
            driver.flush()

    def _name_window(self) -> None:
        """Write the title, now or when it is time for it."""
        title = title_of(self._standing) if self._app.loaded.config.title else ""
        if not title and self._titles.written:
            title = NAME
        wait = self._titles.wait(title, time.monotonic()) if self._naming is None else None
        if wait is None:
            return
        if wait > 0:
            self._naming = self._app.set_timer(wait, self._name_later)
            return
        self._titles.wrote(title, time.monotonic())
        change = getattr(self._app._driver, "set_title", None)
        if change is not None:
            change(title)

    def _name_later(self) -> None:
        self._naming = None
        self._name_window()
