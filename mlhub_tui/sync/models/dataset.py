"""Datasets: collections of source imagery and labels that belong together."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import cached_property
from typing import Any, Self

from ... import api
from ...models import JsonDict
from ..loop import blocking_method, documented, run
from ..session import SessionKwargs
from .collection import Collection


class CollectionType(Enum):
    """What a collection of a dataset holds."""

    SOURCE = "source_imagery"
    LABELS = "labels"


class CollectionsByType(builtins.list[Collection]):
    """The collections of a dataset, each once; one of both types is in both `source_imagery` and `labels`."""

    source_imagery: builtins.list[Collection]
    labels: builtins.list[Collection]

    def __init__(self, collections: Sequence[tuple[Collection, tuple[str, ...]]]) -> None:
        super().__init__(collection for collection, _ in collections)
        self.source_imagery = [one for one, types in collections if CollectionType.SOURCE.value in types]
        self.labels = [one for one, types in collections if CollectionType.LABELS.value in types]


class Dataset(SessionKwargs):
    """A dataset of an MLHub API; it is no STAC object.

    Parameters
    ----------
    id
        Its ID.
    collections
        The collections as the dataset's record describes them: `id` and `types`.
    title, registry, doi, citation
        As received; None where the record has none.
    api_key, profile
        See `get_session`.
    """

    def __init__(
        self,
        id: str,
        collections: builtins.list[JsonDict],
        title: str | None = None,
        registry: str | None = None,
        doi: str | None = None,
        citation: str | None = None,
        *,
        api_key: str | None = None,
        profile: str | None = None,
        **_: Any,
    ) -> None:
        self.id = id
        self.title = title
        self.registry_url = registry
        self.doi = doi
        self.citation = citation
        self.collection_descriptions = collections
        self.remember(api_key, profile)

    def __str__(self) -> str:
        return f"{self.id}: {self.title}"

    def __repr__(self) -> str:
        return f"<Dataset id={self.id}>"

    @classmethod
    def _of(cls, found: api.Dataset, api_key: str | None, profile: str | None) -> Self:
        """Return the object of a record, whose own fields cannot stand for the session's."""
        record = {
            name: value for name, value in found.raw.items() if name not in ("api_key", "profile", "self")
        }
        record |= {"id": found.id, "collections": found.objects("collections")}
        return cls(**record, api_key=api_key, profile=profile)

    @classmethod
    @documented(api.Dataset.list)
    def list(
        cls,
        *,
        tags: str | Iterable[str] | None = None,
        text: str | Iterable[str] | None = None,
        api_key: str | None = None,
        profile: str | None = None,
    ) -> builtins.list[Self]:
        found = run(api.Dataset.list(tags=tags, text=text, api_key=api_key, profile=profile))
        return [cls._of(dataset, api_key, profile) for dataset in found]

    @classmethod
    @documented(api.Dataset.fetch)
    def fetch(cls, dataset_id_or_doi: str, *, api_key: str | None = None, profile: str | None = None) -> Self:
        found = run(api.Dataset.fetch(dataset_id_or_doi, api_key=api_key, profile=profile))
        return cls._of(found, api_key, profile)

    @classmethod
    @documented(api.Dataset.fetch_by_id)
    def fetch_by_id(cls, dataset_id: str, *, api_key: str | None = None, profile: str | None = None) -> Self:
        found = run(api.Dataset.fetch_by_id(dataset_id, api_key=api_key, profile=profile))
        return cls._of(found, api_key, profile)

    @classmethod
    @documented(api.Dataset.fetch_by_doi)
    def fetch_by_doi(
        cls, dataset_doi: str, *, api_key: str | None = None, profile: str | None = None
    ) -> Self:
        found = run(api.Dataset.fetch_by_doi(dataset_doi, api_key=api_key, profile=profile))
        return cls._of(found, api_key, profile)

    @property
    def document(self) -> api.Dataset:
        """The dataset of the async API, with the key or profile that this one remembers."""
        record = {"id": self.id, "collections": self.collection_descriptions}
        return api.Dataset(record, *self.remembered)

    @cached_property
    def collections(self) -> CollectionsByType:
        """Its collections, fetched together on first use; also by type, as `.source_imagery` and `.labels`.

        Examples
        --------
        >>> from mlhub_tui.sync import Dataset
        >>> dataset = Dataset.fetch("bigearthnet_v1")
        >>> dataset.collections
        [<Collection id=bigearthnet_v1_source>, <Collection id=bigearthnet_v1_labels>]
        >>> dataset.collections.labels
        [<Collection id=bigearthnet_v1_labels>]
        """
        found = run(self.document.fetch_collections())
        return CollectionsByType(
            [(Collection.from_dict(one.raw).remember(*self.remembered), one.types) for one in found]
        )

    @cached_property
    def total_archive_size(self) -> int | None:
        """The size of its collections' archives in bytes, None where none has an archive."""
        return run(self.document.total_archive_size())

    @property
    def stac_catalog_size(self) -> int | None:
        """The size of its catalog's archive in bytes, None where the API does not know."""
        return run(self.document.stac_catalog_size())

    @property
    def estimated_dataset_size(self) -> int | None:
        """The estimated size of all its assets in bytes, None where the API does not know."""
        return run(self.document.estimated_dataset_size())

    download = blocking_method(api.Dataset.download)
