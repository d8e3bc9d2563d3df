"""URLs of documents and answers: hrefs resolved, ids as path segments, keys cut out, what may be shown."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import quote, unquote, unquote_plus, urlsplit

from ..errors import EntityDoesNotExist
from ..text import one_line, redact

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")
_GDAL = {"vsis3": "s3", "vsigs": "gs", "vsiaz": "az", "vsiadls": "abfs"}
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# All that RFC 3986 lets stand in a URL; what else stands in an href (spaces, letters of other scripts) is
# percent-encoded, so that it is one URL to all who read it.
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~"
_PATH_SAFE = "!$%&'()*+,/:;=@~"
_INSIDE = "!/"


def resolve_href(document_url: str, href: str) -> str:
    """Return what an href of a document leads to, as an absolute URL.

    Parameters
    ----------
    document_url
        Where the document was fetched from (`Document.url`): `http(s)://`, `file://`, another store's scheme,
        or `file:///abs/catalog.tar.gz!/member.json`. Never its `self` link, which is often wrong. Where it is
        empty, a relative href stays one.
    href
        As received. Backslashes are slashes (catalogs written on Windows hold them); an absolute URL of any
        scheme (`s3:`, `gs:`, `abfs:`) stays what it is; the path of a drive becomes a `file` URL, and
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
        return "file:///" + _path(written.replace("\\", "/"))
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
    system, _, rest = name[1:].partition("/")
    system, mark, options = system.partition("?")
    if system.removesuffix("_streaming") == "vsicurl":
        given = dict(part.partition("=")[::2] for part in options.split("&")) if mark else {}
        url = unquote(given.get("url", "")) or rest
        return _absolute(url) if _SCHEME.match(url) else name
    scheme = _GDAL.get(system.removesuffix("_streaming"))
    return _absolute(f"{scheme}://{rest}") if scheme and rest else name


def _absolute(written: str) -> str:
    """Return an absolute URL; backslashes in its path are slashes, those in its query are data."""
    path, mark, query = written.partition("?")
    if path.lower().startswith("file:"):
        return _file_url(path.replace("\\", "/"))
    return _encoded(path.replace("\\", "/") + mark + query, _URL_SAFE)


def _file_url(written: str) -> str:
    """Return a `file` URL in its one form, whatever number of slashes it was written with."""
    rest = written[len("file:") :]
    if rest.startswith("//") and not rest.startswith("///"):
        host, slash, path = rest[2:].partition("/")
        if host.lower() not in ("", "localhost") and not host.endswith(":"):
            return f"file://{host}{slash}{_path(path)}"
        rest = f"{host if host.endswith(':') else ''}/{path}"
    before, mark, inside = rest.rpartition(_INSIDE)
    if mark:
        return f"file:///{_path(before.lstrip('/'))}!{_without_dots('/' + _path(inside))}"
    return "file://" + _without_dots("/" + _path(rest.lstrip("/")))


def _beside_file(document_url: str, href: str) -> str:
    """Return the URL of a path beside a local document; `?` and `#` are letters of local names."""
    if href.startswith("//"):
        return "file:" + _path(href).replace("!", "%21")
    if href.startswith("/"):
        return "file://" + _without_dots(_path(href).replace("!", "%21"))
    before, mark, inside = document_url.rpartition(_INSIDE)
    if not mark:
        before, inside = "file://", document_url[len("file://") :].lstrip("/")
    folder = inside.rpartition("/")[0]
    # An encoded "!" can not be taken for the border of an archive.
    joined = f"/{inside}" if not href else f"{folder and '/' + folder}/{_path(href).replace('!', '%21')}"
    return before + ("!" if mark else "") + _without_dots(joined)


def _beside_url(document_url: str, href: str) -> str:
    """Return the URL that a reference leads to from a URL of any scheme (RFC 3986, section 5.2.2)."""
    base, _, _ = document_url.partition("#")
    base, _, query = base.partition("?")
    scheme, mark, rest = base.partition("://")
    host, _, path = rest.partition("/")
    origin = f"{scheme}{mark}{host}"
    reference, question, asked = href.partition("?")
    reference = _encoded(reference.replace("\\", "/"), _URL_SAFE)
    tail = _encoded(question + asked, _URL_SAFE)
    if reference.startswith("//"):
        return f"{scheme}:{reference}{tail}"
    if reference.startswith("/"):
        return origin + _without_dots(reference) + tail
    if not reference:
        return f"{origin}/{path}" + (tail or (f"?{query}" if query else ""))
    if reference.startswith("#"):
        return f"{origin}/{path}" + (f"?{query}" if query else "") + reference
    folder = path.rpartition("/")[0]
    return origin + _without_dots(f"/{folder}/{reference}" if folder else f"/{reference}") + tail


