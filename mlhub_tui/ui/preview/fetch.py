"""An image's bytes: what they will cost, and the fetching of them into the cache."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ... import preview_cache
from ...errors import EntityDoesNotExist, MLHubException, NotOffered
from ...models import Asset, Document
from ...sources.asset_hrefs import asset_href
from ...sources.static.document_urls import is_member, local_path
from ...text import one_line, size
from . import overview
from .choose import is_tiff

if TYPE_CHECKING:
    from ...http.link import Link
    from ...sources.base import Source

LARGEST = 100_000_000
"""Bytes of an image; a larger one is no preview."""
_HINT = "d downloads it"
_LOCAL = "file://"


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image on disk, how many bytes had to come for it, and where it was if none."""

    path: Path
    size: int
    came: int = 0
    here: str = "from the cache"


async def found(source: Source, document: Document, asset: Asset) -> ImageFile | None:
    """Return an image that is on this machine: a file of the catalog, or one that was fetched within a day.

    Raises
    ------
    NotOffered
        If it cannot be fetched, or its reader has to pay.
    """
    href = asset_href(document, asset)
    if href.pays:
        raise NotOffered(f"its reader has to pay: {href.pays}", hint="")
    if href.href.lower().startswith(_LOCAL):
        link = await source.asset_link(href.href)
        path = local_path(link.url) if not is_member(link.url) else None
        if path is not None and await asyncio.to_thread(path.is_file):
            return ImageFile(path, path.stat().st_size, here="on this disk")
    known = await asyncio.to_thread(
        preview_cache.found, preview_cache.place(source.root_url, document, asset)
    )
    return ImageFile(known, known.stat().st_size) if known is not None else None


@dataclass(frozen=True, slots=True)
class Cost:
    """What an image costs: its bytes, None where nobody tells; and whether only a part of it is fetched."""

    size: int | None
    overview: bool = False

    @property
    def bytes(self) -> int | None:
        """What is fetched at most."""
        return overview.MOST if self.overview else self.size


async def cost(source: Source, document: Document, asset: Asset) -> Cost:
    """Return the cost of an image: as its document says, else as its server does; 0 on this machine.

    Raises
    ------
    RequestError, EntityDoesNotExist
        If its server refuses it.
    """
    href = asset_href(document, asset).href
    if href.lower().startswith(_LOCAL):
        return Cost(0)
    known = asset.size
    if known is None:
        known = await _asked(await source.asset_link(href), asset)
    return Cost(known, is_tiff(asset) and known is not None and known >= overview.FROM)


async def _asked(link: Link, asset: Asset) -> int | None:
    """Ask the server how large an image is, without its bytes."""
    from ...transfer.content_checks import Expected
    from ...transfer.engine import shared_engine
    from ...transfer.single_file import fetch_version

    engine = shared_engine()

    async def ask() -> int | None:
        version = await fetch_version(engine.client(), link, Expected(one_line(asset.key, 60)))
        return version.total

    return await engine.run(ask())


async def fetch(
    source: Source, document: Document, asset: Asset, price: Cost, say: Callable[[str], None]
) -> ImageFile:
    """Fetch an image, or an overview of it, into the cache.

    Parameters
    ----------
    source
        Where the document came from; its links, and rules on keys, are those of downloads.
    price
        What it costs, and whether an overview of it will do.
    say
        Called with how far it is, in words.

    Raises
    ------
    MLHubException
        If it cannot be fetched, or is too large.
    """
    where = preview_cache.place(source.root_url, document, asset)
    await asyncio.to_thread(preview_cache.make, where)
    if price.overview and price.size is not None:
        link = await source.asset_link(asset_href(document, asset).href)
        target = where / "overview.tif"
        came = await overview.fetch_overview(link, price.size, target)
        return ImageFile(target, price.size, came)
    if price.size is not None and price.size > LARGEST:
        raise _too_large(asset)
    return await _whole(source, document, asset, where, say)


async def _whole(
    source: Source, document: Document, asset: Asset, where: Path, say: Callable[[str], None]
) -> ImageFile:
    from ...queue.fetch import fetch_asset

    too_large = False

    def show(done: int, total: int | None) -> None:
        nonlocal too_large
        say(f"{size(done)} of {size(total)}" if total else size(done))
        if max(done, total or 0) > LARGEST and not transfer.done():
            too_large = True
            transfer.cancel()

    transfer = asyncio.create_task(fetch_asset(source, document, asset.key, where, on_progress=show))
    try:
        path = await transfer
    except asyncio.CancelledError:
        transfer.cancel()
        if not too_large:
            raise
        raise _too_large(asset) from None
    except EntityDoesNotExist as error:
        raise MLHubException(error.message, hint="its document names a file that is not there") from error
    came = (await asyncio.to_thread(path.stat)).st_size
    if came > LARGEST:
        path.unlink(missing_ok=True)
        raise _too_large(asset)
    return ImageFile(path, came, came)


def _too_large(asset: Asset) -> MLHubException:
    words = f"{asset.label} is larger than {size(LARGEST)}: too large for a preview"
    return MLHubException(words, hint=_HINT)
