"""A server of the files of a module, what runs share, and a folder for what arrives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlhub_tui.planning.resolver import JobContext
from tests.support.fault_server import FaultServer

from .batch_support import kit


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[FaultServer]:
    """Serve what the module calls FILES."""
    with FaultServer() as server:
        server.by_target = getattr(request.module, "FILES", {})
        yield server


@pytest.fixture
def shared(tmp_path: Path) -> JobContext:
    """Return what runs share."""
    return kit(tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that is not there yet."""
    return tmp_path / "out"
