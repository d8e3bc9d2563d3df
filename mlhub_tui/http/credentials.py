"""Secrets bound to one origin: credentials, links, cookies, keys cut from other URLs."""

from __future__ import annotations

import base64
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urljoin

from ..auth.location import Auth, Scheme
from ..errors import KeyWithheld
from ..text import one_line
from ..version import __version__
from .urls import (
    Origin,
    RequestURL,
    address,
    basic_authorization,
    host,
    is_loopback,
    origin_of,
    parse_url,
    without_key,
)

if TYPE_CHECKING:
    from http import cookiejar  # most servers set none
    from urllib.request import Request

# Request headers that hold no secrets and that the server which has the bytes needs, wherever it is.
_HARMLESS = frozenset(
    {"accept", "accept-encoding", "accept-language", "cache-control", "if-match", "if-modified-since"}
    | {"if-none-match", "if-range", "if-unmodified-since", "pragma", "range", "user-agent"}
    | {"content-type", "want-repr-digest", "x-amz-checksum-mode", "x-amz-request-payer", "x-ms-version"}
)


def user_agent() -> str:
    """Return name, version and system as the `User-Agent` header (RFC 9110, section 10.1.5)."""
    if sys.platform == "win32":
        system = f"Windows {sys.getwindowsversion().major}"
    else:
        system = f"{os.uname().sysname} {os.uname().release}"
    system += f"; Python {sys.version.partition(' ')[0]}"
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
            return "Authorization", _basic(auth.user, secret)
        case Scheme.HEADER:
            return auth.name, secret
    return None


def forms(secret: str | None, auth: Auth) -> tuple[str, ...]:
    """Return what must not be shown: the secret, what it is written as, and what Base64 makes of it."""
    if not secret:
        return ()
    if auth.scheme is Scheme.BASIC:
        login = f"{auth.user}:{secret}"
        return (
            secret,
            _basic(auth.user, secret).removeprefix("Basic "),
            *_in_base64(login),
            *_in_base64(secret),
        )
    return (secret, *_in_base64(secret), *_in_base64(f":{secret}"))


