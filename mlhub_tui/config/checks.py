"""Checks of single values of the config file: each returns the value to use, or says what would do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Check = Callable[[Any], Any]
"""Returns the value to use of one that was read; raises ValueError, in words for people."""


def one_of(*choices: str) -> Check:
    """Return a check for a word out of a few."""

    def check(value: Any) -> str:
        if isinstance(value, str) and value in choices:
            return value
        raise ValueError(f"{_shown(value)} is none of {', '.join(choices)}{nearest(value, choices)}")

    return check


def flag(value: Any) -> bool:
    """Return a truth value."""
    if isinstance(value, bool):
        return value
    raise ValueError(f"{_shown(value)} is neither true nor false")


def count(most: int) -> Check:
    """Return a check for a whole number from 1 to `most`."""

    def check(value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
            return value
        raise ValueError(f"{_shown(value)} is no whole number from 1 to {most}")

    return check


def name(value: Any) -> str:
    """Return a name; whether there is such a thing is found out where it is used."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ValueError(f"{_shown(value)} is no name")


def folder(value: Any) -> Path | None:
    """Return an absolute folder; None for `.`, the current one, whichever that is at the time."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError(f"{_shown(value)} is no folder; write a path in quotes, or '.'")
    if value.strip() == ".":
        return None
    try:
        path = Path(value.strip()).expanduser()
    except RuntimeError:
        raise ValueError(f"{_shown(value)}: no such user") from None
    if not path.is_absolute():
        raise ValueError(f"{_shown(value)} begins neither with / nor with ~")
    return path


def speed(value: Any) -> int | None:
    """Return bytes per second, None for no limit."""
    from ..text import parse_rate

    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{_shown(value)} is no speed; write '5M', '500k' or 'off'")
    return parse_rate(str(value))


def keys(value: Any) -> dict[str, str]:
    """Return keys by command; that the commands and keys are some is found out where they are used."""
    if not isinstance(value, dict):
        raise ValueError(f"{_shown(value)} is no table; write [keys], and a line for each command")
    return {command: str(key) for command, key in _flat(value).items()}


def _flat(table: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Return a table by whole ids: `browse.download = "D"` without quotes is a table in a table."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= _flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return found


def nearest(value: Any, choices: Any) -> str:
    """Return a guess of what was meant, to stand behind a complaint; empty where there is none."""
    from difflib import get_close_matches

    near = get_close_matches(str(value).lower(), [str(choice) for choice in choices], n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _shown(value: Any) -> str:
    from ..text import one_line

    return one_line(repr(value), 60)
