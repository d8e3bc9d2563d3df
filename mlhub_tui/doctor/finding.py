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
    part
        What was looked at: `terminal`, `queue`.
    name
        What of it.
    value
        What was found, in a line.
    state
        How it stands with it.
    hint
        How to fix it, in a line.
    """

    part: str
    name: str
    value: str
    state: Severity = Severity.OK
    hint: str = ""

    def __post_init__(self) -> None:
        """Clean what came from outside."""
        for name in ("name", "value", "hint"):
            object.__setattr__(self, name, one_line(redact(getattr(self, name)), 400))


def note(part: str, name: str, value: str, hint: str = "") -> Finding:
    """Return a finding of something to know."""
    return Finding(part, name, value, Severity.NOTE, hint)


def wrong(part: str, name: str, value: str, hint: str = "") -> Finding:
    """Return a finding of something that does not work."""
    return Finding(part, name, value, Severity.WRONG, hint)
