"""Datasets over the workers of a Dask cluster, to folders and to whatever fsspec names.

Nothing of `distributed` or `fsspec` is imported before a request asks for a cluster. Planning, which is
below, loads what it needs from here by name.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from ..errors import MLHubException
from ..lazy import lazy

__getattr__, __all__ = lazy(
    __name__,
    {
        "cluster_run": "ClusterRun",
        "object_store": "ObjectStore note_beginning publish_catalog publish_report",
    },
)


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
