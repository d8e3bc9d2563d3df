"""Cookies (RFC 6265) that the redirects of a file set, in memory."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from .urls import RequestURL


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
