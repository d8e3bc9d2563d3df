"""What is remembered between starts: theme, screen, split, favourites, and how each tree was left."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import paths
from ..fileio import make_private_folder, write_atomic
from ..text import clean, redact
from .catalog.favourites import Favourites

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

    def copy(self) -> AppState:
        """Return a copy, to write while this changes."""
        return replace(self, recent=[*self.recent], views=dict(self.views), favourites=self.favourites.copy())

    def write(self, path: Path | None = None) -> None:
        """Write the file, for its owner alone; where that cannot be, nothing is remembered.

        Favourites that another program marked meanwhile stay, and so do trees that were left there.
        """
        path = path or paths.state()
        with _WRITING:
            now = AppState.load(path)
            toured = self.toured or now.toured  # this may be a copy from before the first steps
            merged = replace(
                self, toured=toured, views=now.views, favourites=self.favourites.onto(now.favourites)
            )
            for source, view in self.views.items():
                merged.keep(source, view)
            try:
                make_private_folder(path.parent)
                write_atomic(path, merged._text())
            except OSError:
                return

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
    return {
        "opened": bounded(view.opened),
        "closed": bounded(view.closed),
        "cursor": view.cursor if bounded([view.cursor]) else [],
        "filter": view.filter[:_LONGEST],
        "order": view.order,
        "pane": view.pane,
    }


def _view(raw: dict[str, Any]) -> TreeState:
    cursor = _places([raw.get("cursor")])
    return TreeState(
        _places(raw.get("opened")),
        _places(raw.get("closed")),
        cursor[0] if cursor else (),
        _word(raw.get("filter")),
        _word(raw.get("order")),
        _word(raw.get("pane")),
    )


def _places(raw: Any) -> tuple[Place, ...]:
    lists = raw if isinstance(raw, list) else []
    good = [tuple(one) for one in lists if isinstance(one, list) and all(isinstance(k, str) for k in one)]
    return bounded(good)


def _words(raw: Any) -> list[str]:
    found = [word for one in raw if (word := _word(one))] if isinstance(raw, list) else []
    return found[:MOST_RECENT]


def _named(raw: Any) -> dict[str, str]:
    """Return words by name; empty for anything else."""
    known = [*raw.items()][:MOST_SOURCES] if isinstance(raw, dict) else []
    return {_word(key): _word(word) for key, word in known if _word(word)}


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
