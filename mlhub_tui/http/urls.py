"""URLs as they are requested: origin, request target, user information; normalised as curl does."""

from __future__ import annotations

import base64
import contextlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urljoin

from ..errors import UnexpectedAnswer
from ..text import one_line

DEFAULT_PORTS = {"http": 80, "https": 443}
# A URL that needs no normalising, as nearly all are: printable ASCII, a plain host, no user information.
_SIMPLE = re.compile(
    r"(https?)://([A-Za-z0-9_.-]+)(?::(\d{1,5}))?(/[\x21\x22\x24-\x3e\x40-\x7e]*)?(\?[\x21\x22\x24-\x7e]*)?(?:#.*)?"
)
_AUTHORITY = re.compile(
    r"(?:(?P<user>.*)@)?(?P<host>\[[0-9A-Fa-f:.]+(?:%[\w%.~-]+)?\]|[^\[\]@:]*)(?::(?P<port>\d*))?"
)
_HOST = re.compile(r"[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]+")
_WRONG_URL_HINT = "check the link, or report it to the owner of the data"


class Origin(NamedTuple):
    """Scheme, host and port (RFC 6454); an IPv6 address without brackets.

    A tuple, as it is the key of pools and limits: hashed several times for each of a thousand files a second.
    """

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them (RFC 9110, section 7.2)."""
        name = f"[{self.host.partition('%')[0]}]" if ":" in self.host else self.host
        return name if self.port == DEFAULT_PORTS[self.scheme] else f"{name}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True, slots=True)
class RequestURL:
    """A URL in the parts that a request is made of; its target and `authorization` may hold secrets.

    Parameters
    ----------
    target
        Path and query, percent-encoded, without fragment.
    authorization
        Basic credentials of its user information; empty without.
    """

    origin: Origin
    target: str = field(repr=False)
    authorization: str = field(default="", repr=False)

    @property
    def path(self) -> str:
        """The path alone."""
        return self.target.partition("?")[0]

    @property
    def shown(self) -> str:
        """The URL as it is put into `Response.url`: without user information; its query may be a secret."""
        return f"{self.origin}{self.target}"

    def __str__(self) -> str:
        return self.shown


def parse_url(url: str) -> RequestURL:
    """Return the parts of an absolute URL, normalised: what is no ASCII and spaces percent-encoded.

    Existing escapes stay as they are, dot segments are removed, user information becomes basic credentials.

    Raises
    ------
    UnexpectedAnswer
        If it cannot be requested: another scheme than http and https, no host, control characters.
    """
    simple = _SIMPLE.fullmatch(url)
    if simple is not None:
        scheme, host, port, path, query = simple.groups()
        if path is None or "/." not in path:
            return RequestURL(_origin(scheme, host, port), (path or "/") + (query or ""))
    return _normalise(url.strip(" \t\r\n\f"))


def join(base: RequestURL, location: str) -> RequestURL:
    """Return where a `Location` leads; the header is decoded as Latin-1, though some servers send UTF-8.

    Raises
    ------
    UnexpectedAnswer
        If that is no URL that can be requested.
    """
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    where = f"{base.origin.authority} redirects to"
    try:
        if _CONTROL.search(location):
            raise ValueError
        return parse_url(urljoin(str(base), location))
    except UnexpectedAnswer as error:
        raise UnexpectedAnswer(f"{where} {error.message}", url=address(str(base)), hint=error.hint) from None
    except ValueError:
        raise UnexpectedAnswer(f"{where} what is no URL", url=address(str(base))) from None


def address(url: str) -> str:
    """Return a URL as it may be shown: without query, fragment and user information, on one line."""
    bare = re.split(r"[?#]", url, maxsplit=1)[0]
    scheme, mark, rest = bare.partition("://")
    authority, slash, path = rest.partition("/")
    return one_line(f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}", 200)


def host_label(url: str) -> str:
    """Return host and port of a URL as they may be shown."""
    return one_line(re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0].rpartition("@")[2], 100)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    return (
        host in ("localhost", "::1")
        or host.endswith(".localhost")
        or bool(re.fullmatch(r"127(?:\.\d+){1,3}", host))
    )


def _normalise(url: str) -> RequestURL:
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() not in DEFAULT_PORTS:
        what = one_line(scheme, 20) if mark else "none"
        raise UnexpectedAnswer(
            f"a URL that is not http or https (scheme {what}): {address(url)}",
            url=address(url),
            hint=_WRONG_URL_HINT,
        )
    if _CONTROL.search(url):
        raise _unusable(url, "it holds control characters")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    path, question, query = rest[len(authority) :].partition("#")[0].partition("?")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise _unusable(url, "its host is malformed")
    try:
        origin = _origin(scheme, _ascii_host(parts["host"].strip("[]")), parts["port"])
        target = _percent_encode(_remove_dot_segments(path or "/") + question + query)
        user = parts["user"]
        authorization = "" if user is None else _basic(user)
    except ValueError as error:  # UnicodeError, as of lone surrogates, is one
        raise _unusable(url, str(error) if type(error) is ValueError else "it cannot be encoded") from None
    return RequestURL(origin, target, authorization)


def _unusable(url: str, why: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"a URL that cannot be requested, {why}: {address(url)}", url=address(url), hint=_WRONG_URL_HINT
    )


@lru_cache(maxsize=256)
def _origin(scheme: str, host: str, port: str | None) -> Origin:
    scheme = scheme.lower()
    number = int(port) if port else DEFAULT_PORTS[scheme]
    if not 0 < number < 65536:
        raise UnexpectedAnswer(f"the URL of {one_line(host, 80)} has an impossible port: {number}")
    if ":" not in host and not _HOST.fullmatch(host := host.rstrip(".")):
        raise UnexpectedAnswer("a URL without a usable host name cannot be requested", hint=_WRONG_URL_HINT)
    return Origin(scheme, host.lower(), number)


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host.replace("%25", "%") if ":" in host else host  # a zone (RFC 6874) is written %25eth0
    import idna  # comes with httpx; not at the top, as names in other scripts are rare

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise ValueError("its host name is malformed") from None


def _percent_encode(text: str) -> str:
    return _NOT_PRINTABLE.sub(lambda m: "".join(f"%{byte:02X}" for byte in m[0].encode()), text)


def _remove_dot_segments(path: str) -> str:
    """RFC 3986, section 5.2.4; the path begins with a slash."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _basic(user: str) -> str:
    name, _, password = user.partition(":")
    return "Basic " + base64.b64encode(unquote_to_bytes(name) + b":" + unquote_to_bytes(password)).decode()
