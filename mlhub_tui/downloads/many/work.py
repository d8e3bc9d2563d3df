"""One run over a feed: takes wishes, lets slots ask, hands on what arrives, ends when all is settled."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import MLHubException
from ...http import decoding
from ...http.client import HTTPClient
from ...transfer import content_checks
from ...transfer.failures import TransferCancelled
from ...transfer.progress import TransferProgress
from ..attempt import Kit
from ..threads import in_thread
from ..tuning import Patience
from .bell import Bell
from .caller import Answer, Caller, reached, refuse_unless_good
from .check import undo_codings
from .feed import Feed, Result, Wish
from .ground import Calls, Ground
from .hosts import SharedBackoff
from .item import LOCAL, Item, compared
from .judge import Judge
from .pending import Paths, Pending
from .tally import Tally

_NO_HEAD = frozenset({400, 403, 405, 501})
_LOW, _BATCH, _WINDOW = 256, 512, 4096  # wishes: taken when fewer are ready, so many, up to so many open
_TICK = 0.05
_EXPANDS = 4  # times the size of a small file that a compressed one may have in memory


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many do what.

    Parameters
    ----------
    slots
        Requests at once.
    per_host
        Of these, to one host.
    small
        Bytes up to which a file is fetched whole into memory; larger ones go the way of single files.
    large
        Of those, at once.
    """

    slots: int = 16
    per_host: int = 16
    small: int = 2 << 20
    large: int = 3


