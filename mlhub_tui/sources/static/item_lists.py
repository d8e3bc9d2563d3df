"""Lists of items as catalogs, a collection for each that they name; large files are read item by item."""

from __future__ import annotations

import errno
import gzip
import os
import re
import tempfile
import threading
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol, overload
from urllib.parse import quote

from ... import paths
from ...errors import UnexpectedAnswer
from ...fileio import free_space
from ...http.credentials import KeyRemoval
from ...http.json_document import MAX_DOCUMENT, NotJSON, raw_value, value_of
from ...http.urls import shown
from ...models import BBox, Catalog, Collection, Item, JsonDict
from ...models.document import identity
from ...models.extent import around
from ...models.search import time_of
from ...text import count
from ..documents import ItemList, count_stac_items
from .document_loader import Parsed, open_file, system_error, too_large, unreadable
from .document_urls import file_url, is_web, local_path, member_url, name_of, same
from .tar_reader import ArchiveReadCancelled, Cancelled, is_packed

_PIECE = 1 << 20  # bytes
_AT_ONCE = 250  # items
_LARGEST = 16_000_000  # bytes of one item
_MOST_PACKED = 1032  # bytes that deflate makes one of, at most
_MOST_UNPACKED = 1 << 36  # bytes
_RESERVE = 1 << 29  # bytes of the disk that stay free
_SPACE = re.compile(r"[ \t\r\n\x1e]*")
_BOM = "\xef\xbb\xbf"


class _Text(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _DamagedGzip(NotJSON):
    """A gzip that cannot be read to its end."""


class _Unpacked:
    """A gzip as it is read once, in pieces; with a copy of what came, to read from the middle of it.

    The copy is on the disk of MLHUB_HOME, and goes with this object or the program, however that ends.
    """

    def __init__(self, packed: BinaryIO, *, copied: bool) -> None:
        self._file = gzip.GzipFile(fileobj=packed)
        self._folder = Path()
        self._copy: IO[bytes] | None = None
        if copied:
            self._folder, self._copy = _scratch()
        self._lock = threading.Lock()

    def read(self, size: int, /) -> bytes:
        """Return the next piece.

        Raises _DamagedGzip; OSError if there is no room for the copy.
        """
        try:
            piece = self._file.read(size)
        except EOFError:
            raise _DamagedGzip("a gzip that ends too early") from None
        except (gzip.BadGzipFile, zlib.error):
            raise _DamagedGzip("a gzip that is damaged") from None
        if self._copy is not None:
            room = free_space(self._folder)
            if self._file.tell() > _MOST_UNPACKED or (room is not None and room < _RESERVE + len(piece)):
                raise OSError(errno.ENOSPC, f"no room to unpack it in {self._folder}")
            self._copy.write(piece)
        return piece

    def part(self, place: int, length: int) -> bytes:
        """Return a part of what came."""
        assert self._copy is not None
        with self._lock:
            self._copy.seek(place)
            return self._copy.read(length)


def _scratch() -> tuple[Path, IO[bytes]]:
    """Return a nameless file and its folder: that of transfers, or that of temporary files."""
    with suppress(OSError):
        folder = paths.work()
        folder.mkdir(parents=True, exist_ok=True)
        return folder, tempfile.TemporaryFile(dir=folder)
    return Path(tempfile.gettempdir()), tempfile.TemporaryFile()


class StoredItems(Sequence[Item]):
    """Items of a file that are read when they are wanted; reading blocks for a moment.

    The URL of each has its place as fragment, in bytes: ids need not be unique in a list.

    Raises UnexpectedAnswer if the file changed since it was looked through.
    """

    def __init__(self, url: str, keys: KeyRemoval | None, unpacked: _Unpacked | None = None) -> None:
        self._url, self._keys, self._unpacked = url, keys, unpacked
        self._places, self._lengths = array("Q"), array("L")

    def add(self, place: int, length: int) -> None:
        """Add the item at a place of the file, in bytes."""
        self._places.append(place)
        self._lengths.append(length)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> Item: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Item]: ...
    def __getitem__(self, at: int | slice) -> Item | Sequence[Item]:
        numbers = range(len(self))[at]
        return self._read([numbers])[0] if isinstance(numbers, int) else self._read(numbers)

    def __iter__(self) -> Iterator[Item]:
        for start in range(0, len(self), _AT_ONCE):
            yield from self[start : start + _AT_ONCE]

    def _read(self, numbers: Iterable[int]) -> list[Item]:
        items = []
        try:
            with open_file(self._url) as file:
                for number in numbers:
                    place, length = self._places[number], self._lengths[number]
                    if self._unpacked is not None:
                        content = self._unpacked.part(place, length)
                    else:
                        file.seek(place)
                        content = file.read(length)
                    value = value_of(content, self._url, self._keys)
                    raw = value if isinstance(value, dict) else {}
                    items.append(Item(raw, url=f"{self._url}#{place}"))
        except OSError as error:
            raise system_error(error, self._url) from None
        except NotJSON:
            raise unreadable(self._url, "the file was changed while it was read", "open it again") from None
        return items


