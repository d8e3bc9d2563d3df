"""URLs: joined to the root, ids as path segments, keys cut out, and a form that may be shown."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote, unquote_plus, urlsplit

from ..errors import EntityDoesNotExist
from ..text import one_line, redact

KEY_NAMES = frozenset({"key", "api_key", "apikey", "api-key"})
"""Names of query parameters under which an MLHub API takes keys, and writes them into its links."""
_TELLING = 8  # a secret shorter than this may stand in a URL by chance


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


def without_key(url: str, secret: str | None = None, names: Collection[str] = KEY_NAMES) -> str:
    """Return a URL without parameters that are keys by name, or by holding the secret itself.

    Servers write the caller's key into the links they send back. All else stays as it was written: a paging
    token must come back letter by letter.

    Parameters
    ----------
    secret
        What no parameter may hold.
    names
        In lower case. Elsewhere than at an MLHub API `key` may well name the file that is wanted.
    """
    base, hash_mark, fragment = url.partition("#")
    path, mark, query = base.partition("?")
    if not mark:
        return url
    kept = "&".join(part for part in query.split("&") if not _is_key(part, secret, names))
    return path + (f"?{kept}" if kept else "") + hash_mark + fragment


def _is_key(parameter: str, secret: str | None, names: Collection[str]) -> bool:
    name, _, value = parameter.partition("=")
    if unquote_plus(name).lower() in names:
        return True
    return secret is not None and len(secret) >= _TELLING and unquote_plus(value) == secret


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
