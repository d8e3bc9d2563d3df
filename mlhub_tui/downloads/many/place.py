"""Where a request goes: the origin of a URL, and the request itself as bytes."""

from __future__ import annotations

import re
import urllib.request
from dataclasses import dataclass, field
from functools import lru_cache

import httpx

from ...errors import UnexpectedAnswer
from ...sources.http import user_agent
from ...sources.key_removal import REMOVED, KeyRemoval
from ...sources.link import Link
from ..one.wire import address

# A URL that needs no normalising, as nearly all are: printable ASCII, no user, no brackets in the host.
_SIMPLE = re.compile(r"(https?)://([A-Za-z0-9.-]+)(?::(\d{1,5}))?(/[\x21\x24-\x3b\x3d\x3f-\x7e]*)?")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """An origin: scheme, host (a name or an address, without brackets) and port; RFC 6454."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them (RFC 9110, section 7.2)."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"


@dataclass(frozen=True, slots=True)
class Call:
    """A request without its method: place, target and further header lines; keys may be in them."""

    place: Place
    target: str = field(repr=False)
    lines: str = field(default="", repr=False)

    def request(self, method: str) -> bytes:
        """Return the bytes of the request (RFC 9112, section 3)."""
        head = (
            f"{method} {self.target} HTTP/1.1\r\nHost: {self.place.authority}\r\n{_common()}{self.lines}\r\n"
        )
        return head.encode("latin-1")


def call(url: str) -> Call:
    """Return the request for a URL, without credentials.

    Raises
    ------
    UnexpectedAnswer
        If it is no URL that can be asked for.
    """
    simple = _SIMPLE.fullmatch(url)
    if simple is not None:
        scheme, host, port, target = simple.groups()
        return Call(_place(scheme, host, port), target or "/")
    try:
        parsed = httpx.URL(url)
        if parsed.scheme not in _PORTS or not parsed.host:
            raise httpx.InvalidURL("not http")
        place = Place(parsed.scheme, parsed.raw_host.decode("ascii"), parsed.port or _PORTS[parsed.scheme])
        return Call(place, parsed.raw_path.decode("ascii"))
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise UnexpectedAnswer("not a URL that can be asked for", hint="report it to the owner") from error


def home_call(link: Link) -> Call:
    """Return the request for a link's own URL, with its headers and its key."""
    plain = call(link.url)
    if link.auth is None and not link.headers:
        return plain
    request = httpx.Request("GET", link.url, headers=dict(link.headers))
    if link.auth is not None:
        request = next(link.auth.sync_auth_flow(request))
    lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items() if name != "host")
    keyed = Call(plain.place, request.url.raw_path.decode("ascii"), lines)
    if re.search(r"[\r\n]", keyed.target) or lines.count("\n") != lines.count("\r\n") or "\r\n\r\n" in lines:
        raise UnexpectedAnswer("the headers of a link cannot be sent", url=address(link.url))
    return keyed


def without_keys(url: str, keys: KeyRemoval) -> str:
    """Return a URL as it may be asked for; KeyWithheld where it would carry a key to another origin."""
    if REMOVED not in url and not keys.may_hold(url):
        return url
    return keys.from_url(url, own=call(url).place == call(keys.home).place)


def joined(url: str, location: str) -> str:
    """Return where a redirect from a URL leads; UnexpectedAnswer if that is nowhere HTTP goes."""
    try:
        target = httpx.URL(url).join(location)
    except (httpx.InvalidURL, ValueError) as error:
        raise UnexpectedAnswer("a redirect leads to no URL", url=address(url)) from error
    if target.scheme not in _PORTS:
        raise UnexpectedAnswer("a redirect leads to something that is not HTTP", url=address(url))
    return str(target)


class Proxies:
    """Which places lie behind a proxy of this system, as far as environment and settings name one."""

    def __init__(self) -> None:
        named = urllib.request.getproxies()
        self._schemes = frozenset(_PORTS if "all" in named else named.keys() & _PORTS.keys())
        self._known: dict[str, bool] = {}

    def __contains__(self, place: Place) -> bool:
        if place.scheme not in self._schemes:
            return False
        host = place.host
        if host == "localhost" or host.startswith("127.") or host == "::1":
            return False  # no proxy stands between us and ourselves
        if host not in self._known:
            self._known[host] = not urllib.request.proxy_bypass(host)
        return self._known[host]


@lru_cache(maxsize=256)
def _place(scheme: str, host: str, port: str | None) -> Place:
    return Place(scheme, host.lower(), int(port) if port else _PORTS[scheme])


@lru_cache(maxsize=1)
def _common() -> str:
    return f"User-Agent: {user_agent()}\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
