"""A program that downloads a dataset, for tests that kill it: `HOME URL FOLDER --dataset`, by `nest`."""

from __future__ import annotations

from pathlib import Path

from tests.queue.dataset_support import Shop, Shops, queue_at, wish


async def main(home: Path, url: str, folder: Path) -> None:
    """Queue the dataset, and stay until it is at rest."""
    queue = queue_at(home, Shops(Shop(url)))
    job = await queue.add(wish(folder))
    await queue.wait([job.id])
    queue.stop(60)
