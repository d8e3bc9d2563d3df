"""What the tree shows, without the tree: listings, their states, the filter and what it finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..pager import Pager

if TYPE_CHECKING:
    from ...errors import MLHubException
    from ...models import CollectionRef, Dataset, MLModel

Key = tuple[str, ...]
"""The place of a node in the tree, stable over reloads: `("collection", dataset, type, id)` and the like."""

DATASETS: Key = ("datasets",)
MODELS: Key = ("models",)
OTHER = "other"
TYPE_TITLES = {"source_imagery": "Source imagery", "labels": "Labels", OTHER: "Other collections"}


@dataclass(frozen=True, slots=True)
class ItemRef:
    """An item as the tree remembers it; the document itself is kept by the page."""

    collection_id: str
    id: str
    label: str


class ItemListing(Pager):
    """The items of a collection as far as they were loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.refs: list[ItemRef] = []


@dataclass(slots=True)
class Listing:
    """The state of the datasets' or the models' listing."""

    loading: bool = True
    error: MLHubException | None = None

    @property
    def words(self) -> str:
        """What went wrong, whole."""
        return f"{self.error.message}\n{self.error.hint}" if self.error else ""


class Catalog:
    """The listings of one source and the filter over them."""

    def __init__(self) -> None:
        self.datasets: list[Dataset] = []
        self.models: list[MLModel] = []
        self.dataset_listing = Listing()
        self.model_listing = Listing()
        self.items: dict[str, ItemListing] = {}
        self.filter = ""
        self._haystacks: dict[str, str] = {}

    def set_datasets(self, datasets: list[Dataset]) -> None:
        """Take a listing, sorted by title as people read it."""
        self.datasets = sorted(datasets, key=lambda d: d.title.casefold())
        self._haystacks = {d.id: _haystack(d) for d in self.datasets}
        self.dataset_listing = Listing(loading=False)

    def set_models(self, models: list[MLModel]) -> None:
        """Take the models."""
        self.models = sorted(models, key=lambda m: m.title.casefold())
        self.model_listing = Listing(loading=False)

    @property
    def terms(self) -> list[str]:
        """The words of the filter; all must be found."""
        return self.filter.casefold().split()

    def shown_datasets(self) -> list[Dataset]:
        """Return the datasets that match, by their own fields or by a collection id."""
        terms = self.terms
        if not terms:
            return self.datasets
        return [d for d in self.datasets if all(term in self._haystacks.get(d.id, "") for term in terms)]

    def shown_models(self) -> list[MLModel]:
        """Return the models that match."""
        terms = self.terms
        return [m for m in self.models if all(term in f"{m.id} {m.title}".casefold() for term in terms)]

    def matches(self, ref: CollectionRef) -> bool:
        """Tell whether a collection id itself matches the filter."""
        terms = self.terms
        return bool(terms) and all(term in ref.id.casefold() for term in terms)

    @staticmethod
    def groups(dataset: Dataset) -> Iterator[tuple[str, list[CollectionRef]]]:
        """Yield the types a dataset has, each with its collections."""
        collections = dataset.collections
        for kind, refs in (
            ("source_imagery", collections.source_imagery),
            ("labels", collections.labels),
            (OTHER, collections.other),
        ):
            if refs:
                yield kind, refs


def _haystack(dataset: Dataset) -> str:
    """Return what the filter looks at, in lower case: id, title, tags, DOI and the collection ids."""
    parts = [dataset.id, dataset.title, *dataset.tags, dataset.doi, *(ref.id for ref in dataset.collections)]
    return " ".join(parts).casefold()
