"""What the servers need: an environment of their own, and what to do where that cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REQUIREMENTS = ("stac-fastapi.pgstac[server]>=7,<8", "pypgstac[psycopg]>=0.9.11,<0.11", "rustac>=0.9,<0.10")
_GIVEN = os.environ.get("MLHUB_SERVERS_PYTHON")


def environment(config: pytest.Config, make_folder: pytest.TempPathFactory) -> Path:
    """Return the folder of the servers' programs: a given one, or one kept in pytest's cache."""
    if _GIVEN:
        return Path(_GIVEN).parent
    cache = getattr(config, "cache", None)  # there is none under -p no:cacheprovider
    folder: Path = cache.mkdir("servers") if cache else make_folder.mktemp("servers")
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    if not (folder / "complete").exists():
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, *REQUIREMENTS])
        (folder / "complete").touch()
    return programs


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        pytest.skip(f"the servers could not be installed: {said}")
