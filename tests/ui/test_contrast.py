"""Text can be read on every ground of our themes, also in the 256 colours that tmux gives."""

from __future__ import annotations

import pytest
from rich.color import Color, ColorSystem
from textual.theme import Theme

from mlhub_tui.ui.theme import DARK, LIGHT

LEAST = 4.5
"""Of the Web Content Accessibility Guidelines, level AA."""
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


@pytest.mark.parametrize("depth", [ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT])
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
