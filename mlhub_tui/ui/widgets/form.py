"""Fields of forms: what is pasted is cleaned; a path that is typed is completed with Tab."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import work
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click, Key, Paste
from textual.geometry import Offset
from textual.message import Message
from textual.reactive import reactive
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input
from textual.widgets.input import Selection

from ...sources.open_source import completions
from ...text import one_line
from ..terminal.characters import fit, line

_FACETS = re.compile(r'(?:\w+=(?:"[^"]*"|\S+)\s*)*')
"""What a filter begins with where it was narrowed by facets: `year=2018 place="South Sudan"`."""


class TextField(Input):
    """An input of one line without a blinking cursor."""

    def __init__(
        self, value: str = "", *, placeholder: str = "", id: str | None = None, secret: bool = False
    ) -> None:
        super().__init__(value, placeholder=placeholder, password=secret, id=id, select_on_focus=False)
        self.cursor_blink = False

    def on_paste(self, event: Paste) -> None:
        """Take what is pasted without what would move the terminal's cursor."""
        event.stop()
        event.prevent_default()
        self.replace(self.joined(event.text), *sorted(self.selection))

    def joined(self, text: str) -> str:
        """Return a text of many lines as one."""
        return one_line(text)


class ListField(TextField):
    """An input for names with commas; of a column of them that is pasted, each line is one."""

    def joined(self, text: str) -> str:
        """Return the lines with commas between them."""
        lines = (one_line(each) for each in text.splitlines())
        return ", ".join(filter(None, (each.rstrip(", ") for each in lines)))


class FilterField(TextField):
    """An input that takes no key behind the one that ends it: such keys go to what has the focus then.

    The words it begins with are selected, not its facets: typing replaces them, an arrow or End edits them.
    """

    def __init__(self, value: str = "", *, placeholder: str = "") -> None:
        super().__init__(value, placeholder=placeholder)
        facets = _FACETS.match(value)
        self.selection = Selection(facets.end() if facets else 0, len(value))
        self._after: list[Key] | None = None
        self._ending: Key | None = None

    def on_key(self, event: Key) -> None:
        """Type nothing behind the key that ends the field."""
        if self.sets_aside(event):
            event.prevent_default()
            event.stop()

    def insert_text_at_cursor(self, text: str) -> None:
        """Insert text in place of what is selected; Textual does so only for keys that come straight here."""
        if self.selection.is_empty:
            super().insert_text_at_cursor(text)
        else:
            self.replace(text, *sorted(self.selection))

    def sets_aside(self, event: Key) -> bool:
        """Set a key aside behind the one that ends the field: on a slow line they come in one packet."""
        if self._after is not None and event is not self._ending:
            self._after.append(event)
            return True
        if self._after is None and event.key in ("enter", "escape", "down"):
            self._after, self._ending = [], event
        return False

    def on_blur(self) -> None:
        """Pass on what was set aside."""
        after, self._after, self._ending = self._after or [], None, None
        for event in after:
            self.app.post_message(Key(event.key, event.character))


class PathField(TextField):
    """An input for a URL or path; `Offered` says what it may become, Tab takes what is common to that."""

    completes = True
    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete", "complete", show=False)]

    @dataclass
    class Offered(Message):
        """What the text may become."""

        text: str
        found: list[str]

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(value, placeholder=placeholder, id=id)
        self.suggester = _Paths(self)

    def action_complete(self) -> None:
        """Complete what is typed; move to the next field where there is nothing to complete."""
        if self.value and self.cursor_at_end:
            self._complete()
        else:
            self.screen.focus_next()

    @work(group="complete", exclusive=True)
    async def _complete(self) -> None:
        """Complete as far as there is no choice, then to what is suggested."""
        text = self.value
        found = await asyncio.to_thread(completions, text)
        if self.value != text or not self.is_attached:
            return
        if not found:
            self.screen.focus_next()
            return
        common = os.path.commonprefix(found)  # noqa: RUF071 - of texts: half a name is completed too
        self.value = common if len(common) > len(text) else found[0]
        self.cursor_position = len(self.value)


