"""Catalogs made for tests: documents, archives of them, and the index of one."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlhub_tui.planning.index import Index, IndexBuilder
from mlhub_tui.planning.index_cache import index_of_archive

Json = dict[str, Any]
STORE = "https://store.example/data/"


def asset(href: str, **more: Any) -> Json:
    return {"href": href if "://" in href or href.startswith(".") else STORE + href, **more}


def collection(identity: str, assets: Mapping[str, Json] | None = None) -> Json:
    document: Json = {"type": "Collection", "id": identity, "extent": {}, "links": []}
    return document if assets is None else {**document, "assets": dict(assets)}


def item(
    identity: str,
    collection_id: str = "fields",
    *,
    bbox: Any = None,
    geometry: Any = None,
    assets: Mapping[str, Any] | None = None,
    **properties: Any,
) -> Json:
    found: Json = {"type": "Feature", "id": identity, "collection": collection_id, "properties": properties}
    if bbox is not None:
        found["bbox"] = bbox
    found["geometry"] = geometry
    found["assets"] = {"B01": asset(f"{identity}/B01.tif")} if assets is None else dict(assets)
    return found


def named(dataset: str, documents: Iterable[Json]) -> list[tuple[str, Json]]:
    """Return documents with their names in an archive, as hosted catalogs have them."""
    found = [(f"{dataset}/catalog.json", {"type": "Catalog", "id": dataset, "links": []})]
    for document in documents:
        if document["type"] == "Collection":
            found.append((f"{dataset}/{document['id']}/collection.json", document))
        else:
            folder = f"{dataset}/{document['collection']}/{document['id']}"
            found.append((f"{folder}/{document['id']}.json", document))
    return found


def archive(path: Path, members: Iterable[tuple[str, Json | bytes]]) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name, content in members:
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def archive_of(folder: Path, documents: Iterable[Json], dataset: str = "crops") -> Path:
    return archive(folder / f"{dataset}.tar.gz", named(dataset, documents))


def index_of(folder: Path, documents: Iterable[Json], dataset: str = "crops") -> Index:
    """Return the index of an archive of documents."""
    return index_of_archive(
        archive_of(folder, documents, dataset), source="http://a.example/", dataset=dataset
    )


def built(path: Path, documents: Iterable[Json]) -> Index:
    """Return an index of documents, without an archive around them."""
    with IndexBuilder(path, fresh=True) as builder:
        for document in documents:
            builder.add(document)
        builder.finish({})
    return Index(path)
