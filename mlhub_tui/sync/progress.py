"""Progress of blocking downloads: a bar on a terminal or in a notebook, or the caller's function."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..api.downloads import Progress
from ..text import one_line, size

_REDRAW = 0.1
"""Seconds between two lines on a terminal."""


@contextmanager
def reporter(progress: Progress | bool | None) -> Iterator[Progress | None]:
    """Give the function that reports progress; None where nobody wants to see it."""
    if progress is False:
        yield None
    elif callable(progress):
        yield progress
    elif not (progress or _seen()):
        yield None
    else:
        bars = _bars()
        try:
            yield bars
        finally:
            bars.close()


def _seen() -> bool:
    """Whether there is a terminal or a notebook to draw in."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    try:
        return hasattr(shell, "kernel") or sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False


def _bars() -> _Bars | _Line:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a notebook without ipywidgets gets tqdm's bar of text
            from tqdm.auto import tqdm
    except ImportError:
        return _Line()
    return _Bars(tqdm)


class _Bars:
    """A bar of tqdm for each file."""

    def __init__(self, tqdm: Any) -> None:
        self._tqdm = tqdm
        self._bars: dict[Path, Any] = {}

    def __call__(self, done: int, total: int | None, file: Path) -> None:
        bar = self._bars.get(file)
        if bar is None:
            bar = self._tqdm(
                desc=one_line(file.name, 40), unit="B", unit_scale=True, initial=done, total=total
            )
            self._bars[file] = bar
        bar.total = total
        bar.n = done
        bar.refresh()

    def close(self) -> None:
        for bar in self._bars.values():
            bar.close()


class _Line:
    """A line on stderr, where tqdm is not installed."""

    def __init__(self) -> None:
        self._drawn = 0.0

    def __call__(self, done: int, total: int | None, file: Path) -> None:
        now = time.monotonic()
        if now - self._drawn >= _REDRAW or done == total:
            self._drawn = now
            share = f" of {size(total)}" if total is not None else ""
            sys.stderr.write(f"\r{one_line(file.name, 40)}: {size(done)}{share}\x1b[K")
            sys.stderr.flush()

    def close(self) -> None:
        if self._drawn:
            sys.stderr.write("\n")
