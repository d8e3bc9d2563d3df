"""The dialog that asks for the name of a search that is to be saved."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Static

from ...text import count, one_line
from ..dispatch import Dialog
from ..draw import content, line
from ..widgets.form import field

LONGEST = 60
"""Characters of a name."""


class SaveScreen(Dialog[str | None]):
    """Asks; Enter saves, Esc does not.

    Parameters
    ----------
    name
        What stands in the field at first.
    taken
        Names that there are; saving under one replaces it.
    found
        How many items the search finds; None where that is not known.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "cancel", show=False)]
    AUTO_FOCUS = "#name"

    def __init__(self, name: str, taken: frozenset[str], found: int | None) -> None:
        super().__init__()
        self._name, self._taken, self._found = name, taken, found
        self._said = Static(id="said")

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line("Save the search")
            dialog.border_subtitle = line("enter saves, esc cancels")
            found = count(self._found, "item") if self._found is not None else "not known yet"
            yield Static(content(f"Found: {found}", "$muted"))
            with Horizontal(classes="row"):
                yield Label(Content("Name"), classes="name")
                yield field("name", one_line(self._name), "a name for it")
            yield self._said

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        name = one_line(event.value)
        words = "a search of this name is replaced" if name in self._taken else ""
        self._said.update(content(words, "$warning"))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        name = one_line(event.value, LONGEST)
        if name:
            self.dismiss(name)
        else:
            self._said.update(content("! type a name", "bold $error"))
