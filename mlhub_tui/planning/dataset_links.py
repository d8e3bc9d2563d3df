"""Links of a dataset's assets: asked of its source, but only once for each server that needs no more."""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError
from urllib.parse import urlsplit, urlunsplit

from ..errors import NotOffered
from ..http.hrefs import shown
from ..http.link import Link
from ..sources.asset_hrefs import https_of
from ..sources.asset_links import azure_headers
from ..transfer.engine import TransferCancelled
from .requests import SAMPLE, DatasetRequest
from .resolver import AssetSource, CatalogSource, JobSource

_LOOPBACK = "127.0.0.1"


async def links_of(request: DatasetRequest, source: JobSource) -> DatasetLinks:
    """Return what gives the links of a dataset's assets.

    Raises
    ------
    NotOffered
        If the source has no assets.
    """
    if not isinstance(source, AssetSource):
        raise NotOffered("the source has no assets")
    store = ""
    if request.source == SAMPLE and isinstance(source, CatalogSource):
        store = urlsplit((await source.catalog_link(request.dataset_id)).url).netloc
    return DatasetLinks(source, asyncio.get_running_loop(), store)


class DatasetLinks:
    """Gives links to threads, while the source belongs to a loop.

    Where a server's first link is its href and nothing else, or with the source's own key, so are its
    others: a turn of the loop for each of 300,000 files would cost a minute.

    Parameters
    ----------
    source
        What is asked.
    loop
        Where it lives.
    store
        Host and port of the sample catalogue's store, which differ at each start; empty for any other.
        Also an attribute.
    """

    def __init__(self, source: AssetSource, loop: asyncio.AbstractEventLoop, store: str = "") -> None:
        self._source = source
        self._loop = loop
        self.store = store
        self._known: dict[str, Link] = {}

    def __call__(self, href: str, fresh: bool) -> Link:
        """Return the link for an href.

        Raises
        ------
        NotOffered
            If nothing can be asked for there.
        RequestError
            If a signature cannot be had.
        """
        url = https_of(self._moved(href))
        try:
            parts = urlsplit(url)
        except ValueError:
            raise NotOffered(f"{shown(href)} is no address of a file") from None
        place = f"{parts.scheme}://{parts.netloc}"
        known = self._known.get(place)
        if known is not None:
            return Link(url, known.headers, known.credentials)
        link = self._ask(url, fresh)
        if link.url == url and parts.netloc and link.headers == azure_headers(url):
            self._known[place] = link
        return link

    def _ask(self, url: str, fresh: bool) -> Link:
        asked = self._source.asset_link(url, fresh=fresh)
        try:
            future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        except RuntimeError:
            asked.close()
            raise TransferCancelled from None
        try:
            return future.result()
        except CancelledError:
            raise TransferCancelled from None

    def _moved(self, href: str) -> str:
        if not self.store:
            return href
        parts = urlsplit(href)
        return urlunsplit(parts._replace(netloc=self.store)) if parts.hostname == _LOOPBACK else href
