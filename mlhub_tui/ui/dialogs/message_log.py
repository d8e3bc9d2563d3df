"""The list of what was said: every toast stays readable here, the last first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from ...metadata.detail import Block, FieldBlock, Paragraph
from ..detail.detail_view import DetailView
from ..status import STYLES, Notification
from ..terminal.dispatch import Dialog


class MessageLogScreen(Dialog[None]):
    """What was said, with its time."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,exclamation_mark", "dismiss(None)", "close", show=False)
    ]
    CSS = """
    MessageLogScreen > .dialog { width: 90; height: 94%; padding: 0 0 0 1; }
    """

    def __init__(self, told: Sequence[Notification]) -> None:
        super().__init__()
        self._told = told
        self._sheet = DetailView()

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Messages"
            dialog.border_subtitle = "j k scroll, esc closes"
            yield self._sheet

    def on_mount(self) -> None:
        """Show the list."""
        sheet = self._sheet
        sheet.show(log_blocks(self._told))
        sheet.focus()


def log_blocks(told: Sequence[Notification]) -> list[Block]:
    """Return what was said, the last first, with its time of day; what went wrong says so in a word too."""
    if not told:
        return [Paragraph("No messages yet.")]
    return [
        FieldBlock(
            time.strftime("%H:%M:%S", time.localtime(one.when)),
            f"{one.severity}: {one.words}" if one.severity in STYLES else one.words,
            STYLES.get(one.severity, ""),
        )
        for one in reversed(told)
    ]
