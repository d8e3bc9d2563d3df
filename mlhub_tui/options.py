"""What the command line tells the app."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


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
