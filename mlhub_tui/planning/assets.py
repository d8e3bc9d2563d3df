"""Assets of documents: which can be downloaded, requests for them, checksums, tallies, an input for aria2."""

from __future__ import annotations

from collections.abc import Collection as Many
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..auth.location import Kind
from ..errors import EntityDoesNotExist, NotOffered
from ..http.urls import shown, shown_id
from ..http.versions import Checksum
from ..models import Asset, Collection, Document, Entry, EntryKind, Item, MLModel
from ..options import IfExists
from ..sources.asset_links import STORE, asset_href, https_of, is_store, requester_pays
from ..sources.export import Exporter, URLs
from ..text import holds_secret, one_line
from .layout import PAGE_ENDINGS, PAGE_TYPES, file_names, folder_name
from .requests import SAMPLE, AssetRequest

if TYPE_CHECKING:
    from ..sources.base import Source


@dataclass(frozen=True, slots=True)
class DocumentOrigin:
    """Where documents came from, as jobs save it: a source's location or `SAMPLE`, its kind.

    `profile` is the one whose secret is to be used; None for the one in use.
    """

    source: str
    kind: Kind
    profile: str | None = None

    @classmethod
    def of(cls, source: Source, profile: str | None = None) -> DocumentOrigin:
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
    if "zarr" in asset.media_type.lower() or is_store(best.href):
        return STORE
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
    """Return requests for assets of items or collections, to files `collection/item/key.ext` in `folder`.

    Those of a model, which is asked for without its collection, go to `model/key.ext`.

    Assets with one of the keys or one of the roles are chosen; all, where neither is given. `collection_id`
    is that of items that name none.
    """
    chosen: list[AssetRequest] = []
    left_out: list[LeftOut] = []
    for document in documents:
        item = document if isinstance(document, Item) and not isinstance(document, MLModel) else None
        collection = (item.collection_id or collection_id) if item else document.id
        below = f"{folder_name(document.id)}/" if item else ""
        names = file_names(assets_of(document))
        for asset in assets_of(document):
            if (keys or roles) and asset.key not in keys and not any(role in roles for role in asset.roles):
                continue
            if why := unavailable(document, asset):
                left_out.append(LeftOut(document.id, asset.key, why))
                continue
            request = _request(origin, document, asset, collection)
            path = folder / folder_name(collection)
            chosen.append(replace(request, folder=path, name=below + names[asset.key], if_exists=if_exists))
    return AssetSelection(tuple(chosen), tuple(left_out))


def _request(origin: DocumentOrigin, document: Document, asset: Asset, collection: str) -> AssetRequest:
    """Return the request for an asset, to no file yet."""
    href = asset_href(document, asset).href
    return AssetRequest(
        source=origin.source,
        profile=origin.profile,
        collection_id="" if isinstance(document, MLModel) else collection,
        folder=Path(),
        name="",
        item_id=document.id if isinstance(document, Item) else "",
        key=asset.key,
        # The port of the sample catalog differs at each start.
        href="" if origin.source == SAMPLE or holds_secret(href) else href,
        # In an API a document's URL may be that of a page of a listing; there the ids identify it.
        document_url=document.url if origin.kind is Kind.STATIC else "",
        kind=origin.kind,
        title=f"{document.label} {asset.label}",
        size=asset.size,
        checksum=_checksum(asset),
        page=_is_page(asset, href),
    )


def entry_of(request: AssetRequest) -> Entry:
    """Return the entry of the document that an asset is in."""
    kind = EntryKind.ITEM if request.item_id else EntryKind.COLLECTION
    kind = EntryKind.MODEL if request.of_model else kind
    identity = request.item_id or request.collection_id
    return Entry(kind, identity, url=request.document_url, collection_id=request.collection_id)


def asset_now(document: Document, key: str) -> tuple[Asset, str]:
    """Return an asset of a document, and its complete href; EntityDoesNotExist if it has none."""
    asset = next((asset for asset in assets_of(document) if asset.key == key), None)
    href = asset_href(document, asset).href if asset is not None else ""
    if asset is None or not href:
        words = f"{shown_id(document.id)} has no asset {shown_id(key)} with an href"
        raise EntityDoesNotExist(words, hint="look at its assets again")
    return asset, href


