"""Progress of the Python API's downloads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Progress = Callable[[int, int | None, Path], object]
"""Called with the bytes done, the bytes in all (None while unknown) and the file, or the folder of a dataset.

At most ten times a second, in the order of events, and never after the download has ended.
"""


def reporter(progress: Progress | bool | None, file: Path) -> Callable[[int, int | None], None] | None:
    """Return what a transfer calls with its bytes; None where nobody wants to know."""
    if not callable(progress):
        return None

    def report(done: int, total: int | None) -> None:
        progress(done, total, file)

    return report
