"""Fetches all files of a feed, as fast as servers and disk allow, from any thread."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from .. import folder
from ..attempt import Kit
from ..threads import DaemonExecutor
from ..trouble import Interrupted
from ..tuning import Patience
from .feed import Feed
from .ground import DiskGround, Ground
from .hosts import Holds
from .places import Tree
from .tally import Tally
from .work import Crowd, Work

__all__ = ["Crowd", "Harvest"]


class Harvest:
    """Fetches what a feed gives; `run` blocks, so it wants a thread, and `abort` ends it from any other.

    Parameters
    ----------
    feed
        Where wishes come from and results go.
    place
        Absolute folder that all of them are in, or where else they go.
    kit
        What all transfers share: time-outs, TLS settings, the speed limit, the journal of large parts.
    tally
        Where progress is shown.
    crowd
        How many slots there are.
    patience
        When failures are tried again.
    holds
        Who else asks the same hosts, and waits with this run; nobody by default.
    """

    def __init__(
        self,
        feed: Feed,
        place: Path | Ground,
        kit: Kit,
        tally: Tally | None = None,
        *,
        crowd: Crowd | None = None,
        patience: Patience | None = None,
        holds: Holds | None = None,
    ) -> None:
        self.tally = tally or Tally()
        self._feed = feed
        self._root = folder.normal(place) if isinstance(place, Path) else None
        self._ground = DiskGround(Tree(folder.normal(place))) if isinstance(place, Path) else place
        self._holds = holds
        self._kit = kit
        self._crowd = crowd or Crowd()
        self._patience = patience or Patience()
        self._stop = threading.Event()
        self._work: Work | None = None

    def run(self) -> Tally:
        """Fetch everything.

        Raises
        ------
        Interrupted
            If it was aborted; what had arrived is committed and recorded.
        NoSpaceError
            If the disk is full: no file has failed by that, the rest waits in the feed.
        AuthenticationError
            If a key was refused.
        RequestError
            If no host answers any more; the rest waits in the feed too.
        MLHubException, OSError, sqlite3.Error
            If the folder, or the record, cannot be written.
        """
        if self._root is not None:
            folder.check(self._root)
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            return runner.run(self._main())

    def abort(self) -> None:
        """End it: requests are broken off at once, what has arrived is committed."""
        self._stop.set()
        work = self._work
        if work is not None:
            work.abort()

    async def _main(self) -> Tally:
        asyncio.get_running_loop().set_default_executor(DaemonExecutor())
        self._work = work = Work(
            self._feed, self._ground, self._kit, self._crowd, self._patience, self.tally, self._holds
        )
        if self._stop.is_set():
            raise Interrupted
        await work.run()
        return self.tally
