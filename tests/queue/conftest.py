"""Queues and servers that end with the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.planning.resolver import Resolver
from mlhub_tui.queue.service import QueueService
from tests.support.fault_server import FaultServer

from .dataset_support import queue_at, shops
from .support import HASTY, QUICK, content

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
def make_queue(mlhub_home: Path) -> Iterator[Callable[..., QueueService]]:
    """Return a function that starts queues on one database."""
    made: list[QueueService] = []

    def make(resolver: Resolver, **options: Any) -> QueueService:
        queue = QueueService(
            mlhub_home / "queue.db", resolver, **{"retries": HASTY, "config": QUICK, "look": 0.1, **options}
        )
        made.append(queue)
        queue.start()
        return queue

    yield make
    for queue in made:
        queue.stop(60)
