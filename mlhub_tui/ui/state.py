"""What is remembered: theme, screen, split, favourites and trees between starts; the history of a session."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import paths
from ..fileio import make_private_folder, write_atomic
from ..models import Entry, EntryKind
from ..text import clean, one_line, redact

if TYPE_CHECKING:
    from .catalog.nodes import TreeEntry

Place = tuple[str, ...]
"""A place in a tree: the keys of the rows that lead to it."""

MOST_RECENT = 10
MOST_SOURCES, MOST_OPENED = 20, 40
"""How many sources are remembered, and how many open rows of each: all of them are asked for at a start."""
_LARGEST, _DEEPEST, _LONGEST = 16_000_000, 30, 400
_MOST_STEPS = 20
_VERSION = 1
_WRITING = threading.Lock()
"""Held from reading the file to replacing it: threads write side by side."""


MAX_FAVOURITES = 200
"""Favourites stored for one source."""
MOST_FAVOURED = 50
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
        return entry_key(self)

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
        found = cls(path=tuple(path), **{**words, "title": clean(words["title"])})
        return found if found.kind in _KINDS and found.fits and (found.id or found.url) else None


def entry_key(entry: Entry | Favourite) -> str:
    """Return what tells an entry from others of its source."""
    belongs = entry.collection_id if entry.kind == "item" else ""
    return f"{entry.kind}\n{belongs}\n{entry.id or redact(entry.url)}"


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
        another = source not in self._known and len(self._known) >= MOST_FAVOURED
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
        for source, some in list(raw.items())[:MOST_FAVOURED] if isinstance(raw, dict) else ():
            plain = some[:MAX_FAVOURITES] if isinstance(some, list) else []
            found = [one for one in map(Favourite.read, plain) if one is not None]
            if found:
                known[source] = {one.key: one for one in found}
        return cls(known)


@dataclass(frozen=True, slots=True)
class TreeState:
    """How a tree was left.

    - `opened`: The places that were open.
    - `closed`: Those that were closed of what stands open by itself.
    - `cursor`: The place of the cursor.
    - `filter`: The words that were filtered by.
    - `order`: In which order the entries stood; empty where they stood as listed.
    - `pane`: The pane in which the document under the cursor was open; empty where none was.
    """

    opened: tuple[Place, ...] = ()
    closed: tuple[Place, ...] = ()
    cursor: Place = ()
    filter: str = ""
    order: str = ""
    pane: str = ""


@dataclass
class AppState:
    """What is remembered; a file that is missing, damaged or from elsewhere is as good as an empty one."""

    theme: str = ""
    background: str = ""
    """What the terminal's background was last: `light` or `dark`."""
    screen: str = ""
    item_orders: dict[str, str] = field(default_factory=dict)
    """The column that items are sorted by, by the kind of their source."""
    hidden_columns: dict[str, str] = field(default_factory=dict)
    """The columns of items that are not shown, with commas, by the kind of their source."""
    recent: list[str] = field(default_factory=list)
    """What opens the sources that were used, the last one first."""
    views: dict[str, TreeState] = field(default_factory=dict)
    """By source, the one seen last at the end."""
    favourites: Favourites = field(default_factory=Favourites, compare=False)
    toured: bool = False
    """Whether the first steps were shown."""
    split: int = 0
    """Steps by which the split of Browse was moved, to the right if positive."""
    zoom: bool = False
    """Whether one pane of Browse fills the screen."""
    sort: str = ""
    """What the transfers of the Downloads screen are sorted by."""
    _saves: int = field(default=0, init=False, repr=False, compare=False)
    _saved: int = field(default=0, init=False, repr=False, compare=False)
    """The numbers of the last state that was to be saved, and of the last one that was."""

    @classmethod
    def load(cls, path: Path | None = None) -> AppState:
        """Return what the file holds; never fails."""
        try:
            with (path or paths.state()).open("rb") as file:
                raw = json.loads(file.read(_LARGEST))
        except (OSError, ValueError, RecursionError):
            return cls()
        if not isinstance(raw, dict) or raw.get("version") != _VERSION:
            return cls()
        return cls(**{name: read(raw.get(name)) for name, read in _READERS.items()})

    def use(self, entry: str) -> None:
        """Take note that a source is in use now; of many the one used first is forgotten."""
        entry = redact(entry)
        self.recent = [entry, *(one for one in self.recent if one != entry)][:MOST_RECENT]

    def keep(self, source: str, view: TreeState) -> None:
        """Remember how the tree of a source is left; of many sources the one left first is forgotten."""
        self.views.pop(redact(source), None)
        self.views[redact(source)] = view
        while len(self.views) > MOST_SOURCES:
            del self.views[next(iter(self.views))]

    def view(self, source: str) -> TreeState:
        """Return how the tree of a source was left."""
        return self.views.get(redact(source), TreeState())

    async def save(self) -> None:
        """Write the file as `write` does, in a thread; of two at once the later state stays."""
        now = replace(self, recent=[*self.recent], views=dict(self.views), favourites=self.favourites.copy())
        self._saves += 1
        number = self._saves

        def write() -> None:
            with _WRITING:
                if number > self._saved:
                    now.write()
                    self._saved = number

        await asyncio.to_thread(write)

    def write(self, path: Path | None = None) -> None:
        """Write the file, for its owner alone; where that cannot be, nothing is remembered.

        Favourites that another program marked meanwhile stay, and so do trees that were left there.
        """
        path = path or paths.state()
        now = AppState.load(path)
        merged = replace(self, views=now.views, favourites=self.favourites.onto(now.favourites))
        for source, view in self.views.items():
            merged.keep(source, view)
        with contextlib.suppress(OSError):
            make_private_folder(path.parent)
            write_atomic(path, merged._text())

    def _text(self) -> str:
        raw: dict[str, Any] = {"version": _VERSION, **{name: getattr(self, name) for name in _READERS}}
        raw["favourites"] = self.favourites.plain()
        raw["views"] = {key: _plain(view) for key, view in self.views.items()}
        text = json.dumps(raw, indent=1)
        # What is larger would not be read again: favourites were chosen, how a tree was left was not.
        return text if len(text) <= _LARGEST else json.dumps({**raw, "views": {}})


