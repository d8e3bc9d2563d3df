"""The dialog for speed and places: how fast the queue is, and how much at a time, while it runs."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Static

from ...queue.runner import MOST, QueueSettings
from ...text import parse_rate, rate
from ..terminal.characters import content, line
from ..terminal.dispatch import Dialog

_SPEED = ("limit", "Speed", "all together: 5M, 500k, off")
_COUNTS = (
    ("transfers", "Transfers", "at a time, in all programs"),
    ("per_host", "Per host", "transfers at a time from one host"),
    ("connections", "Connections", "to one file at most"),
)


class LimitsScreen(Dialog[dict[str, int | None] | None]):
    """Asks; Enter applies what was typed, Esc does not. A field left empty stays as it is shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "cancel", show=False),
        Binding("down", "app.focus_next", "next", show=False),
        Binding("up", "app.focus_previous", "previous", show=False),
    ]
    CSS = """
    LimitsScreen Input.number { width: 14; }
    LimitsScreen Static.words { padding: 0 0 0 1; width: 1fr; color: $muted; }
    """

    def __init__(self, settings: QueueSettings) -> None:
        super().__init__()
        shown = {name: str(getattr(settings, name)) for name, _, _ in _COUNTS}
        shown["limit"] = rate(settings.limit) or "off"
        self._fields = {name: _field(name, value) for name, value in shown.items()}
        self._warning = Static(id="warning")

    def compose(self) -> ComposeResult:
        """Lay out the fields."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line("Limits")
            dialog.border_subtitle = line("enter applies, tab moves, esc cancels")
            for name, label, words in (_SPEED, *_COUNTS):
                with Horizontal(classes="row"):
                    yield Label(Content(label), classes="name")
                    yield self._fields[name]
                    yield Static(content(words), classes="words")
            yield Static(content("Saved with the queue; applies at once."), classes="words")
            yield self._warning

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            changes: dict[str, int | None] = {
                name: _count(self._typed(name), label) for name, label, _ in _COUNTS if self._typed(name)
            }
            if speed := self._typed("limit"):
                changes["limit"] = parse_rate(speed)
        except ValueError as error:
            self._warning.update(content(f"{error}", "$warning"))
            return
        self.dismiss(changes)

    def _typed(self, name: str) -> str:
        return self._fields[name].value.strip()


def _field(name: str, value: str) -> Input:
    field = Input(placeholder=value, id=name, classes="number")
    field.cursor_blink = False
    return field


def _count(typed: str, label: str) -> int:
    if not (typed.isascii() and typed.isdigit() and 1 <= int(typed) <= MOST):
        raise ValueError(f"{label}: a number from 1 to {MOST}")
    return int(typed)
