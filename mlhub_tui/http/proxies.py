"""The network as the environment sets it up: proxies before an origin, NO_PROXY, and trusted certificates."""

from __future__ import annotations

import base64
import ipaddress
import os
import platform
import re
import ssl
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_to_bytes

from ..text import one_line
from .errors import ProxyFailure, TLSFailure
from .urls import Origin, is_loopback

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_PROXY_URL = re.compile(
    r"(?:(?P<scheme>[A-Za-z0-9+.-]+)://)?(?:(?P<user>.*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]@:/\s]+)(?::(?P<port>\d{1,5}))?/?(?:[?#].*)?"
)
_ENTRY = re.compile(r"(?P<host>\[[^\[\]]+\]|[^\[\]:]+)(?::(?P<port>\d{1,5}))?")
# Where Linux distributions have their bundle, where OpenSSL's own default is another.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


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
class _NoProxyEntry:
    """An entry of NO_PROXY: a name with all below it, or a network; perhaps of one port only."""

    name: str
    network: IPv4Network | IPv6Network | None = None
    port: int | None = None

    def matches(self, origin: Origin) -> bool:
        if self.port is not None and self.port != origin.port:
            return False
        if self.network is None:
            return origin.host == self.name or origin.host.endswith(f".{self.name}")
        try:
            return ipaddress.ip_address(origin.host.partition("%")[0]) in self.network
        except ValueError:
            return False


class ProxySettings:
    """The proxies that environment variables (on macOS and Windows the system's settings too) name.

    - `environ`: Variables `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in small letters or
      capitals; small ones win. `HTTP_PROXY` is ignored where it may be a request header (CGI), as curl does.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        named = os.environ if environ is None else environ
        self._urls: dict[str, str] = {}
        for scheme in ("http", "https", "all"):
            ignored = scheme == "http" and "REQUEST_METHOD" in named
            capitals = "" if ignored else named.get(f"{scheme.upper()}_PROXY", "")
            if value := named.get(f"{scheme}_proxy", capitals):
                self._urls[scheme] = value.strip()
        no_proxy = named.get("no_proxy", named.get("NO_PROXY", ""))
        entries = [entry for entry in re.split(r"[\s,;]+", no_proxy) if entry]
        self._none = "*" in entries
        self._exceptions = [parsed for entry in entries if (parsed := _parse_entry(entry)) is not None]
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

        Raises ProxyFailure if what the environment names cannot be a proxy.
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

    Raises ProxyFailure if it is no proxy that is supported.
    """
    parts = _PROXY_URL.fullmatch(url)
    scheme = ((parts["scheme"] if parts else "") or "http").lower()
    scheme = "socks5" if scheme == "socks" else scheme
    port = int((parts and parts["port"]) or _PORTS.get(scheme, 0))
    if parts is None or scheme not in _PORTS or not 0 < port < 65536:
        named = one_line(url.rpartition("@")[2] if "@" in url else url, 80)
        raise ProxyFailure(f"the proxy of the environment cannot be used: {named}")
    user, mark, password = (parts["user"] or "").partition(":")
    basic = base64.b64encode(unquote_to_bytes(user) + b":" + unquote_to_bytes(password)).decode()
    return Proxy(
        scheme,
        parts["host"].strip("[]"),
        port,
        unquote(user),
        unquote(password),
        f"Basic {basic}" if user or mark else "",
    )


def _parse_entry(entry: str) -> _NoProxyEntry | None:
    """Return an entry of NO_PROXY; None for one that cannot be used, as curl ignores it."""
    parts = _ENTRY.fullmatch(entry)
    port = int(parts["port"]) if parts and parts["port"] else None
    for written, its_port in ((entry, None), (parts["host"] if parts else "", port)):
        try:
            return _NoProxyEntry("", ipaddress.ip_network(written.strip("[]"), strict=False), its_port)
        except ValueError:
            continue
    name = parts["host"].removeprefix("*").strip(".").lower() if parts and "/" not in entry else ""
    return _NoProxyEntry(name, None, port) if name and "[" not in name else None


def trusted_context() -> ssl.SSLContext:
    """Return TLS settings that trust the system's certificates; takes about 30 ms, so call it in a thread.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` override the system's, as for OpenSSL. These are read by truststore;
    certifi's, where it is installed, serve a system without any.

    Raises TLSFailure if a variable names what is not there, or is no certificate.
    """
    context = _context_of_environment() or _context_of_system()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _context_of_environment() -> ssl.SSLContext | None:
    file, folders = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not folders:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if file:
        _load(context, "SSL_CERT_FILE", file, Path(file).is_file(), cafile=file)
    for folder in filter(None, (folders or "").split(os.pathsep)):
        _load(context, "SSL_CERT_DIR", folder, Path(folder).is_dir(), capath=folder)
    return context


def _load(context: ssl.SSLContext, variable: str, path: str, exists: bool, **location: str) -> None:
    try:
        if not exists:
            raise FileNotFoundError("no such file or directory")
        context.load_verify_locations(**location)
    except OSError as error:  # ssl.SSLError is one
        why = one_line(getattr(error, "reason", None) or error, 120).replace("_", " ").lower()
        words = f"the certificates cannot be loaded: {variable} is {one_line(path, 120)}: {why}"
        raise TLSFailure(words, hint=f"correct or unset {variable}") from None


def _context_of_system() -> ssl.SSLContext:
    if sys.platform not in ("win32", "darwin") and not _system_has_certificates():
        try:
            import certifi  # where the system has no certificates

            return ssl.create_default_context(cafile=certifi.where())
        except ImportError:
            pass
    import truststore  # not at the top: plain http needs no certificates

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _system_has_certificates() -> bool:
    paths = ssl.get_default_verify_paths()
    folder = Path(paths.capath) if paths.capath else None
    return (
        bool(paths.cafile)
        or (folder is not None and any(folder.iterdir()))
        or any(map(os.path.isfile, _BUNDLES))
    )
