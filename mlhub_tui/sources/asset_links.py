"""Links of assets: which href to request, its https address, who pays, and the signature or key it needs."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from weakref import WeakKeyDictionary

from ..errors import MLHubException, NotOffered, UnexpectedAnswer
from ..http.credentials import Link
from ..http.urls import host, parse_url, resolve_href, shown
from ..models import Asset, Collection, Document, Item, JsonDict
from ..models.document import asset_entries
from ..text import one_line

if TYPE_CHECKING:
    from ..http.session import Session

D = TypeVar("D", bound=Document)
AZURE_STORE = ".blob.core.windows.net"
GOOGLE_STORE = "storage.googleapis.com"
AMAZON_STORE = "s3.amazonaws.com"
_PAYING = """
arxiv cbers-pds modis-vi-nasa-requester-pays naip-analytic naip-source naip-visualization sentinel-s1-l1c
sentinel-s2-l1c sentinel-s2-l2a usgs-landsat usgs-lidar
"""
REQUESTER_PAYS = frozenset(_PAYING.split())
"""Buckets of Amazon S3 whose owners say so in the Registry of Open Data on AWS."""
_AZURE_SCHEMES = frozenset({"abfs", "abfss", "az", "adl", "wasb", "wasbs"})
_AZURE_SUFFIX = ".core.windows.net"
_DIRECT = ("http://", "https://", "file://")
_SAFE = "/~!$&'()*+,;=:@%"  # in an object's name; `%` because an href is a URL already
_STORES = {  # how their hosts are called, the bucket before them or in the path
    # bucket.s3.amazonaws.com, bucket.s3.us-west-2.amazonaws.com, bucket.s3-us-west-2.amazonaws.com
    "s3": re.compile(r"(?:(.+)\.)?s3(?:[.-][a-z0-9.-]+)?\.amazonaws\.com(?:\.cn)?"),
    "gs": re.compile(r"(?:(.+)\.)?storage\.googleapis\.com"),
    "azure": re.compile(r"()[^.]+\.blob\.core\.windows\.net"),
}
STORE = "it is a store of many files: open it with a tool that reads it in place"
_OTHER_TOOL = "it can be opened with a tool of its store"


@dataclass(frozen=True, slots=True)
class AssetHref:
    """An absolute href of an asset, and why its reader has to pay for it (empty: nobody does)."""

    href: str
    pays: str = ""


def asset_href(document: Document, asset: Asset) -> AssetHref:
    """Return the href by which an asset of an item or collection is best requested; an empty one without any.

    The asset's own comes first; where that is requester-pays, or of a scheme that is not https, one of its
    alternates (STAC alternate-assets extension) that is neither. Relative hrefs resolve against the URL that
    the document was fetched from.
    """
    own, *others = _choices(document, asset)
    if own.href.lower().startswith(_DIRECT) and not own.pays:
        return own
    usable = [choice for choice in others if not choice.pays and _is_reachable(choice.href)]
    direct = [choice for choice in usable if choice.href.lower().startswith(_DIRECT)]
    if direct:
        return direct[0]
    return usable[0] if usable and (own.pays or not _is_reachable(own.href)) else own


def _choices(document: Document, asset: Asset) -> Iterator[AssetHref]:
    yield _choice(document, asset)
    alternates = asset.raw.get("alternate")
    for entry in alternates.values() if isinstance(alternates, dict) else ():
        if isinstance(entry, dict) and isinstance(entry.get("href"), str) and entry["href"].strip():
            yield _choice(document, Asset(asset.key, entry["href"], raw=entry))


def _choice(document: Document, asset: Asset) -> AssetHref:
    href = resolve_href(document.url, asset.href) if asset.href.strip() else ""
    if href.lower().startswith("file:") and document.url.lower().startswith(("http://", "https://")):
        href = ""  # the disk it names is the server's, not this machine's
    if href.partition("://")[0].lower() in _AZURE_SCHEMES and (account := _account(document, asset)):
        with suppress(NotOffered):
            href = https_of(href, account=account)
    return AssetHref(href, requester_pays(document, asset, href))


def _is_reachable(href: str) -> bool:
    try:
        return https_of(href).lower().startswith(_DIRECT)
    except NotOffered:
        return False


def _account(document: Document, asset: Asset) -> str:
    """Return the Azure storage account that a document names for `abfs://container/path`."""
    kwargs = asset.raw.get("xarray:open_kwargs")
    inner = kwargs.get("storage_options") if isinstance(kwargs, dict) else None
    for options in (asset.raw.get("xarray:storage_options"), asset.raw.get("table:storage_options"), inner):
        if isinstance(options, dict) and isinstance(options.get("account_name"), str):
            return str(options["account_name"])
    named = (place.get("msft:storage_account") for place in (asset.raw, document.raw))
    return next((name for name in named if isinstance(name, str)), "")


def https_of(href: str, *, account: str = "") -> str:
    """Return the https address of an object in a store; other URLs as they are.

    `s3://bucket/key` becomes `https://bucket.s3.amazonaws.com/key`, whatever the region; a bucket with dots,
    which no certificate covers as a host name, stands in the path instead (Amazon S3 User Guide, "Methods for
    accessing a bucket"). `gs://` and Azure's `abfs://container@account.dfs.core.windows.net/path` likewise;
    `abfs://container/path` does not name its account.

    Raises NotOffered if nothing can be requested there.
    """
    scheme, mark, rest = href.partition("://")
    scheme = scheme.lower()
    if mark and scheme in ("http", "https"):
        try:
            parse_url(href)
        except UnexpectedAnswer as error:  # no retry makes it a URL
            raise NotOffered(error.message, url=shown(href), hint=NOTHING) from None
    if not mark or scheme in ("http", "https", "file"):
        return href
    bucket, _, key = rest.partition("/")
    if not bucket or not key:
        raise NotOffered(f"{shown(href)} names no object in a store", url=shown(href), hint=_OTHER_TOOL)
    path = quote(key, safe=_SAFE)
    if scheme in ("s3", "s3a", "s3n"):
        if "." in bucket:
            return f"https://{AMAZON_STORE}/{quote(bucket)}/{path}"
        return f"https://{quote(bucket)}.{AMAZON_STORE}/{path}"
    if scheme in ("gs", "gcs"):
        return f"https://{GOOGLE_STORE}/{quote(bucket)}/{path}"
    if scheme in _AZURE_SCHEMES:
        return _azure(href, bucket, path, account)
    raise NotOffered(f"{shown(href)} cannot be fetched over https", url=shown(href), hint=_OTHER_TOOL)


def _azure(href: str, authority: str, path: str, account: str) -> str:
    """Return the address of a blob: the `dfs` endpoint serves no anonymous reads, the `blob` one does."""
    container, mark, place = authority.partition("@")
    if mark:
        account = place.partition(".")[0]
    elif authority.endswith(_AZURE_SUFFIX):
        return f"https://{host('x://' + authority).partition('.')[0]}{AZURE_STORE}/{path}"
    if not re.fullmatch(r"[a-z0-9]{3,24}", account):
        words = f"{shown(href)} does not name the storage account it is in"
        raise NotOffered(words, url=shown(href), hint=_OTHER_TOOL)
    return f"https://{account}{AZURE_STORE}/{quote(container)}/{path}"


def is_store(href: str) -> bool:
    """Return whether an href names many objects in place of one: a Zarr, a folder in an object store."""
    path = href.partition("?")[0].partition("#")[0]
    in_store = not href.lower().startswith(("http://", "https://"))
    return path.rstrip("/").endswith(".zarr") or (in_store and path.endswith("/"))


def bucket_of(href: str) -> tuple[str, str] | None:
    """Return the store (`s3`, `gs`, `azure`) and the bucket that an object is in; None outside of these."""
    try:
        parts = urlsplit(https_of(href))
        place = (parts.hostname or "").lower()
    except (NotOffered, ValueError):
        return None
    for store, pattern in _STORES.items():
        if match := pattern.fullmatch(place):
            return store, match[1] or unquote(parts.path.lstrip("/").partition("/")[0])
    return None


def requester_pays(document: Document, asset: Asset, href: str = "") -> str:
    """Return why an asset is not free to read, in one line; empty where it is, as far as is known.

    The rules are those of the STAC storage extension: version 1 has `storage:requester_pays` in the asset or
    in the item's properties, version 2 `storage:schemes` in the document and `storage:refs` in the asset;
    what the collection states holds for items that do not. Both speak of the object store: an href that leads
    to another server is not meant.

    - `asset`: One of the document's assets, or one of an asset's alternates.
    - `href`: The href in question; the asset's own by default.
    """
    bucket = bucket_of(href or asset.href)
    return _why_paid(bucket, stated_payer(document, asset)) if bucket else ""


def known_to_pay(href: str) -> str:
    """Return the same of an address without its document."""
    return _why_paid(bucket_of(href), None)


def _why_paid(bucket: tuple[str, str] | None, stated: bool | None) -> str:
    store, name = bucket or ("", "")
    if not (store == "s3" and name in REQUESTER_PAYS if stated is None else stated):
        return ""
    bucket_name = one_line(name, 80)
    return f"the bucket {bucket_name} is requester-pays: it answers only to requests that an account pays for"


def stated_payer(document: Document, asset: Asset) -> bool | None:
    """Return whether the reader of an asset pays, by the documents; None where they do not state it."""
    described = document.inherited.get("item_assets")
    usual = described.get(asset.key) if isinstance(described, dict) else None
    own = (asset.raw, usual) if isinstance(usual, dict) else (asset.raw,)
    places = (document.fields, document.raw, document.inherited)
    refs = next((refs for place in own if isinstance(refs := place.get("storage:refs"), list)), [])
    flags = []
    for schemes in (place.get("storage:schemes") for place in places):
        if isinstance(schemes, dict):
            named = (schemes.get(name) for name in refs if isinstance(name, str))
            flags += [scheme.get("requester_pays") for scheme in named if isinstance(scheme, dict)]
    flags += [place.get("storage:requester_pays") for place in (*own, *places)]
    # A collection's summaries list the values there are, of which a single one tells.
    single = (flag[0] if isinstance(flag, list) and len(flag) == 1 else flag for flag in flags)
    known = {"true": True, "false": False}  # data frames write them as text
    return next((known[text] for flag in single if (text := str(flag).lower()) in known), None)


_TERMS = ("storage:schemes", "storage:requester_pays")
_TERMS_OF_ASSETS = ("storage:refs", "storage:requester_pays")
_PAID_SCHEMES = ("s3:", "s3a", "s3n", "gs:", "gcs", "/vs")  # how hrefs begin, those of GDAL too


def storage_terms(collection: JsonDict) -> JsonDict:
    """Return what a collection states of the stores of its items, as `Document.inherited`; empty if nothing.

    Fields of its own come before its summaries (STAC storage extension, versions 1 and 2).
    """
    summaries, assets = collection.get("summaries"), collection.get("item_assets")
    places = [place for place in (summaries, collection) if isinstance(place, dict)]
    found = {name: place[name] for place in places for name in _TERMS if name in place}
    described: dict[str, Any] = {
        key: terms
        for key, entry in (assets.items() if isinstance(assets, dict) else ())
        if isinstance(entry, dict)
        if (terms := {name: entry[name] for name in _TERMS_OF_ASSETS if name in entry})
    }
    return {**found, "item_assets": described} if described else found


class StorageTerms:
    """Adds to items what their collections state; each is requested once, and only where it matters.

    - `collection`: Gives a collection by its id; where it cannot, the items stay as they are.
    """

    def __init__(self, collection: Callable[[str], Awaitable[Collection]]) -> None:
        self._collection = collection
        self._known: dict[str, JsonDict] = {}

    async def of(self, document: D, collection_id: str = "") -> D:
        """Return a document with what its collection states; `collection_id` is for items that name none."""
        if not isinstance(document, Item):
            return document
        name = document.collection_id or collection_id
        if name not in self._known:
            if not name or not _is_open(document):
                return document
            try:
                self._known[name] = storage_terms((await self._collection(name)).raw)
            except MLHubException:
                self._known[name] = {}
        terms = self._known[name]
        return replace(document, inherited=terms) if terms else document

    async def all_of(self, items: AsyncGenerator[Item, None]) -> AsyncGenerator[Item, None]:
        """Yield items as they come, each with what its collection states."""
        async with aclosing(items):
            async for item in items:
                yield await self.of(item)


def _is_open(item: Item) -> bool:
    """Whether an asset is in a store, and the item does not state who pays. Written for speed."""
    entries = asset_entries(item.raw.get("assets")).values()
    hrefs = (entry.get("href") for entry in entries if isinstance(entry, dict))
    if not any(_may_cost(href) for href in (item.url, *hrefs) if isinstance(href, str)):
        return False
    return any(stated_payer(item, asset) is None for asset in item.assets)


def _may_cost(href: str) -> bool:
    """Whether an href leads into a store that knows requesters who pay: Azure's do not."""
    if href.startswith("http"):
        return ".amazonaws." in href or ".googleapis." in href
    return href[:3].lower() in _PAID_SCHEMES


PLANETARY_COMPUTER = "planetarycomputer.microsoft.com"
ENDPOINT = f"https://{PLANETARY_COMPUTER}/api/sas/v1/token/"
_OPEN_ACCOUNT = "ai4edatasetspublicassets"  # public, and the endpoint knows no token for it
_MARGIN = 120.0  # seconds before its end from which on a token is not given to a new transfer
_UNDATED = 300.0  # seconds to keep a token that does not say when it ends
NOTHING = "nothing can be fetched for it: report it to the owner of the catalog"

Fetch = Callable[[str], Awaitable[Any]]
"""Returns the JSON at a URL."""
_Container = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    ends: float


class SasTokens:
    """Signs URLs of blob stores (Planetary Computer, "Using tokens for data access").

    Tokens are for anybody, and expire within an hour. They are in memory only. One object may serve several
    event loops; in one loop, a container's token is requested once, however many want it.

    - `endpoint`: What the account and the container are joined to, with a slash at its end.
    - `home`, `stores`: The host of the API whose assets are signed, and how the host names of its stores end.
    """

    def __init__(
        self,
        endpoint: str = ENDPOINT,
        *,
        home: str = PLANETARY_COMPUTER,
        stores: str = AZURE_STORE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._endpoint = endpoint
        self._home = home
        self._stores = stores
        self._clock = clock
        self._tokens: dict[_Container, _Token] = {}
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Container, asyncio.Lock]]
        self._locks = WeakKeyDictionary()

    def wanted(self, url: str, root_url: str) -> bool:
        """Return whether a URL that a source lists has to be signed."""
        return host(root_url) == self._home and _is_closed(url, self._stores)

    async def sign(self, url: str, fetch: Fetch, *, fresh: bool = False) -> str:
        """Return a URL with a token; a `fresh` one if that in memory was refused."""
        container = host(url).partition(".")[0], urlsplit(url).path.lstrip("/").partition("/")[0]
        locks = self._locks.setdefault(asyncio.get_running_loop(), {})
        refused = self._tokens.get(container) if fresh else None
        async with locks.setdefault(container, asyncio.Lock()):
            token = self._tokens.get(container)
            # Another transfer may have got a new one while this one waited.
            if token is None or token is refused or token.ends <= self._clock() + _MARGIN:
                token = self._tokens[container] = await self._request(container, fetch)
        return f"{url}{'&' if '?' in url else '?'}{token.value}"

    async def _request(self, container: _Container, fetch: Fetch) -> _Token:
        address = self._endpoint + "/".join(quote(part, safe="") for part in container)
        answer = await fetch(address)
        value = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(value, str) or not _is_signed(f"?{value}"):
            raise UnexpectedAnswer(f"no token came from {shown(address)}", url=shown(address))
        try:
            moment = datetime.fromisoformat(str(answer.get("msft:expiry")))
        except ValueError:
            return _Token(value, self._clock() + _UNDATED + _MARGIN)
        return _Token(value, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


SHARED_TOKENS = SasTokens()
"""The tokens of all sources of this program: a source lives shorter than a token does."""


async def asset_link(
    root_url: str,
    session: Session,
    href: str,
    *,
    fresh: bool = False,
    local: bool = False,
    tokens: SasTokens = SHARED_TOKENS,
) -> Link:
    """Return where the bytes of an asset are, by its absolute href; nothing of them is read.

    - `root_url`: The location of its source.
    - `session`: The session with the source, whose secret goes to its own origin only.
    - `fresh`: Whether the last link was refused, so that no saved signature counts.
    - `local`: Whether links to local files are followed: only from a source that is itself on this machine,
      since a server must not make anybody copy files of their own.
    - `tokens`: The Planetary Computer's tokens; by default those that the whole program shares.
    """
    if href.lower().startswith("file://"):
        if not local:
            raise NotOffered("the asset's href names a file of this machine: not followed", hint=NOTHING)
        return Link(href)
    url = https_of(href)
    if not url.lower().startswith(("http://", "https://")):
        words = f"{shown(href)} is no address of a file" if href else "the asset has no href"
        raise NotOffered(words, hint=NOTHING)
    if tokens.wanted(url, root_url):
        url = await tokens.sign(url, session.get_json, fresh=fresh)
    return link_to(session, url)


def lacks_signature(item: Item, url: str) -> bool:
    """Return whether a URL of an item of the Planetary Computer is refused without a signature.

    An item is known by where it came from or what it links to, so that a saved answer counts too.
    """
    if not _is_closed(url, AZURE_STORE):
        return False
    hrefs = (link.get("href") for link in item.links)
    return any(host(place) == PLANETARY_COMPUTER for place in (item.url, *hrefs) if isinstance(place, str))


def _is_closed(url: str, stores: str) -> bool:
    """Return whether a URL of a blob store is neither signed nor open to everybody."""
    place = host(url)
    return place.endswith(stores) and place.partition(".")[0] != _OPEN_ACCOUNT and not _is_signed(url)


def _is_signed(url: str) -> bool:
    """Return whether a URL has a shared access signature (Azure's `sig`)."""
    return any(name.lower() == "sig" for name, _ in parse_qsl(urlsplit(url).query))


AZURE_VERSION = "2021-06-08"


def link_to(session: Session, url: str) -> Link:
    """Return the link to a URL; the key goes along only to the session's own origin."""
    if (keys := session.keys) is not None:
        url = keys.from_url(url, own=session.is_own(url))
    return Link(url, azure_headers(url), session.credentials())


def azure_headers(url: str) -> dict[str, str]:
    """Return the version header for Azure's blob stores, nothing for others."""
    return {"x-ms-version": AZURE_VERSION} if host(url).endswith(AZURE_STORE) else {}
