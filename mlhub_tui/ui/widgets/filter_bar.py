"""The line in which a filter is typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult, RenderResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from ...text import one_line
from ..commands import FILTER, bindings
from ..terminal.characters import line
from ..terminal.terminal_app import is_closing

if TYPE_CHECKING:
    from textual.widgets import Input


class FindBar(Horizontal):
    """An input with the count of what it found beside it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(FILTER)
    DEFAULT_CSS = """
    FindBar { height: 1; background: $panel; }
    FindBar > #slash { width: 2; color: $accent; padding-left: 1; }
    FindBar > Input { width: 1fr; }
    FindBar > #found { width: auto; padding: 0 1; color: $muted; }
    """

    @dataclass
    class Edited(Message):
        """The filter is another one."""

        value: str

    @dataclass
    class Closed(Message):
        """Typing ended; `keep` is whether the filter stays."""

        keep: bool

    def __init__(self, value: str, placeholder: str = "id, title, tag or DOI") -> None:
        super().__init__()
        from .form import FilterField  # heavy, and the first screen does not need it

        self._value = value
        self._field = FilterField(value, placeholder=placeholder)
        self._found = Static(id="found")

    async def open_in(self, holder: Widget, before: Widget | None = None) -> None:
        """Put the line into a widget, unless it is there or that is being taken down; give it the keys."""
        if not self.is_attached and holder.is_attached:
            await holder.mount(self, before=before)
        self.focus()

    def compose(self) -> ComposeResult:
        """Lay out the line."""
        yield Static(Content("/"), id="slash")
        yield self._field
        yield self._found

    def focus(self, scroll_visible: bool = True) -> FindBar:
        """Give the keys to the input, at once: what was typed behind the slash is on its way."""
        if self.is_attached and not is_closing(self):  # it may be closed again before it is there
            self.screen.set_focus(self._field, scroll_visible)
        return self

    def say(self, words: str) -> None:
        """Say what was found."""
        self._found.update(Content(words))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on what was typed."""
        event.stop()
        self._edit(event.value)

    def _edit(self, value: str) -> None:
        if value != self._value:
            self._value = value
            self.post_message(self.Edited(value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """End typing; the filter stays."""
        event.stop()
        # Keys that came in one go: the news of the last change may still be on its way.
        self._edit(event.value)
        self.post_message(self.Closed(keep=True))

    def action_close(self, keep: bool) -> None:
        """End typing; the filter stays, or does not."""
        self.post_message(self.Closed(keep))


_END = "  esc clears "


class FilterLine(Widget):
    """A line where the filter was typed; a click types on."""

    DEFAULT_CSS = "FilterLine { height: 1; background: $panel; color: $foreground; }"
    words: reactive[str] = reactive("")
    found: reactive[str] = reactive("")

    def render(self) -> RenderResult:
        """Draw the line; the words give way first."""
        right = Content.styled(one_line(self.found), "$muted") + Content.styled(_END, "$muted")
        room = self.size.width - 4 - right.cell_length
        if room < 12:
            right, room = Content(), self.size.width - 4
        left = Content.styled(" / ", "$accent") + line(self.words, limit=max(room, 1))
        gap = max(self.size.width - left.cell_length - right.cell_length, 1)
        return left + Content(" " * gap) + right

    async def on_click(self) -> None:
        """Type on."""
        await self.run_action("screen.filter")
