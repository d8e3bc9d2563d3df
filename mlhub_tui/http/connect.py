"""Connections as the environment sets them up: proxies, NO_PROXY, trusted certificates, happy eyeballs."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_to_bytes

from ..text import one_line
from .connection import MAX_HEAD, HTTP11Connection
from .errors import PROXY_LOGIN, ProxyFailure, TLSFailure, connect_error, connect_reason
from .tls import TLSTransport
from .urls import Origin, basic_authorization, is_loopback

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
        if environ is None and not self._urls and sys.platform in ("darwin", "win32"):
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
    basic = basic_authorization(unquote_to_bytes(user), unquote_to_bytes(password))
    return Proxy(
        scheme,
        parts["host"].strip("[]"),
        port,
        unquote(user),
        unquote(password),
        basic if user or mark else "",
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
        what = "it is a folder" if Path(file).is_dir() else "no such file"
        _load(context, "SSL_CERT_FILE", file, "" if Path(file).is_file() else what, cafile=file)
    for folder in filter(None, (folders or "").split(os.pathsep)):
        _load(
            context, "SSL_CERT_DIR", folder, "" if Path(folder).is_dir() else "no such folder", capath=folder
        )
    return context


def _load(context: ssl.SSLContext, variable: str, path: str, missing: str, **location: str) -> None:
    try:
        if missing:
            raise FileNotFoundError(missing)
        context.load_verify_locations(**location)
    except OSError as error:  # ssl.SSLError is one
        unread = isinstance(error, ssl.SSLError)
        why = "it holds no certificate in PEM format" if unread else one_line(error.strerror or error, 120)
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


_ATTEMPT_DELAY = 0.25  # seconds until the next address is tried beside the one before (RFC 8305, section 5)
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: ([^\r\n]*))?\r?\n")

_SOCKS5_REPLIES = {  # RFC 1928, section 6
    1: "general failure",
    2: "not allowed",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live expired",
    7: "command not supported",
    8: "kind of address not supported",
}

TLSSettings = Callable[[], Awaitable[ssl.SSLContext]]


async def open_connection(
    origin: Origin, proxy: Proxy | None, timeout: float, tls: TLSSettings
) -> HTTP11Connection:
    """Return a connection to an origin, or to the proxy that forwards plain http requests to it.

    - `timeout`: Seconds for name lookup, connecting, the proxy and TLS together.
    - `tls`: Returns the TLS settings; called only where TLS is needed.

    Raises ServerUnreachable, ServerTimeout, TLSFailure, ProxyFailure if there is no connection, or none in
    time.
    """
    reached = False  # the proxy, if there is one: from then on it is not the one that failed

    def note_reached() -> None:
        nonlocal reached
        reached = True

    try:
        async with asyncio.timeout(timeout):
            if proxy is None:
                return await _direct(origin.host, origin.port, tls if origin.scheme == "https" else None)
            if not proxy.is_socks and origin.scheme == "http":
                return await _direct(proxy.host, proxy.port, tls if proxy.scheme == "https" else None)
            return await _through(origin, proxy, tls, note_reached)
    except (OSError, UnicodeError) as error:  # TimeoutError and ssl.SSLError are OSErrors
        raise connect_error(error, f"{origin}/", "" if reached or proxy is None else proxy.label) from error


async def _direct(host: str, port: int, tls: TLSSettings | None) -> HTTP11Connection:
    loop = asyncio.get_running_loop()
    if tls is None:
        _, connection = await loop.create_connection(
            HTTP11Connection, host, port, happy_eyeballs_delay=_ATTEMPT_DELAY
        )
        return connection
    context = await tls()
    _, encrypted = await loop.create_connection(
        lambda: TLSTransport(context, host, HTTP11Connection()),
        host,
        port,
        happy_eyeballs_delay=_ATTEMPT_DELAY,
    )
    return await encrypted.handshake()


async def _through(
    origin: Origin, proxy: Proxy, tls: TLSSettings, note_reached: Callable[[], None]
) -> HTTP11Connection:
    """Have a proxy connect to the origin, then speak TLS through it if the origin wants that."""
    loop = asyncio.get_running_loop()
    context = await tls() if "https" in (origin.scheme, proxy.scheme) else None
    transport, handshake = await loop.create_connection(
        _Handshake,
        proxy.host,
        proxy.port,
        ssl=context if proxy.scheme == "https" else None,
        happy_eyeballs_delay=_ATTEMPT_DELAY,
    )
    try:
        await (_socks5 if proxy.is_socks else _tunnel)(transport, handshake, origin, proxy)
        note_reached()
        if handshake.received:  # neither TLS nor HTTP servers speak first
            raise ProxyFailure(f"the proxy {proxy.label} sends what is no part of its protocol")
        connection = HTTP11Connection()
        if origin.scheme == "https":
            assert context is not None
            encrypted = TLSTransport(context, origin.host, connection)
            transport.set_protocol(encrypted)
            encrypted.connection_made(transport)
            await encrypted.handshake()
        else:
            transport.set_protocol(connection)
            connection.connection_made(transport)
    except BaseException:
        transport.abort()
        raise
    return connection


class _Handshake(asyncio.Protocol):
    """Collects what a proxy says before the connection through it is there."""

    def __init__(self) -> None:
        self.received = bytearray()
        self._changed = asyncio.Event()
        self._ended = False

    def data_received(self, data: bytes) -> None:
        """Append what came."""
        self.received += data
        self._changed.set()

    def eof_received(self) -> None:
        """Note the end."""
        self._ended = True
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        self.eof_received()

    async def read(self, measure: Callable[[bytearray], int]) -> bytes:
        """Return a message once `measure` returns its length, which is 0 while it is incomplete."""
        while not (length := measure(self.received)):
            if self._ended or len(self.received) > MAX_HEAD:
                raise ConnectionResetError("the proxy ended the connection")
            self._changed.clear()
            await self._changed.wait()
        message = bytes(self.received[:length])
        del self.received[:length]
        return message

    async def read_exactly(self, count: int) -> bytes:
        """Return so many bytes."""
        return await self.read(lambda received: count if len(received) >= count else 0)


def _length_of_head(received: bytearray) -> int:
    end = re.search(rb"\r?\n\r?\n", received)
    return end.end() if end else 0


async def _tunnel(
    transport: asyncio.WriteTransport, handshake: _Handshake, origin: Origin, proxy: Proxy
) -> None:
    """Request a tunnel from an HTTP proxy (RFC 9110, section 9.3.6)."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    lines = [f"CONNECT {host}:{origin.port} HTTP/1.1", f"Host: {host}:{origin.port}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    transport.write("\r\n".join([*lines, "", ""]).encode("ascii"))
    while (status := _STATUS_LINE.match(await handshake.read(_length_of_head))) and status[1] < b"200":
        pass  # a 1xx before the answer (RFC 9110, section 15.2)
    if status is None:
        raise ProxyFailure(f"{proxy.label} does not respond as an HTTP proxy does")
    if status[1] == b"407":
        raise _refused(proxy, origin, "407, it requires another user or password", PROXY_LOGIN)
    if not status[1].startswith(b"2"):
        raise _refused(proxy, origin, f"{status[1].decode()} {(status[2] or b'').decode('latin-1')}")


