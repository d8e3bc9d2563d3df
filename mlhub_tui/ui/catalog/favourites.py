"""Favourites of each source, and the history of visited places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ...models import Entry, EntryKind
from ...text import clean, one_line, redact

if TYPE_CHECKING:
    from ...models import Entry
    from .nodes import TreeEntry


Place = tuple[str, ...]
MAX_FAVOURITES = 200
"""Favourites stored for one source."""
MOST_SOURCES = 50
_LONGEST, _DEEPEST = 400, 30
_WORDS = ("kind", "id", "title", "url", "collection_id", "place")
_KINDS = frozenset({"dataset", "catalog", "collection", "item", "model"})


@dataclass(frozen=True, slots=True)
class Favourite:
    """An entry that was marked.

    - `kind`, `id`, `title`, `url`, `collection_id`: What the entry is, as `Entry` has it.
    - `path`: The keys of the rows that lead to it.
    - `place`: By what its source is opened: the name of a profile, a URL or path without keys, or the sample.
    """

    kind: str
    id: str
    title: str
    url: str
    collection_id: str
    path: Place
    place: str

    @classmethod
    def of(cls, entry: Entry, path: Place, place: str) -> Favourite:
        """Return the favourite of an entry of a source."""
        title = "" if entry.title == entry.id else entry.title
        return cls(
            entry.kind.value, entry.id, title, redact(entry.url), entry.collection_id, path, redact(place)
        )

    @property
    def key(self) -> str:
        """What tells it from others of its source."""
        return key_of(self.kind, self.collection_id, self.id, self.url)

    @property
    def label(self) -> str:
        """What may be drawn of it."""
        return self.title or one_line(self.id) or one_line(self.url, 80)

    @property
    def fits(self) -> bool:
        """Whether it is worth a place in a file."""
        words = (self.id, self.title, self.url, self.collection_id, self.place, *self.path)
        return len(self.path) <= _DEEPEST and all(len(word) <= _LONGEST for word in words)

    def entry(self) -> Entry:
        """Return the entry, without its document."""
        return Entry(EntryKind(self.kind), self.id, self.title, self.url, self.collection_id)

    @classmethod
    def read(cls, plain: Any) -> Favourite | None:
        """Return the favourite of what a file has; None where it is none."""
        words = {name: plain.get(name, "") for name in _WORDS} if isinstance(plain, dict) else {}
        path = plain.get("path") if words else None
        if not isinstance(path, list) or not all(isinstance(one, str) for one in (*words.values(), *path)):
            return None
        words["title"] = clean(words["title"])
        found = cls(path=tuple(path), **words)
        return found if found.kind in _KINDS and found.fits and (found.id or found.url) else None


def key_of(kind: str, collection_id: str, identity: str, url: str) -> str:
    """Return what tells an entry from others of its source."""
    belongs = collection_id if kind == "item" else ""
    return f"{kind}\n{belongs}\n{identity or redact(url)}"


def entry_key(entry: Entry) -> str:
    """Return what tells an entry from others of its source."""
    return key_of(entry.kind.value, entry.collection_id, entry.id, entry.url)


class Favourites:
    """All favourites by source; knows what was changed here, so that two programs do not undo each other."""

    def __init__(self, known: Mapping[str, Mapping[str, Favourite]] | None = None) -> None:
        self._known = {source: dict(some) for source, some in (known or {}).items()}
        self._changes: dict[tuple[str, str], Favourite | None] = {}

    def of(self, source: str) -> Mapping[str, Favourite]:
        """Return the favourites of a source by their keys, in the order in which they were marked."""
        return self._known.get(redact(source), {})

    def all(self) -> Iterator[tuple[str, Favourite]]:
        """Yield all favourites, each with its source."""
        for source, some in self._known.items():
            for one in some.values():
                yield source, one

    def toggle(self, source: str, one: Favourite) -> bool | None:
        """Mark what is not marked and the other way round; return whether it is now, None where it cannot be.

        Of too many nothing is forgotten by itself: what was marked last finds no place.
        """
        source = redact(source)
        if one.key in self.of(source):
            self.remove(source, one.key)
            return False
        another = source not in self._known and len(self._known) >= MOST_SOURCES
        if another or len(self.of(source)) >= MAX_FAVOURITES or not one.fits:
            return None
        self._put(source, one.key, one)
        return True

    def remove(self, source: str, key: str) -> None:
        """Remove an entry from the favourites."""
        self._put(redact(source), key, None)

    def _put(self, source: str, key: str, one: Favourite | None) -> None:
        self._changes[source, key] = one
        some = self._known.setdefault(source, {})
        some.pop(key, None)
        if one is not None:
            some[key] = one
        if not some:
            del self._known[source]

    def onto(self, other: Favourites) -> Favourites:
        """Return other favourites, as a file has them now, with what was changed here."""
        merged = Favourites(other._known)
        for (source, key), one in self._changes.items():
            merged._put(source, key, one)
        return merged

    def copy(self) -> Favourites:
        """Return a copy of the favourites and changes, to write while these change."""
        copied = Favourites(self._known)
        copied._changes = dict(self._changes)
        return copied

    def plain(self) -> dict[str, list[dict[str, Any]]]:
        """Return them as JSON has them."""
        return {source: [asdict(one) for one in some.values()] for source, some in self._known.items()}

    @classmethod
    def read(cls, raw: Any) -> Favourites:
        """Return the favourites that a file has; what is none is left out."""
        known: dict[str, dict[str, Favourite]] = {}
        for source, some in list(raw.items())[:MOST_SOURCES] if isinstance(raw, dict) else ():
            plain = some[:MAX_FAVOURITES] if isinstance(some, list) else []
            found = [one for one in map(Favourite.read, plain) if one is not None]
            if found:
                known[source] = {one.key: one for one in found}
        return cls(known)


HISTORY_SIZE = 20
"""Places that are remembered; the oldest go first."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A place one was at.

    - `place`: By what its source is opened.
    - `path`: The keys of the rows that lead to it in the tree.
    - `subject`: What was open there, on a screen of its own.
    """

    place: str
    path: tuple[str, ...]
    subject: TreeEntry | None = field(default=None, compare=False)
    is_open: bool = False


class NavigationHistory:
    """The places in the order in which they were visited, and which of them one is at."""

    def __init__(self) -> None:
        self.stops: list[HistoryEntry] = []
        self.at = -1

    @property
    def current(self) -> HistoryEntry | None:
        """The place that was visited last, or gone back to."""
        return self.stops[self.at] if self.stops else None

    def visit(self, stop: HistoryEntry) -> None:
        """Take note of a place; what was ahead of it is forgotten. The same twice in a row is once."""
        del self.stops[self.at + 1 :]
        if not self.stops or self.stops[-1] != stop:
            self.stops.append(stop)
        del self.stops[: max(len(self.stops) - HISTORY_SIZE, 0)]
        self.at = len(self.stops) - 1

    def go(self, here: HistoryEntry, step: int) -> HistoryEntry | None:
        """Return the place before (-1) or behind (1) the one that one is at; None at the end.

        Where one went somewhere else meanwhile, that place is the one to come back to.
        """
        if not self.stops:
            self.visit(here)
            return None
        if self.stops[self.at] != here:
            if self.at > 0 and self.stops[self.at - 1] == here:
                self.at -= 1  # what was open there was closed by hand
            elif step < 0:
                self.visit(here)
        following = self.at + step
        if not 0 <= following < len(self.stops):
            return None
        self.at = following
        return self.stops[following]