def bounded(places: Iterable[Place]) -> tuple[Place, ...]:
    """Return the places that are worth remembering, those nearest to the top first."""
    fit = [place for place in places if place and len(place) <= _DEEPEST and max(map(len, place)) <= _LONGEST]
    return tuple(sorted(fit, key=lambda place: (len(place), place))[:MOST_OPENED])


def _plain(view: TreeState) -> dict[str, Any]:
    return {name: read(getattr(view, name)) for name, read in _VIEW.items()}


def _view(raw: dict[str, Any]) -> TreeState:
    return TreeState(**{name: read(raw.get(name)) for name, read in _VIEW.items()})


def _places(raw: Any) -> tuple[Place, ...]:
    lists = [one for one in raw if isinstance(one, list | tuple)] if isinstance(raw, list | tuple) else []
    return bounded(tuple(one) for one in lists if all(isinstance(key, str) for key in one))


def _place(raw: Any) -> Place:
    return next(iter(_places([raw])), ())


def _words(raw: Any) -> list[str]:
    found = [word for one in raw if (word := _word(one))] if isinstance(raw, list) else []
    return found[:MOST_RECENT]


def _named(raw: Any) -> dict[str, str]:
    """Return words by name; empty for anything else."""
    known = [*raw.items()][:MOST_SOURCES] if isinstance(raw, dict) else []
    return {_word(key): _word(word) for key, word in known if _word(word)}


_VIEW: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("opened", "closed"), _places),
    "cursor": _place,
    **dict.fromkeys(("filter", "order", "pane"), lambda raw: _word(raw)),
}
"""What reads each field of how a tree was left, whatever it holds, and bounds what is written."""


def _steps(raw: Any) -> int:
    return min(max(raw, -_MOST_STEPS), _MOST_STEPS) if isinstance(raw, int) else 0


def _word(raw: Any) -> str:
    return clean(raw)[:_LONGEST].replace("\n", " ") if isinstance(raw, str) else ""


def _views(raw: Any) -> dict[str, TreeState]:
    found = raw if isinstance(raw, dict) else {}
    return {key: _view(value) for key, value in found.items() if isinstance(value, dict)}


_READERS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("theme", "background", "screen", "sort"), _word),
    **dict.fromkeys(("item_orders", "hidden_columns"), _named),
    **dict.fromkeys(("toured", "zoom"), lambda raw: raw is True),
    "split": _steps,
    "recent": _words,
    "favourites": Favourites.read,
    "views": _views,
}
"""What reads each field of the file, whatever it holds."""


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
