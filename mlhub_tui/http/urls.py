"""URLs: their parts as requested, hrefs of documents resolved, ids as path segments, what may be shown."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_plus, unquote_to_bytes, urljoin, urlsplit

from ..errors import EntityDoesNotExist, UnexpectedAnswer
from ..text import one_line, redact

DEFAULT_PORTS = {"http": 80, "https": 443}
KEY_NAMES = frozenset({"key", "api_key", "apikey", "api-key"})
"""Names of query parameters under which an MLHub API takes keys, and writes them into its links."""
_AUTHORITY = re.compile(
    r"(?:(?P<user>.*)@)?(?P<host>\[[0-9A-Fa-f:.]+(?:%[\w%.~-]+)?\]|[^\[\]@:]*)(?::(?P<port>\d*))?"
)
_PARTS = re.compile(r"([^/?#]*)([^?#]*)([^#]*)")  # authority, path, and query with its mark
_HOST = re.compile(r"[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]+")
_WRONG_URL_HINT = "check the link, or report it to the owner of the data"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")
_GDAL = {"vsis3": "s3", "vsigs": "gs", "vsiaz": "az", "vsiadls": "abfs"}
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# All that RFC 3986 lets stand in a URL; what else stands in an href (spaces, letters of other scripts) is
# percent-encoded, so that it is one URL to all who read it.
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~"
_PATH_SAFE = "!$%&'()*+,/:;=@~"
INSIDE = "!/"
"""Between the URL of an archive and the name of its member."""


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


class RequestURL(NamedTuple):
    """A URL in the parts that a request is made of; its target and `authorization` may hold secrets.

    - `target`: Path and query, percent-encoded, without fragment.
    - `authorization`: Basic credentials of its user information; empty without.
    """

    origin: Origin
    target: str
    authorization: str = ""

    def __repr__(self) -> str:
        return f"RequestURL({self.origin!r})"

    @property
    def path(self) -> str:
        """The path alone."""
        return self.target.partition("?")[0]

    def __str__(self) -> str:
        """Return the URL without user information; its query may be a secret."""
        return f"{self.origin}{self.target}"


@lru_cache(maxsize=1024)  # one of a file among many is asked for twice: whose slots it takes, and then itself
def parse_url(url: str) -> RequestURL:
    """Return the parts of an absolute URL, normalised: what is no ASCII and spaces percent-encoded.

    Existing escapes stay as they are, dot segments are removed, user information becomes basic credentials.

    Raises UnexpectedAnswer if it cannot be requested: another scheme than http and https, no host, control
    characters.
    """
    url = url.strip(" \t\r\n\f")
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() not in DEFAULT_PORTS:
        what = one_line(scheme, 20) if mark else "none"
        raise _unusable(url, f"a URL that is not http or https (scheme {what})")
    if _CONTROL.search(url):
        raise _unusable(url, "a URL that cannot be requested, it holds control characters")
    parts = _PARTS.match(rest)
    assert parts is not None
    authority, path, query = parts.groups()
    try:
        origin, authorization = _read_authority(scheme.lower(), authority)
        target = _NOT_PRINTABLE.sub(_percent_encoded, _without_dots(path or "/") + query)
    except ValueError as error:  # UnicodeError, as of lone surrogates, is one
        why = str(error) if type(error) is ValueError else "it cannot be encoded"
        raise _unusable(url, f"a URL that cannot be requested, {why}") from None
    return RequestURL(origin, target, authorization)


def origin_of(url: str) -> Origin | None:
    """Return the origin of a URL; None of one that cannot be requested."""
    try:
        return parse_url(url).origin
    except UnexpectedAnswer:
        return None


def redirect_target(base: RequestURL, location: str) -> RequestURL:
    """Return where a `Location` leads; the header is decoded as Latin-1, though some servers send UTF-8.

    Raises UnexpectedAnswer if that is no URL that can be requested.
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


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    return (
        host in ("localhost", "::1")
        or host.endswith(".localhost")
        or bool(re.fullmatch(r"127(?:\.\d+){1,3}", host))
    )


def _unusable(url: str, words: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"{words}: {address(url)}", url=address(url), hint=_WRONG_URL_HINT)


