"""The public peer library in an environment of its own, for the tests it judges."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

REQUIREMENT = "radiant_mlhub==0.5.5"


@pytest.fixture(scope="session")
def peer_python(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an interpreter with the peer library: a given one, or one kept in pytest's cache."""
    given = os.environ.get("MLHUB_PEER_PYTHON")
    if given:
        return Path(given)
    cache = getattr(pytestconfig, "cache", None)  # there is none under -p no:cacheprovider
    folder: Path = cache.mkdir("peer") if cache else tmp_path_factory.mktemp("environment")
    environment = folder / "environment"
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    # Other processes wait for the first; SQLite's lock is released even if its holder is killed.
    with closing(sqlite3.connect(folder / "lock.db", timeout=300)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        if not (folder / "complete").exists():
            run([sys.executable, "-m", "venv", "--clear", str(environment)])
            run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", REQUIREMENT])
            (folder / "complete").touch()
    return python


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        pytest.skip(f"{REQUIREMENT} could not be installed: {reason}")
