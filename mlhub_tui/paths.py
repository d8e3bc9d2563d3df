"""Where things live: MLHUB_HOME (default `~/.mlhub`, as the seed library documents) and what is in it."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """Return MLHUB_HOME, or `~/.mlhub`; nothing is created."""
    configured = os.environ.get("MLHUB_HOME")
    return Path(configured).expanduser() if configured else Path.home() / ".mlhub"


def profiles() -> Path:
    """Return the path of the profiles file (INI)."""
    return home() / "profiles"


def config() -> Path:
    """Return the path of the settings (TOML)."""
    return home() / "config.toml"


def queue() -> Path:
    """Return the path of the download queue (SQLite)."""
    return home() / "queue.db"


def cache() -> Path:
    """Return the folder of what can be fetched again: documents and indexes of archives."""
    return home() / "cache"


def log_dir() -> Path:
    """Return the folder of log files."""
    return home() / "log"


def state() -> Path:
    """Return the path of the file that remembers choices between starts (JSON)."""
    return home() / "state.json"


def searches() -> Path:
    """Return the path of the saved searches (JSON)."""
    return home() / "searches.json"
