"""Batches become files: flushed together, renamed, and recorded when all of that is safe on disk."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from ... import errors
from ...transfer import part_file
from ...transfer.part_file import rename_new, sync_files
from .batch import Batch, Landed
from .feed import Feed, Result
from .places import Tree

_IDLE = 0.3  # seconds without a batch after which what is renamed is made safe and recorded


class Committer(threading.Thread):
    """Commits batches in turn, beside the thread that writes the next one.

    A flush makes safe the bytes of a batch and the names of the one before; only then are the bytes given
    their names, and the files of the batch before recorded. So one flush serves two ends, a name never
    stands for bytes that may be lost, and a record never for a name that may be.

    Parameters
    ----------
    tree
        Where files go.
    feed
        Where results go.
    settled
        Called, from this thread, with results that were recorded.
    broke
        Called, from this thread, once, with what ends the run: disk or record cannot be written.
    """

    def __init__(
        self,
        tree: Tree,
        feed: Feed,
        settled: Callable[[Sequence[Result]], None],
        broke: Callable[[BaseException], None],
    ) -> None:
        super().__init__(name="commit", daemon=True)
        self._tree = tree
        self._feed = feed
        self._settled = settled
        self._broke = broke
        self._queue: queue.Queue[Batch | None] = queue.Queue(maxsize=1)
        self._renamed: list[Result] = []
        self._folders: set[str] = set()
        self._broken = False

    def put(self, batch: Batch | None) -> None:
        """Take a batch, None for the end; waits while another one is waiting."""
        self._queue.put(batch)

    def run(self) -> None:
        """Commit until the end."""
        while True:
            try:
                batch = self._queue.get(timeout=_IDLE)
            except queue.Empty:
                batch = Batch()
            try:
                self._commit(batch or Batch())
                if batch is None or batch.urgent:
                    self._commit(Batch())
            except Exception as error:
                self._end(error, batch)
            if batch is None:
                return

    def _commit(self, batch: Batch) -> None:
        if self._broken:
            for landed in batch.landed:
                landed.give_up()
            return
        if not batch.landed and not batch.results and not self._renamed:
            return
        self._folders |= batch.folders
        if batch.landed or self._folders:
            try:
                numbers = [landed.descriptor for landed in batch.landed]
                sync_files(self._tree.root, numbers, self._folders)
            except OSError as error:
                raise part_file.translate_os_error(error, self._tree.root) from error
        self._folders = set()
        if self._renamed:
            done, self._renamed = self._renamed, []
            self._feed.settle(done)
            self._settled(done)
        self._renamed = [*batch.results, *map(self._rename, batch.landed)]

    def _rename(self, landed: Landed) -> Result:
        item = landed.item
        try:
            if os.name == "nt":
                landed.close()  # Windows does not rename an open file
            if item.replaces:
                os.replace(landed.part, item.target)  # noqa: PTH105
            else:
                rename_new(Path(landed.part), Path(item.target))
        except OSError as error:
            landed.give_up()
            if isinstance(error, FileExistsError):
                return item.failed(errors.FileConflict(f"a file {item.name} appeared meanwhile"))
            trouble = part_file.translate_os_error(error, Path(item.target))
            if isinstance(trouble, errors.NoSpaceError):
                raise trouble from error
            return item.failed(trouble)
        landed.close()
        self._folders.add(item.target.rpartition(os.sep)[0])
        return Result(item.wish.key, landed.size)

    def _end(self, error: BaseException, batch: Batch | None) -> None:
        """Give up the parts of a batch: their bytes may not be safe, and their room may be needed."""
        for landed in batch.landed if batch else []:
            if landed.descriptor >= 0:
                landed.give_up()
        if not self._broken:
            self._broken = True
            self._broke(error)
