"""Machine-learning models as pystac items."""

from __future__ import annotations

import builtins
import datetime as dt
from typing import Any, Self

import pystac

from ... import api
from ...models import JsonDict
from ..loop import documented, run
from ..session import SessionKwargs, parsed


class MLModel(SessionKwargs, pystac.Item):
    """A trained model: a `pystac.Item` with the ml-model extension.

    Parameters
    ----------
    id, geometry, bbox, datetime, properties, stac_extensions, href, collection, extra_fields
        As of `pystac.Item`.
    api_key, profile
        See `get_session`.
    """

    def __init__(
        self,
        id: str,
        geometry: JsonDict | None,
        bbox: list[float] | None,
        datetime: dt.datetime | None,
        properties: JsonDict,
        stac_extensions: list[str] | None = None,
        href: str | None = None,
        collection: str | pystac.Collection | None = None,
        extra_fields: JsonDict | None = None,
        *,
        api_key: str | None = None,
        profile: str | None = None,
        **others: Any,
    ) -> None:
        super().__init__(
            id,
            geometry,
            bbox,
            datetime,
            properties,
            stac_extensions=stac_extensions,
            href=href,
            collection=collection,
            extra_fields=extra_fields,
            **others,
        )
        self.remember(api_key, profile)

    def __str__(self) -> str:
        return f"{self.id}: {self.properties.get('title')}"

    @classmethod
    @documented(api.MLModel.list)
    def list(cls, *, api_key: str | None = None, profile: str | None = None) -> builtins.list[Self]:
        found = run(api.MLModel.list(api_key=api_key, profile=profile))
        return parsed(cls, [model.raw for model in found], api_key, profile)

    @classmethod
    @documented(api.MLModel.fetch)
    def fetch(cls, model_id: str, *, api_key: str | None = None, profile: str | None = None) -> Self:
        found = run(api.MLModel.fetch(model_id, api_key=api_key, profile=profile))
        return cls.from_dict(found.raw).remember(api_key, profile)

    def to_dict(self, include_self_link: bool = True, transform_hrefs: bool = False) -> JsonDict:
        """Return the item as JSON; by default links are as received, and nothing is requested for them."""
        return super().to_dict(include_self_link, transform_hrefs)
