"""What is committed together: part files that are whole, and results that need none."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from ... import errors
from ...transfer.part_file import open_locked, try_lock
from .feed import Result
from .item import Item

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@dataclass(slots=True)
class Landed:
    """A part file that is whole, open and locked."""

    item: Item
    descriptor: int
    part: str
    size: int

    def give_up(self) -> None:
        """Close and delete it."""
        with contextlib.suppress(OSError):
            os.unlink(self.part)  # noqa: PTH108
        self.close()

    def close(self) -> None:
        """Close it, which lets go of the lock."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


@dataclass(slots=True)
class Batch:
    """What is committed together: parts, and results without one; `urgent` if nothing comes after it."""

    landed: list[Landed] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)
    size: int = 0
    urgent: bool = False


def store(item: Item, body: bytes | bytearray) -> Landed:
    """Write a body to the part of its file, whose folder is there.

    Raises
    ------
    TargetBusy
        If somebody else writes that part.
    OSError
        If it cannot be written; then the part is gone.
    """
    part = f"{item.target}.part"
    try:
        descriptor = os.open(part, _FLAGS, 0o666)
    except FileExistsError:
        descriptor = _take_over(Path(part))
    else:
        if not try_lock(descriptor):
            os.close(descriptor)
            raise errors.TargetBusy(f"another program is writing {item.name}.part") from None
    landed = Landed(item, descriptor, part, len(body))
    try:
        view = memoryview(body)
        while view:
            view = view[os.write(descriptor, view) :]
    except BaseException:
        landed.give_up()
        raise
    return landed


def _take_over(part: Path) -> int:
    """Empty and lock what an earlier run left; TargetBusy if it is somebody's."""
    if part.is_symlink():
        part.unlink()  # what it leads to is not ours to empty
    with open_locked(part) as held:
        held.truncate(0)
        return os.dup(held.fileno())  # the lock goes with the open file, whatever its number
