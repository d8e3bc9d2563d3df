"""Object store as the output of a batch: small files are put several at a time, with a limit of bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock

from ..errors import FileConflict, MLHubException
from ..options import IfExists
from ..planning.manifest_queue import TwinRow
from ..text import one_line
from ..transfer.config import TransferContext
from ..transfer.engine import in_thread
from ..transfer.outputs import FileTask, OutputCallbacks, OutputFile, origin_of
from ..transfer.progress import TransferProgress
from ..transfer.work_source import FileRequest, FileResult
from .object_store import ObjectStore, StoreRefuses, store_error
from .upload import upload

_MOST = 64 << 20
_FILES = 16  # of a shard on their way: what is fetched again where a worker dies


class Budget:
    """Bytes that all shards of a worker hold together, waiting to be put."""

    def __init__(self, most: int = _MOST) -> None:
        self._lock = Lock()
        self._most = most
        self._held = 0

    @property
    def full(self) -> bool:
        """Whether no more is to be requested for now."""
        return self._held >= self._most

    def take(self, count: int) -> None:
        """Hold bytes."""
        with self._lock:
            self._held += count

    def give(self, count: int) -> None:
        """Release bytes."""
        with self._lock:
            self._held -= count


class _Body:
    """A body in memory, as an object is put whole."""

    def __init__(self) -> None:
        self.data = bytearray()

    @property
    def size(self) -> int:
        return len(self.data)

    def write(self, view: memoryview, /) -> None:
        self.data += view

    def discard(self) -> None:
        self.data.clear()


class ObjectStoreOutput:
    """Output backend of a folder of a store.

    Parameters
    ----------
    check
        Whether some of the files may be there; else nothing is asked of the store before a file is put.
    budget
        What may be held in memory.
    connections
        To fetch one large file with.
    """

    def __init__(self, store: ObjectStore, *, check: bool, budget: Budget, connections: int) -> None:
        self._store = store
        self._check = check
        self._budget = budget
        self._connections = connections
        self._away = 0
        self._results: list[FileResult] = []
        self._recording: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._broken = False

    @property
    def full(self) -> bool:
        """Whether enough is on its way to the store, or the store is busy."""
        return self._budget.full or self._away >= _FILES or self._store.waits

    def examine(self, requests: Sequence[FileRequest]) -> Sequence[FileTask | FileResult]:
        """Ask the store for what is there, of all requests at the same time."""
        found: list[FileTask | FileResult] = []
        asked: list[tuple[int, FileTask, Future[int | None]]] = []
        for request in requests:
            try:
                task = FileTask(
                    request, self._store.path(request.path), origin_of(request.link), request.link
                )
            except MLHubException as error:
                found.append(FileResult(request.key, error=error))
                continue
            if self._check and request.if_exists is not IfExists.OVERWRITE:
                asked.append((len(found), task, self._store.size(task.target)))
            found.append(task)
        for place, task, future in asked:
            found[place] = self._compared(task, future)
        return found

    def existing(self, task: FileTask) -> bytes:
        """Return the object that is there."""
        return self._store.read(task.target)

    def begin(self, settle: Callable[[Sequence[FileResult]], None], callbacks: OutputCallbacks) -> None:
        """Begin a run."""
        self._settle, self._callbacks = settle, callbacks

    def create(self, task: FileTask) -> _Body:
        """Return a body in memory."""
        return _Body()

    def store(self, task: FileTask, file: OutputFile) -> None:
        """Put an object."""
        assert isinstance(file, _Body)
        size = file.size
        self._budget.take(size)
        self._away += 1
        future = self._store.put(task.target, bytes(file.data))
        file.discard()
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._stored, task, size, future))

    def record(self, result: FileResult) -> None:
        """Have a result recorded."""
        self._results.append(result)
        self._record()

    def tick(self) -> None:
        """Do nothing: each file is recorded as soon as it is there."""

    def flush(self) -> None:
        """Do nothing: each file is recorded as soon as it is there."""

    async def aclose(self) -> None:
        """Wait until all that was put is there, and recorded."""
        while self._away or self._recording is not None:
            self._idle.clear()
            await self._idle.wait()

    async def fetch_single(
        self, task: FileTask, context: TransferContext, progress: TransferProgress
    ) -> FileResult:
        """Fetch a file in ranges, and send them on in their order."""
        return await upload(task, self._store, context, progress, self._connections)

    def _compared(self, task: FileTask, future: Future[int | None]) -> FileTask | FileResult:
        request = task.request
        try:
            size = future.result()
        except Exception as error:
            return FileResult(request.key, error=store_error(error, self._store))
        if size is None:
            return task
        if request.if_exists is IfExists.SKIP or size == request.size:
            return task.already_there(size)
        task.existing = size
        return task

    def _stored(self, task: FileTask, size: int, future: Future[None]) -> None:
        self._away -= 1
        self._budget.give(size)
        if (error := future.exception()) is None:
            self._store.succeeded()
            self.record(FileResult(task.request.key, size))
        elif isinstance(known := store_error(error, self._store), StoreRefuses):
            self._break(known)
        else:
            self._store.failed(known)
            self._callbacks.refused(task, known)
        self._callbacks.drained()
        self._idle.set()

    def _record(self) -> None:
        if self._recording is None and self._results:
            self._recording = asyncio.create_task(self._record_all())

    async def _record_all(self) -> None:
        """Record what there is, in a thread, until nothing is left."""
        while self._results:
            results, self._results = self._results, []
            try:
                await in_thread(lambda results=results: self._settle(results))  # type: ignore[misc]
            except Exception as error:
                self._break(error)
            else:
                self._callbacks.settled(results)
        self._recording = None
        self._idle.set()

    def _break(self, error: BaseException) -> None:
        if not self._broken:
            self._broken = True
            self._callbacks.broken(error)


def copy_objects(
    store: ObjectStore, rows: Sequence[TwinRow], if_exists: IfExists, *, check: bool
) -> list[FileResult]:
    """Make copies of objects, several at a time; existing ones are judged as `planning.duplicates` does.

    Raises
    ------
    StoreRefuses
        If the store takes nothing.
    """

    def look_and_copy(row: TwinRow) -> FileResult:
        path = store.path(row.path)
        if check and if_exists is not IfExists.OVERWRITE and (size := store.size(path).result()) is not None:
            if size != row.size and if_exists is not IfExists.SKIP:
                raise FileConflict(f"another file {one_line(path.rpartition('/')[2], 80)} is there")
            return FileResult(row.id, size, fetched=False)
        store.copy(store.path(row.source), path).result()
        return FileResult(row.id, row.size)

    def copy(row: TwinRow) -> FileResult:
        try:
            return store.patiently(lambda: look_and_copy(row), lambda _: None, Event())
        except StoreRefuses:
            raise
        except MLHubException as error:
            return FileResult(row.id, error=error)

    with ThreadPoolExecutor(_FILES, "copies") as pool:
        return list(pool.map(copy, rows))
