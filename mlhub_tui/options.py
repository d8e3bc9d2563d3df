"""Options: of the app, of a cluster, and what to do with existing files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from .text import one_line


class IfExists(StrEnum):
    """What to do when a file of the name is already there (radiant_mlhub's `if_exists`).

    The names in small letters are radiant_mlhub's.
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
    whether the app takes the mouse, unless the settings say that it does not; `theme` overrides theirs.
    `manual` returns the Markdown of a topic of the manual, with the tables that the command line knows.
    """

    profile: str | None = None
    api_key: str | None = field(default=None, repr=False)
    root_url: str | None = None
    sample: bool = False
    output_dir: Path = field(default_factory=Path.cwd)
    source: str | None = None
    mouse: bool = True
    theme: str = ""
    manual: Callable[[str], str] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """Which Dask cluster downloads a dataset.

    - `scheduler`: The address of its scheduler, as `tcp://10.0.0.1:8786`; empty for a cluster that is started
      on this machine for one job, and ends with it.
    - `workers`: Processes of such a one; None for one for each core.
    - `connections`: To one host at a time, of all workers together; None for as many as a single machine has.
    """

    scheduler: str = ""
    workers: int | None = None
    connections: int | None = None

    @property
    def local(self) -> bool:
        """Whether it is started on this machine."""
        return not self.scheduler

    @property
    def words(self) -> str:
        """Which cluster it is, in words."""
        return "a Dask cluster on this machine" if self.local else f"the Dask cluster at {self.scheduler}"
