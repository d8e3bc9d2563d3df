"""What a real SSH line needs, and what to do where that cannot be had."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

_SYSTEM = os.pathsep.join(("/usr/sbin", "/sbin", "/usr/local/sbin"))


def program(name: str, package: str) -> Path:
    """Return the path of a program; those of the system's administrator are looked for as well."""
    found = shutil.which(name) or shutil.which(name, path=_SYSTEM)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: {package})")
    return Path(found)


def need_linux() -> None:
    """Go on only where processes can be looked at in /proc."""
    if sys.platform != "linux":
        pytest.skip("looks at /proc")


def need_root(what: str) -> None:
    """Go on only where one may do what only root may."""
    if os.geteuid() != 0:
        pytest.skip(f"{what} are for root")
