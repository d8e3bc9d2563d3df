"""The models of dialogs: framed, read, searched, filled in; questions, lists to choose from, progress."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ScreenResultType
from textual.widget import Widget
from textual.widgets import Input, Static

from ...errors import MLHubException
from ...text import size
from ..terminal.characters import content, line
from ..terminal.dispatch import Dialog
from ..widgets.bars import FindBar
from ..widgets.detail_view import DetailView
from ..widgets.form import ChoiceField, TextButton, TextField
from ..widgets.line_view import PickLine, PickList

if TYPE_CHECKING:
    from ..context import AppContext

T = TypeVar("T")
_CORNERS = 6
"""Cells of the lower edge of a frame that its words leave free."""


class FramedDialog(Dialog[ScreenResultType]):
    """A dialog in a frame.

    - `heading`, `keys`: What stands in the frame, above and below.
    - `rows`: What the dialog consists of, from top to bottom; `foot` comes below them.
    """

    heading: str = ""
    keys: str = "esc closes"
    rows: Sequence[Widget] = ()
    foot: Widget | None = None

    def __init__(self) -> None:
        super().__init__()
        self.frame = Vertical(classes="dialog")
        self._named = ""

    @property
    def context(self) -> AppContext:
        """The app."""
        return cast("AppContext", self.app)

    def compose(self) -> ComposeResult:
        """Lay out the rows in the frame."""
        with self.frame as frame:
            self._named = self.keys
            frame.border_title, frame.border_subtitle = line(self.heading), line(self.keys)
            yield from self.rows
            if self.foot is not None:
                yield self.foot

    def show_keys(self, words: str) -> None:
        """Name other keys in the frame."""
        self.keys = words
        self._fit_keys()

    def on_resize(self) -> None:
        """Name as many keys as the frame has room for at this size."""
        self.call_after_refresh(self._fit_keys)

    def _fit_keys(self) -> None:
        """Leave keys out before the last one, which leaves the dialog, where the frame would cut them."""
        *named, last = self.keys.split(", ")
        room = self.frame.outer_size.width - _CORNERS
        while room > 0 and named and len(", ".join([*named, last])) > room:
            named.pop()
        words = ", ".join([*named, last])
        if words != self._named:  # all of the frame is drawn again for it
            self._named, self.frame.border_subtitle = words, line(words)


class TextDialog(FramedDialog[None]):
    """A dialog with a text to read, scrolled by keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss(None)", "close", show=False)]
    AUTO_FOCUS = "DetailView"

    def __init__(self) -> None:
        super().__init__()
        self.detail = DetailView()
        self.rows = (self.detail,)


