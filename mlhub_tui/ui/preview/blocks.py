"""A picture in half blocks, two pixels a cell, or in shades of ASCII where there are no colours."""

from __future__ import annotations

from typing import Any

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

_SHADES = " .:-=+*#%@"
_LEAN = 48
"""Colours over a slow line: neighbours that are the same cost nothing."""


def draw(image: Any, columns: int, rows: int, *, lean: bool = False) -> list[Strip]:
    """Return the rows of an image in colours, in its proportions: a cell is one pixel wide and two high."""
    if columns < 1 or rows < 1:
        return []
    width, height = fitted(image.size, columns, rows * 2)
    height += height % 2
    small = image.resize((width, height))
    if lean:
        small = small.quantize(_LEAN, dither=0).convert("RGB")
    raw = small.tobytes()
    pixels = [tuple(raw[at : at + 3]) for at in range(0, len(raw), 3)]
    return [
        Strip(_halves(pixels[at : at + width], pixels[at + width : at + 2 * width]), width)
        for at in range(0, width * height, 2 * width)
    ]


def shade(image: Any, columns: int, rows: int, *, light: bool = False) -> list[Strip]:
    """Return the rows of an image in ASCII; `light` where the ground is light."""
    if columns < 1 or rows < 1:
        return []
    width, height = fitted(image.size, columns, rows * 2)
    shades = _SHADES[::-1] if light else _SHADES
    grey = image.convert("L").resize((width, max(height // 2, 1))).tobytes()
    lines = (grey[at : at + width] for at in range(0, len(grey), width))
    return [
        Strip([Segment("".join(shades[value * len(shades) // 256] for value in line))], width)
        for line in lines
    ]


def fitted(size: tuple[int, int], width: float, height: float) -> tuple[int, int]:
    """Return the size of an image that fills a place in its proportions."""
    scale = min(width / size[0], height / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _halves(above: list[tuple[int, ...]], below: list[tuple[int, ...]]) -> list[Segment]:
    """Return cells of two pixels each; neighbours that look the same are one segment."""
    segments: list[Segment] = []
    last, number = None, 0
    for pair in [*zip(above, below, strict=True), None]:
        if pair == last:
            number += 1
            continue
        if last is not None:
            style = Style(color=Color.from_rgb(*last[0]), bgcolor=Color.from_rgb(*last[1]))
            segments.append(Segment("▀" * number, style))
        last, number = pair, 1
    return segments
