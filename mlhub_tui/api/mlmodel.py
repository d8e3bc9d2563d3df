"""ML models of the Python API: list and fetch."""

from __future__ import annotations

import builtins
from dataclasses import dataclass

from .. import models
from .session import Remembering, opened


@dataclass(frozen=True, eq=False, repr=False)
class MLModel(Remembering, models.MLModel):
    """A trained model, published as a STAC item with the ml-model extension."""

    @classmethod
    async def list(cls, *, api_key: str | None = None, profile: str | None = None) -> builtins.list[MLModel]:
        """Return all models.

        Examples
        --------
        >>> from mlhub_tui import MLModel
        >>> found = await MLModel.list()
        >>> len(found)
        5
        """
        async with opened(api_key, profile) as source:
            return [cls(model.raw, api_key, profile) for model in await source.models()]

    @classmethod
    async def fetch(cls, model_id: str, *, api_key: str | None = None, profile: str | None = None) -> MLModel:
        """Return one model.

        Raises
        ------
        EntityDoesNotExist
            If there is none with this ID.

        Examples
        --------
        >>> from mlhub_tui import MLModel
        >>> first = (await MLModel.list())[0]
        >>> (await MLModel.fetch(first.id)).id == first.id
        True
        """
        async with opened(api_key, profile) as source:
            return cls((await source.model(model_id)).raw, api_key, profile)
