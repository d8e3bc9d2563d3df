"""URLs: joined to the root, ids as path segments, keys cut out, and a form that may be shown."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote, unquote_plus, urlsplit

from ..errors import EntityDoesNotExist
from ..text import one_line, redact

KEY_NAMES = frozenset({"key", "api_key", "apikey", "api-key"})
"""Names of query parameters under which an MLHub API takes keys, and writes them into its links."""


def join(root_url: str, url: str) -> str:
    """Return an absolute URL: `url` itself, or the path joined to the root, with or without leading slash.

    Unlike RFC 3986 a leading slash does not leave the root's path: `/datasets` is the API's `datasets`, as
    the seed library documents it.
    """
    if is_absolute(url):
        return url
    return root_url.rstrip("/") + "/" + url.lstrip("/")


def is_absolute(url: str) -> bool:
    """Whether a URL names its scheme and host."""
    scheme, mark, _ = url.partition("://")
    return bool(mark) and scheme.isascii() and scheme.replace("+", "").isalnum()


def segment(identity: str, kind: str) -> str:
    """Return an id as one percent-encoded path segment (RFC 3986, section 3.3).

    Raises
    ------
    EntityDoesNotExist
        If it is empty, `.` or `..`: such a path would lead elsewhere, however it is encoded.
    """
    if identity in ("", ".", ".."):
        raise EntityDoesNotExist(f"{kind} {shown_id(identity)} does not exist")
    return quote(identity, safe="", errors="replace")


def doi_path(doi: str) -> str:
    """Return a DOI as the API's path takes it: slashes stay, all else is encoded.

    Raises
    ------
    EntityDoesNotExist
        If it is no DOI but a path that leads elsewhere.
    """
    for prefix in ("https://doi.org/", "http://doi.org/", "https://dx.doi.org/", "doi:"):
        doi = doi.removeprefix(prefix)
    return "/".join(segment(part, "the dataset with the DOI") for part in doi.strip().split("/"))


def without_key(url: str, names: Collection[str] = KEY_NAMES) -> str:
    """Return a URL without parameters that are keys by name.

    Servers write the caller's key into the links they send back. All else stays as it was written: a paging
    token must come back letter by letter.

    Parameters
    ----------
    names
        In lower case. Elsewhere than at an MLHub API `key` may well name the file that is wanted.
    """
    base, hash_mark, fragment = url.partition("#")
    path, mark, query = base.partition("?")
    if not mark:
        return url
    kept = "&".join(part for part in query.split("&") if not _is_key(part, names))
    return path + (f"?{kept}" if kept else "") + hash_mark + fragment


def _is_key(parameter: str, names: Collection[str]) -> bool:
    return unquote_plus(parameter.partition("=")[0]).lower() in names


def host(url: str) -> str:
    """Return the host name of a URL for people, empty where it has none."""
    try:
        return one_line(urlsplit(url).hostname)
    except ValueError:
        return ""


def shown(url: object) -> str:
    """Return a URL as it may be shown: no key, no user information, one line."""
    return one_line(redact(without_key(str(url))), 200)


def shown_id(identity: str) -> str:
    """Return an id in quotes as it may stand in a message."""
    return f'"{one_line(identity, 80)}"'
