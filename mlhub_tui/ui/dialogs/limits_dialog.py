"""The dialog for the limits of the queue: speed, transfers and connections at a time, while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.widget import Widget
from textual.widgets import Static

from ...queue.runner import MOST, QueueSettings
from ...text import parse_rate, rate
from ..terminal.characters import content
from ..widgets.form import FormRow, TextField
from .forms import FormDialog

_ROWS = {
    "limit": ("Speed", "all together: 5M, 500k, off"),
    "transfers": ("Transfers", "at a time, in all programs"),
    "per_host": ("Per host", "transfers at a time from one host"),
    "connections": ("Connections", "to one file at most"),
}


class LimitsScreen(FormDialog[dict[str, int | None] | None]):
    """Asks; dismissed with what is to be changed. A field left empty stays as it is shown."""

    CSS = """
    LimitsScreen > .dialog Input { width: 14; }
    LimitsScreen .words { padding: 0 0 0 1; width: 1fr; color: $muted; }
    """
    heading, keys = "Limits", "enter applies, tab moves, esc cancels"
    enter_submits: ClassVar[bool] = True

    def __init__(self, settings: QueueSettings) -> None:
        super().__init__()
        shown = {name: str(getattr(settings, name)) for name in _ROWS} | {
            "limit": rate(settings.limit) or "off"
        }
        self._fields = {name: TextField(placeholder=value, id=name) for name, value in shown.items()}

    def rows(self) -> Iterator[Widget]:
        """Return a row for each limit."""
        for name, (label, words) in _ROWS.items():
            yield FormRow(label, self._fields[name], Static(content(words), classes="words"))
        yield Static(content("Saved with the queue; applies at once."), classes="words")

    def action_submit(self) -> None:
        """Close with what was typed, if it makes sense."""
        typed = {name: text for name, field in self._fields.items() if (text := field.value.strip())}
        try:
            self.dismiss({name: _value(name, text) for name, text in typed.items()})
        except ValueError as error:
            self.warn(f"{error}", "$warning")


def _value(name: str, typed: str) -> int | None:
    if name == "limit":
        return parse_rate(typed)
    if not (typed.isascii() and typed.isdigit() and 1 <= int(typed) <= MOST):
        raise ValueError(f"{_ROWS[name][0]}: a number from 1 to {MOST}")
    return int(typed)
