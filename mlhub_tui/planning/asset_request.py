"""Requests for single assets: chosen from the documents of items or collections, renewed from newer ones."""

from __future__ import annotations

from collections.abc import Collection as Many
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ..auth.kind import Kind
from ..errors import EntityDoesNotExist, NotOffered
from ..http.urls import shown, shown_id
from ..models import Asset, Collection, Document, Entry, EntryKind, Item
from ..options import IfExists
from ..sources.asset_links import asset_href, https_of
from ..text import holds_secret, one_line
from .layout import file_names, folder_name
from .requests import SAMPLE, AssetRequest

_PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_PAGE_ENDINGS = (".html", ".htm", ".xhtml")


class Located(Protocol):
    """What identifies a source."""

    @property
    def kind(self) -> Kind:
        """Its kind."""
        ...

    @property
    def root_url(self) -> str:
        """Its URL."""
        ...


@dataclass(frozen=True, slots=True)
class DocumentOrigin:
    """Where documents came from, as jobs save it.

    - `source`: The source's location, or `SAMPLE`.
    - `kind`: The source's kind.
    - `profile`: The profile whose secret is to be used; None for the one in use.
    """

    source: str
    kind: Kind
    profile: str | None = None

    @classmethod
    def of(cls, source: Located, profile: str | None = None) -> DocumentOrigin:
        """Return that of an open source; not of the sample catalog."""
        return cls(source.root_url, source.kind, profile)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An asset that cannot be downloaded: document and key as received, and why in one line."""

    document_id: str
    key: str
    why: str


@dataclass(frozen=True, slots=True)
class AssetSelection:
    """The requests for the chosen assets, in the order of the documents, and those left out."""

    requests: tuple[AssetRequest, ...]
    left_out: tuple[LeftOut, ...] = ()


def assets_of(document: Document) -> tuple[Asset, ...]:
    """Return the assets of an item or a collection."""
    return document.assets if isinstance(document, Item | Collection) else ()


def unavailable(document: Document, asset: Asset) -> str:
    """Return why an asset cannot be downloaded, in one line; empty where it may."""
    best = asset_href(document, asset)
    if not best.href:
        return "its href names a file on the server's own disk" if asset.href.strip() else "it has no href"
    path = best.href.partition("?")[0].partition("#")[0]
    in_store = not best.href.lower().startswith(("http://", "https://"))
    zarr = "zarr" in asset.media_type.lower() or path.rstrip("/").endswith(".zarr")
    if zarr or (in_store and path.endswith("/")):
        return "it is a store of many files: open it with a tool that reads it in place"
    try:
        url = https_of(best.href)
    except NotOffered as error:
        return error.message
    return best.pays if "://" in url else f"{shown(url)} is no address of a file"


def requests_for(
    origin: DocumentOrigin,
    documents: Iterable[Document],
    folder: Path,
    *,
    keys: Many[str] = (),
    roles: Many[str] = (),
    if_exists: IfExists = IfExists.RESUME,
    collection_id: str = "",
) -> AssetSelection:
    """Return requests for assets of items or collections.

    - `folder`: Absolute output folder; the files are `collection/item/key.ext` in it.
    - `keys`, `roles`: Assets with one of the keys or one of the roles are chosen; all, where neither is
      given.
    - `collection_id`: The collection of items that name none.
    """
    chosen: list[AssetRequest] = []
    left_out: list[LeftOut] = []
    for document in documents:
        assets = assets_of(document)
        names = file_names(assets)
        for asset in assets:
            wanted = asset.key in keys or any(role in roles for role in asset.roles)
            if (keys or roles) and not wanted:
                continue
            if why := unavailable(document, asset):
                left_out.append(LeftOut(document.id, asset.key, why))
            else:
                name = names[asset.key]
                made = _request(origin, document, asset, folder, name, if_exists, collection_id)
                chosen.append(made)
    return AssetSelection(tuple(chosen), tuple(left_out))


def _request(
    origin: DocumentOrigin,
    document: Document,
    asset: Asset,
    folder: Path,
    name: str,
    if_exists: IfExists,
    collection_id: str,
) -> AssetRequest:
    item = document if isinstance(document, Item) else None
    collection = (item.collection_id or collection_id) if item else document.id
    href = asset_href(document, asset).href
    return AssetRequest(
        source=origin.source,
        profile=origin.profile,
        collection_id=collection,
        folder=folder / folder_name(collection),
        name=f"{folder_name(item.id)}/{name}" if item else name,
        item_id=item.id if item else "",
        key=asset.key,
        # The port of the sample catalog differs at each start.
        href="" if origin.source == SAMPLE or holds_secret(href) else href,
        # In an API a document's URL may be that of a page of a listing; there the ids identify it.
        document_url=document.url if origin.kind is Kind.STATIC else "",
        kind=origin.kind,
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
    """Return a request by its current document, under the same file name, and the complete href.

    Raises EntityDoesNotExist if the document has no such asset, or one without an href.
    """
    asset, href = asset_now(document, request.key)
    saved = "" if holds_secret(href) else href
    page, checksum = _is_page(asset, href), _checksum(asset)
    return replace(request, href=saved, size=asset.size, checksum=checksum, page=page), href


def asset_now(document: Document, key: str) -> tuple[Asset, str]:
    """Return an asset of a document, and its complete href; EntityDoesNotExist if it has none."""
    asset = next((asset for asset in assets_of(document) if asset.key == key), None)
    href = asset_href(document, asset).href if asset is not None else ""
    if asset is None or not href:
        words = f"{shown_id(document.id)} has no asset {shown_id(key)} with an href"
        raise EntityDoesNotExist(words, hint="look at its assets again")
    return asset, href


def _checksum(asset: Asset) -> str:
    """Return the multihash of the file extension; older items have it as `checksum:multihash`."""
    value = asset.raw.get("file:checksum") or asset.raw.get("checksum:multihash")
    return one_line(value, 400) if isinstance(value, str) else ""


def _is_page(asset: Asset, href: str) -> bool:
    path = href.partition("?")[0].partition("#")[0].lower()
    return asset.media_type.partition(";")[0].strip().lower() in _PAGE_TYPES or path.endswith(_PAGE_ENDINGS)
