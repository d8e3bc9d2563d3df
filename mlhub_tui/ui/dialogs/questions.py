"""Dialogs that ask before an action, and show the progress of one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar, Generic, Literal, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from ...errors import MLHubException
from ..documents import why
from ..terminal.characters import content, line
from ..terminal.dispatch import Dialog


class ConfirmScreen(Dialog[bool]):
    """Asks; `y` or Enter is yes, `n` or Esc is no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "yes", show=False),
        Binding("n,escape,q", "answer(False)", "no", show=False),
    ]

    def __init__(self, question: str, detail: str = "", *, yes: str = "Yes") -> None:
        super().__init__()
        self._question, self._detail, self._yes = question, detail, yes

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            yield Static(content(self._question, "bold"))
            if self._detail:
                yield Static(content(self._detail))
            yield Static(
                Content("\n").append_text("y", "bold $accent").append_text(f" {self._yes}    ")
                + Content.styled("n", "bold $accent")
                + Content(" No")
            )

    def action_answer(self, answer: bool) -> None:
        """Close with the answer."""
        self.dismiss(answer)


Answer = Literal["quit", "background", "stay"]


class LeaveScreen(Dialog[Answer]):
    """Asks; `y` or Enter quits, `b` hands the transfers over, `n` or Esc stays."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer('quit')", "quit", show=False),
        Binding("b", "answer('background')", "background", show=False),
        Binding("n,escape,q", "answer('stay')", "stay", show=False),
    ]

    def __init__(self, transfers: int) -> None:
        super().__init__()
        self._transfers = transfers

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog"):
            words = f"{self._transfers} transfer{'s are' if self._transfers > 1 else ' is'} running."
            yield Static(content(words, "bold"))
            yield Static(content("What was fetched is kept, and the rest goes on at the next start."))
            yield Static(content("In the background it goes on now, without a terminal."))
            answers = Content("\n")
            for key, words in (("y", "Quit"), ("b", "Background"), ("n", "Stay")):
                answers = answers.append_text(key, "bold $accent").append_text(f" {words}    ")
            yield Static(answers)

    def action_answer(self, answer: Answer) -> None:
        """Close with the answer."""
        self.dismiss(answer)


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
