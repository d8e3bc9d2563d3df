"""Versions: this program, Python, and what both are built on."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import metadata

from ..version import __version__
from .finding import Finding, wrong

_NEEDED = ("textual", "httpx", "pystac", "humanize", "click", "tomlkit", "starlette", "uvicorn")
_OPTIONAL = ("shapely", "textual-image")


def look() -> Iterator[Finding]:
    """Yield the versions; what is needed and missing is wrong."""
    yield Finding("mlhub-tui", __version__)
    yield Finding("python", f"{platform.python_version()} ({sys.executable})")
    yield Finding("system", platform.platform())
    for name in _NEEDED:
        version = _version(name)
        if version is None:
            yield wrong(name, "not installed", "reinstall mlhub-tui with its dependencies")
        else:
            yield Finding(name, version)
    for name in _OPTIONAL:
        if version := _version(name):
            yield Finding(name, version)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
