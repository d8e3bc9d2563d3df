"""Nothing of the app under Pilot is painted but what a test looks at (drawing.py): nobody sees the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textual._compositor import Compositor

_paint = Compositor.render_update
_painters: list[object] = []
_changes = 0


def use() -> None:
    """Leave out what would be thrown away: it took a third of the time of screens."""
    Compositor.render_update = _update  # type: ignore[assignment, method-assign]


@contextmanager
def as_on_a_terminal() -> Iterator[None]:
    """Have all changes painted."""
    _painters.append(None)
    try:
        yield
    finally:
        _painters.pop()


def changes() -> int:
    """Return how often something was to be painted so far."""
    return _changes


def _update(compositor: Compositor, full: bool = False, *arguments: Any, **options: Any) -> Any:
    global _changes
    _changes += 1
    return _paint(compositor, full, *arguments, **options) if full or _painters else None
