"""Downloads of datasets, whole or in part, and dry runs of them."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from ...auth import Credentials
from ..failures import end
from ..source_access import credentials, opened
from .dataset_arguments import DatasetArguments


def download_dataset(dry_run: bool, as_json: bool, **given: Any) -> None:
    """Download a dataset or a part of it; or only print how much it would be."""
    if as_json and not dry_run:
        raise click.UsageError("--json belongs to --dry-run")
    asked = DatasetArguments(given)

    async def work(found: Credentials) -> int:
        async with opened(found) as source:
            if dry_run:
                from .dry_run import DryRun

                await DryRun(asked, as_json).print(source, found)
                return 0
            requests = await asked.requests(source, found)
        from .queue_run import transfer  # once the first answer is there

        return await transfer(requests, found)

    with credentials(asked.choice, key_needed=True) as found:
        code = asyncio.run(work(found))
    end(code)
