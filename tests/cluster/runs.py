"""Runs of datasets in the tests' own process: a queue over the tests' API, on a cluster or alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from mlhub_tui.auth import Credentials
from mlhub_tui.options import ClusterConfig
from mlhub_tui.planning.requests import DatasetRequest, dataset_request
from mlhub_tui.planning.resolver import Resolver
from mlhub_tui.queue.job import Job
from mlhub_tui.queue.run_job import open_for_job
from mlhub_tui.queue.service import QueueService
from tests.queue.support import HASTY, QUICK

from .support import CROPS, KEY, DaskCluster, Field


def wish(field: Field, place: Path | str, cluster: DaskCluster | None = None, **more: Any) -> DatasetRequest:
    """Return a request for the tests' dataset, to a folder or a URL."""
    found = (
        None if cluster is None else ClusterConfig(cluster.address, connections=more.pop("connections", None))
    )
    profile = cluster.knows(field.root_url) if cluster is not None else None
    url = place if isinstance(place, str) else ""
    folder = Path() if isinstance(place, str) else place
    return dataset_request(
        CROPS, folder, source=field.root_url, profile=profile, cluster=found, url=url, **more
    )


def queue_for(field: Field, home: Path) -> QueueService:
    """Return a queue that was started."""
    known = Credentials(KEY, field.root_url, None, "a test")
    resolver = Resolver(lambda request: open_for_job(request, lambda: known))
    made = QueueService(home / "queue.db", resolver, retries=HASTY, config=QUICK)
    made.start()
    return made


async def settle(field: Field, home: Path, request: DatasetRequest) -> Job:
    """Run a wish to its end and return its job."""
    queue = queue_for(field, home)
    try:
        job = await queue.add(request)
        return (await queue.wait([job.id]))[0]
    finally:
        await asyncio.to_thread(queue.stop, 60)
