"""Text can be read on every ground of our themes, also in the 256 colours that tmux gives.

`test_snapshots.py` looks at every style of every screen and dialog with `faint_texts`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from rich.color import Color, ColorSystem
from rich.style import Style
from textual.app import App
from textual.geometry import Region
from textual.screen import Screen
from textual.theme import Theme

from mlhub_tui.ui.theme import DARK, LIGHT

from .drawing import shown_widgets

LEAST, LEAST_DISABLED = 4.5, 3.0
"""Of the Web Content Accessibility Guidelines, level AA; what is disabled has to be found, at least."""
DEPTHS = (ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT)
TEXTS = ("foreground", "primary", "secondary", "accent", "success", "warning", "error", "muted")
GROUNDS = ("background", "surface", "panel")


def luminance(color: str, depth: ColorSystem) -> float:
    """Return the relative luminance of a colour as a terminal of some depth shows it."""
    shown = Color.parse(color).downgrade(depth).get_truecolor()
    linear = [
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in shown.normalized
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str, depth: ColorSystem) -> float:
    """Return the contrast ratio of two colours, from 1 to 21."""
    dark, light = sorted((luminance(one, depth), luminance(other, depth)))
    return (light + 0.05) / (dark + 0.05)


def faint_texts(app: App[Any]) -> set[str]:
    """Return the texts of the screen in front that hardly stand out from their ground, with the ratio.

    Lines, bars and maps are none: what has no letter and no digit. What is behind a dialog is not read.
    """
    found: set[str] = set()
    for widget in shown_widgets(app.screen):
        if isinstance(widget, Screen):
            continue
        least = LEAST_DISABLED if widget.is_disabled else LEAST
        for strip in widget.render_lines(Region(0, 0, *widget.region.size)):
            for segment in strip:
                if any(map(str.isalnum, segment.text)) and segment.style is not None:
                    found |= _faint(segment.text, segment.style, least)
    return found


@cache
def _faint(text: str, style: Style, least: float) -> frozenset[str]:
    one, other = (color.name if color is not None else "" for color in (style.color, style.bgcolor))
    if not (one and other) or style.dim:
        return frozenset([f"{text.strip()!r} has no colours of its own: {style}"])
    ratios = {depth.name: contrast(one, other, depth) for depth in DEPTHS}
    return frozenset(
        f"{text.strip()!r}: {one} on {other} is {ratio:.2f} in {name}"
        for name, ratio in ratios.items()
        if ratio < least
    )


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_every_text_stands_out_from_every_ground(theme: Theme, depth: ColorSystem) -> None:
    colours = {name: getattr(theme, name, None) for name in TEXTS + GROUNDS} | theme.variables
    pairs = [(text, ground) for text in TEXTS for ground in GROUNDS]
    # The active tab, the cursor of an unfocused and of a focused list, buttons.
    pairs += [("foreground", "primary-muted"), ("background", "primary"), ("background", "accent")]
    faint = {
        f"{text} on {ground}": round(ratio, 2)
        for text, ground in pairs
        if (ratio := contrast(str(colours[text]), str(colours[ground]), depth)) < LEAST
    }
    assert faint == {}
