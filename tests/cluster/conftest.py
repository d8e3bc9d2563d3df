"""A cluster and a store for all tests that harm neither; without their programs there are none."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from .support import Bucket, DaskCluster, Process, environment, s3_server, store_variables

_NEEDED = ("distributed", "s3fs", "moto", "boto3", "cryptography")
_MISSING = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
collect_ignore_glob = ["test_*.py"] if _MISSING else []


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the URL of an S3 server."""
    with s3_server(tmp_path_factory.mktemp("s3")) as url:
        yield url


@pytest.fixture(scope="session")
def cluster(s3: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """Give a cluster of two workers, whose environment has the keys of the API and of the store."""
    folder = tmp_path_factory.mktemp("dask")
    with DaskCluster(folder, environment(folder / "home", s3), 2) as made:
        made.joined(2)  # a test's retries are over sooner than a busy machine starts a scheduler
        yield made


@pytest.fixture
def store(s3: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Bucket:
    """Return an empty bucket of the test's own, for which this process has the keys."""
    for name, value in store_variables(s3).items():
        monkeypatch.setenv(name, value)
    return Bucket(s3, f"test-{abs(hash(request.node.nodeid)) % 10**12}")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return a folder that is not there yet, whose name is another one in a URL."""
    return tmp_path / "out größe 1%23#"


@pytest.fixture(autouse=True)
def no_processes_left() -> Iterator[None]:
    """Kill what a test that failed has left running."""
    before = list(Process.running)
    yield
    for process in [each for each in Process.running if each not in before]:
        process.kill()
