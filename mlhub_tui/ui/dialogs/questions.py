"""Dialogs that ask a question, let one line of a list be chosen, or show the progress of a task."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import on, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Input, Static

from ...errors import MLHubException
from ...text import size
from ..terminal.characters import content
from ..widgets.form import TextField
from ..widgets.line_view import PickLine, PickList
from .forms import FramedDialog

Answers = Sequence[tuple[str, str]]
"""The key and the words of each answer, the safe one last."""


class QuestionScreen(FramedDialog[str]):
    """Asks; dismissed with the key of the answer. Enter, Esc and q give the last answer, the safe one.

    - `question`: The question.
    - `detail`: What is lost, or what happens otherwise.
    - `answers`: The key and the words of each answer, the safe one last.
    """

    keys = ""

    def __init__(self, question: str, detail: str, answers: Answers) -> None:
        super().__init__()
        self._question, self._detail, self._answers = question, detail, answers

    def rows(self) -> Iterator[Widget]:
        """Return the question and its answers."""
        yield Static(content(self._question, "bold"))
        if self._detail:
            yield Static(content(self._detail))
        words = [Content.styled(key, "bold $accent") + content(f" {words}") for key, words in self._answers]
        yield Static(Content("\n") + Content("    ").join(words) + Content.styled(" (enter)", "$muted"))

    def on_key(self, event: Key) -> None:
        """Close with the answer that the key stands for."""
        safe = self._answers[-1][0]
        if event.key in ("enter", "escape", "q") or event.key in dict(self._answers):
            event.stop()
            self.dismiss(event.key if event.key in dict(self._answers) else safe)


async def confirm(app: App[Any], question: str, detail: str = "", *, yes: str = "Yes") -> bool:
    """Ask before an action, from a worker; only `y` is yes."""
    return await app.push_screen_wait(QuestionScreen(question, detail, (("y", yes), ("n", "No")))) == "y"


def cancel_question(what: str, downloaded: int) -> QuestionScreen:
    """Return the question before a cancel: `y` deletes what was downloaded, if anything, `k` keeps it."""
    if not downloaded:
        return QuestionScreen(f"Cancel {what}?", "", (("y", "Cancel it"), ("n", "No")))
    partial = f"the partial download, {size(downloaded)}"
    return QuestionScreen(
        f"Cancel {what}?",
        f"y deletes {partial}; k keeps it, and r resumes it later.",
        (("y", "Cancel and delete"), ("k", "Cancel and keep"), ("n", "No")),
    )


def leave_question(transfers: int) -> QuestionScreen:
    """Return the question before the end while transfers run: `y` quits, `b` hands them over."""
    return QuestionScreen(
        f"{transfers} transfer{'s are' if transfers > 1 else ' is'} running.",
        "Progress is saved; downloads resume on next start.\n"
        "In the background they continue now, without a terminal.",
        (("y", "Quit"), ("b", "Background"), ("n", "Stay")),
    )


class ListScreen(FramedDialog[str | None]):
    """Lets a line be chosen; dismissed with its key. Esc chooses none.

    - `title`: What the lines are.
    - `lines`: The lines; those without a key are headings.
    - `none`: What is shown where there are no lines.
    - `about`: Returns the description of a line, shown below the list, by its key.
    - `remove`: Removes a line by its key (`x`), unless it returns False; None where lines are not removed.
    - `narrows`: Whether a field above the list narrows it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close", show=False),
        Binding("down", "step(1)", "down", show=False, priority=True),
        Binding("up", "step(-1)", "up", show=False, priority=True),
        Binding("pagedown", "step(10)", "page down", show=False, priority=True),
        Binding("pageup", "step(-10)", "page up", show=False, priority=True),
        Binding("x,delete", "remove", "remove", show=False),
    ]
    CSS = """
    ListScreen > .dialog { width: 92; padding: 0 1; }
    ListScreen PickList { height: auto; min-height: 3; max-height: 16; }
    ListScreen.-short PickList { max-height: 7; }
    ListScreen #about { margin-top: 1; height: auto; max-height: 4; color: $muted; }
    """
    AUTO_FOCUS = "TextField, PickList"
    keys = ""

    def __init__(
        self,
        title: str,
        lines: Sequence[PickLine],
        none: str = "",
        about: Callable[[str], str] | None = None,
        remove: Callable[[str], Awaitable[bool]] | None = None,
        *,
        narrows: bool = False,
    ) -> None:
        super().__init__()
        self.heading, self.offered, self._none = title, list(lines), none
        self._about, self._remove, self._narrows = about, remove, narrows
        own = "type to narrow, " if narrows else "x removes, " if remove else ""
        self.keys = self.keys or f"{own}enter chooses, esc closes"
        self.picks, self._words = PickList(), Static(id="about")
        self.part = TextField(placeholder="part of a name", id="part")

    def rows(self) -> Iterator[Widget]:
        """Return the list, between its filter and the description of a line."""
        if self._narrows:
            yield self.part
        yield self.picks
        if self._about is not None or self._none:
            yield self._words

    def on_mount(self) -> None:
        """Show all lines."""
        self.narrow("")

    def narrow(self, words: str) -> None:
        """Show the lines in which every word occurs."""
        terms = words.casefold().split()
        found = [one for one in self.offered if all(t in f"{one.name} {one.words}".casefold() for t in terms)]
        self.picks.show(found)
        self.explain()

    @on(PickList.Moved)
    def _moved(self) -> None:
        self.explain()

    def explain(self) -> None:
        """Say below the list what the line under the cursor is."""
        current = self.picks.current
        about = self._about(current.key) if self._about is not None and current is not None else ""
        self.say(about if current is not None else self._none)

    def say(self, words: str, style: str = "") -> None:
        """Show words below the list."""
        self._words.update(content(words, style))

    @on(Input.Changed)
    def _edited(self, event: Input.Changed) -> None:
        self.narrow(event.value)

    @on(Input.Submitted)
    @on(PickList.Picked)
    def _entered(self) -> None:
        self.submit()

    @on(PickList.Ticked)
    def _ticked(self, message: PickList.Ticked) -> None:
        self.choose(message.key)

    def submit(self) -> None:
        """Choose the line under the cursor."""
        if self.picks.current is not None and self.picks.current.key:
            self.choose(self.picks.current.key)

    def choose(self, key: str) -> None:
        """Close with a line."""
        self.dismiss(key)

    def action_step(self, step: int) -> None:
        """Move the cursor, also while the field has the keys."""
        self.picks.cursor_line += step

    @work(exclusive=True, group="remove")
    async def action_remove(self) -> None:
        """Remove the line under the cursor."""
        current = self.picks.current
        if current is None or self._remove is None:
            return
        try:
            removed = await self._remove(current.key)
        except MLHubException as error:
            self.say(f"! {error.full_message}", "bold $error")
            return
        if removed:
            self.offered.remove(current)
            self.narrow(self.part.value)


