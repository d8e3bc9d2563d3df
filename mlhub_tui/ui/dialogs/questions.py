"""Dialogs that ask before an action, and show the progress of one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Generic, Literal, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ScreenResultType
from textual.timer import Timer
from textual.widgets import Static

from ...errors import MLHubException
from ...text import size
from ..document_cache import why
from ..terminal.characters import content, line
from ..terminal.dispatch import Dialog


class QuestionScreen(Dialog[ScreenResultType]):
    """Asks; Enter and Esc give the safe answer, every other answer has a letter.

    Parameters
    ----------
    question
        The question.
    detail
        What is lost, or what happens otherwise.
    answers
        Key and words of each answer, in the order of the bindings; the safe one last.
    """

    def __init__(self, question: str, detail: str, answers: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._question, self._detail, self._answers = question, detail, answers

    def compose(self) -> ComposeResult:
        """Lay out the question and its answers."""
        with Vertical(classes="dialog"):
            yield Static(content(self._question, "bold"))
            if self._detail:
                yield Static(content(self._detail))
            words = [
                Content.styled(key, "bold $accent") + content(f" {words}") for key, words in self._answers
            ]
            yield Static(Content("\n") + Content("    ").join(words) + Content.styled(" (enter)", "$muted"))

    def action_answer(self, answer: ScreenResultType) -> None:
        """Close with the answer."""
        self.dismiss(answer)


class ConfirmScreen(QuestionScreen[bool]):
    """Asks before an action: `y` is yes; `n`, Enter and Esc are no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", show=False),
        Binding("n,escape,q,enter", "answer(False)", "no", show=False),
    ]

    def __init__(self, question: str, detail: str = "", *, yes: str = "Yes") -> None:
        super().__init__(question, detail, (("y", yes), ("n", "No")))


CancelAnswer = Literal["keep", "delete", "no"]


class CancelScreen(QuestionScreen[CancelAnswer]):
    """Asks before a cancel: `k` keeps what was downloaded, `y` deletes it, Enter cancels nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('delete')", "cancel and delete", show=False),
        Binding("k", "answer('keep')", "cancel and keep", show=False),
        Binding("n,escape,q,enter", "answer('no')", "no", show=False),
    ]

    def __init__(self, what: str, downloaded: int) -> None:
        partial = f"the partial download, {size(downloaded)}"
        super().__init__(
            f"Cancel {what}?",
            f"y deletes {partial}; k keeps it, and r resumes it later.",
            (("y", "Cancel and delete"), ("k", "Cancel and keep"), ("n", "No")),
        )


LeaveAnswer = Literal["quit", "background", "stay"]


class LeaveScreen(QuestionScreen[LeaveAnswer]):
    """Asks before the end while transfers run: `y` quits, `b` hands them over, Enter stays."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('quit')", "quit", show=False),
        Binding("b", "answer('background')", "background", show=False),
        Binding("n,escape,q,enter", "answer('stay')", "stay", show=False),
    ]

    def __init__(self, transfers: int) -> None:
        super().__init__(
            f"{transfers} transfer{'s are' if transfers > 1 else ' is'} running.",
            "Progress is saved; downloads resume on next start.\n"
            "In the background they continue now, without a terminal.",
            (("y", "Quit"), ("b", "Background"), ("n", "Stay")),
        )


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
