"""A small source for the tests of assets: documents by their ids, which a test may change meanwhile."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from mlhub_tui.auth import Kind
from mlhub_tui.errors import EntityDoesNotExist
from mlhub_tui.http.credentials import Link
from mlhub_tui.http.session import Session
from mlhub_tui.models import Collection, Document, Entry, EntryKind, Item
from mlhub_tui.sources.asset_links import asset_link
from tests.support.bare_source import BareSource


class Catalog(BareSource):
    """A source whose documents are in memory; `links` and `looks` are what it was asked for."""

    def __init__(self, root_url: str = "https://catalog.example/", kind: Kind = Kind.STAC_API) -> None:
        self.root_url = root_url
        self.kind = kind
        self.documents: dict[tuple[EntryKind, str], Document] = {}
        self.looks: list[Entry] = []
        self.links: list[tuple[str, bool]] = []
        self.failure: Exception | None = None
        self.asset_links = partial(asset_link, root_url, Session(), local=kind is Kind.STATIC)

    def put(self, item_id: str, url: str = "", **assets: Any) -> Item:
        """Put an item there, with assets by key: an href, or all of an asset object."""
        objects = {key: {"href": value} if isinstance(value, str) else value for key, value in assets.items()}
        item = Item({"id": item_id, "collection": "c", "assets": objects}, url=url)
        self.documents[EntryKind.ITEM, item_id] = item
        return item

    def put_collection(self, **assets: str) -> Collection:
        """Put the collection there."""
        collection = Collection({"id": "c", "assets": {key: {"href": href} for key, href in assets.items()}})
        self.documents[EntryKind.COLLECTION, "c"] = collection
        return collection

    async def document(self, entry: Entry) -> Document:
        """Return a document as it is now."""
        self.looks.append(entry)
        if self.failure is not None:
            raise self.failure
        if (entry.kind, entry.id) not in self.documents:
            raise EntityDoesNotExist(f"{entry.id} does not exist")
        return self.documents[entry.kind, entry.id]

    async def asset_link(self, href: str, *, fresh: bool = False) -> Link:
        """Return the link to an asset."""
        self.links.append((href, fresh))
        return await self.asset_links(href, fresh=fresh)


def tree(folder: Path) -> dict[str, int]:
    """Return the paths and sizes of all files below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
