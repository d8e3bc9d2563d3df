"""From documents to requests for the queue: what assets there are to choose from, and the wanted ones."""

from __future__ import annotations

from collections.abc import Collection as Many
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..auth.kind import Kind
from ..errors import NotOffered
from ..http.hrefs import shown
from ..models import Asset, Document
from ..options import IfExists
from ..sources.asset_hrefs import asset_href, https_of
from .asset_names import file_names
from .asset_request import asset_request, assets_of
from .requests import AssetRequest


class Located(Protocol):
    """What is needed to know of a source: every `sources.base.Source` is one."""

    @property
    def kind(self) -> Kind:
        """What it speaks."""
        ...

    @property
    def root_url(self) -> str:
        """Where it is."""
        ...


@dataclass(frozen=True, slots=True)
class Origin:
    """Where documents came from, as jobs keep it.

    Parameters
    ----------
    source
        The source's location, or `job.SAMPLE`.
    kind
        What the source speaks.
    profile
        The profile whose secret is to be used; None for the one in use.
    """

    source: str
    kind: Kind
    profile: str | None = None

    @classmethod
    def of(cls, source: Located, profile: str | None = None) -> Origin:
        """Return that of an open source; the sample catalogue has its own."""
        return cls(source.root_url, source.kind, profile)


@dataclass(frozen=True, slots=True)
class Choice:
    """An asset key as it occurs in some documents.

    Parameters
    ----------
    key
        As received; clean it before drawing.
    title
        The first title there is, cleaned.
    count
        Documents that have it.
    size
        Bytes of those whose size is told.
    sized
        How many that are.
    roles, media_types
        All there are, cleaned, in the order they occur.
    barred
        How many cannot be fetched.
    why
        Why the first of those cannot.
    """

    key: str
    title: str = ""
    count: int = 0
    size: int = 0
    sized: int = 0
    roles: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()
    barred: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An asset that is not queued: the document, the key, and why in one line; clean the ids to draw them."""

    document_id: str
    key: str
    why: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What came of a choice: the requests, in the order of the documents, and what is not among them."""

    requests: tuple[AssetRequest, ...]
    left_out: tuple[LeftOut, ...] = ()


@dataclass(slots=True)
class _Tally:
    """The counting of one key."""

    key: str
    title: str = ""
    count: int = 0
    size: int = 0
    sized: int = 0
    roles: dict[str, None] = field(default_factory=dict)
    media_types: dict[str, None] = field(default_factory=dict)
    barred: int = 0
    why: str = ""

    def add(self, asset: Asset, why: str) -> None:
        self.count += 1
        self.title = self.title or asset.title
        if asset.size is not None:
            self.size += asset.size
            self.sized += 1
        self.roles.update(dict.fromkeys(asset.roles))
        self.media_types.update({asset.media_type: None} if asset.media_type else {})
        self.barred += bool(why)
        self.why = self.why or why

    def choice(self) -> Choice:
        return Choice(
            self.key,
            self.title,
            self.count,
            self.size,
            self.sized,
            tuple(self.roles),
            tuple(self.media_types),
            self.barred,
            self.why,
        )


def choices(documents: Iterable[Document]) -> list[Choice]:
    """Return what there is to choose from in items (or collections): each key once, most frequent first.

    Takes about 20 µs for an asset, so for many documents it wants a thread.
    """
    tallies: dict[str, _Tally] = {}
    for document in documents:
        for asset in assets_of(document):
            tallies.setdefault(asset.key, _Tally(asset.key)).add(asset, barrier(document, asset))
    found = [tally.choice() for tally in tallies.values()]
    return sorted(found, key=lambda choice: -choice.count)


def barrier(document: Document, asset: Asset) -> str:
    """Return why an asset cannot be fetched, in one line; empty where nothing is known against it."""
    best = asset_href(document, asset)
    if not best.href:
        return "its href names a file on the server's own disk" if asset.href.strip() else "it has no href"
    if _is_store(asset, best.href):
        return "it is a store of many files: open it with a tool that reads it in place"
    try:
        url = https_of(best.href)
    except NotOffered as error:
        return error.message
    return best.pays if "://" in url else f"{shown(url)} is no address of a file"


def _is_store(asset: Asset, href: str) -> bool:
    """Return whether an asset is no file but a folder of them, as Zarr's are."""
    path = href.partition("?")[0].partition("#")[0]
    in_store = not href.lower().startswith(("http://", "https://"))
    return (
        "zarr" in asset.media_type.lower()
        or path.rstrip("/").endswith(".zarr")
        or (in_store and path.endswith("/"))
    )


def requests_for(
    origin: Origin,
    documents: Iterable[Document],
    folder: Path,
    *,
    keys: Many[str] = (),
    roles: Many[str] = (),
    if_exists: IfExists = IfExists.RESUME,
    collection_id: str = "",
) -> Selection:
    """Return requests for assets of items or collections.

    Parameters
    ----------
    origin
        Where the documents came from.
    folder
        Absolute output folder; the files are `collection/item/key.ext` in it.
    keys, roles
        Assets that have one of the keys or one of the roles are chosen; all, where neither is given.
    collection_id
        The collection of items that do not say.
    """
    chosen: list[AssetRequest] = []
    left_out: list[LeftOut] = []
    for document in documents:
        assets = assets_of(document)
        names = file_names(assets)
        for asset in assets:
            if not _wanted(asset, keys, roles):
                continue
            if why := barrier(document, asset):
                left_out.append(LeftOut(document.id, asset.key, why))
                continue
            request = asset_request(
                document,
                asset,
                folder,
                source=origin.source,
                kind=origin.kind,
                profile=origin.profile,
                if_exists=if_exists,
                collection_id=collection_id,
                names=names,
            )
            chosen.append(request)
    return Selection(tuple(chosen), tuple(left_out))


def _wanted(asset: Asset, keys: Many[str], roles: Many[str]) -> bool:
    if not keys and not roles:
        return True
    return asset.key in keys or any(role in roles for role in asset.roles)
