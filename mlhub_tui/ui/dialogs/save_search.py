"""The dialog in which a search is saved under a name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.widget import Widget
from textual.widgets import Input, Static

from ...text import count, one_line
from ..terminal.characters import content
from ..widgets.form import FormRow, field
from .forms import FormDialog

LONGEST = 60
"""Characters of a name."""


class SaveScreen(FormDialog[str | None]):
    """Asks; dismissed with the name.

    Parameters
    ----------
    name
        What stands in the field at first.
    taken
        Names that there are; saving under one replaces it.
    found
        How many items the search finds; None where that is not known.
    """

    heading, keys = "Save search", "enter saves, esc cancels"
    enter_submits: ClassVar[bool] = True

    def __init__(self, name: str, taken: frozenset[str], found: int | None) -> None:
        super().__init__()
        self._taken, self._found = taken, found
        self._field = field("name", one_line(name), "a name for it")

    def rows(self) -> Iterator[Widget]:
        """Return the count and the field."""
        found = count(self._found, "item") if self._found is not None else "not known yet"
        yield Static(content(f"Found: {found}", "$muted"))
        yield FormRow("Name", self._field)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        taken = one_line(event.value) in self._taken
        self.warn("a search of this name is replaced" if taken else "", "$warning")

    def action_submit(self) -> None:
        """Close with the name."""
        if name := one_line(self._field.value, LONGEST):
            self.dismiss(name)
        else:
            self.warn("! type a name")