def renewed(request: AssetRequest, document: Document) -> tuple[AssetRequest, str]:
    """Return a request by its current document, under the same file name, and the complete href.

    Raises EntityDoesNotExist if the document has no such asset, or one without an href.
    """
    asset, href = asset_now(document, request.key)
    saved = "" if holds_secret(href) else href
    page, checksum = _is_page(asset, href), _checksum(asset)
    return replace(request, href=saved, size=asset.size, checksum=checksum, page=page), href


def _checksum(asset: Asset) -> str:
    """Return the multihash of the file extension; older items have it as `checksum:multihash`."""
    value = asset.raw.get("file:checksum") or asset.raw.get("checksum:multihash")
    return one_line(value, 400) if isinstance(value, str) else ""


def _is_page(asset: Asset, href: str) -> bool:
    path = href.partition("?")[0].partition("#")[0].lower()
    return asset.media_type.partition(";")[0].strip().lower() in PAGE_TYPES or path.endswith(PAGE_ENDINGS)


@dataclass(slots=True)
class AssetGroup:
    """An asset key, or a role, as it occurs in some documents; its words are cleaned but for `key`."""

    key: str  # as received; clean it before drawing
    title: str = ""  # the first there is
    count: int = 0
    size: int = 0  # bytes of those that can be downloaded and tell their size
    sized: int = 0  # how many those are
    roles: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()
    barred: int = 0  # that cannot be downloaded
    paid: int = 0  # of these, whose reader pays for the transfer
    why: str = ""  # the first of them

    @property
    def files(self) -> int:
        """How many can be downloaded."""
        return self.count - self.barred

    @property
    def unknown(self) -> int:
        """How many of these do not tell their size."""
        return self.files - self.sized

    def add(self, other: AssetGroup) -> None:
        """Add what another group has."""
        self.title, self.why = self.title or other.title, self.why or other.why
        self.roles = tuple(dict.fromkeys((*self.roles, *other.roles)))
        self.media_types = tuple(dict.fromkeys((*self.media_types, *other.media_types)))
        for name in ("count", "size", "sized", "barred", "paid"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class AssetTally:
    """Counts assets by key and roles, of so many `documents`, none of which it saves."""

    def __init__(self) -> None:
        self.documents = 0
        self._groups: dict[tuple[str, tuple[str, ...]], AssetGroup] = {}

    def add(self, document: Document) -> None:
        """Count the assets of an item or a collection."""
        self.documents += 1
        for asset in assets_of(document):
            why = unavailable(document, asset)
            known = asset.size is not None and not why
            one = AssetGroup(
                asset.key,
                asset.title,
                1,
                (asset.size or 0) * known,
                int(known),
                tuple(dict.fromkeys(asset.roles)),
                (asset.media_type,) if asset.media_type else (),
                int(bool(why)),
                int(bool(why and requester_pays(document, asset))),
                why,
            )
            self._groups.setdefault((asset.key, one.roles), AssetGroup(asset.key)).add(one)

    @property
    def paid(self) -> int:
        """Assets whose reader pays for the transfer; they are among the barred ones."""
        return sum(group.paid for group in self._groups.values())

    def by_key(self) -> list[AssetGroup]:
        """Return the keys, the most frequent first; sizes are of what can be fetched."""
        return _merged((group.key, group) for group in self._groups.values())

    def by_role(self) -> list[AssetGroup]:
        """Return the roles in the same way; an asset of several is counted in each."""
        return _merged((role, group) for (_, roles), group in self._groups.items() for role in roles)

    def share(self, key: str, roles: Many[str]) -> tuple[int, int]:
        """Return how many assets of a key have one of some roles, and how many there are."""
        groups = [(own, group.count) for (of, own), group in self._groups.items() if of == key]
        having = sum(count for own, count in groups if not set(own).isdisjoint(roles))
        return having, sum(count for _, count in groups)

    def totals(self, keys: Many[str], roles: Many[str]) -> AssetGroup:
        """Return what the assets that have one of the keys or one of the roles come to together."""
        whole = AssetGroup("")
        for (key, own), group in self._groups.items():
            if key in keys or not set(own).isdisjoint(roles):
                whole.add(group)
        return whole


def _merged(named: Iterable[tuple[str, AssetGroup]]) -> list[AssetGroup]:
    found: dict[str, AssetGroup] = {}
    for name, group in named:
        found.setdefault(name, AssetGroup(name)).add(group)
    return sorted(found.values(), key=lambda group: -group.count)


# The multiformats' table: codes that Python's hashlib has everywhere, with the bytes of their digests.
_MULTIHASHES = {
    0x11: ("sha-1", 20),
    0x12: ("sha-256", 32),
    0x13: ("sha-512", 64),
    0x14: ("sha3-512", 64),
    0x15: ("sha3-384", 48),
    0x16: ("sha3-256", 32),
    0x17: ("sha3-224", 28),
    0x20: ("sha-384", 48),
    0xD5: ("md5", 16),
    0x1013: ("sha-224", 28),
    **{0xB200 + size: (f"blake2b-{8 * size}", size) for size in range(1, 65)},
    **{0xB240 + size: (f"blake2s-{8 * size}", size) for size in range(1, 33)},
}
_MIN_DIGEST = 8  # bytes; a shorter digest of BLAKE2 proves nothing
_MAX_VARINT = 9  # bytes, by the multiformats' unsigned-varint rule


def multihash(value: object) -> Checksum | None:
    """Return a parsed multihash, an asset's `file:checksum` (STAC file extension 2.1: hex, in any case here).

    Two unsigned varints, the algorithm's code (multiformats' table) and the digest's length in bytes, come
    before the digest. None if it is none, of an algorithm that is not verified here, or shortened: that is
    legal as a multihash, but no checksum of a file.
    """
    try:
        code, rest = _varint(bytes.fromhex(value if isinstance(value, str) else ""))
        size, digest = _varint(rest)
    except ValueError:
        return None
    algorithm, length = _MULTIHASHES.get(code, ("", 0))
    whole = bool(algorithm) and size == len(digest) == length >= _MIN_DIGEST
    return Checksum(algorithm, digest.hex()) if whole else None


def unverified(value: object) -> str:
    """Return a line for a checksum that says nothing here; empty where there is none, or a good one."""
    if value in (None, "") or multihash(value) is not None:
        return ""
    return f"its checksum {one_line(value, 24)} is of no kind that can be verified"


def _varint(raw: bytes) -> tuple[int, bytes]:
    """Return the number that bytes begin with, seven bits a byte, lowest first, and what comes after it."""
    number = 0
    for index, byte in enumerate(raw[:_MAX_VARINT]):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number, raw[index + 1 :]
    raise ValueError("no end of the number")


_ALGORITHMS = frozenset({"md5", "sha-1", "sha-224", "sha-256", "sha-384", "sha-512"})


@dataclass
class Aria2(Exporter):
    """What `aria2c --input-file` takes: a URL on a line, its options below (aria2 manual, "Input File").

    Files lie in `collection/item/key.ext` below the folder that aria2 is given, so that the queue finds them
    there. Local files are left out: aria2 copies nothing. `urls` finds the assets that can be requested.
    """

    urls: URLs = field(default_factory=URLs)
    _local: int = 0

    def add(self, item: Item) -> str:
        """Return the entries of an item's assets."""
        names, entries = file_names(item.assets), []
        folder = "/".join(filter(None, map(folder_name, (item.collection_id, item.id))))
        for asset, url in self.urls.found(item):
            if url.lower().startswith("file:"):
                self._local += 1
                continue
            digest = multihash(_checksum(asset))
            known = digest is not None and digest.algorithm in _ALGORITHMS
            checksum = f"  checksum={digest.algorithm}={digest.value}\n" if digest and known else ""
            entries.append(f"{url}\n  out={folder}/{names[asset.key]}\n{checksum}")
        return "".join(entries)

    def notes(self) -> list[str]:
        """Return what is not in the file."""
        local = [f"files of this machine, left out: {self._local:,}"] if self._local else []
        return [*self.urls.notes(), *local]
