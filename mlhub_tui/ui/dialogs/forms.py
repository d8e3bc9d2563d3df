"""The model of a form dialog: rows of fields, one warning, Enter and Esc."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ScreenResultType
from textual.widget import Widget
from textual.widgets import Input, Static

from ..terminal.characters import content, line
from ..terminal.dispatch import Dialog
from ..widgets.form import FormRow


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


class FormDialog(Dialog[ScreenResultType]):
    """A dialog that asks for several things; Enter on a choice submits it, Esc dismisses it with None.

    Attributes
    ----------
    heading, keys
        What stands in its frame: what it is for, and its keys.
    enter_submits
        Whether Enter in a field submits the form; else it goes to the next field.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "cancel", show=False),
        Binding("enter", "submit", "continue", show=False),
        Binding("down", "app.focus_next", "next", show=False),
        Binding("up", "app.focus_previous", "previous", show=False),
    ]
    heading: ClassVar[str] = ""
    keys: ClassVar[str] = "enter continues, tab moves, esc cancels"
    enter_submits: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.frame, self.warning = Vertical(classes="dialog"), Static(id="warning")

    def rows(self) -> Iterable[Widget]:
        """Return what the form consists of, from top to bottom."""
        return ()

    def compose(self) -> ComposeResult:
        """Lay out the rows above the warning."""
        with self.frame as frame:
            frame.border_title = line(self.heading)
            frame.border_subtitle = line(self.keys)
            yield from self.rows()
            yield self.warning

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if self.enter_submits:
            self.action_submit()
        else:
            self.focus_next()

    def action_submit(self) -> None:
        """Close with what was entered, unless something is wrong with it."""

    def warn(self, words: str, style: str = "bold $error") -> None:
        """Show what is wrong, below the rows; empty words show nothing."""
        self.warning.update(content(words, style))
