"""Sources and where they are: kinds, ways to send a secret, root URLs of APIs and paths of catalogs."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

from ..errors import InvalidRootURL
from ..text import one_line, redact

ANONYMOUS = "__anonymous__"
"""The profile that sends no key."""

DEFAULT_PROFILE = "default"
"""The profile that is used when none is named."""

API_KEY_VARIABLE = "MLHUB_API_KEY"
PROFILE_VARIABLE = "MLHUB_PROFILE"
ROOT_URL_VARIABLE = "MLHUB_ROOT_URL"


class Kind(StrEnum):
    """What a source speaks."""

    MLHUB = "mlhub"
    STAC_API = "stac-api"
    STATIC = "static"


class Scheme(StrEnum):
    """How a secret goes with a request."""

    QUERY = "query"
    BEARER = "bearer"
    HEADER = "header"
    BASIC = "basic"


@dataclass(frozen=True, slots=True)
class Auth:
    """How the secret of a source is sent; the secret itself is not in here.

    - `scheme`: A query parameter, a bearer token (RFC 6750), a header of its own, or basic (RFC 7617).
    - `name`: The name of the query parameter or of the header.
    - `user`: The user name of basic authentication.
    """

    scheme: Scheme = Scheme.QUERY
    name: str = "key"
    user: str = ""


HOSTED = "api.radiant.earth"
DEFAULT_ROOT_URL = f"https://{HOSTED}/mlhub/v1/"
_KEY_NAMES = frozenset({"key", "api_key", "apikey", "api-key", "subscription-key", "access_token"})
_BROWSER = re.compile(r"#/(?:\w+/)?external/(\S+)")
_HINT = "it is a URL like https://example.org/stac/, or a path like /data/catalog.json"


def is_url(text: str) -> bool:
    """Whether a text is meant as a URL: it names a scheme."""
    return re.match(r"\s*[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def location(text: str, kind: Kind | None, origin: str = "", *, base: Path | None = None) -> str:
    """Return where a source is, in the one form it has.

    The root URL of an MLHub API ends in a slash. Any other URL stays as it was given: servers tell `/stac`
    from `/stac/`. A path is absolute; `~` and `file://` are resolved.

    - `text`: A URL or a path.
    - `kind`: The kind of source; None if unknown.
    - `origin`: Where it was given, for the message: `--source argument`, `profile project1`, ...
    - `base`: What a relative path is relative to; None refuses one, as a file read from anywhere must.

    Raises InvalidRootURL if it cannot be one.
    """
    text = text.strip()
    if kind is Kind.MLHUB:
        return normalise_root_url(text, origin)
    if kind is Kind.STAC_API:
        return checked_root_url(text, origin, _HINT)
    if text.lower().startswith("file:"):
        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost"):
            raise _wrong(text, origin, "names a file on another machine")
        from urllib.request import url2pathname  # it takes 20 ms to import, and few need it

        path = url2pathname(parts.path)
        if not os.path.lexists(path) and os.path.lexists(parts.path):
            path = parts.path  # typed as it is, with `%20` in its name
        return _path(path, origin, None)
    if not is_url(text):
        return _path(text, origin, base)
    # The URL of a document may have a query, as signed URLs do.
    bare, mark, _ = text.partition("?")
    checked_root_url(bare, origin, _HINT)
    if mark and (text != one_line(text) or re.search(r"\s", text) or "#" in text):
        raise _wrong(text, origin, "holds spaces, control characters or a fragment")
    return text


def split_key(url: str) -> tuple[str, str, str]:
    """Return a URL without the key in its query, that parameter's name, and the key; empty without one."""
    base, mark, query = url.partition("?")
    if not mark or not is_url(url):
        return url, "", ""
    parts = query.split("&")
    for part in parts:
        left, _, right = part.partition("=")
        if right and unquote_plus(left).lower() in _KEY_NAMES:
            parts.remove(part)
            bare = base + ("?" + "&".join(parts) if parts else "")
            return bare, unquote_plus(left), unquote_plus(right)
    return url, "", ""


def behind_browser(text: str) -> str:
    """Return the URL that a page of STAC Browser (`#/external/HOST/PATH`) shows, any other text as it is.

    Schemes other than https come before the host there: `#/external/http:/HOST/PATH`.
    """
    match = _BROWSER.search(text)
    if match is None or not is_url(text):
        return text
    # The parameters behind the path (`?.language=en`) are the page's own.
    shown = match[1].partition("?.")[0]
    scheme = re.match(r"(https?):/+", shown)
    return f"{scheme[1]}://{shown[scheme.end() :]}" if scheme else f"https://{shown}"


def _path(text: str, origin: str, base: Path | None) -> str:
    if not text:
        raise _wrong(text, origin, "is empty")
    if text != one_line(text, 4096) and any(not c.isprintable() for c in text):
        raise _wrong(text, origin, "holds control characters")
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise _wrong(text, origin, "names the home folder of nobody") from None
    if not path.is_absolute():
        if base is None:
            raise _wrong(text, origin, "is neither a URL nor an absolute path")
        path = base / path
    plain = os.path.normpath(path)
    if "%" in plain and not os.path.lexists(plain):
        decoded = unquote(plain)  # copied from a URL, as file managers give it
        if "\0" not in decoded and os.path.lexists(decoded):
            return decoded
    return plain


def normalise_root_url(url: str, origin: str = "") -> str:
    """Return a root URL with a trailing slash, so that relative paths are appended to it.

    Parameters and errors are those of `checked_root_url`.
    """
    text = checked_root_url(url, origin)
    return text if text.endswith("/") else f"{text}/"


def checked_root_url(url: str, origin: str = "", hint: str | None = None) -> str:
    """Return a root URL as it was given; an empty path becomes a slash (RFC 9110, section 4.2.3).

    Gateways tell `/stac` from `/stac/`, and answer one of them alone.

    - `url`: What was given; surrounding whitespace does not count.
    - `origin`: Where it was given, for the message: `--root-url argument`, `MLHUB_ROOT_URL`, ...
    - `hint`: What it looks like; by default that of an MLHub API.

    Raises InvalidRootURL if it is no absolute http(s) URL, or holds user information, a query or a fragment.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        reason = _fault(text, parts)
    except ValueError as error:
        reason = f"is no URL: {one_line(error, 60)}"
    if reason:
        # Where only the scheme is missing, that is what was meant.
        guess = re.fullmatch(r"([\w.-]+\.\w+|localhost)(:\d+)?(/[\w./-]*)?", text)
        hint = f"did you mean https://{text}?" if guess else hint
        raise _wrong(text, origin, reason, what="root URL", hint=hint)
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
    if "://" not in text:
        return "has no scheme: http:// or https:// is missing"
    if parts.scheme not in ("http", "https"):
        return "is not http or https"
    if not parts.hostname:
        return "names no host"
    if parts.username is not None or parts.password is not None:
        return "holds a user name or password: a key belongs in the profile"
    if parts.query or parts.fragment:
        return "holds a query or a fragment"
    # Reading the port is what checks it; urlsplit raises ValueError for one out of range.
    return "has port 0" if parts.port == 0 else ""


def _wrong(
    text: str, origin: str, reason: str, *, what: str = "location", hint: str | None = _HINT
) -> InvalidRootURL:
    where = f" (from {origin})" if origin else ""
    return InvalidRootURL(f"the {what} {one_line(redact(text), 100)!r}{where} {reason}", hint=hint)
