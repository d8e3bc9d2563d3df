"""Guesses for what was mistyped."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import click

from ..text import one_line


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean X?` for the nearest of some words; empty where none is near."""
    by_lower = {each.lower(): each for each in known}
    near = get_close_matches(word.lower(), by_lower, n=1)
    return f"did you mean {one_line(by_lower[near[0]], 100)!r}?" if near else ""


def guess(context: click.Context, message: str) -> str:
    """Return what was probably meant by a word of the command line that an error message names."""
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        for typed in value if isinstance(value, tuple) else (value,):
            if isinstance(typed, str) and typed and typed in message:
                known = [item.value for item in parameter.shell_complete(context, "")]
                if typed not in known and (words := did_you_mean(typed, known)):
                    return words
    return ""
