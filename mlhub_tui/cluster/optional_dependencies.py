"""What a cluster needs that is not always installed, and what to do where it is not."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from ..errors import MLHubException
from ..text import one_line

_PIP = "pip install 'mlhub-tui[cluster]'"
_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "smb": "smbprotocol",
    "hdfs": "pyarrow",
}


class NotInstalled(MLHubException):
    """Something that a cluster needs is not installed."""

    default_hint = _PIP


def installed() -> bool:
    """Return whether clusters can be used by this program, without importing anything of them."""
    return all(importlib.util.find_spec(name) is not None for name in ("distributed", "fsspec"))


def distributed() -> Any:
    """Return the module `distributed`.

    Raises
    ------
    NotInstalled
        If it is not there.
    """
    return _module("distributed", "a cluster needs Dask's `distributed`, which is not installed")


def fsspec() -> Any:
    """Return the module `fsspec`; errors as `distributed`."""
    return _module("fsspec", "an output URL needs `fsspec`, which is not installed")


def file_system(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL, and the path in it.

    Raises
    ------
    NotInstalled
        If it needs a package that is not there.
    """
    scheme = url.partition("://")[0]
    core = fsspec().core
    try:
        system, path = core.url_to_fs(url)
    except ImportError as error:
        package = _PACKAGES.get(scheme, "")
        hint = f"pip install {package}, here and on the workers" if package else one_line(error, 200)
        raise NotInstalled(
            f"{scheme}:// needs {package or 'a package'}, which is not installed", hint=hint
        ) from error
    except ValueError as error:
        words = f"fsspec knows no {scheme}://"
        raise NotInstalled(words, hint=one_line(error, 200)) from error
    return system, path.rstrip("/")


def _module(name: str, words: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotInstalled(words) from error
