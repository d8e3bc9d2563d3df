"""Images of a sequence of documents, the most useful first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...errors import MLHubException
from ...models import Asset, Collection, Document, Entry, Item

if TYPE_CHECKING:
    from ..document_cache import Documents


class ImageSequence:
    """A place among documents and their images.

    Parameters
    ----------
    entries
        The documents in order, as far as they are listed.
    documents
        Where those are that were loaded, and the others are asked for.
    at
        The number of the first one to show.
    key
        The asset to begin with; of the next document too, where it has it. Empty for the best.
    """

    def __init__(self, entries: Sequence[Entry], documents: Documents, at: int = 0, key: str = "") -> None:
        self._entries, self._documents = entries, documents
        self._at, self._key = at, key
        self.document: Document | None = None
        self.images: tuple[Asset, ...] = ()
        self.chosen = 0

    @property
    def entry(self) -> Entry:
        """The document that is shown."""
        return self._entries[self._at]

    @property
    def place(self) -> tuple[int, int]:
        """The number of the document, from 1, and of how many."""
        return self._at + 1, len(self._entries)

    @property
    def image(self) -> Asset:
        """The image that is shown."""
        return self.images[self.chosen]

    async def load(self) -> None:
        """Take up the document and its images.

        Raises
        ------
        MLHubException
            If it cannot be had, or has none.
        """
        entry = self.entry
        document = self._documents.of(entry) or await self._documents.load(entry)
        self.document, self.images, self.chosen = document, pictures(document), 0
        if document is None:
            raise MLHubException(self._documents.why_not(entry) or "the document cannot be had", hint="")
        if not self.images:
            raise MLHubException(f"{entry.label} has no image that can be drawn", hint="")
        keys = [asset.key for asset in self.images]
        self.chosen = keys.index(self._key) if self._key in keys else 0

    def next_image(self, step: int) -> bool:
        """Go to another image of the document; False where there is no other."""
        if len(self.images) < 2:
            return False
        self.chosen = (self.chosen + step) % len(self.images)
        self._key = self.image.key
        return True

    def next_document(self, step: int) -> bool:
        """Go to another document; False at the end of the list."""
        if not 0 <= self._at + step < len(self._entries):
            return False
        self._at += step
        self.document, self.images = None, ()
        return True


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
