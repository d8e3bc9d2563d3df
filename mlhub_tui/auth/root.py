"""Root URLs: what one must look like before a key is sent to it."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from ..errors import InvalidRootURL
from ..text import one_line, redact

DEFAULT_ROOT_URL = "https://api.radiant.earth/mlhub/v1/"


def normalise_root_url(url: str, origin: str = "") -> str:
    """Return a root URL with a trailing slash, so that relative paths are appended to it.

    Parameters and errors are those of `checked_root_url`.
    """
    text = checked_root_url(url, origin)
    return text if text.endswith("/") else f"{text}/"


def checked_root_url(url: str, origin: str = "") -> str:
    """Return a root URL as it was given; an empty path becomes a slash (RFC 9110, section 4.2.3).

    Gateways tell `/stac` from `/stac/`, and answer one of them alone.

    Parameters
    ----------
    url
        What was given; surrounding whitespace does not count.
    origin
        Where it was given, for the message: `--root-url argument`, `MLHUB_ROOT_URL`, ...

    Raises
    ------
    InvalidRootURL
        If it is no absolute http(s) URL, or holds user information, a query or a fragment.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        reason = _fault(text, parts)
    except ValueError as error:
        reason = one_line(error, 60)
    if reason:
        shown = one_line(redact(text), 100)
        where = f" (from {origin})" if origin else ""
        raise InvalidRootURL(f"the root URL {shown!r}{where} {reason}", hint=_hint(text))
    return text if parts.path else f"{text}/"


def other_spelling(url: str) -> str:
    """Return a URL with, or without, the slash at the end of its path; empty where it has no path."""
    bare, mark, query = url.partition("?")
    if not urlsplit(bare).path.strip("/"):
        return ""
    return (bare.rstrip("/") if bare.endswith("/") else f"{bare}/") + mark + query


def same_root(one: str, other: str) -> bool:
    """Whether two root URLs are the same but for the slash at their end."""
    return one.rstrip("/") == other.rstrip("/")


def _fault(text: str, parts: SplitResult) -> str:
    """Return what is wrong with a URL, in words that follow the URL; empty if nothing is."""
    if not text:
        return "is empty"
    if text != one_line(text) or re.search(r"\s", text):
        return "holds spaces or control characters"
    if parts.scheme not in ("http", "https"):
        return (
            "has no scheme: http:// or https:// is missing" if "://" not in text else "is not http or https"
        )
    if not parts.hostname:
        return "names no host"
    if parts.username is not None or parts.password is not None:
        return "holds a user name or password: a key belongs in the profile"
    if parts.query or parts.fragment:
        return "holds a query or a fragment"
    # Reading the port is what checks it; urlsplit raises ValueError for one out of range.
    return "has port 0" if parts.port == 0 else ""


def _hint(text: str) -> str | None:
    """Return a guess of what was meant, where only the scheme is missing."""
    if re.fullmatch(r"[\w.-]+\.\w+(:\d+)?(/[\w./-]*)?|localhost(:\d+)?(/[\w./-]*)?", text):
        return f"did you mean https://{text}?"
    return None
