"""Items written for other programs, a few in memory: GeoJSON, CSV, and URLs of their assets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, TextIO

from ..errors import MLHubException, NotOffered
from ..fileio import replacing
from ..http.urls import resolve_href
from ..models import Asset, Item, JsonDict
from ..text import csv_line, one_line
from .asset_links import ENDPOINT, asset_href, https_of, lacks_signature

_IN_MEMORY = 1 << 20  # characters that wait for the disk at most, but for the last item
_YIELD_EVERY = 25  # items between which other tasks run
_NAMES = 50  # keys, or roles, that are named where a wanted one is missing
_SAMPLE = 100  # items whose properties decide the columns of a table
_TIMES = ("datetime", "start_datetime", "end_datetime")
_ABSOLUTE = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]*:|/vsi)")
_COLUMNS = ("id", "collection", *_TIMES, "west", "south", "east", "north")
Dump = Callable[[Item], str]
Bare = Callable[[str], str]


class Exporter(ABC):
    """Makes text of items, piece by piece; `head` stands before the first one."""

    head: ClassVar[str] = ""

    @abstractmethod
    def add(self, item: Item) -> str:
        """Return what is to be written now that an item is added; empty where it waits."""

    def finish(self, *, whole: bool) -> str:
        """Return what stands after the last item; where it is not the last one, the text shows that."""
        return ""

    def notes(self) -> list[str]:
        """Return what could not be written, a line each."""
        return []


async def export(items: AsyncIterator[Item], exporter: Exporter, write: Callable[[str], object]) -> int:
    """Write items as they come and return how many they were.

    Nothing is written before the first item is there: a search that fails at once leaves no half file. One
    that fails later has written all items that came, and no end.
    """
    count = 0
    try:
        async for item in items:
            write(("" if count else exporter.head) + exporter.add(item))
            count += 1
    except BaseException:
        if count:
            write(exporter.finish(whole=False))
        raise
    write(("" if count else exporter.head) + exporter.finish(whole=True))
    return count


class ExportError(MLHubException):
    """The file cannot be written."""

    default_hint = "choose another path, or free disk space, then try again"


@dataclass(frozen=True, slots=True)
class Written:
    """Items and bytes written, and what was left out, a line each."""

    items: int
    size: int
    notes: tuple[str, ...] = ()


async def export_file(
    items: AsyncIterator[Item],
    exporter: Exporter,
    path: Path,
    progress: Callable[[int, int], None] = lambda items, size: None,
) -> Written:
    """Write items to a file; what stood there is replaced at the end, and stays if anything goes wrong.

    - `path`: The file; its folder must exist.
    - `progress`: Called with how many items and about how many bytes were written, now and then.
    """
    pieces: list[str] = []
    waiting = count = written = 0

    def write(text: str) -> None:
        nonlocal waiting
        pieces.append(text)
        waiting += len(text)

    async def flush() -> None:
        nonlocal waiting, written
        text = "".join(pieces)
        pieces.clear()
        waiting, written = 0, await asyncio.to_thread(_write, file, text)

    async def paced() -> AsyncIterator[Item]:
        nonlocal count
        async for item in items:
            yield item
            count += 1
            if waiting >= _IN_MEMORY:
                await flush()
            if count % _YIELD_EVERY == 0:
                progress(count, written + waiting)
                await asyncio.sleep(0)

    with _failures(path), replacing(path, errors="backslashreplace") as file:
        await export(paced(), exporter, write)
        await flush()
    return Written(count, written, tuple(exporter.notes()))


def write_text(path: Path, text: str) -> int:
    """Write one document to a file in the same way and return its size in bytes."""
    with _failures(path), replacing(path, errors="backslashreplace") as file:
        return _write(file, text)


def _write(file: TextIO, text: str) -> int:
    """Write text onto the disk, and return how many bytes the file has."""
    file.write(text)
    file.flush()
    os.fsync(file.fileno())
    return os.fstat(file.fileno()).st_size


@contextlib.contextmanager
def _failures(path: Path) -> Iterator[None]:
    """Translate why a file cannot be written."""
    try:
        yield
    except OSError as error:
        why = one_line(error.strerror or error, 120)
        raise ExportError(f"{one_line(path, 200)} cannot be written: {why}") from error


def as_received(item: Item) -> str:
    """Return the document of an item on one line, in plain ASCII."""
    return json.dumps(item.raw)


@dataclass
class GeoJSON(Exporter):
    """A GeoJSON feature collection, which is a STAC ItemCollection: documents as received, one on a line.

    Relative hrefs of assets and links are written as what they lead to: seen from the file they would lead
    elsewhere.
    """

    head = '{"type": "FeatureCollection", "features": ['
    dump: Dump = as_received
    _started: bool = False

    def add(self, item: Item) -> str:
        """Return an item."""
        comma, self._started = "," if self._started else "", True
        return f"{comma}\n{self.dump(_with_absolute_hrefs(item))}"

    def finish(self, *, whole: bool) -> str:
        """Return the end of the collection; one that is not whole is not closed."""
        return "\n]}\n" if whole else "\n"


def _with_absolute_hrefs(item: Item) -> Item:
    if not item.url:
        return item
    changed: JsonDict = {}
    for name in ("assets", "links"):
        entries = item.raw.get(name)
        if isinstance(entries, dict):
            changed[name] = {key: _absolute(item.url, entry) for key, entry in entries.items()}
        elif isinstance(entries, list):
            changed[name] = [_absolute(item.url, entry) for entry in entries]
    return replace(item, raw=item.raw | changed)


def _is_in_archive(url: str) -> bool:
    return url.startswith("file:") and "!/" in url


def _absolute(url: str, entry: Any) -> Any:
    """Return an asset or a link with its href absolute, seen from a URL; anything else as it is."""
    href = entry.get("href") if isinstance(entry, dict) else None
    if not isinstance(href, str) or not href.strip() or _ABSOLUTE.match(href):
        return entry
    return {**entry, "href": resolve_href(url, href)}


@dataclass
class CSVTable(Exporter):
    """CSV (RFC 4180): identity, dates, box, the properties that are no objects, and the keys of the assets.

    The columns are those of the first hundred items; properties that only later ones have are counted as
    left out. A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """

    _waiting: list[Item] = field(default_factory=list)
    _names: list[str] | None = None
    _unknown: set[str] = field(default_factory=set)

    def add(self, item: Item) -> str:
        """Return a row, or nothing while the columns are not known."""
        if self._names is not None:
            return self._row(item)
        self._waiting.append(item)
        return self._flush() if len(self._waiting) == _SAMPLE else ""

    def finish(self, *, whole: bool) -> str:
        """Return the rows that wait."""
        return self._flush() if self._names is None else ""

    def notes(self) -> list[str]:
        """Return the properties that have no column."""
        if not self._unknown:
            return []
        named = ", ".join(one_line(name, 40) for name in sorted(self._unknown)[:5])
        return [f"properties that only later items have are left out: {named}"]

    def _flush(self) -> str:
        found: dict[str, None] = {}
        for item in self._waiting:
            found.update(dict.fromkeys(_scalars(item)))
        self._names = [name for name in found if name not in _COLUMNS]
        head = [*_COLUMNS, *self._names, "assets", "url"]
        rows = [csv_line(head, "\n"), *map(self._row, self._waiting)]
        self._waiting.clear()
        return "".join(rows)

    def _row(self, item: Item) -> str:
        names, values = self._names or [], _scalars(item)
        self._unknown.update(set(values).difference(names, _COLUMNS))
        box = item.bbox
        sides = box or ("",) * 4
        times = (values.get(name) for name in _TIMES)
        assets = " ".join(asset.label for asset in item.assets)
        rest = (values.get(name) for name in names)
        return csv_line((item.id, item.collection_id, *times, *sides, *rest, assets, item.url), "\n")


def _scalars(item: Item) -> dict[str, Any]:
    """Return the properties that fit in a cell; lists of scalars are joined with spaces."""
    found: dict[str, Any] = {}
    for name, value in item.properties.items():
        if isinstance(value, str | int | float):
            found[str(name)] = value
        elif isinstance(value, list) and all(isinstance(part, str | int | float) for part in value):
            found[str(name)] = " ".join(map(str, value))
    return found


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which assets are meant: those of the keys and roles given; all where none is given."""

    keys: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def of(self, item: Item) -> list[Asset]:
        """Return the chosen assets of an item, in its order."""
        return [asset for asset in item.assets if self._has(asset)]

    def _has(self, asset: Asset) -> bool:
        if not self.keys and not self.roles:
            return True
        return asset.key in self.keys or not set(asset.roles).isdisjoint(self.roles)


