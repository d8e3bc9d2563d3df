"""Bodies become part files: checked and written in a thread of its own, passed on in batches."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ... import errors
from ...transfer import part_file
from ...transfer.part_file import max_open_files
from .batch import Batch, Landed, store
from .caller import Answer
from .check import verify
from .feed import Result
from .item import Item
from .places import Tree

_RESULTS, _BYTES, _OPEN = 1024, 32 << 20, 256  # of a batch
_EVERY = 0.5  # seconds after which a batch is passed on as it is
_WAITING = 16 << 20  # bytes that may wait to be written

Refused = Callable[[Item, errors.MLHubException], None]


class Landing(threading.Thread):
    """Writes what arrives; a body is in memory until it is in its part.

    Parameters
    ----------
    tree
        Where files go.
    pass_on
        Called with batches, and with None at the end; may block, which makes the slots wait.
    refused
        Called, from this thread, with what was not what it should be or could not be written.
    drained
        Called, from this thread, when slots that wait for `full` to end may go on.
    broke
        Called, from this thread, with what ends the run.
    """

    def __init__(
        self,
        tree: Tree,
        pass_on: Callable[[Batch | None], None],
        refused: Refused,
        drained: Callable[[], None],
        broke: Callable[[BaseException], None],
    ) -> None:
        super().__init__(name="landing", daemon=True)
        self._tree = tree
        self._pass_on = pass_on
        self._refused = refused
        self._drained = drained
        self._broke = broke
        self._files = max_open_files(_OPEN)
        self._queue: queue.SimpleQueue[tuple[Item, Answer] | Result | bool] = queue.SimpleQueue()
        self._came = self._gone = 0
        self._awaited = False
        self._batch = Batch()
        self._since = 0.0

    @property
    def full(self) -> bool:
        """Whether enough waits to be written; if so, `drained` will be called."""
        if self._came - self._gone < _WAITING:
            return False
        self._awaited = True
        return self._came - self._gone >= _WAITING

    def land(self, item: Item, answer: Answer) -> None:
        """Take a file that arrived."""
        self._came += len(answer.body)
        self._queue.put((item, answer))

    def tell(self, result: Result) -> None:
        """Take a result without a file to write."""
        self._queue.put(result)

    def hurry(self) -> None:
        """Pass on what there is, as nothing comes after it."""
        self._queue.put(True)

    def end(self) -> None:
        """Let it end when all is written."""
        self._queue.put(False)

    def run(self) -> None:
        """Write until the end."""
        try:
            while self._step():
                pass
            self._hand_over()
        except Exception as error:
            self._broke(error)
        finally:
            self._pass_on(None)

    def _step(self) -> bool:
        try:
            got = self._queue.get(timeout=_EVERY)
        except queue.Empty:
            self._hand_over()
            return True
        if got is False:
            return False
        if got is True:
            self._batch.urgent = True
            self._hand_over()
            return True
        if not self._batch.landed and not self._batch.results:
            self._since = time.monotonic()
        if isinstance(got, Result):
            self._batch.results.append(got)
        else:
            self._write(*got)
            self._gone += len(got[1].body)
            if self._awaited and self._came - self._gone < _WAITING // 2:
                self._awaited = False
                self._drained()
        if self._full_batch() or time.monotonic() - self._since >= _EVERY:
            self._hand_over()
        return True

    def _full_batch(self) -> bool:
        batch = self._batch
        return len(batch.landed) >= self._files or batch.size >= _BYTES or len(batch.results) >= _RESULTS

    def _hand_over(self) -> None:
        if self._batch.landed or self._batch.results or self._batch.urgent:
            batch, self._batch = self._batch, Batch()
            batch.folders, self._tree.made = self._tree.made, set()
            self._pass_on(batch)

    def _write(self, item: Item, answer: Answer) -> None:
        try:
            verify(item, answer)
            landed = self._store(item, answer.body)
        except errors.MLHubException as error:
            self._refused(item, error)
        except OSError as error:
            self._refused(item, part_file.translate_os_error(error, Path(item.target)))
        else:
            self._batch.landed.append(landed)
            self._batch.size += landed.size

    def _store(self, item: Item, body: bytes | bytearray) -> Landed:
        self._tree.make(item.target)
        try:
            return store(item, body)
        except FileNotFoundError:  # somebody took the folder away meanwhile
            self._tree.forget()
            self._tree.make(item.target)
            return store(item, body)
