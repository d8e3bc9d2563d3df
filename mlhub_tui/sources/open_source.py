"""Sources as people name them: a profile, a public source, a URL or a path; opened with their credentials."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin

from .. import http
from ..auth import (
    ANONYMOUS,
    DEFAULT_ROOT_URL,
    Auth,
    Credentials,
    Kind,
    ProfilesFile,
    for_location,
    for_profile,
    is_url,
    same_root,
)
from ..auth.location import HOSTED
from ..errors import MLHubException, NotOffered, ProfileNotFound
from ..http.urls import host, resolve_href
from ..text import nearest_word, one_line

if TYPE_CHECKING:
    from ..auth import Credentials
    from .base import Source
    from .mlhub import MLHubSource


def open_session(
    credentials: Credentials, *, by_document: bool = False, **options: Any
) -> http.session.Session:
    """Return a session with the server of the credentials.

    For a static catalog it is pinned to the origin of its URL, and for one on disk it has no secret.

    - `by_document`: Treat the location as the URL of a document, whatever the kind.
    - `options`: Further arguments of `Session`.
    """
    secret, root = credentials.secret, credentials.root_url
    if by_document or credentials.kind in (None, Kind.STATIC):
        secret, root = (secret, urljoin(root, "/")) if is_url(root) else (None, "https://nowhere.invalid/")
    if http.urls.host(root) == HOSTED:
        # Nobody has answered there since 2023: no use in waiting long to say so.
        options = {
            "timeouts": http.session.SessionTimeouts(connect=4.0, read=8.0, total=12.0),
            "retry": http.errors.NO_RETRIES,
        } | options
    # What is a key by its name is an MLHub API's business; elsewhere `key` may name a file.
    as_mlhub = credentials.kind is Kind.MLHUB and credentials.auth == Auth() and not by_document
    return http.session.Session(
        api_key=secret, root_url=root, auth=None if as_mlhub else credentials.auth, **options
    )


def open_source(credentials: Credentials) -> Source:
    """Return the source of credentials whose kind is known; close it with `aclose`."""
    match credentials.kind:
        case Kind.MLHUB:
            return open_mlhub(credentials)
        case Kind.STAC_API:
            from .stac.api_source import STACAPISource  # each kind of source is loaded when one is opened

            return STACAPISource(open_session(credentials))
        case Kind.STATIC:
            from .static.source import StaticSource

            return StaticSource(credentials.root_url, open_session(credentials))
    raise MLHubException("the kind of the source is not known yet")


def open_mlhub(credentials: Credentials) -> MLHubSource:
    """Return the source of credentials for what only an MLHub API has: archives, key checks."""
    if credentials.kind is not Kind.MLHUB:
        raise no_archives(credentials.root_url)
    from .mlhub import MLHubSource

    return MLHubSource(open_session(credentials))


def no_archives(root_url: str) -> NotOffered:
    """Return the error for archives of a source of another kind."""
    from .base import ASSETS_INSTEAD  # not for the first screen, which only chooses a source

    words = f"only MLHub APIs have archives of collections: {http.urls.shown(root_url)} is none"
    return NotOffered(words, hint=ASSETS_INSTEAD)


async def check(source: Source) -> None:
    """Return if a source answers as one of its kind, and accepts the key where there is one.

    An MLHub API accepts any key for its listings, so something that requires one is requested.
    """
    from .mlhub import MLHubSource

    if isinstance(source, MLHubSource):
        await (source.check_key() if source.session.secret else source.collections())
        return
    await source.about()
    await source.entries(page_size=1)


# Name (what `--source` takes), title, and what requires a key or an account; where it is; one line on it.
_SOURCES = """
planetary-computer | Microsoft Planetary Computer
    https://planetarycomputer.microsoft.com/api/stac/v1/
    Sentinel, Landsat, NAIP, land cover, climate; assets are signed automatically
earth-search | Earth Search by Element 84 | some assets: requester pays (AWS account)
    https://earth-search.aws.element84.com/v1/
    Sentinel-1 and -2, Landsat, NAIP, Copernicus DEM on AWS
copernicus | Copernicus Data Space | assets: free account
    https://stac.dataspace.copernicus.eu/v1/
    all Sentinel missions and contributing missions, from the source
usgs-landsat | USGS LandsatLook | assets: free account, or requester pays
    https://landsatlook.usgs.gov/stac-server/
    Landsat Collection 2, all levels
