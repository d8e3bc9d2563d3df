"""Works around Textual 8.2: mounted widgets that miss their Resize."""

from __future__ import annotations

from typing import Any

from textual._compositor import Compositor, CompositorMap, ReflowResult
from textual.app import App
from textual.dom import DOMNode
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget


class ResizeCompositor(Compositor):
    """Tells widgets of their sizes by what they were told before.

    Textual 8.2 compares a new layout with the places it knows of. Where a widget is mounted, and something
    asks for the place of any widget before the screen is laid out, the new one is among these already: it is
    never told its size, nor drawn.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: CompositorMap = {}

    def reflow(self, parent: Widget, size: Size) -> ReflowResult:
        """Lay out, and return who is to be told of it."""
        self._full_map = self._told
        result = super().reflow(parent, size)
        self._told = self._full_map
        return result


class ResizeApp(App[int]):
    """An app whose screens are all laid out so."""

    def _register(self, parent: DOMNode, *widgets: Widget, **more: Any) -> list[Widget]:
        for widget in widgets if parent is self else ():
            if isinstance(widget, Screen):
                widget._compositor = ResizeCompositor()
        return super()._register(parent, *widgets, **more)