@lru_cache(maxsize=64)
def _in_base64(text: str) -> tuple[str, ...]:
    """Return a text in Base64, in both alphabets (RFC 4648), as far as it does not depend on what follows.

    So it is found in the login `text:` too, and with or without padding.
    """
    raw = text.encode()
    whole = raw[: len(raw) // 3 * 3]
    encoded = (base64.b64encode(whole), base64.urlsafe_b64encode(whole))
    return tuple(dict.fromkeys(each.decode("ascii") for each in encoded))


def _basic(user: str, password: str) -> str:
    return basic_authorization(user.encode(), password.encode())


@dataclass(frozen=True, slots=True)
class OriginCredentials:
    """A secret and the one origin (scheme, host, port) that it is sent to.

    - `home`: A URL on that origin.
    - `secret`: Returns the secret, None where there is none.
    - `auth`: How it is sent: query parameter, bearer token, header, basic.
    - `names`: Query parameters that are keys by name, in lower case: cut out of URLs of the own origin.
      Elsewhere `key` may well name the file that is wanted.
    """

    home: str = field(repr=False)
    secret: Callable[[], str | None] = field(repr=False)
    auth: Auth = field(default_factory=Auth)
    names: Collection[str] = ()

    def is_home(self, origin: Origin | None) -> bool:
        """Return whether an origin is the secret's own."""
        return origin is not None and origin_of(self.home) == origin

    def key_removal(self) -> KeyRemoval | None:
        """Return what takes the secret out of URLs and documents; None without one."""
        hidden = self.hidden()
        return KeyRemoval(self.home, hidden) if hidden else None

    def hidden(self) -> tuple[str, ...]:
        """Return what must not be shown of a server's words: the secret in its forms; empty without one."""
        return forms(self.secret(), self.auth)

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
        own = {"authorization"} | ({self.auth.name.lower()} if self.auth.scheme is Scheme.HEADER else set())
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
        secret, target, added = self.secret(), url.target, list[tuple[str, str]]()
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
    return _basic(*found) if found else ""


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

    @property
    def hidden(self) -> tuple[str, ...]:
        """What must not be shown of a server's words: the key in its forms."""
        return self.credentials.hidden() if self.credentials is not None else ()

    def __repr__(self) -> str:
        return f"Link({address(self.url)!r})"


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


REMOVED = "key-removed"
"""What stands in place of a key that could not be taken off a URL without changing what it names."""
_REVEALING = 8  # characters; a shorter key may stand in a URL by chance
_LONG = 16  # characters; a shorter key may be a part of a longer word by chance
_ROUNDS = 8  # of percent-encoding, one over the other
_KEY_LIKE = re.compile(r"key|token|secret|auth|passw|pwd|cred|sig|session")
"""Names of parameters under which even a short key is no chance."""
_ESCAPED = re.compile(r"\\u00([0-7][0-9a-f])")
_IGNORED = str.maketrans("", "", "\t\r\n")
"""What URL parsers drop from the middle of a URL (WHATWG URL, "basic URL parser")."""


@dataclass(frozen=True, slots=True)
class KeyRemoval:
    """The secrets of one session, for its own origin (scheme, host, port; RFC 6454) alone.

    - `home`: A URL on that origin.
    - `secrets`: The key, in the forms in which it is sent.
    """

    home: str
    secrets: tuple[str, ...] = field(repr=False)

    def from_url(self, url: str, *, own: bool) -> str:
        """Return a URL as it may be asked for: without parameters, user or fragment that are the key.

        All else stays as it was written: a paging token must come back letter by letter.

        - `own`: Whether the client that will ask for it takes it for one of the key's own origin.

        Raises KeyWithheld if the key of another origin would stay in it: in its path, its host, a part of a
        parameter.
        """
        marked = REMOVED in url
        if not marked and not self.may_hold(url):
            return url
        without = self.cut(url)
        if not own and (marked or self._holds(without)):
            named = host(without)
            place = "another host" if self._holds(named) or not named else named
            raise KeyWithheld(f"a link of the server would carry the API key to {place}: not followed")
        return without

    def from_document(self, document: Any, url: str) -> None:
        """Remove the key from a JSON document in place: from URLs as `from_url`, from other texts anywhere.

        In a URL of another origin that would keep it, `REMOVED` stands for it, so that it is nowhere saved,
        shown or exported; such a URL is not asked for.

        - `url`: Where the document came from.
        """
        waiting: list[tuple[Any, bool]] = [(document, False)]
        while waiting:
            container, sent = waiting.pop()
            entries = container.items() if isinstance(container, dict) else enumerate(container)
            link = isinstance(container, dict) and "href" in container
            for name, value in list(entries):
                if isinstance(value, dict | list):
                    # What a link wants to be sent, to whomever: the session adds its own key by itself.
                    waiting.append((value, sent or (link and name in ("headers", "body"))))
                elif isinstance(value, str) and self.may_hold(value) and self._holds(value):
                    if sent and isinstance(container, dict):
                        del container[name]
                    else:
                        container[name] = self._without(value, url, is_url=name in ("href", "url"))

    def in_text(self, text: str) -> bool:
        """Return whether a text holds the key as it is, or written with escapes of JSON or of URLs."""
        text = text.lower()
        if "\\" in text:
            text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text.replace("\\/", "/"))
        return self.may_hold(text) and self._holds(text)

    def may_hold(self, text: str) -> bool:
        """Return whether a text may hold the key; fast, and nearly always false."""
        if "%" in text or "\t" in text or "\n" in text or "\r" in text:
            return True
        text = text.lower()
        return any(secret in text for secret in _lower(self.secrets))

    def _holds(self, text: str) -> bool:
        pattern = _pattern(self.secrets)
        return pattern is not None and any(pattern.search(stage) for stage in _stages(text))

    def _without(self, text: str, url: str, *, is_url: bool) -> str:
        """Return a text of a document without the key."""
        if is_url or (re.search(r"://|^//|[?#]", text) and not re.search(r"\s", text)):
            text = self.cut(text)
            if not self._holds(text) or self._is_own(url, text):
                return text
        pattern = _pattern(self.secrets)
        assert pattern is not None  # else nothing would be held
        stages = _stages(text, as_written=True)
        # Letters whose small forms are several (`İ`) may be found in small letters alone.
        return next((pattern.sub(REMOVED, stage) for stage in stages if pattern.search(stage)), REMOVED)

    def _is_own(self, base: str, url: str) -> bool:
        try:
            return origin_of(urljoin(base, url)) == origin_of(self.home)
        except ValueError:
            return False

    def cut(self, url: str) -> str:
        """Return a URL without its parameters, its user and its fragment, as far as they are the key."""
        if not self.may_hold(url):
            return url
        base, hash_mark, fragment = url.partition("#")
        path, mark, query = base.partition("?")
        scheme, slashes, rest = path.partition("//")
        user, at, place = rest.partition("/")[0].rpartition("@")
        if at and (self._is_key("key", user) or any(self._is_key("key", part) for part in user.split(":"))):
            path = scheme + slashes + place + rest[len(user) + 1 + len(place) :]
        if mark:
            remaining = [part for part in query.split("&") if not self._is_key_parameter(part)]
            query = "&".join(remaining)
            mark = mark if query else ""
        if hash_mark and (self._is_key("key", fragment) or self._holds(fragment)):
            hash_mark = fragment = ""
        return path + mark + query + hash_mark + fragment

    def _is_key_parameter(self, parameter: str) -> bool:
        name, equals, value = parameter.partition("=")
        return self._is_key(name, value) if equals else self._is_key("", name)

    def _is_key(self, name: str, value: str) -> bool:
        """Return whether a value is the key, however it is written; a short one needs a name that says so."""
        for secret in _lower(self.secrets):
            if len(secret) < _REVEALING and not any(_KEY_LIKE.search(stage) for stage in _stages(name)):
                continue
            if any(secret in (stage, stage.replace("+", " ")) for stage in _stages(value)):
                return True
        return False


def _stages(text: str, *, as_written: bool = False) -> Iterator[str]:
    """Yield a text, in small letters, as it is and after each round of percent-decoding."""
    for _ in range(_ROUNDS):
        plain = text.translate(_IGNORED)
        yield plain if as_written else plain.lower()
        if "%" not in text or (decoded := unquote(text, errors="replace")) == text:
            return
        text = decoded


@lru_cache(maxsize=64)
def _lower(secrets: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(secret.lower() for secret in secrets if secret)


@lru_cache(maxsize=64)
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return what finds the secrets in a text; None where all are so short that nothing can be said."""
    written = []
    for secret in _lower(secrets):
        here = re.escape(secret)
        if " " in secret:
            here = here.replace(r"\ ", r"[\ +]")
        if len(secret) >= _LONG:
            written.append(here)
        elif len(secret) >= _REVEALING:
            written.append(rf"(?<![0-9a-z]){here}(?![0-9a-z])")
    return re.compile("|".join(written), re.IGNORECASE) if written else None
