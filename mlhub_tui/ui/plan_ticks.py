"""What is ticked in a plan: collections and their asset keys, as filters take them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..planning.index import CollectionFacts

Wanted = tuple[tuple[str, frozenset[str]], ...]
"""As `Filters.collections`."""


class PlanSelection:
    """Collections and asset keys that are ticked; at first all of them.

    Parameters
    ----------
    contents
        What an index holds.
    only
        Ids of the collections that are ticked at first; none: all.
    """

    def __init__(self, contents: Sequence[CollectionFacts], only: Iterable[str] = ()) -> None:
        self._keys = {facts.id: facts.keys for facts in contents}
        first = [name for name in only if name in self._keys]
        self._on = {name: set(self._keys[name]) for name in first or self._keys}

    @property
    def none(self) -> bool:
        """Whether nothing is ticked at all."""
        return not self._on

    @property
    def wanted(self) -> Wanted:
        """The value for `Filters.collections`; of no meaning where nothing is ticked."""
        found = tuple(
            (name, frozenset() if self._whole(name) else frozenset(self._on[name]))
            for name in self._keys
            if name in self._on
        )
        whole = len(found) == len(self._keys) and not any(keys for _, keys in found)
        return () if whole else found

    def box(self, collection: str, key: str | None = None) -> str:
        """Return the box of a collection, or of one of its keys: ticked, not, or in part."""
        ticked = self._on.get(collection)
        if ticked is None:
            return "[ ]"
        if key is not None:
            return "[x]" if key in ticked else "[ ]"
        return "[x]" if self._whole(collection) else "[-]"

    def toggle(self, collection: str, key: str | None = None) -> None:
        """Tick a collection with all its keys, or one key; or untick it."""
        if key is None:
            whole = collection in self._on and self._whole(collection)
            self._set(collection, None if whole else set(self._keys[collection]))
            return
        ticked = self._on.get(collection, set()) ^ {key}
        self._set(collection, ticked or None)

    def toggle_key(self, key: str) -> None:
        """Tick a key in all collections that have it, or untick it where it is ticked in all."""
        having = [name for name, keys in self._keys.items() if key in keys]
        whole = all(key in self._on.get(name, ()) for name in having)
        for name in having:
            ticked = self._on.get(name, set())
            self._set(name, (ticked - {key} or None) if whole else ticked | {key})

    def toggle_all(self) -> None:
        """Tick everything, or nothing where everything is ticked."""
        whole = len(self._on) == len(self._keys) and all(map(self._whole, self._keys))
        self._on = {} if whole else {name: set(keys) for name, keys in self._keys.items()}

    def _set(self, collection: str, keys: set[str] | None) -> None:
        if keys is None:
            self._on.pop(collection, None)
        else:
            self._on[collection] = keys

    def _whole(self, collection: str) -> bool:
        return len(self._on[collection]) == len(self._keys[collection])
