"""Whether the reader of an asset has to pay for it, as its document says or its bucket is known for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..models import Asset, Document
from ..text import one_line
from .stores import Bucket, bucket_of

KNOWN = {
    ("s3", name)
    for name in (
        "arxiv",
        "cbers-pds",
        "modis-vi-nasa-requester-pays",
        "naip-analytic",
        "naip-source",
        "naip-visualization",
        "sentinel-s1-l1c",
        "sentinel-s2-l1c",
        "sentinel-s2-l2a",
        "usgs-landsat",
        "usgs-lidar",
    )
}
"""Buckets whose owners say so in the Registry of Open Data on AWS."""


def requester_pays(document: Document, asset: Asset, href: str = "") -> str:
    """Return why an asset cannot be had for nothing, in one line; empty where it can, as far as is known.

    The rules are those of the STAC storage extension: version 1 has `storage:requester_pays` in the asset or
    in the item's properties, version 2 `storage:schemes` in the document and `storage:refs` in the asset.
    Both speak of the object store: an href that leads to another server is not meant.

    Parameters
    ----------
    document
        The item or collection.
    asset
        One of its assets, or one of an asset's alternates.
    href
        The href in question; the asset's own by default.
    """
    bucket = bucket_of(href or asset.href)
    if bucket is None:
        return ""
    told = _told(document, asset.raw)
    return _why(bucket) if told or (told is None and _is_known(bucket)) else ""


def known_to_pay(href: str) -> str:
    """Return the same of an address of which no document tells."""
    bucket = bucket_of(href)
    return _why(bucket) if bucket is not None and _is_known(bucket) else ""


def _is_known(bucket: Bucket) -> bool:
    return (bucket.store, bucket.name) in KNOWN


def _why(bucket: Bucket) -> str:
    name = one_line(bucket.name, 80)
    return f"the bucket {name} is requester-pays: it answers only to requests that an account pays for"


def _told(document: Document, asset: Mapping[str, Any]) -> bool | None:
    """Return what the documents say; None if nothing."""
    places = (asset, document.fields, document.raw)
    for scheme in _schemes(document, asset.get("storage:refs")):
        if (said := _flag(scheme.get("requester_pays"))) is not None:
            return said
    return next((said for p in places if (said := _flag(p.get("storage:requester_pays"))) is not None), None)


def _schemes(document: Document, refs: object) -> Iterator[Mapping[str, Any]]:
    """Yield the storage schemes that an asset refers to."""
    for place in (document.fields, document.raw):
        schemes = place.get("storage:schemes")
        if isinstance(schemes, dict) and isinstance(refs, list):
            named = (schemes.get(name) for name in refs if isinstance(name, str))
            yield from (scheme for scheme in named if isinstance(scheme, dict))


def _flag(value: object) -> bool | None:
    """Return a flag; a collection's summaries list the values there are, of which a single one tells."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, bool) else None
