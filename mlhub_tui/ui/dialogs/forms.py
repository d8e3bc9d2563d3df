"""The models of dialogs: in a frame, with a text, with a list that is searched, with a form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ScreenResultType
from textual.widget import Widget
from textual.widgets import Input, Static

from ..terminal.characters import content, line
from ..terminal.dispatch import Dialog
from ..widgets.bars import FindBar
from ..widgets.detail_view import DetailView
from ..widgets.form import FormRow, TextButton

if TYPE_CHECKING:
    from ..context import AppContext


class AttributionRows(Vertical):
    """The licence and the citation of what is downloaded; a long one scrolls by the keys, to its end."""

    def __init__(self, licence: str = "", citation: str = "") -> None:
        super().__init__()
        self._licence, self._citation = Static(id="licence"), Static(id="citation")
        self._scroll = VerticalScroll(self._citation)
        self._row = FormRow("Citation", self._scroll)
        self.show(licence, citation)

    def compose(self) -> ComposeResult:
        """Lay out the rows."""
        yield FormRow("Licence", self._licence)
        yield self._row

    def show(self, licence: str, citation: str) -> None:
        """Show another licence and citation; without a citation its row goes."""
        self._licence.update(line(licence or "not stated"))
        self._citation.update(content(citation))
        self._row.display = bool(citation)
        self.call_after_refresh(self._fit)

    def on_resize(self) -> None:
        """Fit the citation to the new width."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Let the citation have the keys only where there is more of it than is seen."""
        self._scroll.can_focus = self._scroll.max_scroll_y > 0


class FramedDialog(Dialog[ScreenResultType]):
    """A dialog in a frame that says what it is for and names its keys.

    - `heading`, `keys`: What stands in the frame, above and below.
    - `foot`: What comes below the rows, if anything.
    """

    heading: str = ""
    keys: str = "esc closes"
    foot: Widget | None = None

    def __init__(self) -> None:
        super().__init__()
        self.frame = Vertical(classes="dialog")

    @property
    def context(self) -> AppContext:
        """The app."""
        return cast("AppContext", self.app)

    def rows(self) -> Iterable[Widget]:
        """Return what the dialog consists of, from top to bottom."""
        return ()

    def compose(self) -> ComposeResult:
        """Lay out the rows in the frame."""
        with self.frame as frame:
            frame.border_title = line(self.heading)
            frame.border_subtitle = line(self.keys)
            yield from self.rows()
            if self.foot is not None:
                yield self.foot


class TextDialog(FramedDialog[None]):
    """A dialog with a text to read, scrolled by keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss(None)", "close", show=False)]
    AUTO_FOCUS = "DetailView"

    def __init__(self) -> None:
        super().__init__()
        self.detail = DetailView()

    def rows(self) -> Iterable[Widget]:
        """Return the text."""
        yield self.detail


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

    def _find(self, words: str) -> None:
        said = self.find(words)
        if self._bar is not None:
            self._bar.say(said)

    async def action_search(self) -> None:
        """Type what to look for."""
        if self._bar is None:
            self._bar = FindBar("", self.find_words)
        await self._bar.open_in(self.frame, before=self.bar_before)

    @on(FindBar.Edited)
    def _edited(self, message: FindBar.Edited) -> None:
        self._find(message.value)

    @on(FindBar.Closed)
    def _search_ended(self, message: FindBar.Closed) -> None:
        """Give the keys to the list; Esc shows all of it again."""
        if not message.keep:
            self._end_search()
        self._listed.focus()

    def _end_search(self) -> None:
        if self._bar is not None:
            self._bar.remove()
            self._bar = None
        self._find("")

    def action_to_list(self) -> None:
        """Give the keys to the list."""
        self._listed.focus()

    def action_step_back(self) -> None:
        """Show all of the list again, else close."""
        if self._bar is not None:
            self._end_search()
            self._listed.focus()
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
        self.warning = Static(id="warning")
        self.foot = self.warning
        if self.button:
            self.foot = Horizontal(self.warning, TextButton(self.button, id="submit"), id="submit-row")

    @on(Input.Submitted)
    def _entered(self) -> None:
        if self.is_prompt:
            self.action_submit()
        else:
            self.commit_field()

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

    def commit_field(self) -> None:
        """Go to the next field, past the buttons beside it; behind the last one, to the form's button."""
        chain = self.focus_chain
        at = chain.index(self.focused) + 1 if self.focused in chain else 0
        for widget in chain[at:]:
            if not isinstance(widget, TextButton) or widget.id == "submit":
                self.set_focus(widget)
                return
        self.focus_next()

    def warn(self, words: str, style: str = "bold $error") -> None:
        """Show what is wrong, below the rows; empty words show nothing."""
        self.warning.update(content(words, style))
