"""Where bodies leave for a store: checked in a thread, put several at a time, bounded by what flies."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from ...errors import MLHubException
from ...http.link import is_local
from ...http.urls import parse_url
from ...options import IfExists
from ...transfer.progress import TransferProgress
from ..attempt import Kit
from ..many.caller import Answer
from ..many.check import verify
from ..many.feed import Feed, Result, Wish
from ..many.ground import Calls, Shore
from ..many.item import LOCAL, Item
from .store import Store, StoreRefuses, trouble
from .upload import upload

_MOST = 64 << 20
_FILES = 16  # of a shard on their way: what is fetched again where a worker dies


class Budget:
    """Bytes that all shards of a worker hold together, waiting to be put."""

    def __init__(self, most: int = _MOST) -> None:
        self._lock = threading.Lock()
        self._most = most
        self._held = 0

    @property
    def full(self) -> bool:
        """Whether no more is to be asked for now."""
        return self._held >= self._most

    def take(self, count: int) -> None:
        """Hold bytes."""
        with self._lock:
            self._held += count

    def give(self, count: int) -> None:
        """Let bytes go."""
        with self._lock:
            self._held -= count


class StoreItem(Item):
    """A file that goes to a store."""

    __slots__ = ("store",)
    store: Store

    def before(self) -> bytes:
        """Return the object that is there."""
        return self.store.read(self.target)


class StoreGround:
    """A folder of a store.

    Parameters
    ----------
    check
        Whether some of the files may be there; else nothing is asked of the store before a file is put.
    budget
        What may be held in memory.
    connections
        To fetch one large file with.
    """

    def __init__(self, store: Store, *, check: bool, budget: Budget, connections: int) -> None:
        self._store = store
        self._check = check
        self._budget = budget
        self._connections = connections

    def examine(self, wishes: Sequence[Wish]) -> Sequence[Item | Result]:
        """Ask the store for what is there, of all wishes at the same time."""
        found: list[Item | Result] = []
        asked: list[tuple[int, Future[int | None]]] = []
        for wish in wishes:
            try:
                made = self._item(wish)
            except MLHubException as error:
                found.append(Result(wish.key, error=error))
                continue
            if self._check and wish.if_exists is not IfExists.OVERWRITE:
                asked.append((len(found), self._store.size(made.target)))
            found.append(made)
        for place, future in asked:
            item = found[place]
            assert isinstance(item, Item)
            found[place] = self._compared(item, future)
        return found

    def _item(self, wish: Wish) -> StoreItem:
        local = is_local(wish.link.url)
        place = LOCAL if local else parse_url(wish.link.url).origin
        item = StoreItem(wish, self._store.path(wish.path), place, wish.link)
        item.store = self._store
        return item

    def _compared(self, item: Item, future: Future[int | None]) -> Item | Result:
        wish = item.wish
        try:
            size = future.result()
        except Exception as error:
            return Result(wish.key, error=trouble(error, self._store))
        if size is None:
            return item
        if wish.if_exists is IfExists.SKIP or size == wish.size:
            return item.there_already(size)
        item.there = size
        return item

    def shore(self, feed: Feed, calls: Calls) -> Shore:
        """Return a pier."""
        return _Pier(self._store, self._budget, feed, calls)

    async def fetch_single(self, item: Item, kit: Kit, live: TransferProgress) -> Result:
        """Fetch a file in ranges, and send them on in their order."""
        return await upload(item, self._store, kit, live, self._connections)


@dataclass(frozen=True, slots=True)
class _Away:
    """An object on its way to the store."""

    item: Item
    size: int
    future: Future[None]


class _Pier(threading.Thread):
    """The thread through which all bodies go."""

    def __init__(self, store: Store, budget: Budget, feed: Feed, calls: Calls) -> None:
        super().__init__(name="pier", daemon=True)
        self._store = store
        self._budget = budget
        self._feed = feed
        self._calls = calls
        self._queue: queue.SimpleQueue[tuple[Item, Answer] | _Away | Result | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = self._away = 0
        self._ending = False
        self._broken = False

    @property
    def full(self) -> bool:
        return self._budget.full or self._waiting >= _FILES

    def land(self, item: Item, answer: Answer) -> None:
        self._budget.take(len(answer.body))
        with self._lock:
            self._waiting += 1
        self._queue.put((item, answer))

    def tell(self, result: Result) -> None:
        self._queue.put(result)

    def hurry(self) -> None:
        """Do nothing: each file is settled as soon as it is there."""

    def end(self) -> None:
        self._queue.put(None)

    def run(self) -> None:
        """Pass on until the end, and until all that was put is there."""
        while not (self._ending and not self._away):
            got = self._queue.get()
            try:
                self._take(got)
            except Exception as error:
                self._break(error)

    def _take(self, got: tuple[Item, Answer] | _Away | Result | None) -> None:
        if got is None:
            self._ending = True
        elif isinstance(got, Result):
            self._settle(got)
        elif isinstance(got, _Away):
            self._there(got)
        else:
            self._put(*got)

    def _put(self, item: Item, answer: Answer) -> None:
        try:
            verify(item, answer)
        except MLHubException as error:
            self._free(len(answer.body))
            self._calls.refused(item, error)
            return
        future = self._store.put(item.target, bytes(answer.body))
        away = _Away(item, len(answer.body), future)
        self._away += 1
        future.add_done_callback(lambda _: self._queue.put(away))

    def _there(self, away: _Away) -> None:
        self._away -= 1
        self._free(away.size)
        error = away.future.exception()
        if error is None:
            self._settle(Result(away.item.wish.key, away.size))
            return
        known = trouble(error, self._store)
        if isinstance(known, StoreRefuses):
            self._break(known)
        else:
            self._calls.refused(away.item, known)

    def _settle(self, result: Result) -> None:
        self._feed.settle([result])
        self._calls.settled([result])

    def _free(self, count: int) -> None:
        self._budget.give(count)
        with self._lock:
            self._waiting -= 1
        self._calls.drained()

    def _break(self, error: BaseException) -> None:
        if not self._broken:
            self._broken = True
            self._calls.broke(error)
