"""Proxies of the environment: which one stands before an origin, and NO_PROXY."""

from __future__ import annotations

import base64
import os
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_to_bytes

from ..text import one_line
from .errors import ProxyFailure
from .urls import Origin, is_loopback

_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}
_PROXY_URL = re.compile(
    r"(?:(?P<scheme>[A-Za-z0-9+.-]+)://)?(?:(?P<user>.*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]@:/\s]+)(?::(?P<port>\d{1,5}))?/?(?:[?#].*)?"
)
_ENTRY = re.compile(r"(?P<host>\[[^\[\]]+\]|[^\[\]:]+)(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: how it is spoken to, where it is, and who we are to it."""

    scheme: str
    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    authorization: str = field(default="", repr=False)

    @property
    def label(self) -> str:
        """Host and port, which may be shown."""
        return one_line(f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}", 100)

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS rather than HTTP."""
        return self.scheme.startswith("socks")


@dataclass(frozen=True, slots=True)
class _Exception:
    """An entry of NO_PROXY: a name with all below it, or addresses; perhaps of one port only."""

    name: str
    network: object = None
    port: int | None = None

    def matches(self, origin: Origin) -> bool:
        if self.port is not None and self.port != origin.port:
            return False
        if self.network is None:
            return origin.host == self.name or origin.host.endswith(f".{self.name}")
        number = _address(origin.host)
        return number is not None and number in self.network  # type: ignore[operator]  # an IPv[46]Network


class ProxySettings:
    """The proxies that environment variables (on macOS and Windows the system's settings too) name.

    Parameters
    ----------
    environ
        Variables `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in small letters or capitals;
        small ones win. `HTTP_PROXY` is ignored where it may be a request header (CGI), as curl does.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        named = os.environ if environ is None else environ
        self._urls: dict[str, str] = {}
        for scheme in ("http", "https", "all"):
            capitals = (
                "" if scheme == "http" and "REQUEST_METHOD" in named else named.get(f"{scheme.upper()}_PROXY")
            )
            if value := named.get(f"{scheme}_proxy", capitals):
                self._urls[scheme] = value.strip()
        no_proxy = named.get("no_proxy", named.get("NO_PROXY", ""))
        entries = [entry for entry in re.split(r"[\s,;]+", no_proxy) if entry]
        self._none = "*" in entries
        self._exceptions = [parsed for entry in entries if (parsed := _parse_exception(entry)) is not None]
        self._bypass: Callable[[str], object] | None = None
        if environ is None and not self._urls and platform.system() in ("Darwin", "Windows"):
            import urllib.request  # not at the top: 20 ms, and only these systems have settings of their own

            self._urls, self._bypass = dict(urllib.request.getproxies()), urllib.request.proxy_bypass
        self._found: dict[Origin, Proxy | None] = {}

    def __bool__(self) -> bool:
        return bool(self._urls) and not self._none

    def url_for(self, origin: Origin) -> str:
        """Return the URL of the proxy for an origin, with its password; empty where there is none."""
        url = self._urls.get(origin.scheme) or self._urls.get("all") or ""
        if not url or self._none or is_loopback(origin.host):
            return ""
        if any(exception.matches(origin) for exception in self._exceptions):
            return ""
        if self._bypass is not None and self._bypass(origin.host):
            return ""
        return url if "://" in url else f"http://{url}"

    def for_origin(self, origin: Origin) -> Proxy | None:
        """Return the proxy for an origin, None where there is none.

        Raises
        ------
        ProxyFailure
            If what the environment names cannot be a proxy.
        """
        if not self._urls:
            return None
        if origin not in self._found:
            url = self.url_for(origin)
            if len(self._found) > 1024:
                self._found.clear()
            self._found[origin] = parse_proxy(url) if url else None
        return self._found[origin]


def parse_proxy(url: str) -> Proxy:
    """Return the proxy that a URL names; `http` if it has no scheme.

    Raises
    ------
    ProxyFailure
        If it is no proxy that is supported.
    """
    parts = _PROXY_URL.fullmatch(url)
    scheme = ((parts["scheme"] if parts else "") or "http").lower()
    scheme = {"socks": "socks5"}.get(scheme, scheme)
    if parts is None or scheme not in _PORTS:
        shown = one_line(url.rpartition("@")[2], 80)
        raise ProxyFailure(f"the proxy of the environment cannot be used: {shown}")
    user, mark, password = (parts["user"] or "").partition(":")
    basic = base64.b64encode(unquote_to_bytes(user) + b":" + unquote_to_bytes(password)).decode()
    return Proxy(
        scheme,
        parts["host"].strip("[]"),
        int(parts["port"] or _PORTS[scheme]),
        unquote(user),
        unquote(password),
        f"Basic {basic}" if user or mark else "",
    )


def _parse_exception(entry: str) -> _Exception | None:
    """Return an entry of NO_PROXY; None for one that cannot be used, as curl ignores it."""
    import ipaddress  # not at the top: most machines have no proxies

    try:
        return _Exception("", ipaddress.ip_network(entry.strip("[]"), strict=False))
    except ValueError:
        pass
    parts = _ENTRY.fullmatch(entry)
    if parts is None or "/" in entry:
        return None
    port = int(parts["port"]) if parts["port"] else None
    try:
        return _Exception("", ipaddress.ip_network(parts["host"].strip("[]"), strict=False), port)
    except ValueError:
        name = parts["host"].removeprefix("*").strip(".").lower()
        return _Exception(name, None, port) if name and "[" not in name else None


def _address(host: str) -> object | None:
    import ipaddress

    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
