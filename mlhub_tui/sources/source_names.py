"""Names of sources: a profile, a public source, a URL or a path; their credentials, and completions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

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
from ..errors import NotOffered, ProfileNotFound
from ..http.urls import resolve_href
from ..text import nearest_word, one_line
from .asset_links import https_of
from .well_known import KNOWN, by_name, by_url

MOST = 200
"""Completions that are offered."""
_LOOKED_AT = 5000
_WANTED = (".json", ".tar.gz", ".tgz", ".tar")


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

    - `text`: What was typed.
    - `api_key`: A secret that was typed with it; it overrides the profile's, and is sent the same way.
    - `environ`: The environment, for the variables that a profile names; default `os.environ`.
    - `path`: The profiles file; default `profiles` in MLHUB_HOME.
    - `base`: What a relative path is relative to; default the current folder.
    """
    text = address_of(text, base)
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


def address_of(text: str, base: Path | None = None) -> str:
    """Return the URL or path that a text means: of a store's own scheme or GDAL's, or percent-encoded."""
    text = text.strip()
    if text.startswith("/vsi"):
        text = resolve_href("", text)
    if is_url(text) and not text.lower().startswith("file:"):
        with suppress(NotOffered):
            return https_of(text)
    elif "%" in text and not _exists(text, base) and _exists(unquote(text), base):
        return unquote(text)
    return text


def _exists(text: str, base: Path | None) -> bool:
    try:
        return ((base or Path.cwd()) / Path(text).expanduser()).exists()
    except (OSError, ValueError, RuntimeError):
        return False


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
    return _exists(text, base)


def _unknown(text: str, file: ProfilesFile) -> ProfileNotFound:
    names = [*file.names(), *(known.name for known in KNOWN)]
    near = nearest_word(text, names)
    guess = f"did you mean {one_line(near, 60)}? " if near else ""
    if "." in text and "/" not in text:
        guess = f"did you mean https://{one_line(text, 80)}? "
    return ProfileNotFound(
        f"no source {one_line(text, 80)!r}: no profile, file, folder or public source has that name",
        hint=f"{guess}`mlhub-tui sources list --known` lists the public ones",
    )


def completions(text: str, *, base: Path | None = None) -> list[str]:
    """Return what a text can be completed to, each as a whole; blocks while a folder is read.

    - `text`: What was typed; nothing is offered for nothing.
    - `base`: What a relative path is relative to; default the current folder.
    """
    if not text.strip() or "://" in text or text[:4].lower() == "http":
        return [
            k.root_url for k in KNOWN if text.strip() and k.root_url.startswith(text) and k.root_url != text
        ]
    found = sorted(islice(_in_folder(text, base), MOST), key=lambda path: (not path.endswith("/"), path))
    if os.sep not in text and "/" not in text:
        found += [known.name for known in KNOWN if known.name.startswith(text) and known.name != text]
    return found


def common_start(texts: list[str]) -> str:
    """Return what all of some texts begin with."""
    first, last = min(texts), max(texts)
    same = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:same]


def _in_folder(text: str, base: Path | None) -> Iterator[str]:
    """Yield the folders, and the files that may be catalogs, whose path begins with a text."""
    cut = max(text.rfind("/"), text.rfind(os.sep)) + 1
    folder, begun = text[:cut], text[cut:]
    try:
        where = (base or Path.cwd()) / Path(folder).expanduser()
        with os.scandir(where) as entries:
            for entry in islice(entries, _LOOKED_AT):
                name = entry.name
                # What cannot be drawn as it is cannot be chosen from a list either.
                if not name.startswith(begun) or one_line(name) != name:
                    continue
                if name.startswith(".") and not begun:
                    continue
                if entry.is_dir():
                    yield f"{folder}{name}/"
                elif name.lower().endswith(_WANTED) and name != begun:
                    yield f"{folder}{name}"
    except (OSError, RuntimeError, ValueError):
        return