@dataclass
class _ItemGroup:
    """The items of one collection, the box around them, and their first and last moment."""

    items: list[Item] | StoredItems
    box: BBox | None = None
    start: datetime | None = None
    end: datetime | None = None

    def extend(self, item: Item) -> None:
        """Widen the extent so that an item is in it."""
        if (box := item.bbox) is not None:
            self.box = around([self.box, box]) if self.box else box
        if span := time_of(item.properties):
            self.start = min(filter(None, (self.start, span.start)), default=None)
            self.end = max(filter(None, (self.end, span.end)), default=None)

    def document(self, name: str) -> JsonDict:
        """Return a collection of this name."""
        box = self.box
        written = [end.isoformat().replace("+00:00", "Z") if end else None for end in (self.start, self.end)]
        return {
            "type": "Collection",
            "stac_version": "1.0.0",
            "id": name,
            "description": f"{count(len(self.items), 'item')} of a list",
            "extent": {
                "spatial": {"bbox": [list(box)] if box else []},
                "temporal": {"interval": [written]},
            },
            "links": [{"rel": "items", "href": "./items.json"}],
        }


@dataclass
class ItemCatalog:
    """A catalog that is made of a list of items.

    There is a collection for each that the items name; those that name none are in one that is called like
    the file. All hrefs of items stay as they are: what is relative is relative to the file.

    - `url`: The place URL of the list.
    """

    url: str
    found: ItemList
    groups: dict[str, _ItemGroup] = field(default_factory=dict)

    @classmethod
    def of(cls, found: ItemList, url: str) -> ItemCatalog:
        """Return the catalog of a list that is in memory."""
        made = cls(url, found)
        for item in found.items:
            group = made.groups.setdefault(item.collection_id or name_of(url), _ItemGroup([]))
            assert isinstance(group.items, list)
            group.items.append(item)
            group.extend(item)
        return made

    @classmethod
    def of_file(
        cls, url: str, *, cancelled: Cancelled = lambda: False, keys: KeyRemoval | None = None
    ) -> ItemCatalog:
        """Return the catalog of a list in a file of any size; no item stays in memory. It blocks.

        - `url`: The `file` URL.
        - `keys`: Taken out of the items.

        Raises UnexpectedAnswer if it is no list of items, or cannot be read; ArchiveReadCancelled.
        """
        groups, skipped = dict[str, _ItemGroup](), 0
        items, packed = StoredItems(url, keys), False
        try:
            packed = is_packed(local_path(url))
            with open_file(url) as file:
                unpacked = _Unpacked(file, copied=True) if packed else None
                items = StoredItems(url, keys, unpacked)
                for entry, place, length in _entries(_JSONText(unpacked or file, cancelled)):
                    if not isinstance(entry, dict) or not identity(entry.get("id")):
                        skipped += 1
                        continue
                    items.add(place, length)
                    item = Item(entry, url=url)
                    name = item.collection_id
                    if not name.isascii():
                        name = items[-1].collection_id  # its letters, not the bytes of them
                    group = groups.setdefault(
                        name or name_of(url), _ItemGroup(StoredItems(url, keys, unpacked))
                    )
                    assert isinstance(group.items, StoredItems)
                    group.items.add(place, length)
                    group.extend(item)
        except OSError as error:
            raise system_error(error, url) from None
        except NotJSON as error:
            if not items and not isinstance(error, _DamagedGzip):
                raise too_large(url, None if packed else local_path(url).stat().st_size) from None
            raise unreadable(url, f"after {count(len(items), 'item')} it is {error}") from None
        return cls(url, ItemList(url, items, skipped), groups)

    def documents(self) -> tuple[str, dict[str, Parsed]]:
        """Return the place URL of its root, and its documents by place URL."""
        # Nothing but these documents may be read: they are linked as members of an archive are.
        found, url = self.found, self.url
        base, name = file_url("/" + url.partition("://")[2]) if is_web(url) else url, name_of(url)
        made: dict[str, Parsed] = {same(url): found, same(found.url): found}
        links = []
        first = replace(found, goes_on=False)  # what was left out is counted where the first items are
        for title, group in self.groups.items():
            # One part of a path, whatever the id.
            folder = f"c-{quote(title, safe='', errors='replace').replace('%', '~')}"
            links.append({"rel": "child", "href": f"./{folder}/collection.json", "title": title})
            place = member_url(base, f"{folder}/collection.json")
            made[place] = Collection(group.document(title), url=place)
            made[member_url(base, f"{folder}/items.json")] = replace(first, items=group.items)
            first = ItemList(found.url, ())
        words = f"{count(len(found.items), 'item')} of {shown(url)}"
        named = {"type": "Catalog", "stac_version": "1.0.0", "id": name, "title": name}
        root_url = member_url(base, "catalog.json")
        made[root_url] = Catalog({**named, "description": words, "links": links}, url=root_url)
        return root_url, made


