"""Items written to a file piece by piece; the file stands under its name once it is whole."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from ..errors import MLHubException
from ..models import Item
from ..storage import sync_folder
from ..text import one_line
from .export import Exporter, export

_IN_MEMORY = 1 << 20  # characters that wait for the disk at most, but for the last item
_BREATH = 25  # items between which others have their turn


class ExportError(MLHubException):
    """The file cannot be written."""

    default_hint = "choose another place, or make room, then try again"


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: items, bytes, and what was left out, a line each."""

    items: int
    size: int
    notes: tuple[str, ...] = ()


async def export_file(
    items: AsyncIterator[Item],
    exporter: Exporter,
    path: Path,
    tell: Callable[[int, int], None] = lambda items, size: None,
) -> Written:
    """Write items to a file; what stood there is replaced at the end, and stays if anything goes wrong.

    Parameters
    ----------
    path
        The file; its folder must exist.
    tell
        Takes how many items and about how many bytes were written, now and then.

    Raises
    ------
    ExportError
        If the file cannot be written; whatever `items` raises. No part of it stays then.
    """
    part = await asyncio.to_thread(_Part, path)
    pieces: list[str] = []
    waiting = count = written = 0

    def write(text: str) -> None:
        nonlocal waiting
        pieces.append(text)
        waiting += len(text)

    async def paced() -> AsyncIterator[Item]:
        nonlocal count, waiting, written
        async for item in items:
            yield item
            count += 1
            if waiting >= _IN_MEMORY:
                text = "".join(pieces)
                pieces.clear()
                written, waiting = written + waiting, 0
                await asyncio.to_thread(part.write, text)
            if count % _BREATH == 0:
                tell(count, written + waiting)
                await asyncio.sleep(0)

    try:
        await export(paced(), exporter, write)
        size = await asyncio.to_thread(part.finish, "".join(pieces))
    except BaseException:
        part.give_up()
        raise
    return Written(count, size, tuple(exporter.notes()))


def write_text(path: Path, text: str) -> int:
    """Write one document to a file in the same way and return its size in bytes."""
    part = _Part(path)
    try:
        return part.finish(text)
    except BaseException:
        part.give_up()
        raise


class _Part:
    """A file beside the one that is meant, until it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._target = path.resolve()  # a link keeps leading where it does
            self._part = self._target.with_name(f".{self._target.name[:80]}.{uuid4().hex[:8]}.part")
            # Unlike those of `tempfile`, readable by whom the user's umask lets.
            self._file = self._part.open("x", encoding="utf-8", errors="backslashreplace", newline="")
        except OSError as error:
            raise self._trouble(error) from error

    def write(self, text: str) -> None:
        """Append text."""
        try:
            self._file.write(text)
        except OSError as error:
            raise self._trouble(error) from error

    def finish(self, text: str) -> int:
        """Append the last text, give the file its name, and return its size in bytes."""
        try:
            with self._file as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            size = self._part.stat().st_size
            self._part.replace(self._target)
        except OSError as error:
            raise self._trouble(error) from error
        sync_folder(self._target.parent)
        return size

    def give_up(self) -> None:
        """Leave nothing of it."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink()

    def _trouble(self, error: OSError) -> ExportError:
        why = one_line(error.strerror or error, 120)
        return ExportError(f"{one_line(self._path, 200)} cannot be written: {why}")
