"""Position of the terminal's own cursor, which screen readers and magnifiers follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.geometry import Offset

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.widget import Widget


def caret_of(screen: Screen[Any]) -> Offset:
    """Return the cell that the keys act on: of the focused widget, else of the dialog in front."""
    focused = screen.focused
    if focused is not None:
        at = getattr(focused, "cursor_screen_offset", None)
        return at if isinstance(at, Offset) else _start(focused)
    for dialog in screen.query(".dialog"):
        return next((_start(part) for part in dialog.children if part.region), _start(dialog))
    return Offset(0, 0)


def _start(widget: Widget) -> Offset:
    """Return the first cell of what a widget holds, without its frame."""
    return widget.content_region.offset
