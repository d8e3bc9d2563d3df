"""Help: the keys of the screen one comes from first, then the rest; scrolls at any size."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from ..commands import (
    BROWSE,
    DATES,
    DOCUMENT,
    DOWNLOADS,
    EVERYWHERE,
    LISTS,
    MAP,
    PLAN,
    PROFILES,
    RESULTS,
    of,
)
from ..sheets.blocks import Block, Field, Heading
from ..widgets.sheet import Sheet

PLACES = (BROWSE, DOCUMENT, RESULTS, PLAN, DOWNLOADS, PROFILES, MAP, DATES)


class HelpScreen(ModalScreen[None]):
    """All keys, the nearest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss(None)", "close", show=False)
    ]
    CSS = """
    HelpScreen > .dialog { width: 80; height: 94%; padding: 0 0 0 1; }
    """

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place

    def compose(self) -> ComposeResult:
        """Lay out the keys."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Keys"
            dialog.border_subtitle = "j k scroll, esc closes"
            yield Sheet()

    def on_mount(self) -> None:
        """Show the keys."""
        sheet = self.query_one(Sheet)
        sheet.show(key_blocks(self._place))
        sheet.focus()


def key_blocks(place: str) -> list[Block]:
    """Return the keys of a place, then those that work everywhere, then those of the other places."""
    others = [other for other in PLACES if other != place]
    blocks: list[Block] = []
    for name in [*([place] if place else []), EVERYWHERE, LISTS, *others]:
        blocks.append(Heading(name))
        blocks += [Field(command.all_keys, command.help) for command in of(name)]
    return blocks
