"""From what `--source` says to credentials: the name of a profile or of a public source, a URL, or a path."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..auth import (
    ANONYMOUS,
    DEFAULT_ROOT_URL,
    Credentials,
    Kind,
    ProfilesFile,
    for_location,
    for_profile,
    is_url,
)
from ..errors import ProfileNotFound
from ..text import one_line
from .well_known import KNOWN, by_name, by_url


def choose(
    text: str,
    *,
    api_key: str | None = None,
    environ: Mapping[str, str] | None = None,
    path: Path | None = None,
    base: Path | None = None,
) -> Credentials:
    """Return the credentials of a source that was named; its kind is None where only a look can tell.

    A URL is a URL. Else it is the first of: a profile of that name; a file or folder at that path; a
    well-known public source of that name. MLHUB_API_KEY does not count: it is for the API it was meant for.

    Parameters
    ----------
    text
        What was typed.
    api_key
        A secret that was typed with it; it goes before the profile's, and is sent the same way.
    environ
        The environment, for the variables that a profile names; default `os.environ`.
    path
        The profiles file; default `profiles` in MLHUB_HOME.
    base
        What a relative path is relative to; default the current folder.

    Raises
    ------
    ProfileNotFound
        If it is none of these.
    ProfilesFileError, InvalidRootURL, SecretNotSet
        As `for_profile`.
    """
    text = text.strip()
    if is_url(text):
        return for_location(text, kind=_kind_at(text.partition("?")[0]), api_key=api_key)
    environ = os.environ if environ is None else environ
    file = ProfilesFile.load(path)
    if text == ANONYMOUS or text in file.names():
        return for_profile(text, api_key=api_key, environ=environ, path=path)
    if _is_path(text, base):
        return for_location(text, api_key=api_key, base=base)
    if known := by_name(text):
        return for_location(
            known.root_url, kind=known.kind, api_key=api_key, origin=f"public source {known.name}"
        )
    raise _unknown(text, file)


def _kind_at(url: str) -> Kind | None:
    """Return the kind of a source that is known without a look at it."""
    if url.rstrip("/") == DEFAULT_ROOT_URL.rstrip("/"):
        return Kind.MLHUB
    known = by_url(url)
    return known.kind if known else None


def _is_path(text: str, base: Path | None) -> bool:
    """Whether a text is meant as a path: it looks like one, or there is something there."""
    if any(mark in text for mark in ("/", os.sep)) or text.startswith(("~", ".")):
        return True
    if text.lower().endswith((".json", ".tar", ".tgz", ".gz")):
        return True
    try:
        return ((base or Path.cwd()) / text).exists()
    except (OSError, ValueError):
        return False


def _unknown(text: str, file: ProfilesFile) -> ProfileNotFound:
    from difflib import get_close_matches

    names = [*file.names(), *(known.name for known in KNOWN)]
    near = get_close_matches(text, names, n=1, cutoff=0.6)
    guess = f"did you mean {one_line(near[0], 60)}? " if near else ""
    if "." in text and "/" not in text:
        guess = f"did you mean https://{one_line(text, 80)}? "
    return ProfileNotFound(
        f"no source {one_line(text, 80)!r}: no profile, file, folder or public source has that name",
        hint=f"{guess}`mlhub-tui sources list --known` shows what there is",
    )
