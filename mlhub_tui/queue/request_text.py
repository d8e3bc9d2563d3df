"""What an asset's request has beyond an archive's, as one text for the queue's database."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from ..auth.kind import Kind
from ..planning.requests import AssetRequest

_FIELDS = ("name", "item_id", "key", "href", "document_url", "kind", "checksum", "page")


def to_text(request: AssetRequest) -> str:
    """Return the fields as JSON in ASCII, which takes any id."""
    return json.dumps({name: getattr(request, name) for name in _FIELDS})


def from_text(request: AssetRequest, text: str) -> AssetRequest:
    """Return a request with the fields that a text has; those it lacks stay as they are."""
    found = json.loads(text)
    fields = {name: found[name] for name in _FIELDS if name in found}
    return replace(request, **{**fields, "kind": Kind(found.get("kind", request.kind))})


def apart(request: AssetRequest) -> AssetRequest:
    """Return the request under a name of its own, for where another asset has the one it wants.

    Ids of items need not be unique in a static catalog, and file systems may not tell `A` from `a`.
    """
    digest = hashlib.sha256("\0".join(request.identity).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    head, slash, last = request.name.rpartition("/")
    stem, dot, extension = last.rpartition(".")
    named = f"{stem}-{digest}{dot}{extension}" if stem else f"{last}-{digest}"
    return replace(request, name=head + slash + named)
