"""A list of items in one file as a catalog: a saved search, an answer of an API, one item a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import quote

from ...errors import NotOffered, RequestError
from ...http.link import Link
from ...http.urls import shown
from ...models import Item, JsonDict
from ...models.extent import around
from ...models.when import span_of
from ...text import count
from ..documents import ItemList, is_lines
from .document_loader import Fetched, unreadable
from .document_urls import file_url, is_member, is_web, member_url, name_of, split_member

_ROOT = "catalog.json"
_LIST = 1_000  # items in a list; a page of them costs the reading of its list alone


class ItemFile:
    """The documents of a catalog that is made of a list of items: a collection for each that they name.

    Items that name none are in one that is called like the file. All hrefs stay as they are: what is
    relative is relative to the file, at a web or a `file` URL.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, found: ItemList, url: str) -> None:
        self._found = found
        self._url = url
        self._base = file_url("/" + url.partition("://")[2]) if is_web(url) else url
        name = name_of(url)
        self._name = name.rpartition(".")[0] if is_lines(url) else name
        self._items: dict[str, list[Item]] = {}
        for item in found.items:
            self._items.setdefault(item.collection_id or self._name, []).append(item)
        self._members = {_ROOT: self._catalog()}
        self._lists: dict[str, tuple[str, int]] = {}
        for identity, items in self._items.items():
            names = [f"items-{start}.json" for start in range(0, len(items), _LIST)]
            for number, name in enumerate(names):
                self._lists[_folder(identity) + name] = (identity, number * _LIST)
            self._members[_folder(identity) + "collection.json"] = _collection(identity, items, names)

    @property
    def root_url(self) -> str:
        """The place URL of the catalog."""
        return member_url(self._base, _ROOT)

    def read(self, urls: Sequence[str]) -> list[Fetched | RequestError]:
        """Return the documents of place URLs, or for each why it cannot be read."""
        return [self._read(url) for url in urls]

    def link(self, href: str) -> Link:
        """Return the link to an asset on this machine; raises `NotOffered` unless the list is on it too."""
        if is_web(self._url) or is_member(href):
            words = f"a file of this machine is not followed: {shown(href)}"
            raise NotOffered(words, hint="nothing can be fetched for it: report it to the owner of the list")
        return Link(href)

    def close(self) -> None:
        """Do nothing: nothing is open."""

    def _read(self, url: str) -> Fetched | RequestError:
        base, name = split_member(url)
        if base == self._base and name in self._members:
            return Fetched(url, json.dumps(self._members[name]).encode())
        if base == self._base and name in self._lists:
            identity, start = self._lists[name]
            raws = [item.raw for item in self._items[identity][start : start + _LIST]]
            # What is no item is counted where the first ones are.
            rest = [None] * (self._found.skipped if name == next(iter(self._lists)) else 0)
            return Fetched(self._url, self._written([*raws, *rest]))
        return unreadable(url, "there is no such list of items")

    def _written(self, entries: Iterable[JsonDict | None]) -> bytes:
        if is_lines(self._url):
            return "\n".join(map(json.dumps, entries)).encode()
        return json.dumps({"type": "FeatureCollection", "features": list(entries)}).encode()

    def _catalog(self) -> JsonDict:
        words = f"{count(len(self._found.items), 'item')} of {shown(self._url)}"
        links = [
            {"rel": "child", "href": f"./{_folder(identity)}collection.json", "title": identity}
            for identity in self._items
        ]
        named = {"type": "Catalog", "stac_version": "1.0.0", "id": self._name, "title": self._name}
        return {**named, "description": words, "links": links}


def _folder(identity: str) -> str:
    """Return a folder for a collection; its name is one part of a path, whatever the id."""
    return f"c-{quote(identity, safe='', errors='replace').replace('%', '~')}/"


def _collection(identity: str, items: Sequence[Item], lists: Sequence[str]) -> JsonDict:
    box = around([item.bbox for item in items if item.bbox is not None])
    spans = [span for item in items if (span := span_of(item.interval.start, item.interval.end))]
    starts = [span.start for span in spans if span.start]
    ends = [span.end for span in spans if span.end]
    interval = [_written_time(min(starts, default=None)), _written_time(max(ends, default=None))]
    extent = {
        "spatial": {"bbox": [[box.west, box.south, box.east, box.north]] if box else []},
        "temporal": {"interval": [interval]},
    }
    named = {"type": "Collection", "stac_version": "1.0.0", "id": identity, "extent": extent}
    words = f"{count(len(items), 'item')} of a list"
    return {**named, "description": words, "links": [{"rel": "items", "href": f"./{name}"} for name in lists]}


def _written_time(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
