"""One line of a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..text import one_line, redact


class Severity(StrEnum):
    """How it stands with what was looked at."""

    OK = "ok"
    NOTE = "note"
    """It works, and there is something to know."""
    WRONG = "wrong"
    """Something does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, clean and without keys.

    Parameters
    ----------
    name
        What was looked at.
    value
        What was found, in a line.
    state
        How it stands with it.
    hint
        How to fix it, in a line.
    """

    name: str
    value: str
    state: Severity = Severity.OK
    hint: str = ""

    def __post_init__(self) -> None:
        """Clean what came from outside."""
        for name in ("name", "value", "hint"):
            object.__setattr__(self, name, one_line(redact(getattr(self, name)), 400))


def note(name: str, value: str, hint: str = "") -> Finding:
    """Return a finding of something to know."""
    return Finding(name, value, Severity.NOTE, hint)


def wrong(name: str, value: str, hint: str = "") -> Finding:
    """Return a finding of something that does not work."""
    return Finding(name, value, Severity.WRONG, hint)
