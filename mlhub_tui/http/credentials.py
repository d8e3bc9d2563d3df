"""Credentials bound to one origin, and links: where bytes can be requested and what is sent along."""

from __future__ import annotations

import base64
import os
import platform
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from ..auth.kind import Auth, Scheme
from ..errors import KeyWithheld
from ..text import mask, one_line
from ..version import __version__
from .key_removal import KeyRemoval
from .urls import Origin, RequestURL, address, is_loopback, origin_of, parse_url, without_key

# Request headers that hold no secrets and that the server which has the bytes needs, wherever it is.
_HARMLESS = frozenset(
    {"accept", "accept-encoding", "accept-language", "cache-control", "if-match", "if-modified-since"}
    | {"if-none-match", "if-range", "if-unmodified-since", "pragma", "range", "user-agent"}
    | {"content-type", "want-repr-digest", "x-amz-checksum-mode", "x-amz-request-payer", "x-ms-version"}
)
_TELLING = 4  # characters; a shorter form of a secret may stand in a sentence by chance


def user_agent() -> str:
    """Return name, version and system as the `User-Agent` header (RFC 9110, section 10.1.5)."""
    system = f"{platform.system()} {platform.release()}; Python {platform.python_version()}"
    return f"mlhub-tui/{__version__} ({''.join(c for c in system if c.isascii() and c.isprintable())})"


def may_cross_origins(name: str) -> bool:
    """Return whether a request header may be sent to the origins that redirects lead to."""
    return name.lower() in _HARMLESS


def header(secret: str, auth: Auth) -> tuple[str, str] | None:
    """Return the name and value of the header that carries a secret; None where none does.

    A bearer token is RFC 6750, section 2.1; basic authentication RFC 7617, with UTF-8 (section 2.1).
    """
    match auth.scheme:
        case Scheme.BEARER:
            return "Authorization", f"Bearer {secret}"
        case Scheme.BASIC:
            return "Authorization", f"Basic {_basic(auth.user, secret)}"
        case Scheme.HEADER:
            return auth.name, secret
    return None


def forms(secret: str | None, auth: Auth) -> tuple[str, ...]:
    """Return what must not be shown: the secret, and what it is written as."""
    if not secret:
        return ()
    return (secret, _basic(auth.user, secret)) if auth.scheme is Scheme.BASIC else (secret,)


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text in which secrets are masked."""
    for secret in secrets:
        if len(secret) >= _TELLING:
            text = text.replace(secret, mask(secret))
    return text


def _basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


@dataclass(frozen=True, slots=True)
class OriginCredentials:
    """A secret and the one origin (scheme, host, port) that it is sent to.

    - `home`: A URL on that origin.
    - `secret`: Returns the secret, None where there is none.
    - `auth`: How it is sent: query parameter, bearer token, header, basic.
    - `names`: Query parameters that are keys by name, in lower case: cut out of URLs of the own origin.
      Elsewhere `key` may well name the file that is wanted.
    - `headers`: Further headers that only the own origin is sent.
    """

    home: str = field(repr=False)
    secret: Callable[[], str | None] = field(repr=False)
    auth: Auth = field(default_factory=Auth)
    names: Collection[str] = ()
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def is_home(self, origin: Origin | None) -> bool:
        """Return whether an origin is the secret's own."""
        return origin is not None and origin_of(self.home) == origin

    def key_removal(self) -> KeyRemoval | None:
        """Return what takes the secret out of URLs and documents; None without one."""
        secret = self.secret()
        return KeyRemoval(self.home, forms(secret, self.auth)) if secret else None

    def own_headers(self) -> set[str]:
        """Return the names, in lower case, of the headers that no other origin may see."""
        return {"authorization"} | ({self.auth.name.lower()} if self.auth.scheme is Scheme.HEADER else set())

    def without_keys(self, url: RequestURL) -> RequestURL:
        """Return a URL as it may be requested: without the secret, wherever a server wrote it into it.

        Raises KeyWithheld if the secret would stay in a URL of another origin.
        """
        home = self.is_home(url.origin)
        if home and self.names:
            url = url._replace(target=without_key(url.target, self.names))
        if (keys := self.key_removal()) is None:
            return url
        written = _written(url)
        without = keys.from_url(written, own=home)
        return url if without == written else parse_url(without)

    def without_secrets(self, headers: Mapping[str, str], body: bytes, origin: Origin) -> dict[str, str]:
        """Return headers, names in lower case, as another origin may get them: without those of the own one.

        Raises KeyWithheld if the secret would be in one of them, or in the body.
        """
        own = self.own_headers()
        left = {name: value for name, value in headers.items() if name not in own}
        if (keys := self.key_removal()) is not None:
            said = [*left.values(), body.decode("utf-8", "replace")]
            if any(keys.in_text(value) for value in said):
                place = one_line(origin.host, 100)
                raise KeyWithheld(f"a request would carry the API key to {place}: not sent")
        return left

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
        return url._replace(target=target), added


def _written(url: RequestURL) -> str:
    """Return a URL with its user information, in which a secret may stand too."""
    if not url.authorization:
        return str(url)
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
    found, _ = _netrc_entry(origin.host)
    return f"Basic {_basic(*found)}" if found else ""


def netrc_hint(host: str) -> str:
    """Return what to do about the user's .netrc after a host refused a request for want of a login."""
    found, trouble = _netrc_entry(host)
    if found:
        return f"{host} refused the login of your .netrc: check user and password there"
    return trouble or f"write `machine {host} login USER password PASSWORD` into ~/.netrc"


def _netrc_entry(host: str) -> tuple[tuple[str, str] | None, str]:
    """Return user and password of a host, and what is wrong with the file."""
    import netrc  # not at the top: few servers require a login

    try:
        name = os.environ.get("NETRC") or Path.home() / ("_netrc" if os.name == "nt" else ".netrc")
        found = netrc.netrc(name).hosts.get(host)
    except netrc.NetrcParseError as error:  # its message may hold a part of a password
        return None, f"your .netrc is ignored: correct it near line {error.lineno}"
    except (OSError, RuntimeError, ValueError):
        return None, ""
    return ((found[0], found[2] or "") if found else None), ""


def is_local(url: str) -> bool:
    """Return whether a URL names a file of this machine."""
    return url[:7].lower() == "file://"


LOCAL = Origin("file", "", 0)
"""The origin of files of this machine."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where bytes can be requested.

    - `url`: http, https, or `file:` (a file of this machine, or a member of an archive on it), without the
      API key; it may hold a store's own signature, so it is redacted before it is shown.
    - `headers`: What the store needs, no secrets: a recent `x-ms-version` makes Azure quote its ETags and
      take open ranges.
    - `credentials`: Sent to their own origin only, and taken out of any URL of another one; None where there
      are none.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    credentials: OriginCredentials | None = field(default=None, repr=False)

    @property
    def origin(self) -> Origin:
        """The origin of the URL, LOCAL for a file of this machine; RequestError if it has none."""
        return LOCAL if is_local(self.url) else parse_url(self.url).origin

    @property
    def sends_key(self) -> bool:
        """Whether the link is on the origin of its credentials."""
        return self.credentials is not None and self.credentials.is_home(origin_of(self.url))

    def __repr__(self) -> str:
        return f"Link({address(self.url)!r})"
