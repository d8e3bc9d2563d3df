"""The root of a static catalog, from what a person named: a URL, file, folder, archive, or list of items."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ...errors import UnexpectedAnswer
from ...http.urls import shown
from ...models import Catalog, Collection, Item, JsonDict
from ...models.extent import around
from ...models.when import span_of
from ...text import count, one_line
from ..documents import ItemList, is_lines
from .archive_index import ROOT_NAMES, ArchiveMembers
from .document_loader import Parsed, open_file, system_error
from .document_urls import (
    ARCHIVES,
    file_url,
    is_archive,
    is_member,
    is_web,
    local_path,
    member_url,
    name_of,
    place_of,
    same,
    split_member,
)
from .fetch_archive import fetch_archive
from .tar_archive import GZIP_MAGIC, Cancelled

if TYPE_CHECKING:
    from ...http.session import Session

_MAX_ENTRIES = 500  # of a folder


class NotASource(UnexpectedAnswer):
    """What is at a location is no source; the message says what it is, the hint what to name instead."""

    default_hint = "name the root of a STAC API, a catalog.json or collection.json, a folder or a .tar.gz"


@dataclass(frozen=True, slots=True)
class CatalogRoot:
    """The place URL of a catalog's first document, what reads the archive it is in, and notes."""

    url: str
    members: ArchiveMembers | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()


async def find_root(location: str, session: Session) -> CatalogRoot:
    """Return the root of a catalog; an archive on a server is fetched into the cache first."""
    url = place_of(location)
    notes: tuple[str, ...] = ()
    if is_web(url):
        if not is_archive(url):
            return CatalogRoot(url)
        path, notes = await fetch_archive(session, url)
        url = file_url(path)
    stop = threading.Event()
    try:
        root = await asyncio.to_thread(_local_root, url, stop.is_set)
        return replace(root, notes=(*notes, *root.notes))
    finally:
        stop.set()


def is_archive_head(head: bytes) -> bool:
    """Whether a file that begins so is a tar or a gzip, whatever its name."""
    return head[:2] == GZIP_MAGIC or head[257:262] == b"ustar"


def root_in(folder: Path) -> Path:
    """Return the root document of a folder: in it, or the one catalog or archive directly below it.

    Raises NotASource if there is none, or several: the hint names them.
    """
    for name in ROOT_NAMES:
        if (folder / name).is_file():
            return folder / name
    entries = sorted(islice(folder.iterdir(), _MAX_ENTRIES))
    below = [entry / name for entry in entries for name in ROOT_NAMES if (entry / name).is_file()]
    below = list({path.parent: path for path in reversed(below)}.values())
    below += [entry for entry in entries if entry.name.endswith(ARCHIVES)]
    if len(below) == 1:
        return below[0]
    hint = None
    if below:
        names = [one_line(path.relative_to(folder).parts[0], 60) for path in below]
        hint = (
            f"there is something below it: {', '.join(sorted(names)[:3])}{', ...' if len(below) > 3 else ''}"
        )
    raise NotASource(f"{one_line(folder, 160)} holds neither catalog.json nor collection.json", hint=hint)


def _local_root(url: str, cancelled: Cancelled) -> CatalogRoot:
    archive = split_member(url)[0] if is_member(url) else url
    path = local_path(archive)
    try:
        if path.is_dir():
            path = root_in(path)
            url = archive = file_url(path)
        if not is_member(url):
            with open_file(url) as file:
                if not is_archive_head(file.read(512)):
                    return CatalogRoot(url)
        members = ArchiveMembers(path, cancelled)
    except OSError as error:
        raise system_error(error, archive) from None
    if is_member(url):
        return CatalogRoot(url, members)
    return CatalogRoot(members.root_url, members, members.notes)


def catalog_of(found: ItemList, url: str) -> tuple[str, dict[str, Parsed]]:
    """Return the documents of a catalog that is made of a list of items, by place URL, and that of its root.

    There is a collection for each that the items name; those that name none are in one that is called like
    the file. All hrefs of items stay as they are: what is relative is relative to the file.
    """
    # Nothing but these documents may be read: they are linked as members of an archive are.
    base = file_url("/" + url.partition("://")[2]) if is_web(url) else url
    name = name_of(url).rpartition(".")[0] if is_lines(url) else name_of(url)
    items: dict[str, list[Item]] = {}
    for item in found.items:
        items.setdefault(item.collection_id or name, []).append(item)
    root_url = member_url(base, "catalog.json")
    made: dict[str, Parsed] = {same(url): found, same(found.url): found}
    links = []
    skipped = found.skipped  # counted where the first items are
    for identity, own in items.items():
        # One part of a path, whatever the id.
        folder = f"c-{quote(identity, safe='', errors='replace').replace('%', '~')}"
        links.append({"rel": "child", "href": f"./{folder}/collection.json", "title": identity})
        place = member_url(base, f"{folder}/collection.json")
        made[place] = Collection(_collection(identity, own), url=place)
        made[member_url(base, f"{folder}/items.json")] = ItemList(found.url, tuple(own), skipped)
        skipped = 0
    words = f"{count(len(found.items), 'item')} of {shown(url)}"
    named = {"type": "Catalog", "stac_version": "1.0.0", "id": name, "title": name}
    made[root_url] = Catalog({**named, "description": words, "links": links}, url=root_url)
    return root_url, made


def _collection(identity: str, items: Sequence[Item]) -> JsonDict:
    box = around([item.bbox for item in items if item.bbox is not None])
    spans = [span for item in items if (span := span_of(item.interval.start, item.interval.end))]
    start = min((span.start for span in spans if span.start), default=None)
    end = max((span.end for span in spans if span.end), default=None)
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": identity,
        "description": f"{count(len(items), 'item')} of a list",
        "extent": {
            "spatial": {"bbox": [[box.west, box.south, box.east, box.north]] if box else []},
            "temporal": {"interval": [[_written(start), _written(end)]]},
        },
        "links": [{"rel": "items", "href": "./items.json"}],
    }


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