def begins_with_items(url: str) -> bool:
    """Whether the file of a `file` URL is a list of items by its first entry; it blocks for a moment."""
    try:
        with open_file(url) as file:
            text = _Unpacked(file, copied=False) if is_packed(local_path(url)) else file
            entry = next((entry for entry, _, _ in _entries(_JSONText(text, lambda: False))), None)
    except (OSError, NotJSON, UnexpectedAnswer):
        return False
    return count_stac_items([entry]) > 0


def is_large(url: str) -> bool:
    """Whether a `file` URL has, unpacked, more than a document that is read at once; it blocks."""
    try:
        with open_file(url) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_DOCUMENT or size * _MOST_PACKED < MAX_DOCUMENT or not is_packed(local_path(url)):
                return size > MAX_DOCUMENT
            text, size = _Unpacked(file, copied=False), 0
            while size <= MAX_DOCUMENT and (piece := text.read(_PIECE)):
                size += len(piece)
            return size > MAX_DOCUMENT
    except (OSError, NotJSON, UnexpectedAnswer):
        return False


class _JSONText:
    """The JSON text of a file, a piece in memory; of a character for each byte, so that places are bytes."""

    def __init__(self, file: _Text, cancelled: Cancelled) -> None:
        self._file, self._cancelled = file, cancelled
        self._text, self._at, self._begin = "", 0, 0
        self._more()
        if self._text.startswith(_BOM):
            self._at = len(_BOM)

    @property
    def place(self) -> int:
        """Where it is, in bytes."""
        return self._begin + self._at

    def _more(self) -> bool:
        """Read on; return whether there was more."""
        if self._cancelled():
            raise ArchiveReadCancelled("stopped")
        rest = self._text[self._at :]
        if len(rest) > _LARGEST:
            raise NotJSON(f"not JSON from byte {self.place:,} on")
        piece = self._file.read(max(_PIECE, len(rest)))
        self._begin, self._at, self._text = self.place, 0, rest + piece.decode("latin-1")
        return bool(piece)

    def peek(self) -> str:
        """Return the next character that is no space; empty at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def takes(self, mark: str) -> bool:
        """Pass a mark if that is what comes next; return whether it was."""
        is_next = self.peek() == mark
        self._at += is_next
        return is_next

    def expect(self, mark: str) -> None:
        """Pass a mark; raises NotJSON if something else comes next."""
        if not self.takes(mark):
            raise NotJSON(f"not JSON (byte {self.place:,})")

    def value(self) -> tuple[Any, int, int]:
        """Return the next value, its place, and its length."""
        self.peek()
        while True:
            try:
                value, end = raw_value(self._text, self._at)
            except NotJSON:
                if not self._more():
                    raise NotJSON(f"not JSON (byte {self.place:,}), or ends too early") from None
                continue
            if end < len(self._text) or not self._more():
                place, length = self.place, end - self._at
                self._at = end
                return value, place, length


def _entries(text: _JSONText) -> Iterator[tuple[Any, int, int]]:
    """Yield the entries of the lists in a text, and what is one feature of its own: one on a line, say."""
    while mark := text.peek():
        if mark == "[":
            yield from _elements(text)
            continue
        place, fields, listed = text.place, dict[str, Any](), False
        text.expect("{")
        while not text.takes("}"):
            if fields or listed:
                text.expect(",")
            name = str(text.value()[0])
            text.expect(":")
            if name == "features" and text.peek() == "[":
                listed = True
                yield from _elements(text)
            else:
                fields[name] = text.value()[0]
        if fields.get("type") == "Feature":
            yield fields, place, text.place - place
        elif not listed:
            raise NotJSON("no list of items")


def _elements(text: _JSONText) -> Iterator[tuple[Any, int, int]]:
    text.expect("[")
    if text.takes("]"):
        return
    yield text.value()
    while not text.takes("]"):
        text.expect(",")
        yield text.value()
