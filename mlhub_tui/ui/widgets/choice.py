"""One of a few words, changed with the arrows or Space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Offset
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


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
        first, room = 0, max(self.size.width, 1)
        while (
            first < self.chosen and sum(len(w) + 3 for w in self._options[first : self.chosen + 1]) > room + 1
        ):
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