def _percent_encoded(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


@lru_cache(maxsize=256)  # thousands of URLs have the same one
def _read_authority(scheme: str, authority: str) -> tuple[Origin, str]:
    """Return the origin and the basic credentials of an authority; UnexpectedAnswer, ValueError if bad."""
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise ValueError("its host is malformed")
    origin = _origin(scheme, _ascii_host(parts["host"].strip("[]")), parts["port"])
    if parts["user"] is None:
        return origin, ""
    user, _, password = parts["user"].partition(":")
    return origin, basic_authorization(unquote_to_bytes(user), unquote_to_bytes(password))


def _origin(scheme: str, host: str, port: str | None) -> Origin:
    number = int(port) if port else DEFAULT_PORTS[scheme]
    if not 0 < number < 65536:
        words = f"a URL that cannot be requested, it has an impossible port: {one_line(host, 80)}:{number}"
        raise UnexpectedAnswer(words, hint=_WRONG_URL_HINT)
    if ":" not in host and not _HOST.fullmatch(host := host.rstrip(".")):
        raise UnexpectedAnswer(
            "a URL that cannot be requested, without a usable host name", hint=_WRONG_URL_HINT
        )
    return Origin(scheme, host.lower(), number)


def _ascii_host(host: str) -> str:
    if ":" in host:
        return host.replace("%25", "%")  # a zone (RFC 6874) is written %25eth0
    if (host := unquote(host, errors="strict")).isascii():
        return host
    import idna  # comes with starlette; not at the top, as names in other scripts are rare

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise ValueError("its host name is malformed") from None


def _without_dots(path: str) -> str:
    """Return an absolute path without `.` and `..` (RFC 3986, section 5.2.4); `a//b` in it stays."""
    if "/." not in path:
        return path
    left: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del left[-1:]
        elif segment != ".":
            left.append(segment)
    if segments[-1] in (".", ".."):
        left.append("")
    return "/" + "/".join(left)


def basic_authorization(user: bytes, password: bytes) -> str:
    """Return the credentials of basic authentication (RFC 7617) as a header has them."""
    return f"Basic {base64.b64encode(user + b':' + password).decode('ascii')}"


def resolve_href(document_url: str, href: str) -> str:
    """Return what an href of a document leads to, as an absolute URL.

    - `document_url`: Where the document was fetched from (`Document.url`): `http(s)://`, `file://`, another
      store's scheme, or `file:///abs/catalog.tar.gz!/member.json`. Never its `self` link, which is often
      wrong. Where it is empty, a relative href stays one.
    - `href`: As received. Backslashes are slashes (catalogs written on Windows hold them); an absolute URL of
      any scheme (`s3:`, `gs:`, `abfs:`) stays what it is; the path of a drive becomes a `file` URL, and
      `/vsicurl/`, `/vsis3/` and the like of GDAL what they name.

    Returns
    -------
    str
        The URL (RFC 3986, section 5.2). `..` does not climb over the root of a host, a disk or an archive.
        Whether it may be followed from there is the caller's business.
    """
    written = href.strip()
    if not written.isprintable():
        written = "".join(c for c in written if c.isprintable())
    if written.startswith("/vsi"):
        return _of_gdal(written)
    if _DRIVE.match(written):
        return "file:///" + _encoded(written.replace("\\", "/"))
    if _SCHEME.match(written):
        return _absolute(written)
    if not document_url:
        return written.replace("\\", "/")
    if document_url.lower().startswith("file:"):
        return _beside_file(document_url, written.replace("\\", "/"))
    return _beside_url(document_url, written)


def _of_gdal(name: str) -> str:
    """Return what a name of GDAL's virtual file systems stands for; one that leads into a file stays a name.

    GDAL user manual, "Virtual File Systems": `/vsicurl/URL`, `/vsicurl?url=URL`, `/vsis3/BUCKET/KEY` and the
    like of other stores; with `_streaming` behind them they name the same.
    """
    system, slash, rest = name[1:].partition("/")
    system, mark, options = system.partition("?")
    if system.removesuffix("_streaming") == "vsicurl":
        found = re.search(r"(?:^|&)url=([^&]+)", options + slash + rest) if mark else None
        url = unquote(found[1]) if found else rest
        return _absolute(url) if _SCHEME.match(url) else name
    scheme = _GDAL.get(system.removesuffix("_streaming"))
    return _absolute(f"{scheme}://{rest}") if scheme and rest else name


def _absolute(written: str) -> str:
    """Return an absolute URL; backslashes in its path are slashes, those in its query are data."""
    path, mark, query = written.partition("?")
    path = path.replace("\\", "/")
    return _file_url(path) if path.lower().startswith("file:") else _encoded(path + mark + query, _URL_SAFE)


def _file_url(written: str) -> str:
    """Return a `file` URL in its one form, whatever number of slashes it was written with."""
    rest = written[len("file:") :]
    if rest.startswith("//") and not rest.startswith("///"):
        host, slash, path = rest[2:].partition("/")
        if host.lower() not in ("", "localhost") and not host.endswith(":"):
            return f"file://{host}{slash}{_encoded(path)}"
        rest = f"{host if host.endswith(':') else ''}/{path}"
    before, mark, inside = rest.rpartition(INSIDE)
    if mark:
        return f"file:///{_encoded(before.lstrip('/'))}!{_without_dots('/' + _encoded(inside))}"
    return "file://" + _without_dots("/" + _encoded(rest.lstrip("/")))


def _beside_file(document_url: str, href: str) -> str:
    """Return the URL of a path beside a local document; `?` and `#` are letters of local names."""
    path = _encoded(href).replace("!", "%21")  # so that it cannot be taken for the border of an archive
    if href.startswith("/"):
        return f"file:{path}" if href.startswith("//") else "file://" + _without_dots(path)
    before, mark, inside = document_url.rpartition(INSIDE)
    if not mark:
        before, inside = "file://", document_url[len("file://") :].lstrip("/")
    folder = inside.rpartition("/")[0]
    joined = f"{folder and '/' + folder}/{path}" if href else f"/{inside}"
    return before + ("!" if mark else "") + _without_dots(joined)


def _beside_url(document_url: str, href: str) -> str:
    """Return the URL that a reference leads to from a URL of any scheme (RFC 3986, section 5.2.2)."""
    base, _, query = document_url.partition("#")[0].partition("?")
    scheme, mark, rest = base.partition("://")
    host, _, path = rest.partition("/")
    origin = f"{scheme}{mark}{host}"
    reference, question, asked = href.partition("?")
    reference = _encoded(reference.replace("\\", "/"), _URL_SAFE)
    tail = _encoded(question + asked, _URL_SAFE)
    own_query = f"?{query}" if query else ""
    if reference.startswith("//"):
        return f"{scheme}:{reference}{tail}"
    if reference.startswith("/"):
        return origin + _without_dots(reference) + tail
    if not reference:
        return f"{origin}/{path}{tail or own_query}"
    if reference.startswith("#"):
        return f"{origin}/{path}{own_query}{reference}"
    folder = path.rpartition("/")[0]
    return origin + _without_dots(f"{folder and '/' + folder}/{reference}") + tail


def _encoded(text: str, safe: str = _PATH_SAFE) -> str:
    """Return text with what may not stand in a URL percent-encoded; what is encoded already stays."""
    return quote(_STRAY_PERCENT.sub("%25", text), safe=safe, errors="replace")


def join(root_url: str, url: str) -> str:
    """Return an absolute URL: `url` itself, or the path joined to the root, with or without leading slash.

    Unlike RFC 3986 a leading slash does not leave the root's path: `/datasets` is the API's `datasets`, as
    radiant_mlhub documents it.
    """
    return url if is_absolute(url) else f"{root_url.rstrip('/')}/{url.lstrip('/')}"


def is_absolute(url: str) -> bool:
    """Whether a URL names its scheme and host."""
    scheme, mark, _ = url.partition("://")
    return bool(mark) and scheme.isascii() and scheme.replace("+", "").isalnum()


def segment(identity: str, kind: str) -> str:
    """Return an id as one percent-encoded path segment (RFC 3986, section 3.3).

    Raises EntityDoesNotExist if it is empty, `.` or `..`: such a path would lead elsewhere, however it is
    encoded.
    """
    if identity in ("", ".", ".."):
        raise EntityDoesNotExist(f"{kind} {shown_id(identity)} does not exist")
    return quoted(identity)


def quoted(text: str) -> str:
    """Return any text as a part of a path, or of a query."""
    return quote(text, safe="", errors="replace")


def doi_path(doi: str) -> str:
    """Return a DOI as the API's path takes it: slashes stay, all else is encoded.

    Raises EntityDoesNotExist if it is no DOI but a path that leads elsewhere.
    """
    for prefix in ("https://doi.org/", "http://doi.org/", "https://dx.doi.org/", "doi:"):
        doi = doi.removeprefix(prefix)
    return "/".join(segment(part, "the dataset with the DOI") for part in doi.strip().split("/"))


def without_key(url: str, names: Collection[str] = KEY_NAMES) -> str:
    """Return a URL without parameters that are keys by name.

    Servers write the caller's key into the links they send back. All else stays as it was written: a paging
    token must come back letter by letter.

    - `names`: In lower case. Elsewhere than at an MLHub API `key` may well name the file that is wanted.
    """
    base, hash_mark, fragment = url.partition("#")
    path, mark, query = base.partition("?")
    if not mark:
        return url
    parts = query.split("&")
    query = "&".join(part for part in parts if unquote_plus(part.partition("=")[0]).lower() not in names)
    return path + (f"?{query}" if query else "") + hash_mark + fragment


def host(url: str) -> str:
    """Return the host name of a URL, in small letters and as it may be shown; empty where it has none."""
    try:
        return one_line(urlsplit(url).hostname)
    except ValueError:
        return ""


def host_label(url: str) -> str:
    """Return host and port of a URL as they may be shown."""
    return one_line(re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0].rpartition("@")[2], 100)


def address(url: str) -> str:
    """Return a URL as it may be shown: without query, fragment and user information, on one line."""
    scheme, mark, rest = re.split(r"[?#]", url, maxsplit=1)[0].partition("://")
    authority, slash, path = rest.partition("/")
    return one_line(f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}", 200)


def shown(url: object) -> str:
    """Return a URL as it may be shown with its query: no key, no user information, one line."""
    return one_line(redact(without_key(str(url))), 200)


def shown_id(identity: str) -> str:
    """Return an id in quotes as it may stand in a message."""
    return f'"{one_line(identity, 80)}"'
