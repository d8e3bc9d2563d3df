"""A map to choose the box of a search on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from ...models import BBox
from ..dispatch import Dialog
from ..draw import line
from ..widgets.footprint_map import FootprintMap


class BoxScreen(Dialog[BBox | None]):
    """Asks for a box; Esc on the map takes none.

    Parameters
    ----------
    start
        The box to begin with; without one the map is moved first, and `b` begins one where it is.
    extents
        What to show on the map.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "cancel", show=False)]
    CSS = "BoxScreen > .dialog { width: 96%; height: 94%; padding: 0; }"

    def __init__(self, start: BBox | None = None, extents: Sequence[BBox] = ()) -> None:
        super().__init__()
        self._start, self._extents = start, tuple(extents)
        self._chart = FootprintMap()

    def compose(self) -> ComposeResult:
        """Lay out the map."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = line("Choose a box")
            dialog.border_subtitle = line("b begins, arrows, + -, enter takes, esc cancels")
            yield self._chart

    def on_mount(self) -> None:
        """Show the box to begin with."""
        chart = self._chart
        chart.note = "b begins a box here"
        chart.show(self._extents or ([self._start] if self._start is not None else []))
        if self._start is not None:
            chart.choose_box(self._start)
        chart.focus()

    @on(FootprintMap.BoxChosen)
    def _chosen(self, message: FootprintMap.BoxChosen) -> None:
        message.stop()
        self.dismiss(message.box)
