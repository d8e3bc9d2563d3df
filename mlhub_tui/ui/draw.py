"""The door through which strings reach widgets: everything is cleaned and becomes content, never markup."""

from __future__ import annotations

import re

from textual.content import Content

from ..text import clean, one_line

# A bracket ends either part, so that no text, however it is made, is walked more than once.
_MARKDOWN_LINK = re.compile(r"\[([^\[\]]*)\]\(((?:[^\s()]|\([^\s()]*\))*)\)")


def content(value: object, style: str = "") -> Content:
    """Return cleaned text, possibly many lines, in a style."""
    return Content.styled(clean(value), style) if style else Content(clean(value))


def line(value: object, style: str = "", limit: int | None = None) -> Content:
    """Return cleaned text on one line, cut to `limit` characters."""
    text = one_line(value, limit)
    return Content.styled(text, style) if style else Content(text)


def unlink(text: str) -> str:
    """Return text with Markdown links written out: `[CC-BY-4.0](https://…)` is `CC-BY-4.0 (https://…)`."""
    return _MARKDOWN_LINK.sub(lambda m: f"{m[1]} ({m[2]})" if m[1] and m[2] else m[1] or m[2], text)


def link_names(text: str) -> str:
    """Return text with Markdown links reduced to their names, for places with little room."""
    return _MARKDOWN_LINK.sub(lambda m: m[1] or m[2], text)
