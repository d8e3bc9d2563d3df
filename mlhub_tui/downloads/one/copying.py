"""One file of this machine, or a member of an archive on it, copied as a transfer: part, checksums, name."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from ... import errors, text
from .. import folder
from ..job import IfExists, State
from ..live import Live
from ..trouble import Interrupted
from ..tuning import Tuning
from . import existing
from .journal import Entry, Journal
from .local import Original, opened
from .part import Part
from .transfer import Outcome, Room, Task
from .verify import Follower


class Copy:
    """Copies one file; `run` blocks, so it wants a thread, and `abort` ends it from any other.

    It begins anew each time: reading what is there again to compare it takes as long as copying it.

    Parameters
    ----------
    task
        The file to be.
    url
        The `file` URL of the original, possibly a member of an archive (see `sources.static.place`).
    journal
        Where the part is claimed, so that nobody else writes it.
    live
        Where its progress is shown.
    tuning
        Sizes and times.
    room
        As of `Transfer`.
    """

    def __init__(
        self,
        task: Task,
        url: str,
        journal: Journal,
        live: Live,
        *,
        tuning: Tuning,
        room: Room | None = None,
    ) -> None:
        self._task = task
        self._url = url
        self._journal = journal
        self._live = live
        self._tuning = tuning
        self._room = room or (lambda needed, _: folder.check_room(task.target.parent, needed))
        self._stop = threading.Event()

    def abort(self) -> None:
        """End it soon; `run` raises Interrupted."""
        self._stop.set()

    def run(self) -> Outcome:
        """Copy the file.

        Raises
        ------
        Interrupted
            If it was aborted.
        EntityDoesNotExist, DownloadError
            What went wrong.
        """
        task = self._task
        folder.check(task.target.parent)
        if existing.settled(task.target, task.if_exists):
            return Outcome(task.target, task.target.stat().st_size, fetched=False)
        self._journal.claim(task.part)
        try:
            with opened(self._url, self._stop) as original:
                if self._is_there(original.size):
                    return Outcome(task.target, original.size, fetched=False)
                return self._copied(original)
        finally:
            self._journal.release(task.part)

    def _is_there(self, size: int) -> bool:
        """Return whether the file is there, by its size, which is the seed library's rule for `resume`."""
        if self._task.if_exists is not IfExists.RESUME:
            return False
        try:
            there = self._task.target.stat().st_size
        except FileNotFoundError:
            return False
        if there != size:
            sizes = f"{text.size(there)} here, {text.size(size)} in the original"
            raise errors.FileConflict(f"another file {self._task.target.name} is there ({sizes})")
        return True

    def _copied(self, original: Original) -> Outcome:
        task, size = self._task, original.size
        self._live.total = size
        with Part(task.part) as part:
            try:
                self._room(max(0, size - part.allocated), size)
                # What the part was of before is gone: no record may say that its bytes are good.
                self._journal.begin(task.part, Entry(inode=part.inode))
                part.truncate(0)
                self._live.tell(f"begins: {text.size(size)}, copied from this machine")
                self._live.keeps(0)
                self._live.enter(State.DOWNLOADING)
                self._pour(original, part)
            except BaseException:
                if part.remove_if_empty():
                    self._journal.forget(part.path)
                raise
            if self._stop.is_set():
                raise Interrupted
            part.commit(task.target, overwrite=task.if_exists is IfExists.OVERWRITE)
            self._live.landed = size
            self._journal.forget(part.path)
        return Outcome(task.target, size, fetched=True, digests=task.digests)

    def _pour(self, original: Original, part: Part) -> None:
        """Copy all bytes, with the checksums close behind."""
        with _following(part.path, self._task, self._live) as follower:
            for done in original.into(part, self._tuning.buffer):
                self._live.wrote(done)
                if self._stop.is_set():
                    raise Interrupted
            self._live.enter(State.VERIFYING)
            if part.size != original.size or original.changed():
                raise errors.RemoteChanged(f"{self._task.target.name} changed while it was copied")
            if follower is not None:
                follower.check(original.size, self._tuning.tick, self._stop)


@contextlib.contextmanager
def _following(path: Path, task: Task, live: Live) -> Iterator[Follower | None]:
    """Compute the checksums beside the copying, where there are any."""
    follower = Follower(path, task.digests, lambda: live.done) if task.digests else None
    if follower is not None:
        follower.start()
    try:
        yield follower
    finally:
        if follower is not None:
            follower.stop()