def _without_dots(path: str) -> str:
    """Return an absolute path without `.` and `..` (RFC 3986, section 5.2.4); `a//b` in it stays."""
    if "/." not in path and not path.startswith("//"):
        return path
    kept: list[str] = []
    parts = path.split("/")[1:]
    for part in parts:
        if part == "..":
            if kept:
                kept.pop()
        elif part != ".":
            kept.append(part)
    if parts and parts[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _path(path: str) -> str:
    return _encoded(path, _PATH_SAFE)


def _encoded(text: str, safe: str) -> str:
    """Return text with what may not stand in a URL percent-encoded; what is encoded already stays."""
    return quote(_STRAY_PERCENT.sub("%25", text), safe=safe, errors="replace")


def host_of(url: str) -> str:
    """Return the host a URL leads to, lower case; empty where it has none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


KEY_NAMES = frozenset({"key", "api_key", "apikey", "api-key"})
"""Names of query parameters under which an MLHub API takes keys, and writes them into its links."""


def join(root_url: str, url: str) -> str:
    """Return an absolute URL: `url` itself, or the path joined to the root, with or without leading slash.

    Unlike RFC 3986 a leading slash does not leave the root's path: `/datasets` is the API's `datasets`, as
    radiant_mlhub documents it.
    """
    if is_absolute(url):
        return url
    return root_url.rstrip("/") + "/" + url.lstrip("/")


def is_absolute(url: str) -> bool:
    """Whether a URL names its scheme and host."""
    scheme, mark, _ = url.partition("://")
    return bool(mark) and scheme.isascii() and scheme.replace("+", "").isalnum()


def segment(identity: str, kind: str) -> str:
    """Return an id as one percent-encoded path segment (RFC 3986, section 3.3).

    Raises
    ------
    EntityDoesNotExist
        If it is empty, `.` or `..`: such a path would lead elsewhere, however it is encoded.
    """
    if identity in ("", ".", ".."):
        raise EntityDoesNotExist(f"{kind} {shown_id(identity)} does not exist")
    return quote(identity, safe="", errors="replace")


def doi_path(doi: str) -> str:
    """Return a DOI as the API's path takes it: slashes stay, all else is encoded.

    Raises
    ------
    EntityDoesNotExist
        If it is no DOI but a path that leads elsewhere.
    """
    for prefix in ("https://doi.org/", "http://doi.org/", "https://dx.doi.org/", "doi:"):
        doi = doi.removeprefix(prefix)
    return "/".join(segment(part, "the dataset with the DOI") for part in doi.strip().split("/"))


def without_key(url: str, names: Collection[str] = KEY_NAMES) -> str:
    """Return a URL without parameters that are keys by name.

    Servers write the caller's key into the links they send back. All else stays as it was written: a paging
    token must come back letter by letter.

    Parameters
    ----------
    names
        In lower case. Elsewhere than at an MLHub API `key` may well name the file that is wanted.
    """
    base, hash_mark, fragment = url.partition("#")
    path, mark, query = base.partition("?")
    if not mark:
        return url
    kept = "&".join(part for part in query.split("&") if not _is_key(part, names))
    return path + (f"?{kept}" if kept else "") + hash_mark + fragment


def _is_key(parameter: str, names: Collection[str]) -> bool:
    return unquote_plus(parameter.partition("=")[0]).lower() in names


def host(url: str) -> str:
    """Return the host name of a URL for people, empty where it has none."""
    try:
        return one_line(urlsplit(url).hostname)
    except ValueError:
        return ""


def shown(url: object) -> str:
    """Return a URL as it may be shown: no key, no user information, one line."""
    return one_line(redact(without_key(str(url))), 200)


def shown_id(identity: str) -> str:
    """Return an id in quotes as it may stand in a message."""
    return f'"{one_line(identity, 80)}"'
