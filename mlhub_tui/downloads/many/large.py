"""Single files of a run: what is large or local, resumed and in ranges, as any single file."""

from __future__ import annotations

from pathlib import Path

from ...transfer.config import DownloadSpec
from ...transfer.progress import TransferProgress
from ..attempt import Kit
from .feed import Result
from .item import Item


async def fetch_large(item: Item, kit: Kit, live: TransferProgress) -> Result:
    """Fetch a file to its end, shown in `live`; a cancel keeps its part.

    Raises
    ------
    MLHubException, OSError
        What went wrong.
    """
    wish = item.wish
    spec = DownloadSpec(item.link, Path(item.target), wish.if_exists, wish.size, wish.digests, wish.page)
    outcome = await kit.fetch(spec, live, holds_slot=True)
    return Result(wish.key, outcome.size, fetched=outcome.fetched)
