"""Options: those that the command line gives the app, and what to do with files that are there."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from .text import one_line


class IfExists(StrEnum):
    """What to do when a file of the name is already there (the seed library's `if_exists`).

    The names in small letters are the seed library's.
    """

    RESUME = "resume"
    SKIP = "skip"
    OVERWRITE = "overwrite"
    resume = RESUME
    skip = SKIP
    overwrite = OVERWRITE

    @classmethod
    def _missing_(cls, value: object) -> IfExists:
        raise ValueError(f"if_exists must be resume, skip or overwrite, not {one_line(value, 40)!r}")


@dataclass(frozen=True, slots=True)
class AppOptions:
    """Options of the app as given; nothing is resolved yet.

    `output_dir` is where downloads go unless another folder is chosen, absolute. `source` is a URL, a path or
    the name of a profile or of a public source; it excludes `profile`, `root_url` and `sample`. `mouse` is
    whether the app takes the mouse, unless the settings say that it does not.
    """

    profile: str | None = None
    api_key: str | None = field(default=None, repr=False)
    root_url: str | None = None
    sample: bool = False
    output_dir: Path = field(default_factory=Path.cwd)
    source: str | None = None
    mouse: bool = True
