"""The documents of the API: the JSON as received is the truth, these classes are views of it.

Attributes that are drawn (`title`, `description`, ...) are cleaned; `raw` and `id` are as received: `raw`
is what is exported, `id` is the identity that is asked for again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy

if TYPE_CHECKING:
    from .archive import ArchiveInfo as ArchiveInfo
    from .archive import CatalogInfo as CatalogInfo
    from .asset import Asset as Asset
    from .catalog import Catalog as Catalog
    from .collection import Collection as Collection
    from .dataset import CollectionList as CollectionList
    from .dataset import CollectionRef as CollectionRef
    from .dataset import Dataset as Dataset
    from .document import Document as Document
    from .document import JsonDict as JsonDict
    from .document import Provider as Provider
    from .entry import Entry as Entry
    from .entry import EntryKind as EntryKind
    from .extent import BBox as BBox
    from .extent import Extent as Extent
    from .extent import Interval as Interval
    from .item import Item as Item
    from .mlmodel import MLModel as MLModel
    from .search import Search as Search
else:
    __getattr__, __all__ = lazy(
        __name__,
        {
            "archive": "ArchiveInfo CatalogInfo",
            "asset": "Asset",
            "catalog": "Catalog",
            "collection": "Collection",
            "dataset": "CollectionList CollectionRef Dataset",
            "document": "Document JsonDict Provider",
            "entry": "Entry EntryKind",
            "extent": "BBox Extent Interval",
            "item": "Item",
            "mlmodel": "MLModel",
            "search": "Search",
        },
    )
