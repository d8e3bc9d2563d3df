"""Credentials bound to one origin, and the cookies of one file's own redirects."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

from ..auth.kind import Auth, Scheme
from .hrefs import without_key
from .key_removal import KeyRemoval
from .request_headers import forms, header
from .urls import Origin, RequestURL, is_loopback, parse_url

# Request headers that hold no secrets and that the server which has the bytes needs, wherever it is.
_HARMLESS = frozenset(
    {"accept", "accept-encoding", "accept-language", "cache-control", "if-match", "if-modified-since"}
    | {
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "pragma",
        "range",
        "user-agent",
        "want-repr-digest",
    }
    | {"x-amz-checksum-mode", "x-amz-request-payer", "x-ms-version"}
)


def may_cross_origins(name: str) -> bool:
    """Return whether a request header may be sent to the origins that redirects lead to."""
    return name.lower() in _HARMLESS


@dataclass(frozen=True, slots=True)
class OriginCredentials:
    """A secret and the one origin (scheme, host, port) that it is sent to.

    Parameters
    ----------
    home
        A URL on that origin.
    secret
        Returns the secret, None where there is none.
    auth
        How it is sent: query parameter, bearer token, header, basic.
    names
        Query parameters that are keys by name, in lower case: cut out of URLs of the own origin. Elsewhere
        `key` may well name the file that is wanted.
    headers
        Further headers that only the own origin is sent.
    """

    home: str = field(repr=False)
    secret: Callable[[], str | None] = field(repr=False)
    auth: Auth = field(default_factory=Auth)
    names: Collection[str] = ()
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def is_home(self, origin: Origin) -> bool:
        """Return whether an origin is the secret's own."""
        return parse_url(self.home).origin == origin

    def key_removal(self) -> KeyRemoval | None:
        """Return what takes the secret out of URLs and documents; None without one."""
        secret = self.secret()
        return KeyRemoval(self.home, forms(secret, self.auth)) if secret else None

    def own_headers(self) -> set[str]:
        """Return the names, in lower case, of the headers that no other origin may see."""
        return {"authorization"} | ({self.auth.name.lower()} if self.auth.scheme is Scheme.HEADER else set())

    def without_keys(self, url: RequestURL) -> RequestURL:
        """Return a URL as it may be requested: without the secret, wherever a server wrote it into it.

        Raises
        ------
        KeyWithheld
            If the secret would stay in a URL of another origin.
        """
        home = self.is_home(url.origin)
        if home and self.names:
            url = replace(url, target=without_key(url.target, self.names))
        if (keys := self.key_removal()) is None:
            return url
        written = _written(url)
        without = keys.from_url(written, own=home)
        return url if without == written else parse_url(without)

    def apply(self, url: RequestURL) -> tuple[RequestURL, list[tuple[str, str]]]:
        """Return the URL that is really requested, and the headers to add: none for any other origin."""
        if not self.is_home(url.origin):
            return url, []
        secret, target, added = self.secret(), url.target, list(self.headers)
        if secret and self.auth.scheme is Scheme.QUERY:
            joiner = "&" if "?" in target else "?"
            target += f"{joiner}{quote(self.auth.name, safe='')}={quote(secret, safe='')}"
        elif secret and (made := header(secret, self.auth)) is not None:
            added.append(made)
        return replace(url, target=target), added


def _written(url: RequestURL) -> str:
    """Return a URL with its user information, in which a secret may stand too."""
    if not url.authorization:
        return url.shown
    user, _, password = base64.b64decode(url.authorization.removeprefix("Basic ")).partition(b":")
    return f"{url.origin.scheme}://{quote(user)}:{quote(password)}@{url.origin.authority}{url.target}"


