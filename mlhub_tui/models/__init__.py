"""The documents of the API: the JSON as received is the truth, these classes are views of it.

Attributes that are drawn (`title`, `description`, ...) are cleaned; `raw` and `id` are as received: `raw`
is what is exported, `id` is the identity that is asked for again.
"""

from .archive import ArchiveInfo, CatalogInfo
from .asset import Asset
from .catalog import Catalog
from .collection import Collection
from .dataset import CollectionList, CollectionRef, Dataset
from .document import Document, JsonDict, Provider
from .entry import Entry, EntryKind
from .extent import BBox, Extent, Interval
from .item import Item
from .mlmodel import MLModel
from .search import Search

__all__ = [
    "ArchiveInfo",
    "Asset",
    "BBox",
    "Catalog",
    "CatalogInfo",
    "Collection",
    "CollectionList",
    "CollectionRef",
    "Dataset",
    "Document",
    "Entry",
    "EntryKind",
    "Extent",
    "Interval",
    "Item",
    "JsonDict",
    "MLModel",
    "Provider",
    "Search",
]