class Work:
    """One run; all of it belongs to one event loop."""

    def __init__(
        self,
        feed: Feed,
        ground: Ground,
        kit: Kit,
        crowd: Crowd,
        patience: Patience,
        tally: Tally,
        holds: SharedBackoff | None,
        client: HTTPClient,
    ) -> None:
        self._feed = feed
        self._ground = ground
        self._crowd = crowd
        self._kit = kit
        self._client = client
        self._caller = Caller(client, kit.config.timeouts, kit.limits.bandwidth)
        self._tally = tally
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._bell = Bell()
        self._pending = Pending(crowd.per_host, patience, holds or kit.limits.hosts, kit.limits.hosts)
        self._paths = Paths()
        self._again: list[Wish] = []
        self._large: asyncio.Queue[Item] = asyncio.Queue()
        self._fed = False
        self._open = 0  # wishes of which nothing is with the landing yet
        self._tasks: set[asyncio.Task[None]] = set()
        post = self._post
        calls = Calls(post(self._settled), post(self._refused), post(self._bell.ring), post(self._end))
        self._shore = ground.shore(feed, calls)
        self._judge = Judge(self._pending, patience, self._tell, self._end, self._relink)

    def abort(self) -> None:
        """End it, from any thread."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end, TransferCancelled())

    async def run(self) -> None:
        """Work until all is settled or something ends it; then commit what has arrived."""
        self._shore.start()
        self._spawn(self._take_wishes())
        self._spawn(self._tick())
        for _ in range(self._crowd.slots):
            self._spawn(self._serve())
        for _ in range(self._crowd.large):
            self._spawn(self._serve_large())
        try:
            await self._over
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._pending.close()
            self._shore.end()
            await in_thread(self._shore.join)
            await asyncio.sleep(0)  # the last results are counted in the loop

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._end(error)

    def _end(self, error: BaseException | None = None) -> None:
        if not self._over.done():
            if error is None:
                self._over.set_result(None)
            else:
                self._over.set_exception(error)

    def _post(self, call: Callable[..., None]) -> Callable[..., None]:
        """Return a function, for any thread, that calls another one in the loop; what it raises ends us."""

        def guarded(*given: Any) -> None:
            try:
                call(*given)
            except Exception as error:
                self._end(error)

        def post(*given: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the loop ended first
                self._loop.call_soon_threadsafe(guarded, *given)

        return post

    async def _tick(self) -> None:
        heard = 0
        while True:
            await asyncio.sleep(_TICK)
            before, heard = heard, self._caller.heard
            if heard != before:
                self._tally.heard = time.monotonic()
            self._judge.show(self._tally)
            self._bell.ring()

    async def _take_wishes(self) -> None:
        """Keep enough wishes at hand, until the feed has no more."""
        while True:
            if self._again:
                wishes, self._again = self._again, []
                await self._admit(wishes)
            elif not self._fed and self._pending.ready < _LOW and len(self._paths) < _WINDOW:
                taken = await in_thread(lambda: self._feed.take(_BATCH))
                self._fed = not taken
                if self._fed and not self._open:
                    self._shore.hurry()
                await self._admit([wish for wish in taken if self._paths.claim(wish)])
            elif self._fed and not len(self._paths):
                return self._end()
            else:
                await self._bell.heard()

    async def _admit(self, wishes: Sequence[Wish]) -> None:
        self._open += len(wishes)
        found = await in_thread(lambda: self._ground.examine(wishes))
        for one in found:
            if isinstance(one, Result):
                self._tell(one)
            else:
                one.single = one.place is LOCAL or (one.wish.size or 0) > self._crowd.small
                self._pending.add(one)
        self._bell.ring()

    async def _serve(self) -> None:
        """Be one slot: fetch what is next, one after the other."""
        while True:
            while self._shore.full or (item := self._pending.next(time.monotonic())) is None:
                await self._bell.heard()
            host = self._pending.host(item.place)
            began = time.monotonic()
            try:
                if host.error is not None:
                    self._tell(item.failed(host.error))
                elif await self._fetch(item):
                    host.gave()
            except MLHubException as error:
                self._judge.failed(item, error, began, reached=reached(error))
            finally:
                host.end()

    async def _fetch(self, item: Item) -> bool:
        """Ask for a file, or first for its size; return whether its host gave something."""
        most = self._crowd.small
        if item.single:
            return self._pass_to_single(item)
        if item.there is not None and not item.looked:
            answer = await self._caller.ask("HEAD", item.link, most)
            if answer.response.status in _NO_HEAD:
                return self._pass_to_single(item)
            refuse_unless_good(answer, item, body_follows=False)
            item.looked = True
            if not self._sent_encoded(answer, item) and compared(item, answer.response.content_length):
                self._tell(item.there_already(item.there))
                return True
        answer = await self._caller.ask("GET", item.link, most)
        if answer.large:
            return self._pass_to_single(item)
        refuse_unless_good(answer, item, body_follows=True)
        if not undo_codings(item, answer, _EXPANDS * most):
            return self._pass_to_single(item)
        self._shore.land(item, answer)
        self._handed_over()
        return True

    @staticmethod
    def _sent_encoded(answer: Answer, item: Item) -> bool:
        """Return whether an answer's length is that of an encoded form of the file."""
        found = decoding.codings(answer.response.headers)
        return bool(found) and not content_checks.is_ambiguous(found, item.wish.expected)

    def _pass_to_single(self, item: Item) -> bool:
        item.single = True
        self._large.put_nowait(item)
        return False

    def _tell(self, result: Result) -> None:
        self._shore.tell(result)
        self._handed_over()

    def _handed_over(self) -> None:
        """Count what the landing has; do not let the last ones wait for more."""
        self._open -= 1
        if not self._open and self._fed:
            self._shore.hurry()

    async def _serve_large(self) -> None:
        while True:
            item = await self._large.get()
            host = self._pending.host(item.place)
            while not host.begin(time.monotonic()):
                await self._bell.heard()
            began = time.monotonic()
            live = self._tally.large[item.wish.path] = TransferProgress()
            try:
                if host.error is not None:
                    raise host.error
                self._tell(await self._ground.fetch_single(item, self._kit, live))
                host.gave()
            except (MLHubException, OSError) as error:
                self._judge.failed(item, error, began, reached=reached(error))
            finally:
                host.end()
                self._tally.large.pop(item.wish.path, None)

    def _refused(self, item: Item, error: MLHubException) -> None:
        self._open += 1
        self._judge.failed(item, error, time.monotonic())

    def _relink(self, item: Item) -> None:
        self._spawn(self._look_up(item))

    async def _look_up(self, item: Item) -> None:
        """Look up another link for an item, once."""
        try:
            link = await in_thread(lambda: self._feed.relink(item.wish))
        except MLHubException as error:
            self._tell(item.failed(error))
            return
        self._judge.relinked(item, link)

    def _settled(self, results: Iterable[Result]) -> None:
        for result in results:
            self._tally.count(result)
            following = self._paths.release(result)
            if following is not None:
                self._again.append(following)
        self._bell.ring()
