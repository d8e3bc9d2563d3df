"""The door through which strings reach widgets: everything is cleaned and becomes content, never markup."""

from __future__ import annotations

from textual.content import Content

from ..text import clean, one_line


def content(value: object, style: str = "") -> Content:
    """Return cleaned text, possibly many lines, in a style."""
    return Content.styled(clean(value), style) if style else Content(clean(value))


def line(value: object, style: str = "", limit: int | None = None) -> Content:
    """Return cleaned text on one line, cut to `limit` characters."""
    text = one_line(value, limit)
    return Content.styled(text, style) if style else Content(text)
