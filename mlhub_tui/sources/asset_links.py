"""Links of assets: from an href to where its bytes can be requested now, signed if the store wants that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit
from weakref import WeakKeyDictionary

from ..errors import NotOffered, UnexpectedAnswer
from ..http.link import Link
from ..http.urls import host, shown
from ..models import Item
from .asset_hrefs import AZURE_STORE, https_of

if TYPE_CHECKING:
    from ..http.session import Session


PLANETARY_COMPUTER = "planetarycomputer.microsoft.com"
ENDPOINT = f"https://{PLANETARY_COMPUTER}/api/sas/v1/token/"
_OPEN_ACCOUNT = "ai4edatasetspublicassets"  # public, and the endpoint knows no token for it
_MARGIN = 120.0  # seconds before its end from which on a token is not given to a new transfer
_UNDATED = 300.0  # seconds to keep a token that does not say when it ends
_NOTHING = "nothing can be fetched for it: report it to the owner of the catalog"

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


@cache
def shared_tokens() -> SasTokens:
    """Return the tokens of all sources of this program: a source lives shorter than a token does."""
    return SasTokens()


class AssetLinks:
    """The `asset_link` of every source: stores' own schemes to https, signatures, the source's secret.

    - `root_url`: The source's location.
    - `session`: The session with the source, whose secret goes to its own origin only; None for a source
      without one, a folder for example.
    - `tokens`: The Planetary Computer's tokens; by default those that the whole program shares.
    - `local`: Whether links to local files are followed: only from a source that is itself on this machine,
      since a server must not make anybody copy files of their own.
    """

    def __init__(
        self,
        root_url: str,
        session: Session | None = None,
        *,
        tokens: SasTokens | None = None,
        local: bool = False,
    ) -> None:
        self._root_url = root_url
        self._session = session
        self._tokens = tokens or shared_tokens()
        self._local = local

    async def link(self, href: str, *, fresh: bool = False) -> Link:
        """Return where the bytes of an asset are, by its absolute href; nothing of them is read.

        `fresh` means that the last link was refused, so that no saved signature counts.
        """
        if href.lower().startswith("file://"):
            if not self._local:
                raise NotOffered("the asset's href names a file of this machine: not followed", hint=_NOTHING)
            return Link(href)
        url = https_of(href)
        if not url.lower().startswith(("http://", "https://")):
            words = f"{shown(href)} is no address of a file" if href else "the asset has no href"
            raise NotOffered(words, hint=_NOTHING)
        if self._session is None:
            return Link(url, azure_headers(url))
        if self._tokens.wanted(url, self._root_url):
            url = await self._tokens.sign(url, self._session.get_json, fresh=fresh)
        return link_to(self._session, url)


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
