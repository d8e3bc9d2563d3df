"""Where things live: MLHUB_HOME (default `~/.mlhub`, as radiant_mlhub documents) and what is in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .errors import NoHomeFolder


def home() -> Path:
    """Return MLHUB_HOME, its `~` and `$NAME` expanded, or `~/.mlhub`; nothing is created.

    Raises NoHomeFolder if it is below the home of a user who has none, as in containers that run under a
    number without an entry in `passwd`; if it begins with a variable that is not set.
    """
    # A shell leaves it as it is in quotes, as do `.env` files and unit files.
    configured = os.path.expandvars(os.environ.get("MLHUB_HOME", ""))
    if configured.startswith("$"):
        raise NoHomeFolder(f"MLHUB_HOME begins with a variable that is not set: {configured}")
    try:
        return Path(configured).expanduser() if configured else Path.home() / ".mlhub"
    except RuntimeError:
        words = "this user has no home folder to keep settings and downloads in"
        if configured:
            words = f"MLHUB_HOME is in the home folder of nobody: {configured}"
        raise NoHomeFolder(words) from None


_temporary: dict[Path, Any] = {}
"""Temporary folders by the homes that cannot be written; they go with the program."""


def work() -> Path:
    """Return the folder of what transfers need while they run: `home`, or a temporary one in its place."""
    return Path(_temporary[home()].name) if home() in _temporary else home()


def use_temporary() -> None:
    """Have `work` be a temporary folder until the end of the program, as `home` cannot be written."""
    if home() not in _temporary:
        import tempfile  # where the home folder cannot be written

        _temporary[home()] = tempfile.TemporaryDirectory(prefix="mlhub-tui-", ignore_cleanup_errors=True)


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
    return work() / "cache"


def log_dir() -> Path:
    """Return the folder of log files."""
    return home() / "log"


def state() -> Path:
    """Return the path of the file that remembers choices between starts (JSON)."""
    return home() / "state.json"


def searches() -> Path:
    """Return the path of the saved searches (JSON)."""
    return home() / "searches.json"
