"""Every example in the docstrings of the Python API runs as it is written."""

from __future__ import annotations

import pytest

from mlhub_tui.api import requests, resources, session
from mlhub_tui.sample.server import SampleServer

from .examples import documented, run

EXAMPLES = [found for module in (session, requests, resources) for found in documented(module)]


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in EXAMPLES])
async def test_the_example_runs(text: str, keyed: SampleServer) -> None:
    assert await run(text) > 1


def test_what_the_manual_shows_has_an_example() -> None:
    named = {name for name, _ in EXAMPLES}
    assert named >= {
        "get_session",
        "list_datasets",
        "list_collection_items",
        "download_archive",
        "Dataset.list",
        "Dataset.fetch",
        "Dataset.collections",
        "Dataset.total_archive_size",
        "Collection.list",
        "Collection.fetch",
        "Collection.archive_size",
        "Collection.download",
        "Collection.fetch_item",
    }


async def test_an_example_that_says_something_else_fails() -> None:
    with pytest.raises(AssertionError):
        await run(">>> 1 + 1\n3\n")
