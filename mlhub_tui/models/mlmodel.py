"""Models: trained ML models, published as STAC items with the ml-model extension."""

from __future__ import annotations

from .item import Item


class MLModel(Item):
    """A trained model as received (STAC ml-model extension)."""

    @property
    def architecture(self) -> str:
        """The architecture, for example `cnn`."""
        return self.line("ml-model:architecture")

    @property
    def prediction_type(self) -> str:
        """What it predicts, for example `segmentation`."""
        return self.line("ml-model:prediction_type")
