"""The split of Browse between tree and detail: moved in steps, or zoomed to the pane with the focus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.geometry import Size
    from textual.screen import Screen
    from textual.widget import Widget

    from ..state import AppState

STEP = 5
"""Percent of the width that one step moves the split by."""
NARROWEST = 20
"""Columns that each pane retains."""
_TWO_PANES, _WIDE, _TALL = 76, 120, 20
BESIDE = 170
"""Columns from which on the map stands beside the detail, not below it."""


class PaneSplit:
    """Lays out two panes as the user left them; the steps count from the usual width of the size at hand.

    Parameters
    ----------
    screen
        Gets the class `-zoom` while one pane fills it.
    left
        The pane whose width is set; the other one takes the rest.
    memory
        Remembers the steps and the zoom.
    """

    def __init__(self, screen: Screen[Any], left: Widget, memory: AppState) -> None:
        self._screen, self._left, self._memory = screen, left, memory

    def lay_out(self, size: Size) -> None:
        """Divide a terminal of a size."""
        zoomed = self._memory.zoom and size.width >= _TWO_PANES
        self._screen.set_class(zoomed, "-zoom")
        share = self._share(size, self._memory.split)
        moved = self._memory.split and size.width >= _TWO_PANES and not zoomed
        self._left.styles.width = f"{share}%" if moved else None

    def move(self, size: Size, step: int) -> str:
        """Move the split a step to the left (-1) or right (1); return why not, where it cannot."""
        if size.width < _TWO_PANES:
            return f"One pane fits {size.width} columns: from {_TWO_PANES} on the split can be moved."
        if self._memory.zoom:
            return "One pane is zoomed: Z shows both."
        before = self._share(size, self._memory.split)
        if self._share(size, self._memory.split + step) == before:
            return f"The {'detail' if step > 0 else 'tree'} cannot be narrower."
        # A narrower terminal may bound the steps remembered: the next one counts from there.
        self._memory.split = round((before - _usual(size)) / STEP) + step
        self.lay_out(size)
        return ""

    def zoom(self, size: Size) -> str:
        """Let one pane fill the screen, or show both again; return why not, where it cannot."""
        if size.width < _TWO_PANES:
            return f"One pane fits {size.width} columns: tab shows the other."
        self._memory.zoom = not self._memory.zoom
        self.lay_out(size)
        return ""

    def _share(self, size: Size, steps: int) -> int:
        """Return the percent of the width that the left pane has after some steps."""
        least = -(-100 * NARROWEST // size.width)
        return min(max(_usual(size) + steps * STEP, least), 100 - least)


def _usual(size: Size) -> int:
    """Return the percent that the style sheet gives the left pane."""
    if size.width < _WIDE:
        return 50
    return 33 if size.width >= BESIDE and size.height >= _TALL else 40
