"""Saved searches: under a name the source, the search, and how many it found; a file in MLHUB_HOME."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .. import paths
from ..errors import InvalidSearch, MLHubException
from ..fileio import make_private_folder, write_atomic
from ..models import BBox, Search
from ..text import one_line

_VERSION = 1


class SavedSearchError(MLHubException):
    """The file of saved searches cannot be read or written, or has no such search."""

    default_hint = "check the permissions and the free space of its folder, or set MLHUB_HOME"


class NoSuchSearch(SavedSearchError, InvalidSearch):
    """There is no saved search of that name."""


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search that can be run again.

    - `source`: Where: the name of a profile, a URL or path without a key, or `sample`.
    - `count`: How many items it found when it was last run to its end; None where that is not known.
    - `when`: When that was, RFC 3339; empty where it never was.
    """

    name: str
    source: str
    search: Search = field(default_factory=Search)
    count: int | None = None
    when: str = ""


class SavedSearches:
    """The searches of a file, by name; what cannot be read as one stays in the file as it is.

    Every method raises `SavedSearchError` where the file cannot be read or written. The file is
    `searches.json` in MLHUB_HOME by default.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or paths.searches()

    def all(self) -> list[SavedSearch]:
        """Return all searches in the order they were saved."""
        found = (_from_json(name, entry) for name, entry in self._entries().items())
        return [saved for saved in found if saved is not None]

    def get(self, name: str) -> SavedSearch:
        """Return one search; raises `SavedSearchError` if there is none of that name."""
        found = self.all()
        for saved in found:
            if saved.name == name:
                return saved
        names = ", ".join(one_line(saved.name, 40) for saved in found)
        hint = f"there are: {names}" if names else "none was saved yet: `mlhub-tui search ... --save NAME`"
        raise NoSuchSearch(f'there is no saved search "{one_line(name, 60)}"', hint=hint)

    def put(self, saved: SavedSearch) -> None:
        """Save a search; one of the same name is replaced."""
        check_name(saved.name)
        self._write({**self._entries(), saved.name: _to_json(saved)})

    def remove(self, name: str) -> None:
        """Remove a search."""
        self.get(name)
        self._write({known: entry for known, entry in self._entries().items() if known != name})

    def _entries(self) -> dict[str, Any]:
        try:
            value = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SavedSearchError(f"{self.path} cannot be read: {error.strerror or error}") from None
        except (ValueError, RecursionError):
            value = None
        entries = value.get("searches") if isinstance(value, dict) else None
        if not isinstance(entries, dict):
            raise SavedSearchError(f"{self.path} is damaged", hint="fix it, or move it away")
        return entries

    def _write(self, entries: Mapping[str, Any]) -> None:
        text = json.dumps({"version": _VERSION, "searches": entries}, indent=2)
        try:
            make_private_folder(self.path.parent)
            write_atomic(self.path, f"{text}\n")
        except OSError as error:
            raise SavedSearchError(f"{self.path} cannot be written: {error.strerror or error}") from None


def check_name(name: str) -> None:
    """Make sure that a search can be saved under a name; raise `SavedSearchError` where not."""
    if not one_line(name):
        raise SavedSearchError("a saved search requires a name", hint="give it one: --save NAME")


def _to_json(saved: SavedSearch) -> dict[str, Any]:
    search: dict[str, Any] = {}
    for place in fields(Search):
        value = getattr(saved.search, place.name)
        if value not in (None, "", ()):
            search[place.name] = list(value) if isinstance(value, tuple) else value
    return {"source": saved.source, "search": search, "count": saved.count, "when": saved.when}


def _from_json(name: str, entry: Any) -> SavedSearch | None:
    """Return a search of the file; None where its parts are not what they should be."""
    parts = entry if isinstance(entry, dict) else {}
    source, raw, count = parts.get("source"), parts.get("search"), parts.get("count")
    if not isinstance(source, str) or not isinstance(raw, dict):
        return None
    values: dict[str, Any] = {}
    for place in fields(Search):
        value = raw.get(place.name)
        if value is None:
            continue
        if place.name == "bbox":
            value = BBox.parse(value)
            good = value is not None
        elif place.name in ("collections", "ids", "sort"):
            good = isinstance(value, list) and all(isinstance(part, str) for part in value)
            value = tuple(value) if good else value
        else:
            good = isinstance(value, {"intersects": dict, "limit": int}.get(place.name, str))
        if not good:
            return None
        values[place.name] = value
    counted = count if isinstance(count, int) and not isinstance(count, bool) else None
    return SavedSearch(name, source, Search(**values), counted, one_line(parts.get("when")))
