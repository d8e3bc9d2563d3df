"""The parts of dialogs: fields, and words that can be pressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from ..draw import line
from .field import TextField


def field(identity: str, value: str = "", placeholder: str = "") -> TextField:
    """Return a field with an id."""
    return TextField(value, placeholder=placeholder, id=identity)


class TextButton(Widget, can_focus=True):
    """Words that Enter, space or a click presses: a button of one line.

    Parameters
    ----------
    words
        What is done.
    id
        Its id, by which the screen tells what was pressed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "press", "press", show=False)]
    DEFAULT_CSS = """
    TextButton { height: 1; width: auto; color: $accent; padding: 0 1; }
    TextButton:focus { background: $primary; color: $background; text-style: bold; }
    TextButton:disabled { color: $muted; }
    App:nocolor TextButton:focus { text-style: reverse; }
    """
    ALLOW_SELECT = False

    @dataclass
    class Pressed(Message):
        """It was pressed."""

        press: TextButton

    def __init__(self, words: str, *, id: str) -> None:
        super().__init__(id=id)
        self._words = words

    def render(self) -> RenderResult:
        """Draw the words."""
        return Content("[") + line(self._words) + Content("]")

    def get_content_width(self, *_: object) -> int:
        """Return the width of the words with their brackets."""
        return line(self._words).cell_length + 2

    def say(self, words: str) -> None:
        """Show other words."""
        if words != self._words:
            self._words = words
            self.refresh(layout=True)

    def action_press(self) -> None:
        """Tell the screen."""
        self.post_message(self.Pressed(self))

    def on_click(self, event: Click) -> None:
        """Press."""
        event.stop()
        self.action_press()
