"""What a source listed last time, in the HTTP cache; shown with its age until it is listed again."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from ..errors import MLHubException
from ..http.cache import CachedResponse, DocumentCache
from ..models import Dataset, Entry, EntryKind
from ..text import redact

MOST = 500
"""Entries cached of one listing: more than a screen shows before the source has answered."""


class LastListing:
    """The listing of one source, by its location and a name of who reads it; both methods block."""

    def __init__(self, source: str, reader: str = "", *, clock: Callable[[], float] = time.time) -> None:
        name = json.dumps(["listing", redact(source), reader])
        self._key = hashlib.sha256(name.encode()).hexdigest()
        self._clock = clock

    def load(self) -> tuple[list[Entry], float]:
        """Return the cached entries and their age in seconds; none where nothing is cached."""
        with closing(DocumentCache()) as cache:
            (cached,) = cache.get([self._key])
        if cached is None:
            return [], 0.0
        try:
            raw = json.loads(cached.content)
        except (ValueError, RecursionError):
            return [], 0.0
        found = [_entry(one) for one in raw[:MOST]] if isinstance(raw, list) else []
        return [entry for entry in found if entry is not None], max(self._clock() - cached.checked, 0.0)

    def save(self, entries: Sequence[Entry]) -> None:
        """Keep what was listed now."""
        text = json.dumps([_plain(entry) for entry in entries[:MOST]])
        with closing(DocumentCache()) as cache:
            cache.change(
                [(self._key, CachedResponse(text.encode(), "", "application/json", checked=self._clock()))]
            )


def _plain(entry: Entry) -> dict[str, Any]:
    # Of an MLHub record all is in the listing; of anything else the tree shows id and title alone.
    raw = entry.document.raw if isinstance(entry.document, Dataset) else None
    plain = {"kind": entry.kind.value, "id": entry.id, "title": entry.title, "url": entry.url, "raw": raw}
    return {name: value for name, value in plain.items() if value}


def _entry(plain: Any) -> Entry | None:
    """Return an entry from its cached JSON; None where that is malformed."""
    try:
        kind = EntryKind(plain["kind"])
        if kind is EntryKind.DATASET:
            return Entry.of(Dataset(plain["raw"]))
        words = {name: plain.get(name, "") for name in ("id", "title", "url")}
    except (KeyError, TypeError, ValueError, AttributeError, MLHubException):
        return None
    return Entry(kind, **words) if all(isinstance(word, str) for word in words.values()) else None
