"""Signatures for the Planetary Computer's blobs: a short-lived token a container, kept until it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit
from weakref import WeakKeyDictionary

from ..errors import UnexpectedAnswer
from ..http.hrefs import host, shown
from ..models import Item
from .stores import AZURE_STORE

HOST = "planetarycomputer.microsoft.com"
ENDPOINT = f"https://{HOST}/api/sas/v1/token/"
_OPEN_ACCOUNT = "ai4edatasetspublicassets"  # public, and the endpoint knows no token for it
_MARGIN = 120.0  # seconds before its end from which on a token is not given to a new transfer
_UNDATED = 300.0  # seconds to keep a token that does not say when it ends

Ask = Callable[[str], Awaitable[Any]]
"""Returns the JSON at a URL."""


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    ends: float


class SasTokens:
    """Signs URLs of blob stores (Planetary Computer, "Using tokens for data access").

    Tokens are for anybody who asks, and expire within an hour. They are kept in memory only. One object may
    serve several event loops; in one loop, a container's token is asked for once, however many want it.

    Parameters
    ----------
    endpoint
        What the account and the container are joined to, with a slash at its end.
    home
        The host of the API whose assets are signed.
    stores
        How the host names of its stores end.
    clock
        Seconds since the epoch.
    """

    def __init__(
        self,
        endpoint: str = ENDPOINT,
        *,
        home: str = HOST,
        stores: str = AZURE_STORE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._endpoint = endpoint
        self._home = home
        self._stores = stores
        self._clock = clock
        self._kept: dict[tuple[str, str], _Token] = {}
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], asyncio.Lock]] = (
            WeakKeyDictionary()
        )

    def wanted(self, url: str, root_url: str) -> bool:
        """Return whether a URL that a source lists has to be signed."""
        return host(root_url) == self._home and _is_closed(url, self._stores)

    async def sign(self, url: str, ask: Ask, *, fresh: bool = False) -> str:
        """Return a URL with a token.

        Parameters
        ----------
        ask
            How to ask the endpoint.
        fresh
            Whether the token that is kept was refused.

        Raises
        ------
        RequestError
            If there is no token to be had.
        """
        container = _container(url)
        locks = self._locks.setdefault(asyncio.get_running_loop(), {})
        refused = self._kept.get(container) if fresh else None
        async with locks.setdefault(container, asyncio.Lock()):
            token = self._kept.get(container)
            # Another transfer may have got a new one while this one waited.
            if token is None or token is refused or token.ends <= self._clock() + _MARGIN:
                token = self._kept[container] = await self._ask(container, ask)
        return f"{url}{'&' if '?' in url else '?'}{token.value}"

    async def _ask(self, container: tuple[str, str], ask: Ask) -> _Token:
        address = self._endpoint + "/".join(quote(part, safe="") for part in container)
        answer = await ask(address)
        value = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(value, str) or not is_signed(f"?{value}"):
            raise UnexpectedAnswer(f"no token came from {shown(address)}", url=shown(address))
        return _Token(value, self._end(answer.get("msft:expiry")))

    def _end(self, told: object) -> float:
        """Return when a token ends, in seconds since the epoch."""
        try:
            moment = datetime.fromisoformat(str(told))
        except ValueError:
            return self._clock() + _UNDATED + _MARGIN
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def lacks_signature(item: Item, url: str) -> bool:
    """Return whether a URL of an item of the Planetary Computer is refused without a signature.

    An item is known by where it came from or what it links to, so that a saved answer counts too.
    """
    if not _is_closed(url, AZURE_STORE):
        return False
    hrefs = (link.get("href") for link in item.links)
    return any(host(place) == HOST for place in (item.url, *hrefs) if isinstance(place, str))


def _is_closed(url: str, stores: str) -> bool:
    """Return whether a URL of a blob store is neither signed nor open to everybody."""
    place = host(url)
    account = place.partition(".")[0]
    return place.endswith(stores) and account != _OPEN_ACCOUNT and not is_signed(url)


def is_signed(url: str) -> bool:
    """Return whether a URL carries a shared access signature (Azure's `sig`)."""
    return any(name.lower() == "sig" for name, _ in parse_qsl(urlsplit(url).query))


def _container(url: str) -> tuple[str, str]:
    """Return account and container of a blob's URL."""
    return host(url).partition(".")[0], urlsplit(url).path.lstrip("/").partition("/")[0]
