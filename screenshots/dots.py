"""Braille in a picture as dots: fonts seldom have its characters, and others make them too narrow."""

from __future__ import annotations

import html
import re

CELL = (12.2, 24.4)
"""Width and height of a cell, as Textual draws it."""
ABOVE = 18.5
"""From a text's baseline up to the top of its cell."""
SIZE = 3.4
_TEXT = re.compile(r'<text ([^>]*?class="([^"]+)" x="([\d.]+)" y="([\d.]+)"[^>]*)>([^<]*)</text>')
_PLACES = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of the dot that each bit of a braille pattern stands for."""


def draw_dots(picture: str) -> str:
    """Return an SVG with its braille characters as squares in the colour of their text."""
    return _TEXT.sub(_drawn, picture)


def _drawn(found: re.Match[str]) -> str:
    attributes, look, x, y, escaped = found.groups()
    text = html.unescape(escaped)
    if not any(_is_braille(letter) for letter in text):
        return found[0]
    squares = []
    for number, letter in enumerate(text):
        bits = ord(letter) - 0x2800 if _is_braille(letter) else 0
        for bit, (column, row) in enumerate(_PLACES):
            if bits >> bit & 1:
                left = float(x) + CELL[0] * (number + 0.25 + column / 2) - SIZE / 2
                top = float(y) - ABOVE + CELL[1] * (0.125 + row / 4) - SIZE / 2
                squares.append(f"M{left:.1f} {top:.1f}h{SIZE}v{SIZE}h-{SIZE}z")
    rest = "".join("\u00a0" if _is_braille(letter) else letter for letter in text)
    kept = (
        f"<text {attributes}>{html.escape(rest).replace(chr(160), '&#160;')}</text>" if rest.strip() else ""
    )
    return f'{kept}<path class="{look}" d="{"".join(squares)}"/>'


def _is_braille(letter: str) -> bool:
    return "\u2800" <= letter <= "\u28ff"
