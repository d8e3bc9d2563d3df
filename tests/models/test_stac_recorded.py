"""Every recorded document of production STAC services is read, and what pystac refuses says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlhub_tui.errors import NotValidSTAC
from mlhub_tui.models import Collection, Document, Entry, Item
from mlhub_tui.sources.documents import ItemList, document_of, documents, matched


def recorded_documents(folder: Path) -> Iterator[tuple[str, Document]]:
    """Yield every document of every answer, with the file it is in."""
    for path in sorted(folder.glob("0*.json")):
        answer: Any = json.loads(path.read_bytes())
        for key in ("features", "collections"):
            entries = answer.get(key, [])
            made, skipped = documents(entries, one_document)
            assert skipped == 0, path.name
            yield from ((path.name, document) for document in made)
        if isinstance(answer.get("id"), str):
            yield path.name, one_document(answer, "https://api.example.org/")


def one_document(raw: Any, url: str) -> Document:
    found = document_of(raw, url)
    assert not isinstance(found, ItemList)
    return found


def test_every_recorded_document_is_read_and_drawn(stac_recorded: Path) -> None:
    found = list(recorded_documents(stac_recorded))
    assert len(found) > 140
    for name, document in found:
        assert Entry.of(document).label, name
        assert document.title, name
        assert "\n" not in document.title, name
        assert isinstance(document.description, str), name
        assert all(provider.name for provider in document.providers), name
        if isinstance(document, Item):
            assert "°" in str(document.bbox), name
            assert document.assets or name == "0003.json", name
            assert document.interval.start, name
        if isinstance(document, Collection):
            assert document.extent.bboxes, name
            assert document.extent.intervals, name
            assert all(asset.key for asset in document.item_assets), name


def test_what_pystac_refuses_says_why(stac_recorded: Path) -> None:
    good, refused = 0, []
    for _, document in recorded_documents(stac_recorded):
        if not isinstance(document, Item | Collection):
            continue
        try:
            document.to_pystac()
            good += 1
        except NotValidSTAC as error:
            refused.append(error.message)
    assert good > 100
    assert all(message.startswith("not valid STAC: ") and len(message) > 20 for message in refused)


def test_totals_are_found_wherever_a_service_puts_them(stac_recorded: Path) -> None:
    totals = {
        path.name: matched(answer)
        for path in sorted(stac_recorded.glob("0*.json"))
        if isinstance(answer := json.loads(path.read_bytes()), dict)
    }
    assert totals["0001.json"] == 9
    assert totals["0003.json"] == 26450
    assert totals["0035.json"] == 144775
    assert totals["0050.json"] is None
