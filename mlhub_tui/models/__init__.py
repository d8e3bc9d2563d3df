"""The documents of the API: the JSON as received is the truth, these classes are views of it.

Attributes that are drawn (`title`, `description`, ...) are cleaned; `raw` and `id` are as received: `raw`
is what is exported, `id` is the identity that is asked for again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy

if TYPE_CHECKING:
    from .dataset import ArchiveInfo as ArchiveInfo
    from .dataset import CatalogInfo as CatalogInfo
    from .dataset import CollectionList as CollectionList
    from .dataset import CollectionRef as CollectionRef
    from .dataset import Dataset as Dataset
    from .document import Asset as Asset
    from .document import Catalog as Catalog
    from .document import Collection as Collection
    from .document import Document as Document
    from .document import Item as Item
    from .document import JsonDict as JsonDict
    from .document import MLModel as MLModel
    from .document import Provider as Provider
    from .entry import Entry as Entry
    from .entry import EntryKind as EntryKind
    from .extent import BBox as BBox
    from .extent import Extent as Extent
    from .extent import Interval as Interval
    from .search import Search as Search
    from .search import geometry_of as geometry_of
    from .search import parse_bbox as parse_bbox
    from .search import parse_span as parse_span
    from .search import parse_when as parse_when
    from .search import read_geometry as read_geometry
    from .sign_in import sign_in_words as sign_in_words
    from .sign_in import ways_to_sign_in as ways_to_sign_in
else:
    __getattr__, __all__ = lazy(
        __name__,
        {
            "dataset": "ArchiveInfo CatalogInfo CollectionList CollectionRef Dataset",
            "document": "Asset Catalog Collection Document Item JsonDict MLModel Provider",
            "entry": "Entry EntryKind",
            "extent": "BBox Extent Interval",
            "search": "Search geometry_of parse_bbox parse_span parse_when read_geometry",
            "sign_in": "sign_in_words ways_to_sign_in",
        },
    )
