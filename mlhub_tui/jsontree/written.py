"""How values are written: as JSON, cleaned, without keys, no longer than there is room for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..text import clean, count, redact

LONGEST_TEXT = 200_000
"""Characters of a text that are shown; the export has all of it."""


def leaf(value: Any) -> str:
    """Return a value without members as JSON that may be drawn."""
    if isinstance(value, str):
        more = "…" if len(value) > LONGEST_TEXT else ""
        return safe(json.dumps(value[:LONGEST_TEXT] + more, ensure_ascii=False))
    try:
        return safe(json.dumps(value, ensure_ascii=False))
    except (ValueError, RecursionError):  # a number of too many digits to be written
        return "…"


def safe(text: str) -> str:
    """Return text as it may be drawn: cleaned, without what is secret in its addresses."""
    text = clean(text)
    return redact(text) if "=" in text or "@" in text else text


def name(key: str) -> str:
    """Return the name of a member as JSON that may be drawn."""
    return safe(json.dumps(key[:LONGEST_TEXT], ensure_ascii=False))


def folded(value: Any, room: int) -> str:
    """Return an object or array on one line: whole where `room` characters hold it, else what it holds."""
    whole = ""
    for piece in _pieces(value):
        whole += piece
        if len(whole) > room:
            break
    else:
        return whole
    if isinstance(value, dict):
        return f"{{…}} {count(len(value), 'field')}"
    return f"[…] {count(len(value), 'entry', 'entries')}"


def _pieces(value: Any) -> Iterator[str]:
    """Yield a value as compact JSON, piece by piece; whoever has enough stops, so no depth is too deep."""
    if isinstance(value, dict) and value:
        yield "{"
        for number, (key, member) in enumerate(value.items()):
            yield f"{', ' if number else ''}{name(key)}: "
            yield from _pieces(member)
        yield "}"
    elif isinstance(value, list) and value:
        yield "["
        for number, member in enumerate(value):
            yield ", " if number else ""
            yield from _pieces(member)
        yield "]"
    else:
        yield leaf(value)
