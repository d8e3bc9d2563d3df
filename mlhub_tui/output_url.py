"""Where output goes: fsspec URLs as people give them, told from paths, without any secret in them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .errors import OutputFolderError
from .text import one_line

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
_CHAIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+::")
_LOCAL = ("file", "local")
_READ_ONLY = ("http", "https", "github", "git", "data", "reference")


class BadOutput(OutputFolderError):
    """The URL of an output folder cannot be used."""

    default_hint = "an output URL looks like s3://bucket/folder"


def is_url(text: str) -> bool:
    """Return whether an output folder is a URL; names of drives in Windows are none."""
    return _URL.match(text) is not None or _CHAIN.match(text) is not None


def parse(text: str) -> tuple[Path | None, str]:
    """Return an output folder as a path, or as an fsspec URL: its scheme in small letters, no `/` at its end.

    URLs of files of this machine are paths. Credentials have no place in a URL: it is saved in the queue and
    shown; fsspec takes them from its own configuration and the environment (fsspec, "Configuration").

    Raises
    ------
    BadOutput
        If it holds credentials, or options in a query, or is no place to write to.
    """
    if _CHAIN.match(text):
        raise BadOutput("a chain of file systems is for reading", hint="name the store itself")
    found = _URL.match(text.strip())
    if found is None:
        return Path(text).expanduser().absolute(), ""
    scheme, rest = found[1].lower(), found[2]
    where = f"{scheme}://..."
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        if parts.password is not None:
            raise _secret(where)
    except ValueError as error:
        raise BadOutput(f"{where} is no URL: {one_line(error, 80)}") from None
    if "?" in rest or "#" in rest:
        raise _secret(where)
    if scheme in _LOCAL:
        return _local(parts.netloc, rest), ""
    if scheme in _READ_ONLY:
        raise BadOutput(f"nothing can be written to {where}")
    if not parts.netloc:
        raise BadOutput(f"{where} names no bucket or host")
    if any(part in (".", "..") for part in rest.split("/")) or re.search(r"[\x00-\x1f\x7f]", rest):
        raise BadOutput(f"{where} is no plain path")
    return None, f"{scheme}://{rest.rstrip('/')}"


def _local(host: str, rest: str) -> Path:
    if host not in ("", "localhost"):
        return Path(rest).absolute()  # fsspec has `local://relative`
    path = unquote(rest.removeprefix(host))
    if os.name == "nt":
        path = path.lstrip("/")
    return Path(path).absolute()


def _secret(where: str) -> BadOutput:
    return BadOutput(
        f"{where} carries credentials or options",
        hint="leave them out: fsspec finds them in its configuration and the environment",
    )
