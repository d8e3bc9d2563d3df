"""The recorded collections and items of production services, as files that servers load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

JsonDict = dict[str, Any]
HERE = "with-files-here"
"""The id of an item whose assets are on loopback, so that one can be downloaded."""


@dataclass
class Recorded:
    """Collections by id, and the items that have both one of these and a place."""

    collections: dict[str, JsonDict] = field(default_factory=dict)
    items: dict[tuple[str, str], JsonDict] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> Recorded:
        """Read all answers once; the first document of an id counts."""
        found = cls()
        answers = [json.loads(path.read_bytes()) for path in sorted(folder.glob("0*.json"))]
        for document in (d for answer in answers for d in _documents(answer)):
            if document.get("type") == "Collection":
                found.collections.setdefault(document["id"], document)
        for document in (d for answer in answers for d in _documents(answer)):
            place = document.get("collection"), document.get("id")
            if (
                document.get("type") == "Feature"
                and document.get("geometry")
                and place[0] in found.collections
            ):
                found.items.setdefault((str(place[0]), str(place[1])), document)
        return found

    def add_item_here(self, collection: str, files: str) -> None:
        """Add a copy of a collection's first item whose one asset is at `files`."""
        original = next(item for (owner, _), item in self.items.items() if owner == collection)
        assets = {"data": {"href": f"{files}/data.tif", "type": "image/tiff", "roles": ["data"]}}
        self.items[(collection, HERE)] = {**original, "id": HERE, "assets": assets}

    def items_of(self, *collections: str) -> list[JsonDict]:
        """Return the items of some collections."""
        return [item for (owner, _), item in self.items.items() if owner in collections]


def _documents(answer: Any) -> Iterator[JsonDict]:
    """Yield an answer itself and the documents it lists."""
    if not isinstance(answer, dict):
        return
    for entry in (answer, *answer.get("collections", ()), *answer.get("features", ())):
        if isinstance(entry, dict) and isinstance(entry.get("id"), str):
            yield entry


def write_lines(path: Path, documents: list[JsonDict]) -> Path:
    """Write documents as JSON, one on a line."""
    path.write_text("".join(f"{json.dumps(document)}\n" for document in documents))
    return path
