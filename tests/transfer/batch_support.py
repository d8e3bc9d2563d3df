"""What the tests of many files share: a shelf of small files on a fault server, and a run over it."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from mlhub_tui.errors import MLHubException
from mlhub_tui.http.credentials import Link
from mlhub_tui.http.errors import RetryPolicy
from mlhub_tui.planning.resolver import JobContext
from mlhub_tui.queue.database import Database
from mlhub_tui.queue.part_repository import PartRepository
from mlhub_tui.queue.repository import JobRepository
from mlhub_tui.transfer.batch import BatchDownload
from mlhub_tui.transfer.config import BatchConfig, TransferConfig
from mlhub_tui.transfer.engine import TransferCancelled
from mlhub_tui.transfer.work_source import FileRequest, FileResult
from tests.queue.support import HASTY, QUICK, Links
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer, Request
from tests.support.waiting import PATIENCE

CONFIG = BatchConfig(slots=8, per_host=8, max_small=64 << 10, large=2)


@dataclass
class MemorySource:
    """A work source in memory, for scripts and tests; requests are taken one by one, a generator will do."""

    requests: Iterable[FileRequest]
    results: dict[int, FileResult] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._next = iter(self.requests)
        self.exhausted = threading.Event()

    def take(self, most: int) -> Sequence[FileRequest]:
        """Return the next requests."""
        taken = list(islice(self._next, most))
        if not taken:
            self.exhausted.set()
        return taken

    def settle(self, results: Sequence[FileResult]) -> None:
        """Save results."""
        self.results.update((result.key, result) for result in results)

    def relink(self, request: FileRequest) -> Link | None:
        """Return None: there is no other link in memory."""
        return None


def shelf(count: int, size: int = 3000) -> dict[str, bytes]:
    """Return contents by path, alike nowhere, of various sizes around `size` bytes."""
    noise = random.Random(count)
    return {f"/store/{i % 7}/f{i:04}.tif": noise.randbytes(size + i % 100) for i in range(count)}


def origin(server: FaultServer) -> str:
    """Return scheme, host and port."""
    return server.url.removesuffix("/store/file.tar.gz")


def requests(server: FaultServer, paths: Iterable[str]) -> list[FileRequest]:
    """Return requests for paths of the server, saved under the same paths without `/store/`."""
    base = origin(server)
    return [FileRequest(i, Link(f"{base}{p}"), p.removeprefix("/store/")) for i, p in enumerate(paths)]


def kit(home: Path, tuning: TransferConfig = QUICK) -> JobContext:
    """Return what runs share, with a journal in a folder."""
    database = Database(home / "queue.db")
    return JobContext(Links("http://127.0.0.1/"), PartRepository(database, JobRepository(database)), tuning)


def batch(
    wanted: Iterable[FileRequest] | MemorySource,
    folder: Path,
    shared: JobContext,
    retries: RetryPolicy = HASTY,
) -> tuple[MemorySource, BatchDownload]:
    """Return a work source, and a run over it that was not started."""
    source = wanted if isinstance(wanted, MemorySource) else MemorySource(wanted)
    return source, BatchDownload(source, folder, replace(shared, retries=retries).context, config=CONFIG)


def fetched(
    wanted: Sequence[FileRequest] | MemorySource,
    folder: Path,
    shared: JobContext,
    retries: RetryPolicy = HASTY,
) -> dict[int, FileResult]:
    """Run to the end and return the results."""
    source, run = batch(wanted, folder, shared, retries)
    run.run()
    return source.results


def errors_of(results: dict[int, FileResult]) -> dict[int, str]:
    """Return the names of the errors by key."""
    return {key: type(r.error).__name__ for key, r in results.items() if r.error is not None}


def there(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder, by path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def stored(contents: dict[str, bytes]) -> dict[str, bytes]:
    """Return contents by the paths they are saved under."""
    return {path.removeprefix("/store/"): data for path, data in contents.items()}


def once(path: str, *answers: Answer) -> Callable[[Request], Answer | None]:
    """Return a plan that answers the first requests for a path by script."""
    waiting, lock = list(answers), threading.Lock()

    def plan(request: Request) -> Answer | None:
        with lock:
            return waiting.pop(0) if request.target == path and waiting else None

    return plan


def always(path: str, answer: Answer) -> Callable[[Request], Answer | None]:
    """Return a plan that answers all requests for a path alike."""
    return lambda request: answer if request.target == path else None


@contextlib.contextmanager
def running(run: BatchDownload) -> Iterator[list[MLHubException | TransferCancelled]]:
    """Run in a thread; what it raised is in the list afterwards."""
    raised: list[MLHubException | TransferCancelled] = []

    def work() -> None:
        try:
            run.run()
        except (MLHubException, TransferCancelled) as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield raised
    finally:
        thread.join(PATIENCE)
        assert not thread.is_alive()
