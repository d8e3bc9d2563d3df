"""The dialog of work that takes a while: how far it is, Esc ends it, and what fails can be tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar, Generic, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Static

from ...errors import MLHubException
from ..dispatch import Dialog
from ..documents import why
from ..draw import content, line

T = TypeVar("T")
EVERY = 0.5
"""Seconds between two words on how far it is: no more than a slow line takes."""


class ProgressScreen(Dialog[T | None], Generic[T]):
    """Runs something; dismissed with what it returns, None where it was ended or failed for good.

    Parameters
    ----------
    title
        What is done.
    task
        Does it; gets this screen, to say how far it is and to ask whether to try again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "end", "stop", show=False),
        Binding("r", "again", "try again", show=False),
    ]

    def __init__(self, title: str, task: Callable[[ProgressScreen[T]], Awaitable[T]]) -> None:
        super().__init__()
        self._heading, self._job = title, task
        self._words = self._shown = "…"
        self._answer: asyncio.Future[bool] | None = None
        self._ticker: Timer | None = None
        self._far = Static(content(self._words), id="far")
        self._trouble_words = Static(id="trouble")
        self.failure: MLHubException | None = None
        """Why it failed, where it did; None where it was ended by the user."""

    def compose(self) -> ComposeResult:
        """Lay out the words."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line(self._heading)
            dialog.border_subtitle = line("esc stops")
            yield self._far
            yield self._trouble_words

    def on_mount(self) -> None:
        """Begin."""
        self._ticker = self.set_interval(EVERY, self._show)
        self._work()

    def say(self, words: str) -> None:
        """Say how far it is; shown twice a second at most."""
        self._words = words

    def _show(self) -> None:
        if self._words != self._shown:
            self._shown = self._words
            self._far.update(content(self._words))

    async def again(self, error: MLHubException) -> bool:
        """Ask whether to try once more what failed."""
        self._show()
        self._trouble(f"! {why(error)}\n\nr tries again, esc gives up")
        self.failure = error
        self._answer = asyncio.get_running_loop().create_future()
        try:
            return await self._answer
        finally:
            self._answer, self.failure = None, None
            self._trouble("")

    def _trouble(self, words: str) -> None:
        self._trouble_words.update(content(words, "bold $error"))

    @work(group="progress", exclusive=True)
    async def _work(self) -> None:
        try:
            done = await self._job(self)
        except MLHubException as error:
            self.failure = error
            self._show()
            self._trouble(f"! {why(error)}\n\nesc closes")
            return
        if self.is_attached:
            self.dismiss(done)

    def action_again(self) -> None:
        """Try again."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(True)

    def action_end(self) -> None:
        """End the work and close."""
        self.workers.cancel_node(self)
        self.dismiss(None)
