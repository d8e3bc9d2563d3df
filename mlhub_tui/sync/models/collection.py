"""Collections as pystac collections, with their archive."""

from __future__ import annotations

import builtins
from functools import cached_property
from typing import Any, NoReturn, Self

import pystac

from ... import api
from ...models import JsonDict
from ..loop import blocking_method, documented, run
from ..session import SessionKwargs, parsed


class Collection(SessionKwargs, pystac.Collection):
    """A STAC collection with its archive: a `pystac.Collection`.

    Parameters
    ----------
    id, description, extent, title, stac_extensions, href, extra_fields, catalog_type, license, keywords,
    providers, summaries
        As of `pystac.Collection`.
    properties
        Further fields, as the constructor of radiant_mlhub 0.2.2 takes them.
    api_key, profile
        See `get_session`.
    """

    def __init__(
        self,
        id: str,
        description: str,
        extent: pystac.Extent,
        title: str | None = None,
        stac_extensions: builtins.list[str] | None = None,
        href: str | None = None,
        extra_fields: JsonDict | None = None,
        catalog_type: pystac.CatalogType | None = None,
        license: str = "proprietary",
        keywords: builtins.list[str] | None = None,
        providers: builtins.list[pystac.Provider] | None = None,
        summaries: pystac.Summaries | None = None,
        *,
        properties: JsonDict | None = None,
        api_key: str | None = None,
        profile: str | None = None,
        **others: Any,
    ) -> None:
        super().__init__(
            id,
            description,
            extent,
            title=title,
            stac_extensions=stac_extensions,
            href=href,
            extra_fields={**(extra_fields or {}), **({"properties": properties} if properties else {})},
            catalog_type=catalog_type,
            license=license,
            keywords=keywords,
            providers=providers,
            summaries=summaries,
            **others,
        )
        self.remember(api_key, profile)

    def __str__(self) -> str:
        return f"{self.id}: {self.description}"

    def __repr__(self) -> str:
        return f"<Collection id={self.id}>"

    @classmethod
    @documented(api.Collection.list)
    def list(cls, *, api_key: str | None = None, profile: str | None = None) -> builtins.list[Self]:
        found = run(api.Collection.list(api_key=api_key, profile=profile))
        return parsed(cls, [collection.raw for collection in found], api_key, profile)

    @classmethod
    @documented(api.Collection.fetch)
    def fetch(cls, collection_id: str, *, api_key: str | None = None, profile: str | None = None) -> Self:
        found = run(api.Collection.fetch(collection_id, api_key=api_key, profile=profile))
        return cls.from_dict(found.raw).remember(api_key, profile)

    @classmethod
    def from_dict(
        cls,
        d: JsonDict,
        href: str | None = None,
        root: pystac.Catalog | None = None,
        migrate: bool = False,
        preserve_dict: bool = True,
    ) -> Self:
        """Return the collection of a STAC document; see `pystac.Collection.from_dict`."""
        return super().from_dict(d, href, root, migrate, preserve_dict)

    def to_dict(self, include_self_link: bool = True, transform_hrefs: bool = False) -> JsonDict:
        """Return the collection as JSON; by default links are as received, and nothing is requested."""
        return super().to_dict(include_self_link, transform_hrefs)

    def clone(self) -> Self:
        """Return a copy that remembers the key or profile too."""
        return super().clone().remember(*self.remembered)  # type: ignore[attr-defined, no-any-return]

    def get_items(self, *ids: str, recursive: bool = False) -> NoReturn:
        """Raise NotImplementedError: the items of an MLHub collection are no links to walk."""
        raise NotImplementedError(
            "items are not listed through the collection: use fetch_item, client.list_collection_items,"
            " or download for all of them"
        )

    def fetch_item(
        self, item_id: str, *, api_key: str | None = None, profile: str | None = None
    ) -> pystac.Item:
        """Return one item of this collection as a pystac item.

        Raises
        ------
        EntityDoesNotExist
            If there is none with this ID.

        Examples
        --------
        >>> from mlhub_tui.sync import Collection
        >>> collection = Collection.fetch("umd_mali_crop_type_labels")
        >>> collection.fetch_item("umd_mali_crop_type_labels_00000").datetime.year
        2019
        """
        found = run(self.document.fetch_item(item_id, api_key=api_key, profile=profile))
        return pystac.Item.from_dict(found.raw)

    @property
    def document(self) -> api.Collection:
        """The collection of the async API, with the key or profile that this one remembers."""
        return api.Collection({"id": self.id, **self.extra_fields}, *self.remembered)

    @cached_property
    def archive_size(self) -> int | None:
        """The size of the archive in bytes, None where there is none; requested once."""
        return run(self.document.archive_size())

    @property
    def registry_url(self) -> str | None:
        """The page in the registry, where the collection has a DOI."""
        return self.document.registry_url

    download = blocking_method(api.Collection.download)