nasa-lpcloud | NASA CMR: LP DAAC | assets: free Earthdata login
    https://cmr.earthdata.nasa.gov/stac/LPCLOUD/
    HLS, ASTER, MODIS, GEDI, ECOSTRESS, SRTM
nasa-veda | NASA VEDA
    https://openveda.cloud/api/stac/
    curated layers: emissions, fires, land, climate
digital-earth-africa | Digital Earth Africa
    https://explorer.digitalearth.africa/stac/
    analysis-ready Landsat and Sentinel, crops and water of Africa
digital-earth-australia | Digital Earth Australia
    https://explorer.dea.ga.gov.au/stac/
    analysis-ready Landsat and Sentinel, land and water of Australia
brazil-data-cube | Brazil Data Cube (INPE)
    https://data.inpe.br/bdc/stac/v1/
    CBERS, Sentinel and Landsat cubes and mosaics of Brazil
canada-datacube | Canada CCMEO Data Cube
    https://datacube.services.geo.ca/stac/api/
    elevation, land cover and imagery of Canada
dlr-eoc | DLR EOC Geoservice | some assets: free account
    https://geoservice.dlr.de/eoc/ogc/stac/v1/
    EnMAP, TerraSAR-X, settlement, snow and atmosphere products
swiss-geo-admin | Swiss federal geodata
    https://data.geo.admin.ch/api/stac/v1/
    swisstopo images, terrain and maps, MeteoSwiss
openaerialmap | OpenAerialMap
    https://api.imagery.hotosm.org/stac/
    open drone and aerial images from all over the world
maxar-open-data | Maxar Open Data
    https://maxar-opendata.s3.amazonaws.com/events/catalog.json
    very high resolution before and after disasters
capella-open-data | Capella Space Open Data
    https://capella-open-data.s3.us-west-2.amazonaws.com/stac/catalog.json
    high-resolution X-band radar
umbra-open-data | Umbra Open Data
    https://s3.us-west-2.amazonaws.com/umbra-open-data-catalog/stac/catalog.json
    very high resolution X-band radar
