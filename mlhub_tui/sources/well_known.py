"""Well-known public sources, offered to add, and the one that ended; nothing here is contacted by itself."""

from __future__ import annotations

from dataclasses import dataclass

from ..auth import Kind
from ..errors import MLHubException
from ..http.errors import HOSTED
from ..http.urls import host

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
