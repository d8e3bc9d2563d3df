"""Ancestors of a document: its collection, what that lies in, and the MLHub dataset it belongs to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..auth import Kind
from ..errors import MLHubException
from ..http.urls import resolve_href
from ..metadata.citation import attribution
from ..models import Collection, Dataset, Document, Entry, EntryKind, Item
from ..models.document import links_of
from .static.document_loader import refusal
from .static.document_urls import same

if TYPE_CHECKING:
    from .base import Source

DEEPEST = 8
"""Documents above one that are looked at: an item lies in catalogs by year, month and place."""


async def ancestors(
    source: Source,
    document: Document,
    load: Callable[[Entry], Awaitable[Document | None]] | None = None,
    *,
    parent: Entry | None = None,
    dataset: Dataset | None = None,
) -> list[Document]:
    """Return the documents that one belongs to, the nearest first, up to where nothing is left to inherit.

    What cannot be loaded is left out.

    - `load`: Returns the document of an entry, None where it cannot be loaded; without it the source is
      asked.
    - `parent`: What the document lies in, where it does not say so itself.
    - `dataset`: The dataset it belongs to, where that is known.
    """

    async def ask(entry: Entry) -> Document | None:
        try:
            return await source.document(entry)
        except MLHubException:
            return None

    load, found = load or ask, list[Document]()
    following = parent_entry(document, source.kind) or parent
    while following and len(found) < DEEPEST and not attribution(document, found).is_whole:
        above = await load(following)
        if above is None or above in (document, *found):
            break
        found.append(above)
        following = parent_entry(above, source.kind)
    if dataset is None and source.kind is Kind.MLHUB and not attribution(document, found).is_whole:
        collection = next((one for one in (document, *found) if isinstance(one, Collection)), None)
        dataset = await _dataset_of(source, collection.id) if collection is not None else None
    return [*found, dataset] if dataset is not None and dataset is not document else found


async def _dataset_of(source: Source, collection_id: str) -> Dataset | None:
    """Return the MLHub dataset that the archive of a collection names."""
    try:
        name = (await source.archive_info(collection_id)).dataset
        return await source.dataset(name) if name else None
    except MLHubException:
        return None


def parent_entry(document: Document, kind: Kind) -> Entry | None:
    """Return the entry of what a document lies in, as it says itself; None at the top, or if that is unsafe.

    A static catalog is not left for another server, nor a local one for the network: nobody asked for that.
    """
    if kind is Kind.STATIC:
        relations = ("collection", "parent") if isinstance(document, Item) else ("parent",)
        url = linked(document, *relations)
        here, there = urlsplit(document.url), urlsplit(url)
        is_near = (here.scheme, here.netloc) == (there.scheme, there.netloc) and url != document.url
        return Entry(EntryKind.CATALOG, url=url) if is_near and not refusal(document.url, url) else None
    belongs = document.collection_id if isinstance(document, Item) else ""
    return Entry(EntryKind.COLLECTION, belongs) if belongs else None


def linked(document: Document, *relations: str) -> str:
    """Return where a document links to by the first of some relations that it has; empty where by none."""
    links = (link for relation in relations for link in links_of(document.raw, relation))
    return next((same(resolve_href(document.url, link["href"])) for link in links), "")
