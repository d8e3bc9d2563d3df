"""The documents of the API: the JSON as received is the truth, these classes are views of it.

Attributes that are drawn (`title`, `description`, ...) are cleaned; `raw` and `id` are as received: `raw`
is what is exported, `id` is the identity that is asked for again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy

if TYPE_CHECKING:
    from .area import parse_bbox as parse_bbox
    from .area import read_geometry as read_geometry
    from .dataset import ArchiveInfo as ArchiveInfo
    from .dataset import CatalogInfo as CatalogInfo
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
    from .search import Search as Search
    from .stac import Asset as Asset
    from .stac import Catalog as Catalog
    from .stac import Collection as Collection
    from .stac import Item as Item
    from .stac import MLModel as MLModel
    from .when import parse_span as parse_span
    from .when import parse_when as parse_when
else:
    __getattr__, __all__ = lazy(
        __name__,
        {
            "area": "parse_bbox read_geometry",
            "dataset": "ArchiveInfo CatalogInfo CollectionList CollectionRef Dataset",
            "document": "Document JsonDict Provider",
            "entry": "Entry EntryKind",
            "extent": "BBox Extent Interval",
            "search": "Search",
            "stac": "Asset Catalog Collection Item MLModel",
            "when": "parse_span parse_when",
        },
    )
