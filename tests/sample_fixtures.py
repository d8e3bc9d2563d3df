"""The sample catalog as a fixture for every test that wants a real MLHub API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlhub_tui.sample.server import SampleServer


@pytest.fixture(scope="session")
def sample() -> Iterator[SampleServer]:
    """Yield one running sample catalog for the whole session, as fast as it goes."""
    with SampleServer(rate=None) as server:
        yield server