@dataclass
class URLs(Exporter):
    """A list of the URLs of assets, one on a line: absolute, by https where the store offers that.

    - `bare`: Takes the source's key out of a URL.
    """

    chosen: Chosen = field(default_factory=Chosen)
    bare: Bare = str
    _nowhere: int = 0
    _paid: int = 0
    _unsigned: int = 0
    _any: bool = False
    _found: bool = False
    _keys: dict[str, None] = field(default_factory=dict)
    _roles: dict[str, None] = field(default_factory=dict)

    def add(self, item: Item) -> str:
        """Return the lines of an item's assets."""
        return "".join(f"{url}\n" for _, url in self.found(item))

    def found(self, item: Item) -> Iterator[tuple[Asset, str]]:
        """Yield the chosen assets that can be asked for, with their URLs."""
        self._any = True
        for asset in item.assets:
            # Of the names of all assets enough are remembered to show, and all that were asked for.
            _remember(self._keys, (asset.key,), self.chosen.keys)
            _remember(self._roles, asset.roles, self.chosen.roles)
        for asset in self.chosen.of(item):
            self._found = True
            found = asset_href(item, asset)
            self._paid += bool(found.pays)
            try:
                url = https_of(found.href)
            except NotOffered:
                url = ""
            if "://" in url and not _is_in_archive(url):
                self._unsigned += lacks_signature(item, url)
                yield asset, self.bare(url)
            else:
                self._nowhere += 1

    @property
    def nothing_chosen(self) -> bool:
        """Whether there were items, and not one of the assets that were asked for."""
        return self._any and not self._found and bool(self.chosen.keys or self.chosen.roles)

    def unknown(self) -> list[str]:
        """Return a line for each key and role that no asset had, with those that there are."""
        if not self._keys:
            return ["no item found has an asset"] if self._any else []
        kinds = (("asset", self.chosen.keys, self._keys), ("role", self.chosen.roles, self._roles))
        return [
            f"no item found has the {what} {one_line(name, 60)!r}; there are: {_named(there)}"
            for what, wanted, there in kinds
            for name in wanted
            if name not in there
        ]

    def notes(self) -> list[str]:
        """Return what of the choice there is not, and how many assets have no address or are paid for."""
        lines = self.unknown()
        if self._nowhere:
            lines.append(f"assets without an address that can be asked for, left out: {self._nowhere:,}")
        if self._paid:
            lines.append(f"assets whose reader pays for the transfer: {self._paid:,}")
        if self._unsigned:
            lines.append(
                "URLs of the Planetary Computer without the signature that its stores require:"
                f" {self._unsigned:,};"
                f" `mlhub-tui download` signs them, or add a token from {ENDPOINT}ACCOUNT/CONTAINER"
            )
        return lines


def _remember(known: dict[str, None], names: Iterable[str], wanted: Sequence[str]) -> None:
    known.update((name, None) for name in names if len(known) < _NAMES or name in wanted)


def _named(names: Iterable[str]) -> str:
    """Return names in a line, the first of them where they are many."""
    shown = [one_line(name, 60) for name in names]
    more = ["..."] if len(shown) > _NAMES else []
    return ", ".join([*shown[:_NAMES], *more]) or "none"