async def choose(
    app: App[Any], title: str, lines: Sequence[PickLine], none: str = "", *, narrows: bool = False
) -> str | None:
    """Let a line be chosen, from a worker; return its key, None where none was."""
    return await app.push_screen_wait(ListScreen(title, lines, none, narrows=narrows))


T = TypeVar("T")
EVERY = 0.5
"""Seconds between two progress messages, few enough for a slow line."""


class ProgressScreen(FramedDialog[T | None], Generic[T]):
    """Runs something; dismissed with what it returns, None where it was ended or failed for good.

    - `title`: What is done.
    - `task`: Does it; gets this screen, to say how far it is and to ask whether to try again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "end", "stop", show=False),
        Binding("r", "again", "retry", show=False),
    ]

    keys = "esc stops"

    def __init__(self, title: str, task: Callable[[ProgressScreen[T]], Awaitable[T]]) -> None:
        super().__init__()
        self.heading, self._job = title, task
        self._words = self._shown = "…"
        self._answer: asyncio.Future[bool] | None = None
        self._far = Static(content(self._words), id="far")
        self._trouble_words = Static(id="trouble")

    def rows(self) -> Iterator[Widget]:
        """Return how far it is, and what is wrong."""
        yield self._far
        yield self._trouble_words

    def on_mount(self) -> None:
        """Begin."""
        self.set_interval(EVERY, self._show)
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
        self._trouble(f"! {error.full_message}\n\nr tries again, esc gives up")
        self._answer = asyncio.get_running_loop().create_future()
        try:
            return await self._answer
        finally:
            self._answer = None
            self._trouble("")

    def _trouble(self, words: str) -> None:
        self._trouble_words.update(content(words, "bold $error"))

    @work(group="progress", exclusive=True)
    async def _work(self) -> None:
        try:
            done = await self._job(self)
        except MLHubException as error:
            self._show()
            self._trouble(f"! {error.full_message}\n\nesc closes")
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
