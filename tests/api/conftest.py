"""The sample catalog as the API that environment variables name, for each test of the Python API."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlhub_tui.sample.server import SampleServer
from tests.sample_fixtures import sample as sample


@pytest.fixture
def deployment(sample: SampleServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SampleServer:
    """Return the sample catalog, which MLHUB_ROOT_URL names; no key is set."""
    monkeypatch.setenv("MLHUB_ROOT_URL", sample.root_url)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return sample


@pytest.fixture
def keyed(deployment: SampleServer, monkeypatch: pytest.MonkeyPatch) -> SampleServer:
    """Return the sample catalog, with its key in MLHUB_API_KEY."""
    monkeypatch.setenv("MLHUB_API_KEY", deployment.key)
    return deployment
