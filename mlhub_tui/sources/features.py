"""Answers that list documents: the documents in them, where each can be found alone, how many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from ..errors import UnexpectedAnswer
from ..models import Catalog, Collection, Document, Item, JsonDict
from ..models.document import identity

D = TypeVar("D", bound=Document)


def documents(
    entries: Sequence[Any], make: Callable[..., D], url_of: Callable[[JsonDict], str] | None = None
) -> tuple[list[D], int]:
    """Return the documents of a list, and how many of its entries are none (no object, no id).

    Parameters
    ----------
    make
        The class of the documents.
    url_of
        Tells where a document of the list would be fetched from alone.
    """
    made: list[D] = []
    for entry in entries:
        try:
            url = url_of(entry) if url_of and isinstance(entry, dict) else ""
            made.append(make(entry, url=url))
        except UnexpectedAnswer:
            continue
    return made, len(entries) - len(made)


def document_of(raw: JsonDict, url: str) -> Document:
    """Return a document as what it says it is: an item, a collection or a catalog.

    STAC before 1.0 had no `type` in collections and catalogs: a collection is what has an extent.

    Raises
    ------
    UnexpectedAnswer
        If it has no id.
    """
    kind = raw.get("type")
    if kind == "Feature":
        return Item(raw, url=url)
    if kind == "Collection" or (kind != "Catalog" and "extent" in raw):
        return Collection(raw, url=url)
    return Catalog(raw, url=url)


def matched(answer: JsonDict) -> int | None:
    """Return the total: `numberMatched` (OGC API Features), or what older STAC APIs put elsewhere."""
    found = [answer.get("numberMatched")]
    for place, name in (("context", "matched"), ("search:metadata", "matched"), ("meta", "found")):
        counts = answer.get(place)
        found.append(counts.get(name) if isinstance(counts, dict) else None)
    good = (n for n in found if isinstance(n, int) and not isinstance(n, bool) and n >= 0)
    return next(good, None)


def alone(listing_url: str, root_url: str) -> Callable[[JsonDict], str]:
    """Return what tells where a document of a listing can be fetched alone (STAC API, "Endpoints").

    Not its `self` link, which is often wrong: the listing's own URL and the id; for what a search found, the
    collection and the id.
    """
    base = listing_url.partition("?")[0].rstrip("/")
    direct = base.endswith(("/items", "/collections"))

    def url_of(raw: JsonDict) -> str:
        own, collection = identity(raw.get("id")), identity(raw.get("collection"))
        if own in ("", ".", ".."):
            return listing_url
        if direct:
            return f"{base}/{_segment(own)}"
        if collection in ("", ".", ".."):
            return listing_url
        return f"{root_url}collections/{_segment(collection)}/items/{_segment(own)}"

    return url_of


def _segment(text: str) -> str:
    return quote(text, safe="", errors="replace")
