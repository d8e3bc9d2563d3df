"""Datasets, collections and models as objects: those of pystac, with blocking methods."""

from . import collection, dataset, ml_model
from .collection import Collection
from .dataset import CollectionType, Dataset
from .ml_model import MLModel

__all__ = ["Collection", "CollectionType", "Dataset", "MLModel", "collection", "dataset", "ml_model"]
