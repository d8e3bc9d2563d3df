"""Queues and servers that end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlhub_tui.planning.resolver import Resolver
from mlhub_tui.queue.service import QueueService
from tests.support.fault_server import FaultServer

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
