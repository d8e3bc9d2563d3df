"""The request for one asset: made from its document, and brought up to date from a newer one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..auth.kind import Kind
from ..errors import EntityDoesNotExist
from ..http.hrefs import shown_id
from ..models import Asset, Collection, Document, Entry, EntryKind, Item
from ..options import IfExists
from ..sources.asset_hrefs import asset_href
from ..text import holds_secret, one_line
from .asset_names import file_names, folder_name
from .requests import SAMPLE, AssetRequest

_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_PAGE_ENDS = (".html", ".htm", ".xhtml")


def assets_of(document: Document) -> tuple[Asset, ...]:
    """Return the assets of an item or a collection."""
    return document.assets if isinstance(document, Item | Collection) else ()


def asset_request(
    document: Document,
    asset: Asset,
    folder: Path,
    *,
    source: str,
    kind: Kind,
    profile: str | None = None,
    if_exists: IfExists = IfExists.RESUME,
    collection_id: str = "",
    names: dict[str, str] | None = None,
) -> AssetRequest:
    """Return the request for an asset, to `folder/collection/item/key.ext`.

    Parameters
    ----------
    document
        The item, or the collection, whose assets have no item's folder.
    asset
        One of its assets.
    folder
        Absolute output folder.
    source
        The source's location as jobs keep it.
    collection_id
        The collection, for an item that does not say.
    names
        The names of the document's files, where they were made already.
    """
    item = document if isinstance(document, Item) else None
    collection = (item.collection_id or collection_id) if item else document.id
    name = (names or file_names(assets_of(document)))[asset.key]
    parts = (folder_name(item.id), name) if item else (name,)
    href = asset_href(document, asset).href
    return AssetRequest(
        source=source,
        profile=profile,
        collection_id=collection,
        folder=folder / folder_name(collection),
        name="/".join(parts),
        item_id=item.id if item else "",
        key=asset.key,
        # The port of the sample catalogue differs at each start.
        href="" if source == SAMPLE or holds_secret(href) else href,
        # In an API a document's URL may be that of a page of a listing; the ids are what counts there.
        document_url=document.url if kind is Kind.STATIC else "",
        kind=kind,
        if_exists=if_exists,
        title=f"{document.label} {asset.label}",
        size=asset.size,
        checksum=_checksum(asset),
        page=_is_page(asset, href),
    )


def entry_of(request: AssetRequest) -> Entry:
    """Return the entry of the document that an asset is in."""
    kind = EntryKind.ITEM if request.item_id else EntryKind.COLLECTION
    identity = request.item_id or request.collection_id
    return Entry(kind, identity, url=request.document_url, collection_id=request.collection_id)


def renewed(request: AssetRequest, document: Document) -> tuple[AssetRequest, str]:
    """Return a request as its document has it now, and the href with all that is in it.

    The file's name stays: what is half done goes on.

    Raises
    ------
    EntityDoesNotExist
        If the document has no such asset, or one without an href.
    """
    asset = next((asset for asset in assets_of(document) if asset.key == request.key), None)
    href = asset_href(document, asset).href if asset is not None else ""
    if asset is None or not href:
        words = f"{shown_id(document.id)} has no asset {shown_id(request.key)} with an href"
        raise EntityDoesNotExist(words, hint="look at its assets again")
    now = replace(
        request,
        href="" if holds_secret(href) else href,
        size=asset.size,
        checksum=_checksum(asset),
        page=_is_page(asset, href),
    )
    return now, href


def _checksum(asset: Asset) -> str:
    """Return the multihash of the file extension; older items have it as `checksum:multihash`."""
    value = asset.raw.get("file:checksum") or asset.raw.get("checksum:multihash")
    return one_line(value, 400) if isinstance(value, str) else ""


def _is_page(asset: Asset, href: str) -> bool:
    path = href.partition("?")[0].partition("#")[0].lower()
    return asset.media_type.partition(";")[0].strip().lower() in _PAGES or path.endswith(_PAGE_ENDS)
