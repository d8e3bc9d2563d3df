"""Ways to sign in that a document states for its assets (STAC authentication extension 1.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..text import one_line
from .document import Asset, Collection, Document, Item

SCHEMES, REFS = "auth:schemes", "auth:refs"
_HOST = re.compile(r"https?://([\w.-]{1,100})")
_MOST = 20  # schemes of a document, keys of a scheme's assets
_TYPES = {
    "s3": "access keys of S3",
    "signedurl": "URLs that are signed for a short time",
    "oauth2": "OAuth 2",
    "openidconnect": "OpenID Connect",
}
_HTTP = {"basic": "user and password", "bearer": "a bearer token", "digest": "user and password (digest)"}


def ways_to_sign_in(document: Document) -> list[tuple[str, str, str]]:
    """Return the name of each way to sign in, what it is, and the keys of the assets that ask for it."""
    rows, assets = [], document.assets if isinstance(document, Item | Collection) else ()
    if isinstance(document, Collection):
        assets += document.item_assets
    for name, scheme in list(_schemes(document).items())[:_MOST]:
        keys = [asset.label for asset in assets if any(name in _refs(e) for e in _entries(asset))]
        more = f" and {len(keys) - _MOST:,} more" if len(keys) > _MOST else ""
        rows.append((one_line(name, 40), _words(scheme), ", ".join(keys[:_MOST]) + more))
    return rows


def sign_in_words(document: Document, asset: Asset, href: str = "") -> str:
    """Return how to sign in for an asset, in few words; empty where its document does not say.

    - `href`: Where it is requested; that of an alternate has the ways of the alternate.
    """
    schemes, (own, *others) = _schemes(document), _entries(asset)
    refs = _refs(next((entry for entry in others if href and entry.get("href") == href), own))
    return " or ".join(_words(schemes[name]) for name in refs[:_MOST] if name in schemes)


def _schemes(document: Document) -> Mapping[str, Any]:
    place = document.properties if isinstance(document, Item) else document.raw
    found = place.get(SCHEMES)
    return found if isinstance(found, dict) else {}


def _entries(asset: Asset) -> list[Mapping[str, Any]]:
    """Return what is stated of an asset, and of its alternates."""
    others = asset.raw.get("alternate")
    entries = others.values() if isinstance(others, dict) else ()
    return [asset.raw, *(entry for entry in entries if isinstance(entry, dict))]


def _refs(entry: Mapping[str, Any]) -> list[str]:
    refs = entry.get(REFS)
    return [name for name in refs if isinstance(name, str)] if isinstance(refs, list) else []


def _words(scheme: object) -> str:
    """Return what a way to sign in is: `OpenID Connect of login.example.org`."""
    stated = scheme if isinstance(scheme, dict) else {}
    kind, how = one_line(stated.get("type"), 40), one_line(stated.get("scheme"), 40)
    where = one_line(stated.get("in"), 20), one_line(stated.get("name"), 40)
    match kind.casefold():
        case "http":
            words = _HTTP.get(how.casefold(), f"HTTP {how}".strip())
        case "apikey":
            words = f"a key ({' '.join(filter(None, where))})" if any(where) else "a key"
        case known:
            words = _TYPES.get(known, kind or "not stated")
    found = _HOST.match(one_line(stated.get("openIdConnectUrl")))
    return f"{words} of {found[1]}" if found else words
