"""Counts of a selection: files and bytes, in all, by collection and by asset key."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ..text import count
from .filters import Filters
from .index import Index
from .tally import Items, Sum, Tally, tally

_REMEMBERED = 8


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of files.

    Parameters
    ----------
    files
        Distinct save paths.
    known
        Bytes of those whose size is stated.
    unknown
        How many files have no stated size.
    assets
        Assets of items and collections that name these files; more than `files` where they share some.
    """

    files: int = 0
    known: int = 0
    unknown: int = 0
    assets: int = 0

    @property
    def bytes(self) -> int | None:
        """Bytes in all; None where they are not known of every file."""
        return None if self.unknown else self.known

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.files + other.files,
            self.known + other.known,
            self.unknown + other.unknown,
            self.assets + other.assets,
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """What a selection comes to.

    Parameters
    ----------
    all
        Files in all.
    collections
        By collection id.
    keys
        By collection id and asset key; a file that two keys of a collection share counts for both.
    own
        Of these, the collections' own assets, by collection id: area and time do not choose among them.
    items
        By collection id: how many of its items the area and the time leave.
    left_out
        How many documents of the catalog are no STAC; `faults` how many assets have no href.
    paid
        How many assets of the wanted collections and keys are left out as their reader has to pay for the
        transfer; `paid_why` is the reason of the first.
    """

    all: Amount
    collections: dict[str, Amount]
    keys: dict[tuple[str, str], Amount]
    own: dict[str, Amount]
    items: dict[str, Items]
    left_out: int = 0
    faults: int = 0
    paid: int = 0
    paid_why: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to download at all."""
        return self.all.files == 0

    @property
    def no_items(self) -> bool:
        """Whether no item matches; collections' own assets may be there all the same."""
        return not any(items.all for items in self.items.values())


class Counter:
    """Counts selections of one index; remembers what an area and a time came to.

    So a change of collections and keys costs next to nothing, and one of area and time some milliseconds.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self._names = index.key_names()
        self._own = _own_sums(index)
        own = (asset for assets in index.own.values() for asset in assets)
        self._own_sizes = {asset.twin: asset.size for asset in reversed(list(own))}
        self._tallies: OrderedDict[str, Tally] = OrderedDict()

    def counts(self, filters: Filters) -> Counts:
        """Return what a selection comes to; blocks for some milliseconds.

        Raises
        ------
        InvalidSearch, NoShapely
            As `where`.
        sqlite3.OperationalError
            If the index was interrupted.
        """
        facts = self.index.facts
        left_out, faults = int(facts.get("left_out", 0)), int(facts.get("faults", 0))
        if filters.catalog_only:
            return Counts(Amount(), {}, {}, {}, {}, left_out, faults)
        noted = (left_out, faults, self._paid(filters), str(facts.get("paid_why", "")))
        found = self._tally(filters)
        sizes = found.sizes | self._own_sizes
        by_collection, by_key, own, items = {}, {}, {}, {}
        for number, keys in self._wanted(filters):
            name, own_sums = self.index.collections[number], self._own.get(number, {})
            sums = {
                key: entry for key, entry in self._of(found, number) if not keys or self._names[key] in keys
            }
            for key in {**sums, **own_sums}:
                both = [part[key] for part in (sums, own_sums) if key in part]
                by_key[name, self._names[key]] = _amount(both, sizes)
            own[name] = _amount(own_sums.values(), sizes)
            by_collection[name] = _amount(sums.values(), sizes) + own[name]
            items[name] = found.items.get(number, Items())
        return Counts(sum(by_collection.values(), Amount()), by_collection, by_key, own, items, *noted)

    def _wanted(self, filters: Filters) -> Iterator[tuple[int, frozenset[str]]]:
        """Yield the wanted collections that are there, each with its wanted keys (none: all)."""
        wanted = dict(filters.collections)
        for number, name in self.index.collections.items():
            if not wanted or name in wanted:
                yield number, wanted.get(name, frozenset())

    def _of(self, found: Tally, number: int) -> Iterator[tuple[int, Sum]]:
        return ((key, entry) for (collection, key), entry in found.sums.items() if collection == number)

    def _paid(self, filters: Filters) -> int:
        """Return how many wanted assets have to be paid for, wherever and of whatever time they are."""
        wanted = dict(filters.collections)
        return sum(
            number
            for collection, keys in self.index.paid.items()
            if not wanted or collection in wanted
            for key, number in keys.items()
            if not wanted.get(collection) or key in wanted[collection]
        )

    def _tally(self, filters: Filters) -> Tally:
        name = repr((filters.bbox, filters.intersects, filters.exact, filters.when))
        known = self._tallies.get(name)
        if known is None:
            known = self._tallies[name] = tally(self.index, replace(filters, collections=()))
        self._tallies.move_to_end(name)
        while len(self._tallies) > _REMEMBERED:
            self._tallies.popitem(last=False)
        return known


def _own_sums(index: Index) -> dict[int, dict[int, Sum]]:
    """Return the collections' own assets, by collection and key."""
    found: dict[int, dict[int, Sum]] = {}
    for number, assets in index.own.items():
        for asset in assets:
            entry = found.setdefault(number, {}).setdefault(asset.key, Sum())
            entry.assets += 1
            entry.twins.add(asset.twin)
    return found


def _amount(sums: Iterable[Sum], sizes: dict[int, int | None]) -> Amount:
    parts = list(sums)
    twins = set().union(*(part.twins for part in parts)) if parts else set()
    shared = [size for twin in twins if (size := sizes[twin]) is not None]
    single, known = sum(part.single for part in parts), sum(part.known for part in parts)
    return Amount(
        single + len(twins),
        int(sum(part.bytes for part in parts)) + sum(shared),
        single - known + len(twins) - len(shared),
        sum(part.assets for part in parts),
    )


PAID_HINT = "fetch them with a tool of the store, and an account that pays for the transfer"


def paid_words(counts: Counts) -> str:
    """Return how many assets are left out as their reader has to pay, and why."""
    return f"{count(counts.paid, 'asset')} left out: {counts.paid_why}"