"""


@dataclass(frozen=True, slots=True)
class WellKnownSource:
    """A public source: its name, title, URL, kind, one line on its contents, and what requires a key."""

    name: str
    title: str
    root_url: str
    kind: Kind
    about: str
    key: str = ""


def _parsed(first: str, url: str, about: str) -> WellKnownSource:
    name, title, *key = first.split(" | ")
    kind = Kind.STATIC if url.endswith("catalog.json") else Kind.STAC_API
    return WellKnownSource(name, title, url.strip(), kind, about.strip(), *key)


_LINES = _SOURCES.strip().splitlines()
KNOWN = tuple(map(_parsed, _LINES[::3], _LINES[1::3], _LINES[2::3]))


def by_name(name: str) -> WellKnownSource | None:
    """Return the public source of a name; None where there is none."""
    return next((known for known in KNOWN if known.name == name.strip().lower()), None)


def by_url(url: str) -> WellKnownSource | None:
    """Return the public source at a URL, with or without a slash at its end; None where there is none."""
    return next((known for known in KNOWN if known.root_url.rstrip("/") == url.strip().rstrip("/")), None)


class ServiceEnded(MLHubException):
    """The hosted MLHub service ended in 2023."""

    default_hint = "choose the sample catalog, a public source, or another deployment"

    def __init__(self) -> None:
        super().__init__(f"the hosted MLHub service ({HOSTED}) ended in 2023")


def is_hosted(root_url: str) -> bool:
    """Whether a root URL is that of the hosted service."""
    return host(root_url) == HOSTED


MOST = 200
"""Completions that are offered."""
_LOOKED_AT = 5000
_WANTED = (".json", ".tar.gz", ".tgz", ".tar")


def choose(text: str, *, api_key: str | None = None, base: Path | None = None) -> Credentials:
    """Return the credentials of a source that was named; its kind is None where only a look can tell.

    A URL is a URL. Else it is the first of: a profile of that name; a file or folder at that path; a
    well-known public source of that name. MLHUB_API_KEY does not count: it is for the API it was meant for.

    - `text`: What was typed.
    - `api_key`: A secret that was typed with it; it overrides the profile's, and is sent the same way.
    - `base`: What a relative path is relative to; default the current folder.
    """
    text = address_of(text, base)
    if is_url(text):
        bare = text.partition("?")[0]
        known = by_url(bare)
        kind = Kind.MLHUB if same_root(bare, DEFAULT_ROOT_URL) else known.kind if known else None
        return for_location(text, kind=kind, api_key=api_key)
    file = ProfilesFile.load()
    if text == ANONYMOUS or text in file.names():
        return for_profile(text, api_key=api_key)
    if _is_path(text, base) and not _lacks_scheme(text, base):
        return for_location(text, api_key=api_key, base=base)
    if known := by_name(text):
        return for_location(
            known.root_url, kind=known.kind, api_key=api_key, origin=f"public source {known.name}"
        )
    raise _unknown(text, file)


def address_of(text: str, base: Path | None = None) -> str:
    """Return the URL or path that a text means: of a store's own scheme or GDAL's, or percent-encoded."""
    text = text.strip()
    if text.startswith("/vsi"):
        text = resolve_href("", text)
    if is_url(text) and not text.lower().startswith("file:"):
        from .asset_links import https_of  # not for the first screen

        with suppress(NotOffered):
            return https_of(text)
    elif "%" in text and not _exists(text, base) and _exists(unquote(text), base):
        return unquote(text)
    return text


def _exists(text: str, base: Path | None) -> bool:
    try:
        return ((base or Path.cwd()) / Path(text).expanduser()).exists()
    except (OSError, ValueError, RuntimeError):
        return False


def _is_path(text: str, base: Path | None) -> bool:
    """Whether a text is meant as a path: it looks like one, or there is something there."""
    if any(mark in text for mark in ("/", os.sep)) or text.startswith(("~", ".")):
        return True
    if text.lower().endswith((".json", ".tar", ".tgz", ".gz")):
        return True
    return _exists(text, base)


def _lacks_scheme(text: str, base: Path | None) -> bool:
    """Whether a text is a URL but for its `https://`: it begins with a host, which is no folder."""
    host = re.match(r"(?:(?:[\w-]+\.)+[A-Za-z]{2,}|localhost)(?::\d+)?(?=/)", text)
    return host is not None and not _exists(host[0], base)


def _unknown(text: str, file: ProfilesFile) -> ProfileNotFound:
    names = [*file.names(), *(known.name for known in KNOWN)]
    near = nearest_word(text, names)
    guess = f"did you mean {one_line(near, 60)}? " if near else ""
    if "/" in text or "." in text:
        scheme = "http" if text.startswith("localhost") else "https"
        guess = f"did you mean {scheme}://{one_line(text, 80)}? "
    return ProfileNotFound(
        f"no source {one_line(text, 80)!r}: no profile, file, folder or public source has that name",
        hint=f"{guess}`mlhub-tui sources list --known` lists the public ones",
    )


def completions(text: str, *, base: Path | None = None) -> list[str]:
    """Return what a text can be completed to, each as a whole; blocks while a folder is read.

    - `text`: What was typed; nothing is offered for nothing.
    - `base`: What a relative path is relative to; default the current folder.
    """
    if not text.strip() or "://" in text or text[:4].lower() == "http":
        return [
            k.root_url for k in KNOWN if text.strip() and k.root_url.startswith(text) and k.root_url != text
        ]
    found = sorted(islice(_in_folder(text, base), MOST), key=lambda path: (not path.endswith("/"), path))
    if os.sep not in text and "/" not in text:
        found += [known.name for known in KNOWN if known.name.startswith(text) and known.name != text]
    return found


def _in_folder(text: str, base: Path | None) -> Iterator[str]:
    """Yield the folders, and the files that may be catalogs, whose path begins with a text."""
    cut = max(text.rfind("/"), text.rfind(os.sep)) + 1
    folder, begun = text[:cut], text[cut:]
    try:
        where = (base or Path.cwd()) / Path(folder).expanduser()
        with os.scandir(where) as entries:
            for entry in islice(entries, _LOOKED_AT):
                name = entry.name
                # What cannot be drawn as it is cannot be chosen from a list either.
                if not name.startswith(begun) or one_line(name) != name:
                    continue
                if name.startswith(".") and not begun:
                    continue
                if entry.is_dir():
                    yield f"{folder}{name}/"
                elif name.lower().endswith(_WANTED) and name != begun:
                    yield f"{folder}{name}"
    except (OSError, RuntimeError, ValueError):
        return
