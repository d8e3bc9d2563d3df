"""An index that is whole: every asset of a dataset, ready to be asked."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import MLHubException
from ..text import one_line
from .layout import COMMON_FOLDER, Scope
from .schema import VERSION


class NoIndex(MLHubException):
    """There is no whole index, or none of this version."""

    default_hint = "it is made anew from the catalog"


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """A collection in an index: its id, how many items and assets of them it has, its asset keys in order.

    `own` are the keys of its own assets.
    """

    id: str
    items: int
    assets: int
    keys: tuple[str, ...]
    own: tuple[str, ...]


class Index:
    """Reads an index; calls block, and may come from any thread, one at a time.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    NoIndex
        If it is not there, not whole, damaged, or of another version.

    Attributes
    ----------
    lock
        To be held while `connection` is used.
    selected
        What its temporary tables hold; see `tally.selection`.
    facts
        What it is of, and what was noted while it was made.
    collections, folders, own
        Of each collection, by number: its id, its folder, its own assets.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.selected = ""
        try:
            self.connection = _open(path)
            self.facts: dict[str, Any] = dict(
                self.connection.execute("SELECT name, value FROM meta").fetchall()
            )
            names = self.connection.execute("SELECT id, name, folder FROM collection").fetchall()
            self.collections: dict[int, str] = {row[0]: row[1] for row in names}
            self.folders: dict[int, str] = {row[0]: row[2] for row in names}
            self.own: dict[int, list[OwnAsset]] = {number: [] for number in self.collections}
            for collection, key, twin, size in self.connection.execute(_OWN):
                self.own[collection].append(OwnAsset(key, twin, size))
        except sqlite3.Error as error:
            raise NoIndex(f"the index of the dataset cannot be read: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def interrupt(self) -> None:
        """End a call that another thread is in, with `sqlite3.OperationalError`."""
        self.connection.interrupt()

    def key_names(self) -> dict[int, str]:
        """Return the asset keys by number."""
        return dict(self._rows("SELECT id, name FROM key"))

    def contents(self) -> list[CollectionFacts]:
        """Return the collections in the order they came, each with its asset keys in theirs."""
        names = self.key_names()
        items = dict(self._rows("SELECT collection, sum(high - low + 1) FROM block GROUP BY 1"))
        keys: dict[int, dict[str, int]] = {}
        for collection, key, count in self._rows(_KEYS):
            keys.setdefault(collection, {})[names[key]] = count
        return [
            CollectionFacts(
                name,
                items.get(number, 0),
                sum(keys.get(number, {}).values()),
                tuple(keys.get(number, {})),
                tuple(dict.fromkeys(names[own.key] for own in self.own[number])),
            )
            for number, name in self.collections.items()
        ]

    @property
    def paid(self) -> dict[str, dict[str, int]]:
        """How many assets were left out as their reader has to pay, by collection and key."""
        found: dict[str, dict[str, int]] = json.loads(str(self.facts.get("paid", "{}")))
        return found

    def unknown_keys(self, wanted: Iterable[tuple[str, Collection[str]]]) -> list[str]:
        """Return a line for each wanted asset key that its collection does not have, with those that it has.

        A collection of which nothing was read says nothing about its keys.

        Parameters
        ----------
        wanted
            Collections with their wanted keys, as `Filters.collections`.
        """
        paid = self.paid
        there = {
            facts.id: dict.fromkeys((*facts.keys, *facts.own, *paid.get(facts.id, ())))
            for facts in self.contents()
        }
        read = {name: there[name] for name, _ in wanted if there.get(name)}
        others = {name: ", ".join(one_line(key, 60) for key in known) for name, known in read.items()}
        return [
            f"{one_line(name, 80)} has no asset {one_line(key, 60)!r}; there are: {others[name]}"
            for name, keys in wanted
            if name in read
            for key in sorted(set(keys) - read[name].keys())
        ]

    def save_path(self, collection: int, scope: int, item_folder: str, file: str) -> str:
        """Return where an asset stands, relative to the dataset's folder, with `/` between the parts."""
        folder = self.folders[collection]
        if scope == Scope.COLLECTION:
            return f"{folder}/{file}"
        return f"{folder}/{COMMON_FOLDER if scope == Scope.COMMON else item_folder}/{file}"

    def _rows(self, sql: str) -> Iterator[Any]:
        with self.lock:
            rows = self.connection.execute(sql).fetchall()
        return iter(rows)


@dataclass(frozen=True, slots=True)
class OwnAsset:
    """A collection's own asset: its key's number, the first asset of its save path, its size in bytes."""

    key: int
    twin: int
    size: int | None


_OWN = "SELECT collection, key, twin, size FROM asset WHERE item IS NULL ORDER BY id"
_KEYS = """
SELECT block.collection, tally.key, sum(tally.assets) FROM block JOIN tally ON tally.block = block.id
GROUP BY 1, 2 ORDER BY 1, 2
"""


def _open(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise NoIndex("the dataset was not read yet")
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    try:
        connection.execute("PRAGMA cache_size=-16000")
        connection.execute("PRAGMA temp_store=MEMORY")
        if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            raise NoIndex("the index of the dataset was written by another version of this program")
    except BaseException:
        connection.close()
        raise
    return connection
