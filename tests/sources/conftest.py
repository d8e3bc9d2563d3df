"""Fixtures of the sources' tests: the recorded API played on loopback, and sessions that wait for nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mlhub_tui.http.session import Session
from mlhub_tui.sources.mlhub import MLHubSource

from .replay import KEY, Replay


@pytest.fixture(scope="session")
def played(recorded: Path) -> Iterator[Replay]:
    """Yield the recorded API; its list of requests grows through the session."""
    with Replay(recorded) as replay:
        yield replay


@pytest.fixture
def replay(played: Replay) -> Replay:
    """Return the recorded API with nothing asked yet."""
    played.api.requests.clear()
    played.store.requests.clear()
    return played


@pytest.fixture
async def source(replay: Replay) -> AsyncIterator[MLHubSource]:
    """Yield a source over the recorded API, with a key."""
    mlhub = MLHubSource(Session(api_key=KEY, root_url=replay.root))
    yield mlhub
    await mlhub.aclose()


@pytest.fixture
async def keyless(replay: Replay) -> AsyncIterator[MLHubSource]:
    """Yield a source over the recorded API, without a key."""
    mlhub = MLHubSource(Session(root_url=replay.root))
    yield mlhub
    await mlhub.aclose()
