"""Well-known public sources, offered to add; a list of words, nothing in it is contacted by itself."""

from __future__ import annotations

from dataclasses import dataclass

from ..auth import Kind


@dataclass(frozen=True, slots=True)
class WellKnownSource:
    """A public source.

    Parameters
    ----------
    name
        The name that its profile gets, and that `--source` takes.
    title
        What it is called.
    root_url
        Where it is.
    kind
        What it speaks.
    about
        One line on what is there.
    key
        What wants a key or an account; empty where nothing does.
    """

    name: str
    title: str
    root_url: str
    kind: Kind
    about: str
    key: str = ""

    @property
    def needs_key(self) -> bool:
        """Whether some of it wants a key or an account."""
        return bool(self.key)


def _api(name: str, title: str, root_url: str, about: str, key: str = "") -> WellKnownSource:
    return WellKnownSource(name, title, root_url, Kind.STAC_API, about, key)


def _static(name: str, title: str, root_url: str, about: str) -> WellKnownSource:
    return WellKnownSource(name, title, root_url, Kind.STATIC, about)


KNOWN = (
    _api(
        "planetary-computer",
        "Microsoft Planetary Computer",
        "https://planetarycomputer.microsoft.com/api/stac/v1/",
        "Sentinel, Landsat, NAIP, land cover, climate; assets are signed by itself",
    ),
    _api(
        "earth-search",
        "Earth Search by Element 84",
        "https://earth-search.aws.element84.com/v1/",
        "Sentinel-1 and -2, Landsat, NAIP, Copernicus DEM on AWS",
        "some assets: requester pays (AWS account)",
    ),
    _api(
        "copernicus",
        "Copernicus Data Space",
        "https://stac.dataspace.copernicus.eu/v1/",
        "all Sentinel missions and contributing missions, from the source",
        "assets: free account",
    ),
    _api(
        "usgs-landsat",
        "USGS LandsatLook",
        "https://landsatlook.usgs.gov/stac-server/",
        "Landsat Collection 2, all levels",
        "assets: free account, or requester pays",
    ),
    _api(
        "nasa-lpcloud",
        "NASA CMR: LP DAAC",
        "https://cmr.earthdata.nasa.gov/stac/LPCLOUD/",
        "HLS, ASTER, MODIS, GEDI, ECOSTRESS, SRTM",
        "assets: free Earthdata login",
    ),
    _api(
        "nasa-veda",
        "NASA VEDA",
        "https://openveda.cloud/api/stac/",
        "curated layers: emissions, fires, land, climate",
    ),
    _api(
        "digital-earth-africa",
        "Digital Earth Africa",
        "https://explorer.digitalearth.africa/stac/",
        "analysis-ready Landsat and Sentinel, crops and water of Africa",
    ),
    _api(
        "digital-earth-australia",
        "Digital Earth Australia",
        "https://explorer.dea.ga.gov.au/stac/",
        "analysis-ready Landsat and Sentinel, land and water of Australia",
    ),
    _api(
        "brazil-data-cube",
        "Brazil Data Cube (INPE)",
        "https://data.inpe.br/bdc/stac/v1/",
        "CBERS, Sentinel and Landsat cubes and mosaics of Brazil",
    ),
    _api(
        "canada-datacube",
        "Canada CCMEO Data Cube",
        "https://datacube.services.geo.ca/stac/api/",
        "elevation, land cover and imagery of Canada",
    ),
    _api(
        "dlr-eoc",
        "DLR EOC Geoservice",
        "https://geoservice.dlr.de/eoc/ogc/stac/v1/",
        "EnMAP, TerraSAR-X, settlement, snow and atmosphere products",
        "some assets: free account",
    ),
    _api(
        "swiss-geo-admin",
        "Swiss federal geodata",
        "https://data.geo.admin.ch/api/stac/v1/",
        "swisstopo images, terrain and maps, MeteoSwiss",
    ),
    _api(
        "openaerialmap",
        "OpenAerialMap",
        "https://api.imagery.hotosm.org/stac/",
        "open drone and aerial images from all over the world",
    ),
    _static(
        "maxar-open-data",
        "Maxar Open Data",
        "https://maxar-opendata.s3.amazonaws.com/events/catalog.json",
        "very high resolution before and after disasters",
    ),
    _static(
        "capella-open-data",
        "Capella Space Open Data",
        "https://capella-open-data.s3.us-west-2.amazonaws.com/stac/catalog.json",
        "high-resolution X-band radar",
    ),
    _static(
        "umbra-open-data",
        "Umbra Open Data",
        "https://s3.us-west-2.amazonaws.com/umbra-open-data-catalog/stac/catalog.json",
        "very high resolution X-band radar",
    ),
)


def by_name(name: str) -> WellKnownSource | None:
    """Return the public source of a name; None where there is none."""
    return next((known for known in KNOWN if known.name == name.strip().lower()), None)


def by_url(url: str) -> WellKnownSource | None:
    """Return the public source at a URL, with or without a slash at its end; None where there is none."""
    return next((known for known in KNOWN if known.root_url.rstrip("/") == url.strip().rstrip("/")), None)
