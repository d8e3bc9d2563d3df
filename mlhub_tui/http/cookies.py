"""Cookies (RFC 6265) that the redirects of a file set, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .urls import RequestURL

if TYPE_CHECKING:
    from http import cookiejar  # most servers set none
    from urllib.request import Request


class CookieJar:
    """Cookies that a file's own redirects set; one jar for each file or job.

    The rules are those of the standard library's jar, which is loaded with the first cookie: few files have
    any, and it takes 30 ms.
    """

    MOST = 64  # cookies, and
    LONGEST = 4096  # bytes of one: a server fills no memory

    def __init__(self) -> None:
        self._jar: cookiejar.CookieJar | None = None
        self._request: type[Request] | None = None

    def __len__(self) -> int:
        return len(self._jar) if self._jar is not None else 0

    def store(self, url: RequestURL, set_cookie: str) -> None:
        """Take the Set-Cookie fields of a response, one a line."""
        from http import cookiejar
        from urllib.request import Request

        if self._jar is None:
            rules = cookiejar.DefaultCookiePolicy(strict_ns_domain=cookiejar.DefaultCookiePolicy.DomainStrict)
            self._jar, self._request = cookiejar.CookieJar(rules), Request
        for line in set_cookie.split("\n"):
            if len(line) <= self.LONGEST:
                request = Request(str(url))  # noqa: S310 - nothing is opened
                self._jar.extract_cookies(_Answer(line), request)  # type: ignore[arg-type]
        while len(self._jar) > self.MOST:
            oldest = next(iter(self._jar))
            self._jar.clear(oldest.domain, oldest.path, oldest.name)

    def header(self, url: RequestURL) -> str:
        """Return the Cookie header for a URL; empty if there is none."""
        if self._jar is None or self._request is None:
            return ""
        request = self._request(str(url))
        self._jar.add_cookie_header(request)
        return request.get_header("Cookie") or ""


class _Answer:
    """What the standard library's jar reads of a response."""

    def __init__(self, set_cookie: str) -> None:
        self._set_cookie = set_cookie

    def info(self) -> _Answer:
        return self

    def get_all(self, name: str, default: list[str]) -> list[str]:
        return [self._set_cookie] if name == "Set-Cookie" else default
