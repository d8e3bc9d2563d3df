"""Place URLs: under which the documents of static catalogs are found and cached.

There are three forms: `https://host/path/catalog.json`, `file:///abs/path/catalog.json`, and
`file:///abs/catalog.tar.gz!/path/catalog.json` for a member of an archive.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote

from ...errors import UnexpectedAnswer
from ...http.urls import INSIDE, resolve_href, shown

ARCHIVES = (".tar", ".tar.gz", ".tgz")
"""Ends of the names of archives that are read as catalogs."""
ROOT_NAMES = ("catalog.json", "collection.json")
"""What the first document of a folder or an archive is called."""
LISTS = (".geojson", ".ndjson", ".geojsonl", ".jsonl")
"""Ends of the names of files that hold many items."""
DOCUMENTS = (".json", ".json.gz")
"""Ends of the names of other documents."""
_ENCODED_LETTER = re.compile(r"%(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|2[DEde]|5[Ff]|7[Ee])")
_USUAL = re.compile(r"(?:https?|file)://[a-z0-9.-]*/")
_PORTS = {"http": ":80", "https": ":443"}
_SLASHES = re.compile(r"/{2,}")
_ENCODED_MARK = re.compile(r"%(?:23|3[Ff])")
_DOCUMENTS = frozenset({"json", "geojson", "ndjson", "geojsonl", "geojsons", "jsonl"})
_IN_LIST = re.compile(r"%23(\d+)$")
_TELLING_NOTHING = frozenset({"catalog", "collection", "index", "item", "stac", "root", ""})


def is_web(url: str) -> bool:
    """Whether a location is asked for over http or https."""
    return url.lower().startswith(("http://", "https://"))


def is_place(identity: str) -> bool:
    """Whether an id that was given is a URL instead."""
    return is_web(identity) or identity.lower().startswith(("file:", "/vsi"))


def is_archive(location: str) -> bool:
    """Whether a location names an archive, by its end; queries do not count."""
    if is_member(location):
        return False
    name = location.partition("?")[0].partition("#")[0] if is_web(location) else location
    return name.lower().endswith(ARCHIVES)


def is_member(url: str) -> bool:
    """Whether a place URL leads into an archive."""
    return url.startswith("file:") and INSIDE in url


def place_of(location: str) -> str:
    """Return the place URL of what a person typed: a URL stays one, a path becomes a `file` URL."""
    written = location.strip()
    if is_web(written):
        return written
    return resolve_href("", written) if is_place(written) else file_url(Path(written).expanduser())


def place_named(identity: str, *, local: bool) -> str:
    """Return the place URL of a URL in place of an id; empty for an id. It blocks for a moment.

    In a local catalog, of a path too, and of a folder that of its first document. A number behind `#` names
    an item of a list.
    """
    if is_place(identity):
        place = resolve_href("", identity)
    elif local and ("/" in identity or identity.lower().endswith((".json", ".geojson"))):
        place = _place_at(identity)
    else:
        return ""
    if not place or not local or is_web(place) or is_member(place):
        return place
    folder = local_path(place)
    if (listed := _IN_LIST.sub(r"#\1", place)) != place and not folder.exists():
        return listed
    return next((file_url(folder / name) for name in ROOT_NAMES if (folder / name).is_file()), place)


def _place_at(path: str) -> str:
    """Return the place URL of a path, percent-encoded or not, or of a member; empty where there is none."""
    archive, mark, member = path.partition(INSIDE)
    for there, inside in ((path, ""), (archive, member)) if mark else ((path, ""),):
        for name in dict.fromkeys((there, unquote(there))):
            found = os.path.expanduser(name)  # noqa: PTH111 - it raises nothing
            if "\0" not in found and os.path.exists(found):  # noqa: PTH110
                return file_url(found) + (INSIDE + quote(unquote(inside), safe="/:~") if inside else "")
    return ""


def file_url(path: Path | str) -> str:
    """Return the `file` URL of a path; links in it are not resolved, `..` is."""
    absolute = Path(os.path.abspath(path)).as_posix()  # noqa: PTH100 - `resolve` would follow links
    # "!" is encoded, so that "!/" can only mean "inside this archive".
    return "file:///" + quote(absolute.lstrip("/"), safe="/:~", errors="surrogateescape")


def member_url(archive_url: str, member: str) -> str:
    """Return the place URL of an archive's member, by its name without `./`."""
    return archive_url + INSIDE + quote(member, safe="/:~", errors="surrogateescape")


