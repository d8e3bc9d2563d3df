"""Optional dependencies of a cluster, and what to do where they are not installed."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from ..errors import MLHubException


class NotInstalled(MLHubException):
    """Something that a cluster needs is not installed."""

    default_hint = "pip install 'mlhub-tui[cluster]'"


def installed() -> bool:
    """Return whether clusters can be used by this program, without importing anything of them."""
    return all(importlib.util.find_spec(name) is not None for name in ("distributed", "fsspec"))


def required(name: str, words: str) -> Any:
    """Return a module; NotInstalled with these words if it is not there."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotInstalled(f"{words}, which is not installed") from error