async def _socks5(
    transport: asyncio.WriteTransport, handshake: _Handshake, origin: Origin, proxy: Proxy
) -> None:
    """Request a connection from a SOCKS proxy (RFC 1928, RFC 1929); `socks5h` leaves name lookup to it."""
    methods = b"\x00\x02" if proxy.user else b"\x00"
    transport.write(b"\x05" + _counted(methods))
    version, method = await handshake.read_exactly(2)
    if version != 5:
        raise ProxyFailure(f"{proxy.label} does not respond as a SOCKS proxy does")
    if method not in methods:
        raise _refused(proxy, origin, "it requires a user and a password", PROXY_LOGIN)
    if method == 2:
        transport.write(b"\x01" + _counted(proxy.user.encode()) + _counted(proxy.password.encode()))
        if (await handshake.read_exactly(2))[1] != 0:
            raise _refused(proxy, origin, "wrong user or password", PROXY_LOGIN)
    host = origin.host
    if proxy.scheme != "socks5h":
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, origin.port, type=socket.SOCK_STREAM)
        except OSError as error:
            hint = "write socks5h:// in place of socks5:// to have the proxy look it up"
            raise ProxyFailure(f"cannot reach {host}: {connect_reason(error)}", hint=hint) from error
        host = str(found[0][4][0])
    try:
        number = ipaddress.ip_address(host)
        address = (b"\x01" if number.version == 4 else b"\x04") + number.packed
    except ValueError:
        address = b"\x03" + _counted(host.encode("ascii"))
    transport.write(b"\x05\x01\x00" + address + origin.port.to_bytes(2, "big"))
    reply = await handshake.read_exactly(5)  # version, code, 0, kind of address, its first byte
    rest = {1: 4, 3: reply[4] + 1, 4: 16}.get(reply[3])
    if reply[0] != 5 or rest is None:
        raise ProxyFailure(f"{proxy.label} does not respond as a SOCKS proxy does")
    if reply[1] != 0:
        raise _refused(proxy, origin, _SOCKS5_REPLIES.get(reply[1], f"code {reply[1]}"))
    await handshake.read_exactly(rest - 1 + 2)


def _counted(data: bytes) -> bytes:
    return len(data[:255]).to_bytes(1, "big") + data[:255]


def _refused(proxy: Proxy, origin: Origin, why: str, hint: str | None = None) -> ProxyFailure:
    words = f"the proxy {proxy.label} refuses the connection to {origin.authority}: {one_line(why, 80)}"
    return ProxyFailure(words, url=f"{origin}/", hint=hint)
