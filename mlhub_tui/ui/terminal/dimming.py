"""The screen behind a dialog, dimmed: strip by strip, where Textual renders all of it with Rich's console."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color
from textual.strip import Strip
from textual.visual import Visual

if TYPE_CHECKING:
    from textual.css.styles import RulesMap
    from textual.screen import Screen
    from textual.style import Style
    from textual.visual import RenderOptions


class DimmedScreen(Visual):
    """A screen in the colours it has behind a dialog.

    Parameters
    ----------
    screen
        The screen.
    tint
        The colour over it, translucent.
    """

    def __init__(self, screen: Screen[Any], tint: Color) -> None:
        self._screen, self._tint = screen, tint

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        """Return the lines that the screen shows, dimmed, without links or actions."""
        base, tint = style.rich_style, self._tint
        return [
            Strip(
                [Segment(text, _dimmed(own, base, tint), control) for text, own, control in strip],
                strip.cell_length,
            )
            for strip in self._screen._compositor.render_strips()[:height]
        ]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """Return the width of the screen."""
        return self._screen.size.width

    def get_height(self, rules: RulesMap, width: int) -> int:
        """Return the height of the screen."""
        return self._screen.size.height


@lru_cache(maxsize=1024)
def _dimmed(own: RichStyle | None, base: RichStyle, tint: Color) -> RichStyle:
    if own is None:
        return base
    own = own.clear_meta_and_links()
    text, ground = (
        (Color.from_rich_color(colour) + tint).rich_color if colour is not None else None
        for colour in (own.color, own.bgcolor)
    )
    return base + own + RichStyle.from_color(text, ground)