def netrc_authorization(origin: Origin) -> str:
    """Return the basic credentials that the user's .netrc has for a host; empty without, or over plain http.

    The file is `$NETRC`, else `.netrc` in the home folder (`_netrc` on Windows); its `default` entry, which
    is for anonymous FTP, and files that cannot be read are ignored. Plain http to another machine would show
    the password to anybody on the way.
    """
    if origin.scheme != "https" and not is_loopback(origin.host):
        return ""
    import netrc  # not at the top: few servers require a login

    try:
        name = os.environ.get("NETRC") or Path.home() / ("_netrc" if os.name == "nt" else ".netrc")
        found = netrc.netrc(name).hosts.get(origin.host)
    except (OSError, RuntimeError, ValueError, netrc.NetrcParseError):
        return ""
    return f"Basic {base64.b64encode(f'{found[0]}:{found[2]}'.encode()).decode()}" if found else ""


@dataclass(slots=True)
class _Cookie:
    name: str
    value: str = field(repr=False)
    domain: str
    host_only: bool
    path: str
    secure: bool
    expires: float | None


class CookieJar:
    """Cookies (RFC 6265) that a file's own redirects set, in memory; one jar for each file or job."""

    MOST = 64  # cookies, and
    LONGEST = 4096  # bytes of one: a server fills no memory

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], _Cookie] = {}

    def __len__(self) -> int:
        return len(self._cookies)

    def store(self, url: RequestURL, set_cookie: str) -> None:
        """Take the Set-Cookie fields of a response, one a line."""
        for line in set_cookie.split("\n"):
            cookie = _parse_cookie(url, line) if len(line) <= self.LONGEST else None
            if cookie is None:
                continue
            key = (cookie.domain, cookie.path, cookie.name)
            self._cookies.pop(key, None)
            if cookie.expires is None or cookie.expires > time.time():
                self._cookies[key] = cookie
            if len(self._cookies) > self.MOST:
                self._cookies.pop(next(iter(self._cookies)))

    def header(self, url: RequestURL) -> str:
        """Return the Cookie header for a URL; empty if there is none."""
        if not self._cookies:
            return ""
        found = [cookie for cookie in self._cookies.values() if _matches(cookie, url)]
        found.sort(key=lambda cookie: -len(cookie.path))
        return "; ".join(f"{cookie.name}={cookie.value}" if cookie.name else cookie.value for cookie in found)


def _parse_cookie(url: RequestURL, line: str) -> _Cookie | None:
    pair, *attributes = line.split(";")
    name, mark, value = pair.partition("=")
    name, value = (name.strip(), value.strip()) if mark else ("", name.strip())
    if not (name or value):
        return None
    host, path = url.origin.host, url.path
    cookie = _Cookie(name, value, host, True, path[: path.rfind("/")] or "/", False, None)
    for attribute in attributes:
        key, _, text = attribute.partition("=")
        key, text = key.strip().lower(), text.strip()
        if key == "domain" and text.strip("."):
            domain = text.lstrip(".").lower()
            if domain == host:
                cookie.host_only = not _is_name(host)
            elif host.endswith(f".{domain}") and "." in domain and _is_name(host):
                cookie.domain, cookie.host_only = domain, False
            else:
                return None  # of somebody else, or of a whole top-level domain
        elif key == "path" and text.startswith("/"):
            cookie.path = text
        elif key == "secure":
            cookie.secure = True
        elif key == "max-age" and text.lstrip("-").isdigit() and text.isascii():
            cookie.expires = time.time() + float(text[:12])
        elif key == "expires" and not any(part.strip().lower().startswith("max-age") for part in attributes):
            cookie.expires = _parse_date(text)
    if cookie.secure and url.origin.scheme != "https":
        return None
    return cookie


def _matches(cookie: _Cookie, url: RequestURL) -> bool:
    host, path = url.origin.host, url.path
    if host != cookie.domain and (cookie.host_only or not host.endswith(f".{cookie.domain}")):
        return False
    if cookie.secure and url.origin.scheme != "https":
        return False
    if cookie.expires is not None and cookie.expires <= time.time():
        return False
    under = cookie.path if cookie.path.endswith("/") else f"{cookie.path}/"
    return path == cookie.path or path.startswith(under)


def _is_name(host: str) -> bool:
    return ":" not in host and not host.rpartition(".")[2].isdigit()


def _parse_date(text: str) -> float | None:
    from email.utils import parsedate_to_datetime  # not at the top: 10 ms, and few cookies have a date

    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
