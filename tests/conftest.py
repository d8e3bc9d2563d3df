"""Shared fixtures: the recorded answers of the hosted API, a private MLHUB_HOME, the sample catalog."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from .peer_fixtures import peer_python
from .sample_fixtures import sample
from .support.event_loop import WatchedPolicy
from .support.hasty import sitecustomize

__all__ = ["peer_python", "sample", "sitecustomize"]

pytest_plugins = ["tests.marks"]

# Tests start some hundred processes, and each worker reads 300 test modules: all of it is compiled once,
# whatever the environment says of bytecode.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Where a shell runs the tests in its background, Ctrl+C is ignored, and would be by the programs they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Screens under Pilot are laid out within a millisecond, not a sixtieth of a second; programs that tests start
# are not concerned.
os.environ["TEXTUAL_FPS"] = "1000"
importlib.import_module("textual.constants")
del os.environ["TEXTUAL_FPS"]

# Loops, of tests and in them, that can be waited for.
asyncio.set_event_loop_policy(WatchedPolicy())

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


def pytest_xdist_auto_num_workers() -> int:
    """Run a process more than there are cores: about half of the tests' time is waiting."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """Look for garbage less often, and not in what is imported: it took a third of the time of screens."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


@pytest.fixture(autouse=True, scope="module")
def _garbage() -> Iterator[None]:
    """Look for garbage in what a module left once, and not again: processes grow to half a gigabyte."""
    yield
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name bytes that are no text by their place: a time in them (gzip) is another in each process."""
    return "bytes" if isinstance(val, bytes) and not val.isascii() else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that need the same costly environment in one process, which makes it once.

    The long ones come first, so that none of them runs on alone at the end.
    """
    items.sort(key=lambda item: not any(mark.name in _LONG for mark in item.iter_markers()))
    for item in items:
        for costly in _COSTLY.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group(costly))


_COSTLY = {"peer_python"}
_LONG = {"slow", "cluster", "servers", "ssh", "terminal"}


@pytest.fixture(autouse=True)
def mlhub_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the user's own profiles, queue and environment."""
    for name in [name for name in os.environ if name.startswith("MLHUB_")]:
        if name != "MLHUB_PEER_PYTHON":
            monkeypatch.delenv(name)
    home = tmp_path / "mlhub-home"
    monkeypatch.setenv("MLHUB_HOME", str(home))
    monkeypatch.setenv("MLHUB_TOUR", "0")
    monkeypatch.setenv("TERM", "xterm-256color")  # whatever the tests are run in
    monkeypatch.delenv("COLORTERM", raising=False)
    return home


def _beside(name: str) -> Path:
    folder = Path(__file__).parent.parent.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"no recorded answers at {folder}")
    return folder


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Return the folder of recorded answers beside the project; skip where it is missing."""
    return _beside("mlhub-recorded")


@pytest.fixture(scope="session")
def stac_recorded() -> Path:
    """Return the folder of answers of STAC services beside the project; skip where it is missing."""
    return _beside("stac-recorded")