class FindDialog(FramedDialog[ScreenResultType]):
    """A dialog with a list that `/` searches; Esc shows all of it again, else closes.

    - `find_words`: What stands in the line of the search while it is empty.
    - `bar_before`: The widget above which that line comes; None for the bottom.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "step_back", show=False),
        Binding("q", "dismiss(None)", show=False),
        Binding("slash", "search", show=False),
        # Of the field, whose own key it is, where it came right behind what was typed.
        Binding("down", "to_list", show=False),
    ]
    find_words: ClassVar[str] = ""
    bar_before: Widget | None = None

    def __init__(self, listed: Widget) -> None:
        super().__init__()
        self._listed = listed
        self._bar: FindBar | None = None

    def find(self, words: str) -> str:
        """List what some words are about, everything for none; return how much that is, in words."""
        return ""

    async def action_search(self) -> None:
        """Type what to look for."""
        if self._bar is None:
            self._bar = FindBar("", self.find_words)
        await self._bar.open_in(self.frame, before=self.bar_before)

    @on(FindBar.Edited)
    def _edited(self, message: FindBar.Edited) -> None:
        said = self.find(message.value)
        if self._bar is not None:
            self._bar.say(said)

    @on(FindBar.Closed)
    def _search_ended(self, message: FindBar.Closed) -> None:
        """Give the keys to the list; Esc shows all of it again."""
        if not message.keep and self._bar is not None:
            self._bar.remove()
            self._bar = None
            self.find("")
        self._listed.focus()

    def action_to_list(self) -> None:
        """Give the keys to the list."""
        self._listed.focus()

    def action_step_back(self) -> None:
        """Show all of the list again, else close."""
        if self._bar is not None:
            self._search_ended(FindBar.Closed(keep=False))
        else:
            self.dismiss(None)


class FormDialog(FramedDialog[ScreenResultType]):
    """A dialog that asks for several things: Enter goes to the next field, ctrl+s submits, Esc cancels.

    - `button`: The words of the form's button, to which Enter in the last field goes; without one, Enter on a
      choice submits the form.
    - `is_prompt`: Whether the form is one field only: Enter in it submits.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "cancel", show=False),
        Binding("ctrl+s", "submit", "submit", show=False),
        Binding("enter", "enter", "continue", show=False),
        Binding("down", "app.focus_next", "next", show=False),
        Binding("up", "app.focus_previous", "previous", show=False),
    ]
    DEFAULT_CSS = """
    FormDialog #submit-row { height: auto; }
    FormDialog #submit-row #warning { width: 1fr; }
    """
    keys = "enter continues, tab moves, esc cancels"
    button: ClassVar[str] = ""
    is_prompt: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.foot = self._warning = Static(id="warning")
        if self.button:
            self.foot = Horizontal(self._warning, TextButton(self.button, id="submit"), id="submit-row")

    def commits(self, widget: Widget | None) -> bool:
        """Tell whether Enter on a widget commits it: in a field of text, or on a choice."""
        return isinstance(widget, Input | ChoiceField)

    @on(Input.Submitted)
    def _entered(self) -> None:
        if self.is_prompt:
            self.action_submit()
        else:
            self.commit_field()
        self.committed()

    @on(TextButton.Pressed, "#submit")
    def _button_pressed(self) -> None:
        self.action_submit()

    def action_submit(self) -> object:
        """Close with what was entered, unless something is wrong with it."""

    def action_enter(self) -> None:
        """Go to the next field, where the form has a button; submit it otherwise."""
        if self.button:
            self.commit_field()
        else:
            self.action_submit()
        self.committed()

    def commit_field(self) -> None:
        """Go to the next field, past the buttons beside it; behind the last one, to the form's button."""
        chain = self.focus_chain
        at = chain.index(self.focused) + 1 if self.focused in chain else 0
        fields = (w for w in chain[at:] if not isinstance(w, TextButton) or w.id == "submit")
        if (following := next(fields, None)) is not None:
            self.set_focus(following)
        else:
            self.focus_next()

    def warn(self, words: str, style: str = "bold $error") -> None:
        """Show what is wrong, below the rows; empty words show nothing."""
        self._warning.update(content(words, style))


# Questions

Answers = Sequence[tuple[str, str]]
"""The key and the words of each answer, the safe one last; further keys of an answer follow behind a `/`."""


class QuestionScreen(FramedDialog[str]):
    """Asks; dismissed with the first key of the answer.

    Enter and Esc give the last answer, the safe one; so does q where it is no answer's.

    - `detail`: What is lost, or what happens otherwise.
    """

    keys = ""

    def __init__(self, question: str, detail: str, answers: Answers) -> None:
        super().__init__()
        self._answers = {key: keys[0] for keys, _ in answers for key in keys.split("/")}
        words = [Content.styled(key, "bold $accent") + content(f" {words}") for key, words in answers]
        offered = Content("\n") + Content("    ").join(words) + Content.styled(" (enter)", "$muted")
        about = [Static(content(detail))] if detail else []
        self.rows = (Static(content(question, "bold")), *about, Static(offered))

    def on_key(self, event: Key) -> None:
        """Close with the answer that the key stands for."""
        if event.key in ("enter", "escape", "q") or event.key in self._answers:
            event.stop()
            self.dismiss(self._answers.get(event.key, [*self._answers][-1]))


async def confirm(app: App[Any], question: str, detail: str = "", *, yes: str = "Yes") -> bool:
    """Ask before an action, from a worker; only `y` is yes."""
    return await app.push_screen_wait(QuestionScreen(question, detail, (("y", yes), ("n", "No")))) == "y"


def cancel_question(what: str, downloaded: int) -> QuestionScreen:
    """Return the question before a cancel: `y` deletes what was downloaded, if anything, `k` keeps it."""
    if not downloaded:
        return QuestionScreen(f"Cancel {what}?", "", (("y", "Cancel it"), ("n", "No")))
    return QuestionScreen(
        f"Cancel {what}?",
        f"y deletes the partial download, {size(downloaded)}; k keeps it, and r resumes it later.",
        (("y", "Cancel and delete"), ("k", "Cancel and keep"), ("n", "No")),
    )


