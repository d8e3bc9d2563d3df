"""Entries: the lines of a source's tree, each a document or a link to one that was not fetched yet."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from ..text import one_line
from .dataset import Dataset
from .document import UNREADABLE, Catalog, Collection, Document, Item, MLModel


class EntryKind(StrEnum):
    """What an entry stands for."""

    DATASET = "dataset"
    CATALOG = "catalog"
    COLLECTION = "collection"
    ITEM = "item"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a source's tree.

    - `kind`: What it stands for; where only a link is known, what the link says.
    - `id`: The identity as received; empty while only a link is known.
    - `title`: What the link or the document calls it, cleaned, on one line; may be empty.
    - `url`: Where its document is, without keys; empty where the source finds it by its id.
    - `collection_id`: The collection an item belongs to; empty where that is not known.
    - `document`: The document, where the listing brought it.
    - `note`: Why it cannot be opened or shown, in a sentence; empty where nothing is known to be wrong.
    """

    kind: EntryKind
    id: str = ""
    title: str = ""
    url: str = ""
    collection_id: str = ""
    document: Document | None = field(default=None, repr=False, compare=False)
    note: str = field(default="", compare=False)

    @classmethod
    def of(cls, document: Document, *, collection_id: str = "") -> Entry:
        """Return the entry of a document."""
        kind = next(kind for made, kind in _KINDS if isinstance(document, made))
        belongs = document.collection_id if isinstance(document, Item) else ""
        return cls(kind, document.id, document.title, document.url, collection_id or belongs, document)

    def titled(self, linked: str) -> Entry:
        """Return it with the title of the link to it, where its document has no title of its own."""
        return replace(self, title=linked) if linked and self.title in ("", one_line(self.id)) else self

    @property
    def label(self) -> str:
        """What may be drawn of it: the id, else the title, else the last part of its URL."""
        named = one_line(self.id) or self.title
        return named or one_line(self.url.rstrip("/").rpartition("/")[2], 80) or UNREADABLE


_KINDS: tuple[tuple[type[Document], EntryKind], ...] = (
    (MLModel, EntryKind.MODEL),
    (Item, EntryKind.ITEM),
    (Dataset, EntryKind.DATASET),
    (Collection, EntryKind.COLLECTION),
    (Catalog, EntryKind.CATALOG),
)
