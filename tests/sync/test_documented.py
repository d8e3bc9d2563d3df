"""The blocking API and the async one are one: names, signatures, documentation, and examples that run."""

from __future__ import annotations

import doctest
import importlib
import inspect
from typing import Any

import pytest

import mlhub_tui.sync as radiant_mlhub
from mlhub_tui import api
from mlhub_tui.api import requests
from mlhub_tui.sample.server import SampleServer
from mlhub_tui.sync import client
from mlhub_tui.sync.loop import blocking_doc

FUNCTIONS = [
    name
    for name, value in vars(requests).items()
    if inspect.isfunction(value) and value.__module__ == requests.__name__ and not name.startswith("_")
]
METHODS = [
    ("Dataset", "list"),
    ("Dataset", "fetch"),
    ("Dataset", "fetch_by_id"),
    ("Dataset", "fetch_by_doi"),
    ("Dataset", "download"),
    ("Collection", "list"),
    ("Collection", "fetch"),
    ("Collection", "download"),
    ("MLModel", "list"),
    ("MLModel", "fetch"),
]
ASYNC_ALONE = {"aclose", "fetch_collections", "to_pystac"}
"""Public methods that only the async classes have: a property or pystac's own classes stand for them."""


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    """Return names, kinds and defaults."""
    found = inspect.signature(function).parameters.values()
    return [(each.name, each.kind, each.default) for each in found if each.name not in ("self", "cls")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_parameters_and_words_of_its_async_form(name: str) -> None:
    ours, theirs = getattr(client, name), getattr(requests, name)
    assert parameters(ours) == parameters(theirs)
    assert ours.__doc__ == blocking_doc(theirs)
    assert "await" not in ours.__doc__


@pytest.mark.parametrize(("kind", "name"), METHODS)
def test_a_method_has_the_parameters_and_words_of_its_async_form(kind: str, name: str) -> None:
    ours, theirs = (getattr(getattr(where, kind), name) for where in (radiant_mlhub, api))
    assert parameters(ours) == parameters(theirs)
    assert ours.__doc__ == blocking_doc(theirs)


def test_no_method_of_the_async_classes_is_missing() -> None:
    for kind in ("Dataset", "Collection", "MLModel"):
        own = {
            name
            for base in getattr(api, kind).__mro__
            if base.__module__.startswith("mlhub_tui.api")
            for name, value in vars(base).items()
            if not name.startswith("_") and (callable(value) or isinstance(value, property | classmethod))
        }
        assert own - ASYNC_ALONE <= set(dir(getattr(radiant_mlhub, kind))), kind


def test_the_modules_and_names_of_the_old_library_are_there() -> None:
    names = {
        "": "Collection Dataset MLModel DownloadIfExistsOpts get_session __version__ client models session"
        " exceptions if_exists",
        "client": "list_datasets get_dataset get_dataset_by_id get_dataset_by_doi list_collections"
        " get_collection list_collection_items get_collection_item get_archive_info get_catalog_info"
        " get_collection_archive_info download_archive download_collection_archive list_models"
        " get_model_by_id CatalogDownloader CatalogDownloaderConfig",
        "client.collections": "list_collections get_collection list_collection_items get_collection_item",
        "client.datasets": "list_datasets get_dataset get_dataset_by_id get_dataset_by_doi get_catalog_info"
        " get_collection_archive_info download_collection_archive",
        "client.ml_models": "list_models get_model_by_id",
        "client.catalog_downloader": "CatalogDownloader CatalogDownloaderConfig",
        "models": "Collection CollectionType Dataset MLModel",
        "models.collection": "Collection",
        "models.dataset": "Dataset CollectionType",
        "models.ml_model": "MLModel",
        "session": "Session get_session ANONYMOUS_PROFILE",
        "exceptions": "MLHubException APIKeyNotFound AuthenticationError EntityDoesNotExist HTTPError",
        "if_exists": "DownloadIfExistsOpts",
    }
    for module, there in names.items():
        found = importlib.import_module(f"mlhub_tui.sync.{module}".rstrip("."))
        assert [name for name in there.split() if not hasattr(found, name)] == [], module
    for name in ("APIKeyNotFound", "AuthenticationError", "EntityDoesNotExist", "MLHubException"):
        assert getattr(radiant_mlhub.exceptions, name) is getattr(importlib.import_module("mlhub_tui"), name)


EXAMPLES = [
    *((name, getattr(client, name)) for name in FUNCTIONS),
    *((f"{kind}.{name}", getattr(getattr(radiant_mlhub, kind), name)) for kind, name in METHODS),
    ("get_session", radiant_mlhub.get_session),
    ("Collection.fetch_item", radiant_mlhub.Collection.fetch_item),
    ("Dataset.collections", radiant_mlhub.models.dataset.Dataset.__dict__["collections"]),
]


@pytest.mark.parametrize("name", [name for name, thing in EXAMPLES if ">>>" in (thing.__doc__ or "")])
def test_the_example_of_the_documentation_runs(name: str, keyed: SampleServer) -> None:
    text = inspect.cleandoc(dict(EXAMPLES)[name].__doc__ or "")
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    out: list[str] = []
    doctest.DocTestRunner().run(test, out=out.append)
    assert out == []
    assert test.examples
