"""STAC documents as small as they can be, and archives of files."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def link(rel: str, href: str, **more: Any) -> Json:
    """Return a link."""
    return {"rel": rel, "href": href, **more}


def catalog(identity: str = "root", *links: Json, **more: Any) -> Json:
    """Return a catalog."""
    named = {"type": "Catalog", "stac_version": "1.0.0", "id": identity, "description": "d"}
    return {**named, "links": list(links), **more}


def collection(identity: str = "c", *links: Json, **more: Any) -> Json:
    """Return a collection of the whole world since 2020."""
    extent = {
        "spatial": {"bbox": [[-180, -90, 180, 90]]},
        "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
    }
    return {**catalog(identity, *links), "type": "Collection", "license": "other", "extent": extent, **more}


def item(identity: str = "i", collection: str = "c", /, **more: Any) -> Json:
    """Return an item of no place and without assets."""
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": identity,
        "collection": collection,
        "geometry": None,
        "properties": {"datetime": "2020-01-01T00:00:00Z"},
        "links": [],
        "assets": {},
        **more,
    }


def archive(members: Mapping[str, bytes]) -> bytes:
    """Return files as a tar.gz."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return gzip.compress(made.getvalue(), mtime=0)