class _Paths(Suggester):
    """Suggests the first completion; reads folders in a thread."""

    def __init__(self, field: PathField) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._field = field

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first completion, and tell the field of all."""
        found = await asyncio.to_thread(completions, value)
        self._field.post_message(PathField.Offered(value, found))
        return found[0] if found else None


class ChoiceField(Widget, can_focus=True):
    """A line of words, one of them chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,space,down,j", "step(1)", "next", show=False),
        Binding("left,h,up,k", "step(-1)", "previous", show=False),
    ]
    DEFAULT_CSS = "ChoiceField { height: 1; width: 1fr; } ChoiceField:focus { background: $panel; }"
    chosen: reactive[int] = reactive(0)

    @dataclass
    class Changed(Message):
        """Another word is chosen."""

        choice: ChoiceField

        @property
        def control(self) -> ChoiceField:
            """The choice, for selectors."""
            return self.choice

    def __init__(self, options: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._options = list(options)

    @property
    def value(self) -> str:
        """The word that is chosen."""
        return self._options[self.chosen]

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the terminal's own cursor stands: on the word that is chosen."""
        before = self._options[self._first : self.chosen]
        return self.content_region.offset + Offset(sum(cell_len(word) + 3 for word in before) + 1, 0)

    @property
    def _first(self) -> int:
        """The first word that is drawn, so that the chosen one is in sight however little room there is."""
        first, cells = 0, [len(word) + 3 for word in self._options]
        while first < self.chosen and sum(cells[first : self.chosen + 1]) > max(self.size.width, 1) + 1:
            first += 1
        return first

    def render(self) -> RenderResult:
        """Draw the words; the chosen one is marked, not only coloured, and so is that the keys are here."""
        first, look = self._first, "bold $accent reverse" if self.has_focus else "bold $accent"
        parts = [
            Content.styled(f"[{word}]", look) + " " if n == self.chosen else Content(f" {word}  ")
            for n, word in enumerate(self._options)
            if n >= first
        ]
        return Content("").join(parts)

    def choose(self, word: str) -> None:
        """Choose a word."""
        self.chosen = self._options.index(word)

    def watch_chosen(self) -> None:
        """Tell of it."""
        self.post_message(self.Changed(self))

    def action_step(self, step: int) -> None:
        """Choose the next or previous word."""
        self.chosen = (self.chosen + step) % len(self._options)


class RowChoiceField(ChoiceField, inherit_bindings=False):
    """A choice in a form, where up and down go from field to field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,space", "step(1)", "next", show=False),
        Binding("left,h", "step(-1)", "previous", show=False),
    ]


class FormRow(Horizontal):
    """A row of a form: a label, which the row draws itself, and what stands behind it.

    - `label`: What the row is about.
    - `fields`: What stands behind the label.
    - `width`: Cells before the first field.
    """

    DEFAULT_CSS = "FormRow { height: auto; width: 1fr; }"

    def __init__(self, label: str, *fields: Widget, id: str | None = None, width: int = 14) -> None:
        super().__init__(*fields, id=id, classes="row")
        self._label, self._width = label, width
        fields[0].styles.margin = (0, 0, 0, width)

    def render(self) -> RenderResult:
        """Draw the label beside the fields."""
        return Content.styled(fit(self._label, self._width), "$muted")

    def say(self, label: str) -> None:
        """Show another label."""
        self._label = label
        self.refresh()


class TextButton(Widget, can_focus=True):
    """Words that Enter, space or a click presses: a button of one line.

    - `words`: What is done.
    - `id`: Its id, by which the screen tells what was pressed.
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

        button: TextButton

        @property
        def control(self) -> TextButton:
            """The button, for selectors."""
            return self.button

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
