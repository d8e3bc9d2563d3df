"""An image's bytes: what they will cost, and the fetching of them into the cache."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...downloads import images
from ...errors import EntityDoesNotExist, MLHubException, NotOffered
from ...models import Asset, Document
from ...sources.asset_hrefs import asset_href
from ...text import one_line, size

if TYPE_CHECKING:
    from ...sources.base import Source
    from ...sources.link import Link

LARGEST = 100_000_000
"""Bytes of an image; a larger one is no preview."""
_HINT = "d downloads it"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An image on disk, and how many bytes had to come for it: 0 where it was there."""

    path: Path
    size: int
    came: int


async def cost(source: Source, document: Document, asset: Asset) -> int | None:
    """Return the bytes of an image: as its document says, else as its server does; None if neither, 0 here.

    Raises
    ------
    NotOffered
        If it cannot be fetched, or its reader has to pay.
    RequestError, EntityDoesNotExist
        If its server refuses it.
    """
    href = asset_href(document, asset)
    if href.pays:
        raise NotOffered(f"its reader has to pay: {href.pays}", hint="")
    if href.href.lower().startswith("file://"):
        return 0
    return asset.size if asset.size is not None else await _asked(await source.asset_link(href.href), asset)


async def _asked(link: Link, asset: Asset) -> int | None:
    """Ask the server how large an image is, without its bytes."""
    from ...downloads.probe import head
    from ...downloads.tuning import Tuning
    from ...downloads.wire import Wire

    wire = await asyncio.to_thread(Wire, link, Tuning(), threading.Event())
    try:
        return (await asyncio.to_thread(head, wire, one_line(asset.key, 60))).total
    finally:
        wire.cut()
        wire.close()


async def fetch(
    source: Source, document: Document, asset: Asset, say: Callable[[str], None], most: int = LARGEST
) -> Fetched:
    """Return an image from the cache, or fetch it into it.

    Parameters
    ----------
    source
        Where the document came from; its links, and rules on keys, are those of downloads.
    say
        Called with how far it is, in words.
    most
        Bytes beyond which it is given up.

    Raises
    ------
    MLHubException
        If it cannot be fetched, or is too large.
    """
    from ...downloads.fetch import fetch_asset

    where = images.place(source.root_url, document, asset)
    if (known := await asyncio.to_thread(images.found, where)) is not None:
        return Fetched(known, known.stat().st_size, 0)
    if asset.size is not None and asset.size > most:
        raise _too_large(asset, most)
    await asyncio.to_thread(images.make, where)
    too_large = False

    def show(done: int, total: int | None) -> None:
        nonlocal too_large
        say(f"{size(done)} of {size(total)}" if total else size(done))
        if max(done, total or 0) > most and not transfer.done():
            too_large = True
            transfer.cancel()

    transfer = asyncio.create_task(fetch_asset(source, document, asset.key, where, on_progress=show))
    try:
        path = await transfer
    except asyncio.CancelledError:
        transfer.cancel()
        if not too_large:
            raise
        raise _too_large(asset, most) from None
    except EntityDoesNotExist as error:
        raise MLHubException(error.message, hint="its document names a file that is not there") from error
    came = (await asyncio.to_thread(path.stat)).st_size
    if came > most:
        path.unlink(missing_ok=True)
        raise _too_large(asset, most)
    return Fetched(path, came, came)


def _too_large(asset: Asset, most: int) -> MLHubException:
    return MLHubException(f"{asset.label} is larger than {size(most)}: too large for a preview", hint=_HINT)
