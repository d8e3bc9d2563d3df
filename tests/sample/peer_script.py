"""Run by the peer library's interpreter: what a user of radiant_mlhub 0.5.5 does, on the sample."""

import json
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    peer: Any = import_module("radiant_mlhub")
    Collection, Dataset, MLModel = peer.Collection, peer.Dataset, peer.MLModel  # noqa: N806 - the peer's classes
    list_collection_items: Any = import_module("radiant_mlhub.client").list_collection_items
    IfExists: Any = peer.DownloadIfExistsOpts  # noqa: N806 - a class, too

    labels = "ref_african_crops_kenya_02_labels"
    folder = Path(tempfile.mkdtemp(dir=sys.argv[1]))
    dataset = Dataset.fetch("10.34911/rdnt.dw605x")
    collection = Collection.fetch(labels)
    items = list(list_collection_items("ref_african_crops_kenya_02_source", limit=None, page_size=10))
    path = collection.download(folder)
    content = path.read_bytes()

    path.write_bytes(content[:100_000])
    collection.download(folder, if_exists=IfExists.skip)
    skipped = path.stat().st_size
    collection.download(folder, if_exists=IfExists.resume)
    resumed = path.read_bytes() == content
    path.write_bytes(b"x" * 500)
    collection.download(folder, if_exists=IfExists.overwrite)
    overwritten = path.read_bytes() == content

    small = Dataset.fetch("umd_mali_crop_type")
    small.download(folder)
    for _ in range(2):
        small.download(folder, collection_filter={"umd_mali_crop_type_labels": ["labels"]})
    found = {
        "datasets": len(Dataset.list()),
        "tagged": [d.id for d in Dataset.list(tags=["cloud cover", "sar"], text="flood")],
        "collections": len(Collection.list()),
        "models": [m.id for m in MLModel.list()],
        "model": MLModel.fetch("model_ramp_baseline_v1").id,
        "by_doi": dataset.id,
        "types": [
            len(dataset.collections),
            len(dataset.collections.source_imagery),
            len(dataset.collections.labels),
        ],
        "both": len(Dataset.fetch("spacenet2").collections.labels),
        "items": [len(items), len({item["id"] for item in items})],
        "item": collection.fetch_item("ref_african_crops_kenya_02_tile_00_label").id,
        "archive_size": collection.archive_size,
        "received": len(content),
        "no_archive": Collection.fetch("rti_rwanda_crop_type_raw").title,
        "skipped": skipped,
        "resumed": resumed,
        "overwritten": overwritten,
        "catalog_size": small.stac_catalog_size,
        "saved": (folder / "umd_mali_crop_type.tar.gz").stat().st_size,
        "assets": len(
            [p for p in (folder / "umd_mali_crop_type").rglob("*") if p.suffix in (".tif", ".png", ".pdf")]
        ),
        "errors": (folder / "umd_mali_crop_type" / "err_report.csv").stat().st_size,
        "root": os.environ["MLHUB_ROOT_URL"],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
