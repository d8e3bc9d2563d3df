"""Links on a worker: its own sources, opened with its own credentials, asked when a file's turn comes."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from ..auth import Credentials, resolve_or_anonymous
from ..errors import NotOffered
from ..http.link import Link
from ..planning.dataset_links import DatasetLinks, links_of
from ..planning.filters import Filters
from ..planning.manifest_queue import LinkOf
from ..planning.requests import DatasetRequest
from ..planning.resolver import JobSource
from ..queue.credentials import credentials_for, open_for_job
from .payloads import RunConfig, bare

T = TypeVar("T")
_KEPT = 16  # sources that stay open


class Links:
    """The sources of the runs that a worker has files of, in an event loop of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: OrderedDict[str, Future[tuple[JobSource, DatasetLinks]]] = OrderedDict()

    def of(self, errand: RunConfig) -> LinkOf:
        """Return what gives links for a run; blocks while its source is opened.

        Raises
        ------
        MLHubException
            If the source cannot be opened with what this worker has.
        """
        with self._lock:
            found = self._open.get(errand.run)
            if found is not None:
                self._open.move_to_end(errand.run)
            if found is None or (found.done() and found.exception() is not None):
                found = self._open[errand.run] = self._run(self._opened(errand))
                while len(self._open) > _KEPT:
                    self._drop(self._open.popitem(last=False)[1])
        known = found.result()[1]

        def link(href: str, fresh: bool) -> Link:
            asked = bare(href)
            made = known(asked, fresh)
            if asked != href and not made.sends_key and "?" not in made.url:
                raise NotOffered(
                    "its href carries a signature, which is not sent to a cluster",
                    hint="download it with --engine local",
                )
            return made

        return link

    def close(self) -> None:
        """Close all sources."""
        with self._lock:
            loop, self._loop = self._loop, None
            for future in self._open.values():
                if loop is not None:
                    self._drop(future, loop)
            self._open.clear()
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)

    async def _opened(self, errand: RunConfig) -> tuple[JobSource, DatasetLinks]:
        request = DatasetRequest(
            source=errand.source,
            profile=errand.profile,
            dataset_id=errand.dataset,
            folder=Path(),
            filters=Filters(),
            stamp="",
            kind=errand.kind,
        )

        def choose() -> Credentials:
            return credentials_for(request, resolve_or_anonymous(), _no_sample)

        source = await open_for_job(request, choose)
        links = await links_of(request, source)
        links.store = errand.store
        return source, links

    def _run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="sources", daemon=True).start()
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _drop(
        self,
        future: Future[tuple[JobSource, DatasetLinks]],
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Close a source once nothing is asked of it any more; links that were given stay good."""
        loop = loop or self._loop
        if loop is not None and future.done() and future.exception() is None:
            asyncio.run_coroutine_threadsafe(future.result()[0].aclose(), loop)


def _no_sample() -> Credentials:
    raise NotOffered("a worker has no sample catalogue: it is told where that of its client is")
