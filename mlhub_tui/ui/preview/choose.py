"""Which assets are images that can be drawn, the one that shows a document best first."""

from __future__ import annotations

from ...models import Asset, Collection, Document, Item

_TYPES = {
    "image/png": 0,
    "image/jpeg": 0,
    "image/jpg": 0,
    "image/webp": 0,
    "image/gif": 0,
    "image/bmp": 0,
    "image/tiff": 1,
    "image/geotiff": 1,
    "image/vnd.stac.geotiff": 1,
    "image/x.geotiff": 1,
    "image/jp2": 1,
}
"""Media types of images; those of the second kind hold data more often than pictures."""
_ENDINGS = {
    ".png": 0,
    ".jpg": 0,
    ".jpeg": 0,
    ".webp": 0,
    ".gif": 0,
    ".bmp": 0,
    ".tif": 1,
    ".tiff": 1,
    ".jp2": 1,
}
_ROLES = ("thumbnail", "overview", "visual")
"""STAC best practices, "Asset roles": what is made to be looked at, the smallest first."""


def is_picture(asset: Asset) -> bool:
    """Tell whether an asset is an image that may be drawn."""
    return _kind(asset) is not None


def is_tiff(asset: Asset) -> bool:
    """Tell whether an image is a TIFF."""
    path = asset.href.partition("?")[0].partition("#")[0].lower()
    return "tif" in asset.media_type.lower() or (not asset.media_type and path.endswith((".tif", ".tiff")))


def pictures(document: Document | None) -> tuple[Asset, ...]:
    """Return the images of a document, by role thumbnail, overview, visual, then by their kind."""
    assets = document.assets if isinstance(document, Collection | Item) else ()
    return tuple(sorted(filter(is_picture, assets), key=_rank))


def _kind(asset: Asset) -> int | None:
    if not asset.href.strip():
        return None
    media_type = asset.media_type.partition(";")[0].strip().lower()
    path = asset.href.partition("?")[0].partition("#")[0].lower()
    ending = next((kind for end, kind in _ENDINGS.items() if path.endswith(end)), None)
    return _TYPES.get(media_type) if media_type else ending


def _rank(asset: Asset) -> tuple[int, int]:
    names = {*(role.lower() for role in asset.roles), asset.key.lower()}
    role = next((number for number, role in enumerate(_ROLES) if role in names), len(_ROLES))
    return role, _kind(asset) or 0
