"""Processes of our own: modules of this package that run apart from the program that needs them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from .errors import MLHubException


class ChildProcessFailed(MLHubException):
    """A process of our own cannot be started."""


def child_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module; `-P`, as the folder it is started in is no place to import from.

    Raises ChildProcessFailed where the path of Python is not known, as in a program that embeds it.
    """
    if not sys.executable:
        raise ChildProcessFailed("another process cannot be started: the path of Python is not known")
    return [sys.executable, "-P", "-m", module, *arguments]


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which a child imports this package from where it was imported here."""
    package = str(Path(__file__).parent.parent)
    return {**environ, "PYTHONPATH": os.pathsep.join(filter(None, (package, environ.get("PYTHONPATH"))))}