class LeaveQuestion(QuestionScreen):
    """The question before the end while transfers run: `y` quits, `b` hands them over.

    A second `q` quits too: nothing is lost by it, and it is what was asked for.
    """

    def __init__(self, transfers: int) -> None:
        super().__init__(
            f"{transfers} transfer{'s are' if transfers > 1 else ' is'} running.",
            "Progress is saved; downloads resume on next start.\n"
            "In the background they continue now, without a terminal.",
            (("y/q", "Quit"), ("b", "Background"), ("n", "Stay")),
        )


_CLOSES = "esc closes"
"""The key of a list in which nothing is."""


class ListScreen(FramedDialog[str | None]):
    """Lets a line be chosen; dismissed with its key. Esc chooses none.

    - `lines`: The lines; those without a key are headings.
    - `none`: What is shown where there are no lines.
    - `about`: Returns the description of a line, shown below the list, by its key.
    - `remove`: Removes a line by its key (`x`), unless it returns False; None where lines are not removed.
    - `narrows`: Whether a field above the list narrows it.
    - `tick`: Returns the box of a line by its key, where several are chosen (`choose`).
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
        lines: Sequence[PickLine] = (),
        none: str = "",
        about: Callable[[str], str] | None = None,
        remove: Callable[[str], Awaitable[bool]] | None = None,
        *,
        narrows: bool = False,
        tick: Callable[[str], str] | None = None,
        field: TextField | None = None,
    ) -> None:
        super().__init__()
        self.heading, self.offered, self._none = title, list(lines), none
        self._about, self._remove = about, remove
        own = "type to narrow, " if narrows else "x removes, " if remove else ""
        self.keys = self.keys or (f"{own}enter chooses, esc closes" if lines else _CLOSES)
        self.picks, self._words = PickList(tick), Static(id="about")
        self.part = field or TextField(placeholder="part of a name", id="part")
        said = [self._words] if about is not None or none else []
        self.rows = (*([self.part] if narrows else []), self.picks, *said)

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

    @on(PickList.Ticked)
    def _ticked(self, message: PickList.Ticked) -> None:
        self.choose(message.key)

    @on(Input.Submitted)
    @on(PickList.Picked)
    def _entered(self) -> None:
        self.submit()

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
            if not self.offered:
                self.show_keys(_CLOSES)
            self.narrow(self.part.value)


async def choose(
    app: App[Any], title: str, lines: Sequence[PickLine], *, narrows: bool = False
) -> str | None:
    """Let a line be chosen, from a worker; return its key, None where none was."""
    return await app.push_screen_wait(ListScreen(title, lines, narrows=narrows))


EVERY = 0.5
"""Seconds between two progress messages, few enough for a slow line."""


class ProgressScreen(FramedDialog[T | None], Generic[T]):
    """Runs something; dismissed with what it returns, None where it was ended or failed for good.

    - `task`: Does it; gets this screen, to say how far it is (`words`) and to ask whether to try again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "end", "stop", show=False),
        Binding("r", "again", "retry", show=False),
    ]
    keys = "esc stops"

    def __init__(self, title: str, task: Callable[[ProgressScreen[T]], Awaitable[T]]) -> None:
        super().__init__()
        self.heading, self._task_of = title, task
        self._words = self._shown = "…"
        self._answer: asyncio.Future[bool] | None = None
        self._far, self._trouble = Static(content(self._words), id="far"), Static(id="trouble")
        self.rows = (self._far, self._trouble)

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

    def _show_error(self, error: MLHubException, keys: str) -> None:
        self._show()
        self._trouble.update(content(f"! {error.full_message}\n\n{keys}", "bold $error"))

    async def again(self, error: MLHubException) -> bool:
        """Ask whether to try once more what failed."""
        self._show_error(error, "r tries again, esc gives up")
        self._answer = asyncio.get_running_loop().create_future()
        try:
            return await self._answer
        finally:
            self._answer = None
            self._trouble.update(Content())

    @work(group="progress", exclusive=True)
    async def _work(self) -> None:
        try:
            done = await self._task_of(self)
        except MLHubException as error:
            self._show_error(error, "esc closes")
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