def split_member(url: str) -> tuple[str, str]:
    """Return the archive's `file` URL and the member's name of a place URL that leads into one."""
    archive, _, member = url.rpartition(INSIDE)
    return archive, _decoded(member)


def member_names(url: str) -> tuple[str, ...]:
    """Return the names that a member of an archive may have, by its place URL: decoded, or as written."""
    written = url.rpartition(INSIDE)[2]
    folder, mark, name = written.rpartition("/")
    return tuple(dict.fromkeys((_decoded(written), _decoded(folder) + mark + name, written)))


def _decoded(text: str) -> str:
    return unquote(text, errors="surrogateescape")


def local_path(url: str) -> Path:
    """Return the path of a `file` URL; a name that was written with `%20` in it may really have it."""
    rest = url.partition("://")[2]
    if not url.lower().startswith("file://") or not rest.startswith("/"):
        raise UnexpectedAnswer(f"not a file of this machine: {shown(url)}", url=shown(url))
    if os.name == "nt":
        rest = rest.lstrip("/")
    path = _decoded(rest)
    if "\x00" in path:
        raise UnexpectedAnswer(f"not the name of a file: {shown(url)}", url=shown(url))
    if path != rest and not os.path.lexists(path):
        return _written(rest) or Path(path)
    return Path(path)


def _written(encoded: str) -> Path | None:
    """Return the path whose parts are there either as they are written or decoded; None where none is."""
    found = Path("/")
    for part in PurePosixPath(encoded).parts:
        names = (_decoded(part), part)
        there = next((found / name for name in names if os.path.lexists(found / name)), None)
        if there is None:
            return None
        found = there
    return found


def same(url: str) -> str:
    """Return the one URL of a document: no fragment, no empty query, letters as such (RFC 3986, 6.2).

    Of a file of this machine it has no query either, unless a file is named so: catalogs are copied from
    servers with the links they had there.
    """
    url = url.partition("#")[0].rstrip("?")
    if not _USUAL.match(url):
        url = _usual(url)
    if "//" in url[8:] and url.startswith("file:///"):
        url = url[:8] + _SLASHES.sub("/", url[8:])
    if "%" not in url:
        return url
    url = _ENCODED_LETTER.sub(lambda found: unquote(found[0]), url)
    mark = _ENCODED_MARK.search(url) if url.startswith("file:///") and not is_member(url) else None
    return url[: mark.start()] if mark and not local_path(url).exists() else url


def _usual(url: str) -> str:
    """Return a URL with scheme and host in small letters, without the port that its scheme has anyway."""
    scheme, mark, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, place = authority.rpartition("@")
    scheme, place = scheme.lower(), place.lower()
    return f"{scheme}{mark}{user}{at}{place.removesuffix(_PORTS.get(scheme, ''))}{slash}{path}"


def name_of(url: str) -> str:
    """Return the telling part of a document's URL: the file's name, or its folder's for a `catalog.json`."""
    path = url.partition("?")[0].partition("#")[0].partition("://")[2]
    parts = [unquote(part, errors="replace") for part in path.replace(INSIDE, "/").split("/") if part]
    for part in reversed(parts):
        stem, dot, extension = part.removesuffix(".gz").rpartition(".")
        name = stem if dot and extension.lower() in _DOCUMENTS else part
        if name.lower() not in _TELLING_NOTHING:
            return name
    return parts[-1] if parts else url
