"""Whether pystac accepts a document, asked here and in a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from mlhub_tui.models import Catalog, Collection, Document, Item
from mlhub_tui.models.validation import refusal, refusal_apart

ITEM: dict[str, Any] = {
    "type": "Feature",
    "stac_version": "1.0.0",
    "id": "ä scene 雪",
    "geometry": None,
    "properties": {"datetime": "2020-01-01T00:00:00Z"},
    "links": [],
    "assets": {},
}
DOCUMENTS: list[tuple[Document, str]] = [
    (Item(ITEM), ""),
    (Item({**ITEM, "assets": ["\ud800"]}), "not valid STAC: assets should be an object"),
    (Item({**ITEM, "properties": {"datetime": "soon"}}), "not valid STAC: "),
    (
        Collection({"id": "c", "stac_version": "1.0.0", "type": "Collection"}),
        "not valid STAC: missing field ",
    ),
    (Catalog({"id": "c"}), "not valid STAC: missing field "),
    (Document({"id": "neither"}), ""),
]


@pytest.mark.parametrize(("document", "why"), DOCUMENTS, ids=str)
async def test_both_say_the_same(document: Document, why: str) -> None:
    here = refusal(document)
    assert here.startswith(why) if why else not here
    assert await refusal_apart(document) == here


WITHOUT = """
import asyncio, sys
from tests.models.test_validation import DOCUMENTS
from mlhub_tui.models.validation import refusal_apart
for sys.executable in ("", "/nowhere/python"):
    assert asyncio.run(refusal_apart(DOCUMENTS[1][0])) == ""
"""


def test_where_no_process_can_be_had_nothing_is_said() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)


async def test_a_document_that_is_left_is_not_asked_for_any_longer() -> None:
    asked = asyncio.create_task(refusal_apart(DOCUMENTS[1][0]))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
