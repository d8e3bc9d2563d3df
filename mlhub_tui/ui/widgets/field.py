"""Fields of forms: what is pasted is cleaned; a path that is typed is completed with Tab."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.events import Paste
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from ...sources.source_names import common_start, completions
from ...text import one_line


class TextField(Input):
    """An input of one line without a blinking cursor."""

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        id: str | None = None,
        secret: bool = False,
        suggester: Suggester | None = None,
    ) -> None:
        super().__init__(
            value, placeholder=placeholder, password=secret, id=id, select_on_focus=False, suggester=suggester
        )
        self.cursor_blink = False

    def on_paste(self, event: Paste) -> None:
        """Take what is pasted without what would move the terminal's cursor."""
        event.stop()
        event.prevent_default()
        text = one_line(event.text)
        if self.selection.is_empty:
            self.insert_text_at_cursor(text)
        else:
            self.replace(text, *self.selection)


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
        super().__init__(value, placeholder=placeholder, id=id, suggester=_Paths(self))

    def action_complete(self) -> None:
        """Complete what is typed; go on to the next field where there is nothing to complete."""
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
        common = common_start(found)
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
