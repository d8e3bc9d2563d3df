"""Queues and servers that end with the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.options import IfExists
from mlhub_tui.planning.requests import ArchiveRequest
from mlhub_tui.planning.resolver import Resolver
from mlhub_tui.queue.job import Job
from mlhub_tui.queue.service import QueueService
from tests.support.fault_server import FaultServer

from .dataset_support import Crops, queue_at, shops
from .support import HASTY, QUICK, Links, content, wish

DATA = content()


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(DATA) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
async def queue(mlhub_home: Path, server: FaultServer) -> AsyncIterator[QueueService]:
    """Yield a queue for the dataset on the server."""
    running = queue_at(mlhub_home, shops(server))
    yield running
    await asyncio.to_thread(running.stop, 60)


@pytest.fixture
def crops(queue: QueueService, server: FaultServer, tmp_path: Path) -> Crops:
    return Crops(queue, server, tmp_path)


async def ended(queue: QueueService, job: Job) -> Job:
    """Return the job when nothing more happens to it by itself."""
    async with asyncio.timeout(60):
        [job] = await queue.wait([job.id])
    return job


@dataclass
class Queues:
    """Queues on one database, a server of one file, and the folder that it goes to."""

    server: FaultServer
    folder: Path
    database: Path
    started: list[QueueService] = field(default_factory=list)

    def start(self, resolver: Resolver | None = None, **options: Any) -> QueueService:
        """Start a queue, whose links lead to the server."""
        quick = {"retries": HASTY, "config": QUICK, "look": 0.1}
        queue = QueueService(self.database, resolver or Links(self.server.url), **{**quick, **options})
        self.started.append(queue)
        queue.start()
        return queue

    def wish(self, name: str = "file", if_exists: IfExists = IfExists.RESUME) -> ArchiveRequest:
        """Return a request."""
        return wish(self.folder, name, if_exists)

    async def begin(self, resolver: Resolver | None = None, **options: Any) -> tuple[QueueService, Job]:
        """Start a queue, and queue the file."""
        queue = self.start(resolver, **options)
        return queue, await queue.add(self.wish())

    async def fetch(self, resolver: Resolver | None = None, **options: Any) -> tuple[QueueService, Job]:
        """Start a queue, queue the file, and wait for the end of that."""
        queue, job = await self.begin(resolver, **options)
        return queue, await ended(queue, job)


@pytest.fixture
def queues(mlhub_home: Path, server: FaultServer, folder: Path) -> Iterator[Queues]:
    made = Queues(server, folder, mlhub_home / "queue.db")
    yield made
    for queue in made.started:
        queue.stop(60)
