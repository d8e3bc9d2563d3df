"""An HTTP client beside the running sample catalog, with and without the key."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from mlhub_tui.sample.catalog import SampleCatalog, load
from mlhub_tui.sample.server import SampleServer


@pytest.fixture(scope="session")
def api(sample: SampleServer) -> Iterator[httpx.Client]:
    """Yield a client of the API that sends the key and follows no redirect by itself."""
    with httpx.Client(base_url=sample.root_url, params={"key": sample.key}, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def anonymous(sample: SampleServer) -> Iterator[httpx.Client]:
    """Yield a client of the API that sends no key."""
    with httpx.Client(base_url=sample.root_url, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def store(sample: SampleServer) -> Iterator[httpx.Client]:
    """Yield a client of the store."""
    with httpx.Client(base_url=sample.store_url, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def catalog() -> SampleCatalog:
    """Return the facts the sample server serves."""
    return load()
