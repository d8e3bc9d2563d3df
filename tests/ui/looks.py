"""How the screen looks in the terminal's own 16 colours: a letter for each cell, and their meanings."""

from __future__ import annotations

from string import ascii_letters, digits
from typing import Any

from rich.color import Color, ColorType
from rich.style import Style
from textual.app import App

from .drawing import strips

_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse")


def looks(app: App[Any]) -> str:
    """Return the screen as looks: what is drawn plainly, and blank cells on the ground, are left blank.

    Raises
    ------
    AssertionError
        If a cell has a colour that the terminal may not have, or a letter has that of its ground.
    """
    letters: dict[str, str] = {"": " "}
    rows = []
    for strip in strips(app):
        row = ""
        for segment in strip:
            style = segment.style or Style()
            if not segment.text.strip() and not (style.reverse or style.underline):
                style = Style(bgcolor=style.bgcolor)  # of a blank only the ground is seen
            if segment.text.strip() and not style.reverse:
                assert style.color is None or style.color != style.bgcolor or style.color.is_default, segment
            name = _name(style)
            letter = letters.setdefault(name, (ascii_letters + digits)[len(letters) - 1])
            row += letter * segment.cell_length
        rows.append(row.rstrip())
    meanings = [f"{letter} {name}" for name, letter in letters.items() if name]
    return "\n".join([*rows, "", *meanings, ""])


def _name(style: Style) -> str:
    """Return a style in words: `bold cyan on blue`; empty for the plain one."""
    for color in (style.color, style.bgcolor):
        assert color is None or color.type in (ColorType.DEFAULT, ColorType.STANDARD), style
    words = [name for name in _ATTRIBUTES if getattr(style, name)]
    ground = _ground(style)
    return " ".join([*words, *filter(None, (_colour(style.color), ground and f"on {ground}"))])


def _ground(style: Style) -> str:
    return _colour(style.bgcolor)


def _colour(color: Color | None) -> str:
    """Return the name of one of the terminal's own colours; empty for its default."""
    if color is None or color.number is None:
        return ""
    return f"{'bright ' if color.number > 7 else ''}{_COLOURS[color.number % 8]}"
