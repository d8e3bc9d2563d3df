"""What may reach a terminal, and a look at all that does."""

from __future__ import annotations

import unicodedata
from typing import Any

from textual.app import App

from .drawing import strips

_JOINERS = "\u200c\u200d"
"""Scripts and emoji need them; they neither move nor reorder anything."""


def unsafe(text: str) -> list[str]:
    """Return the characters that may not reach a terminal: controls, formats, surrogates, separators."""
    return sorted(
        {
            f"U+{ord(c):04X}"
            for c in text
            if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in _JOINERS
        }
    )


def drawn(app: App[Any]) -> list[str]:
    """Return the lines of the screen in front, after a look at every segment of them.

    Raises
    ------
    AssertionError
        If a segment holds an unsafe character or a control code, or an action that data could have put there.
    """
    lines: list[str] = []
    shown = strips(app)
    for number, strip in enumerate(shown):
        assert strip.cell_length == shown[0].cell_length, f"line {number} is {strip.cell_length} cells wide"
        for segment in strip:
            assert not segment.control, f"line {number}: {segment!r}"
            assert not unsafe(segment.text), f"line {number}: {unsafe(segment.text)} in {segment.text!r}"
            meta = segment.style.meta if segment.style else {}
            assert not any(str(key).startswith("@") and not str(key).startswith("@mouse") for key in meta), (
                f"line {number}: action {meta}"
            )
            assert not (segment.style and segment.style.link), f"line {number}: link {segment.style}"
        lines.append(strip.text.rstrip())
    return lines
