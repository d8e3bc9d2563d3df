"""What the tests of many files share: a shelf of small files on a fault server, and a run over it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from mlhub_tui.downloads.attempt import Kit
from mlhub_tui.downloads.database import Database
from mlhub_tui.downloads.many.feed import MemoryFeed, Result, Wish
from mlhub_tui.downloads.many.harvest import Crowd, Harvest
from mlhub_tui.downloads.store import Store
from mlhub_tui.downloads.tuning import Patience
from mlhub_tui.http.link import Link
from mlhub_tui.transfer.config import TransferConfig
from mlhub_tui.transfer.journal import PartJournal
from tests.support.fault_server import FaultServer
from tests.support.http_server import Answer, Request

from .support import HASTY, QUICK, Links

CROWD = Crowd(slots=8, per_host=8, small=64 << 10, large=2)


def shelf(count: int, size: int = 3000) -> dict[str, bytes]:
    """Return contents by path, alike nowhere, of various sizes around `size` bytes."""
    noise = random.Random(count)
    return {f"/store/{i % 7}/f{i:04}.tif": noise.randbytes(size + i % 100) for i in range(count)}


def origin(server: FaultServer) -> str:
    """Return scheme, host and port."""
    return server.url.removesuffix("/store/file.tar.gz")


def wishes(server: FaultServer, paths: Iterable[str]) -> list[Wish]:
    """Return wishes for paths of the server, saved under the same paths without `/store/`."""
    base = origin(server)
    return [Wish(i, Link(f"{base}{p}"), p.removeprefix("/store/")) for i, p in enumerate(paths)]


def kit(home: Path, tuning: TransferConfig = QUICK) -> Kit:
    """Return what runs share, with a journal in a folder."""
    database = Database(home / "queue.db")
    return Kit(Links("http://127.0.0.1/"), PartJournal(database, Store(database)), tuning)


def harvest(
    wanted: Iterable[Wish] | MemoryFeed,
    folder: Path,
    shared: Kit,
    patience: Patience = HASTY,
    crowd: Crowd = CROWD,
) -> tuple[MemoryFeed, Harvest]:
    """Return a feed, and a run that was not started."""
    feed = wanted if isinstance(wanted, MemoryFeed) else MemoryFeed(wanted)
    return feed, Harvest(feed, folder, shared, crowd=crowd, patience=patience)


def fetched(wanted: Sequence[Wish], folder: Path, shared: Kit, **how: Patience | Crowd) -> dict[int, Result]:
    """Run to the end and return the results."""
    feed, run = harvest(wanted, folder, shared, **how)  # type: ignore[arg-type]  # two keywords of two types
    run.run()
    return feed.results


def errors_of(results: dict[int, Result]) -> dict[int, str]:
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
