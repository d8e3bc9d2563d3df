"""Message history: every toast stays readable here, the last first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from ...metadata.detail import Block, FieldBlock, Paragraph
from ..terminal.dispatch import Dialog
from ..widgets.bars import STYLES, Notification
from ..widgets.detail_view import DetailView


class MessageLogScreen(Dialog[None]):
    """The message history, with times."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,exclamation_mark", "dismiss(None)", "close", show=False)
    ]
    CSS = """
    MessageLogScreen > .dialog { width: 90; height: 94%; padding: 0 0 0 1; }
    """

    def __init__(self, messages: Sequence[Notification]) -> None:
        super().__init__()
        self._messages = messages
        self._detail = DetailView()

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Messages"
            dialog.border_subtitle = "j k scroll, esc closes"
            yield self._detail

    def on_mount(self) -> None:
        """Show the list."""
        sheet = self._detail
        sheet.show(log_blocks(self._messages))
        sheet.focus()


def log_blocks(messages: Sequence[Notification]) -> list[Block]:
    """Return the messages, the last first, with time of day; errors and warnings are also marked in words."""
    if not messages:
        return [Paragraph("No messages yet.")]
    return [
        FieldBlock(
            time.strftime("%H:%M:%S", time.localtime(one.when)),
            f"{one.severity}: {one.words}" if one.severity in STYLES else one.words,
            STYLES.get(one.severity, ""),
        )
        for one in reversed(messages)
    ]
