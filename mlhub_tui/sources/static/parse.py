"""Parsing: the bytes of one document become a catalog, a collection, an item or a list of items.

What cannot be parsed is one sentence about that one document. Everything here may take long for a large
document and is made to run in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...errors import RequestError, UnexpectedAnswer
from ...http import json_document
from ...http.hrefs import shown
from ...http.json_document import MAX_DOCUMENT, SMALLER_HINT, NestedTooDeep, NotJSON, value_of
from ...http.key_removal import KeyRemoval
from ...models import Catalog, Collection, Document, Item, JsonDict
from ...models.document import identity
from ...text import count

_LINES = (".ndjson", ".geojsonl", ".jsonl", ".geojsons")
_NOT_A_DOCUMENT = "the rest of the catalog can be used; report it to the owner of the catalog"


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes of a document as they came.

    Parameters
    ----------
    url
        Where they came from in the end: the place URL, after redirects, without keys.
    content
        The body.
    media_type
        What the server calls it; empty where nobody says.
    """

    url: str
    content: bytes = field(repr=False)
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class ItemList:
    """Items that stand together in one file: a GeoJSON FeatureCollection, or one item a line.

    Parameters
    ----------
    url
        Where the file was fetched from.
    items
        Those that are items; the URL of each is the file's.
    skipped
        How many others were in it.
    """

    url: str
    items: tuple[Item, ...]
    skipped: int = 0


Parsed = Document | ItemList
"""What a document turns out to be."""
Loaded = Parsed | RequestError
"""The same, or why it is none."""


def parsed(fetched: Fetched, keys: KeyRemoval | None = None) -> Loaded:
    """Return what a document is, or the error that says why it is none; nothing is raised.

    Parameters
    ----------
    keys
        Taken out of it.
    """
    try:
        return _parsed(fetched, keys)
    except RequestError as error:
        return error


def unreadable(url: str, why: str, hint: str = _NOT_A_DOCUMENT) -> UnexpectedAnswer:
    """Return the error for a document that cannot be used, with its URL as it may be shown."""
    where = shown(url)
    return UnexpectedAnswer(f"{why}: {where}", url=where, hint=hint)


def too_large(url: str, size: int | None = None) -> UnexpectedAnswer:
    """Return the error for a document that is larger than is read."""
    return unreadable(url, f"the document is too large: {json_document.too_large(size)}", SMALLER_HINT)


def _parsed(fetched: Fetched, keys: KeyRemoval | None) -> Parsed:
    content, url = fetched.content, fetched.url
    if len(content) > MAX_DOCUMENT:
        raise too_large(url, len(content))
    if is_lines(fetched.url, fetched.media_type):
        return document_of(list_of_lines(content, url, keys), url)
    return document_of(_json(fetched, keys), url)


def document_of(value: Any, url: str) -> Parsed:
    """Return what the JSON of a document is, by its `type`, else by what is in it (STAC before 1.0).

    Raises
    ------
    UnexpectedAnswer
        If it is no STAC, or has no id.
    """
    if isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        return _item_list(value, url)
    if not isinstance(value, dict):
        raise unreadable(url, "JSON, but no STAC document (not an object)")
    made = _class_of(value)
    if made is None:
        kind = value.get("type")
        says = f' (its type is "{kind[:40]}")' if isinstance(kind, str) else ""
        raise unreadable(url, f"JSON, but no STAC document{says}")
    if made is ItemList:
        return _item_list(value.get("features"), url)
    if not identity(value.get("id")):
        what = "an item" if made is Item else f"a {made.__name__.lower()}"
        raise unreadable(url, f"{what} without an id")
    document: Document = made(value, url=url)
    return document


def _class_of(value: JsonDict) -> Any:
    match value.get("type"):
        case "Catalog":
            return Catalog
        case "Collection":
            return Collection
        case "Feature":
            return Item
        case "FeatureCollection":
            return ItemList
    if "extent" in value:
        return Collection
    if "geometry" in value and "properties" in value:
        return Item
    if isinstance(value.get("features"), list):
        return ItemList
    return Catalog if isinstance(value.get("links"), list) and "id" in value else None


def _item_list(features: Any, url: str) -> ItemList:
    entries = features if isinstance(features, list) else []
    items = tuple(
        Item(entry, url=url) for entry in entries if isinstance(entry, dict) and identity(entry.get("id"))
    )
    return ItemList(url, items, len(entries) - len(items))


def is_lines(url: str, media_type: str = "") -> bool:
    """Whether a file has one item a line, by its name or its media type."""
    path, media_type = url.partition("?")[0].lower(), media_type.lower()
    return path.endswith(_LINES) or "ndjson" in media_type or "geo+json-seq" in media_type


def list_of_lines(content: bytes, url: str = "", keys: KeyRemoval | None = None) -> JsonDict:
    """Return what a file with one item a line holds (RFC 8142 puts a record separator before each)."""
    entries: list[Any] = []
    for line in content.splitlines():
        text = line.strip(b"\x1e \t\r\n")
        if text:
            try:
                entries.append(value_of(text, url, keys))
            except NotJSON:
                entries.append(None)
    return {"type": "FeatureCollection", "features": entries}


def _json(fetched: Fetched, keys: KeyRemoval | None) -> Any:
    content = fetched.content
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise unreadable(fetched.url, "the document is empty")
    if start.startswith(b"<"):
        marks = (b"<html", b"<!doctype html", b"<head")
        page = "html" in fetched.media_type.lower() or any(mark in start.lower() for mark in marks)
        raise unreadable(fetched.url, "a web page instead of a document" if page else "XML, not JSON")
    try:
        return value_of(content, fetched.url, keys)
    except NestedTooDeep:
        raise unreadable(fetched.url, "the document is nested too deep to be read") from None
    except NotJSON as error:
        raise unreadable(fetched.url, f"the document is not JSON ({error})") from None


def summary(found: ItemList) -> str:
    """Return a list of items in words."""
    rest = f" and {count(found.skipped, 'other entry', 'other entries')}" if found.skipped else ""
    return count(len(found.items), "item") + rest
