"""Where a source is: the root URL of an API, or the URL or path of a static catalog."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, unquote_plus, urlsplit

from ..errors import InvalidRootURL
from ..text import one_line, redact
from .kind import Kind
from .root import checked_root_url, normalise_root_url

_KEY_NAMES = frozenset({"key", "api_key", "apikey", "api-key", "subscription-key", "access_token"})


_BROWSER = re.compile(r"#/external/(\S+)")


def is_url(text: str) -> bool:
    """Whether a text is meant as a URL: it names a scheme."""
    return re.match(r"\s*[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def location(text: str, kind: Kind | None, origin: str = "", *, base: Path | None = None) -> str:
    """Return where a source is, in the one form it has.

    The root URL of an MLHub API ends in a slash. Any other URL stays as it was given: servers tell `/stac`
    from `/stac/`. A path is absolute; `~` and `file://` are resolved.

    Parameters
    ----------
    text
        A URL or a path.
    kind
        What is there; None where that is not known.
    origin
        Where it was given, for the message: `--source argument`, `profile project1`, ...
    base
        What a relative path is relative to; None refuses one, as a file read from anywhere must.

    Raises
    ------
    InvalidRootURL
        If it cannot be one.
    """
    text = text.strip()
    if kind is Kind.MLHUB:
        return normalise_root_url(text, origin)
    if kind is Kind.STAC_API:
        return checked_root_url(text, origin)
    if text.lower().startswith("file:"):
        return _path(_path_of(text, origin), origin, None)
    if is_url(text):
        return _document_url(text, origin)
    return _path(text, origin, base)


def split_key(url: str) -> tuple[str, str, str]:
    """Return a URL without the key in its query, that parameter's name, and the key; empty without one."""
    base, mark, query = url.partition("?")
    if not mark or not is_url(url):
        return url, "", ""
    name, key, kept = "", "", []
    for part in query.split("&"):
        left, _, right = part.partition("=")
        if not key and right and unquote_plus(left).lower() in _KEY_NAMES:
            name, key = unquote_plus(left), unquote_plus(right)
        else:
            kept.append(part)
    return (base + ("?" + "&".join(kept) if kept else ""), name, key) if key else (url, "", "")


def behind_browser(text: str) -> str:
    """Return the URL that a page of STAC Browser (`#/external/HOST/PATH`) shows, any other text as it is."""
    match = _BROWSER.search(text)
    if match is None or not is_url(text):
        return text
    # The parameters behind the path (`?.language=en`) are the page's own.
    shown = match[1].partition("?.")[0]
    return shown if is_url(shown) else re.sub(r"^https?:/+|^", "https://", shown, count=1)


def _document_url(text: str, origin: str) -> str:
    """Return the URL of a document as it is; it may have a query, as signed URLs do."""
    bare, mark, _ = text.partition("?")
    checked_root_url(bare, origin)
    if mark and (text != one_line(text) or re.search(r"\s", text) or "#" in text):
        raise _wrong(text, origin, "holds spaces, control characters or a fragment")
    return text


def _path_of(url: str, origin: str) -> str:
    """Return the path in a `file:` URL (RFC 8089)."""
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise _wrong(url, origin, "names a file on another machine")
    from urllib.request import url2pathname  # it takes 20 ms to import, and few need it

    return url2pathname(parts.path)


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


def _wrong(text: str, origin: str, reason: str) -> InvalidRootURL:
    where = f" (from {origin})" if origin else ""
    return InvalidRootURL(
        f"the location {one_line(redact(text), 100)!r}{where} {reason}",
        hint="it is a URL like https://example.org/stac/, or a path like /data/catalog.json",
    )
