"""The way of single files, for what is large, local, or behind a proxy: resumed, in ranges, one at a time."""

from __future__ import annotations

from pathlib import Path

from ..attempt import Kit, transfer_one
from ..live import Live
from ..one.transfer import Task
from .feed import Result
from .item import Item


async def fetch_large(item: Item, kit: Kit, live: Live) -> Result:
    """Fetch a file to its end, shown in `live`; a cancel keeps its part.

    Raises
    ------
    MLHubException, OSError
        What went wrong.
    """
    wish, target = item.wish, Path(item.target)
    part = target.with_name(f"{target.name}.part")
    task = Task(target, part, wish.if_exists, wish.size, wish.digests, wish.page)
    outcome = await transfer_one(task, item.link, kit, live)
    return Result(wish.key, outcome.size, fetched=outcome.fetched)
