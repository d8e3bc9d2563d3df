"""Fetches all files of a feed, as fast as servers and disk allow, from any thread."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

from ...http.client import ClientConfig, HTTPClient
from ...transfer import part_file
from ...transfer.failures import TransferCancelled
from ..attempt import Kit
from ..threads import DaemonExecutor
from ..tuning import Patience
from .feed import Feed
from .ground import DiskGround, Ground
from .hosts import SharedBackoff
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
        holds: SharedBackoff | None = None,
    ) -> None:
        self.tally = tally or Tally()
        self._feed = feed
        self._root = part_file.absolute(place) if isinstance(place, Path) else None
        self._ground = DiskGround(Tree(part_file.absolute(place))) if isinstance(place, Path) else place
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
        TransferCancelled
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
            part_file.check_writable(self._root)
        with asyncio.Runner() as runner:
            return runner.run(self._main())

    def abort(self) -> None:
        """End it: requests are broken off at once, what has arrived is committed."""
        self._stop.set()
        work = self._work
        if work is not None:
            work.abort()

    async def _main(self) -> Tally:
        asyncio.get_running_loop().set_default_executor(DaemonExecutor())
        config = ClientConfig(connect_timeout=self._kit.config.connect_timeout)
        if (tls := self._kit.tls) is not None:
            config = replace(config, tls_context=lambda: tls)
        async with HTTPClient(config) as client:
            self._work = work = Work(
                self._feed,
                self._ground,
                self._kit,
                self._crowd,
                self._patience,
                self.tally,
                self._holds,
                client,
            )
            if self._stop.is_set():
                raise TransferCancelled
            await work.run()
        return self.tally
