"""Lookup of an entry by id, DOI or URL."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ...auth import Kind
from ...errors import EntityDoesNotExist, MLHubException, NotOffered
from ...models import Document, Entry, EntryKind, Search
from ...sources.ancestors import linked
from ...text import one_line
from ..catalog.nodes import identity, node_key

if TYPE_CHECKING:
    from ...sources.base import Source


_DOI = re.compile(r"(?:doi:\s*|(?:https?://)?(?:dx\.)?doi\.org/)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_NAMED = re.compile(r"doi:\s*|(?:https?://)?(?:dx\.)?doi\.org/", re.IGNORECASE)
_TOPS = {Kind.MLHUB: "group:datasets", Kind.STAC_API: "group:collections", Kind.STATIC: "group:catalog"}
_UP = ("parent", "collection")
_DEEPEST = 30


@dataclass(frozen=True, slots=True)
class Goal:
    """Something to go to.

    Parameters
    ----------
    entry
        What it is.
    path
        Keys of rows that lead to it; empty where it has no place in the tree.
    """

    entry: Entry
    path: tuple[str, ...] = ()


def doi_of(typed: str) -> str:
    """Return the DOI that was typed, bare, as `doi:…` or as a link; empty where it is none."""
    match = _DOI.fullmatch(typed.strip())
    return match[1] if match else ""


def plain(typed: str) -> str:
    """Return what was typed as it stands in ids, titles and DOIs."""
    return _NAMED.sub("", typed.strip(), count=1)


def is_url(typed: str) -> bool:
    """Whether a URL was typed that is no DOI's."""
    return not doi_of(typed) and bool(re.match(r"(?:https?|file)://", typed.strip(), re.IGNORECASE))


async def look_up(typed: str, source: Source) -> Goal:
    """Return what a source has under an id, `COLLECTION/ITEM`, a DOI or a URL.

    Raises
    ------
    EntityDoesNotExist
        If it has nothing of that name.
    MLHubException
        As the source, where it cannot be asked.
    """
    typed = typed.strip()
    if is_url(typed):
        return await _at_url(typed, source)
    if doi := doi_of(typed):
        return await _by_doi(doi, source)
    if source.kind is Kind.MLHUB:
        return await _in_mlhub(typed, source)
    return await _by_id(typed, source)


# What is asked for


async def _in_mlhub(typed: str, source: Source) -> Goal:
    if "/" in typed:
        return await _member(typed, source)
    with contextlib.suppress(EntityDoesNotExist):
        return goal(await source.dataset(typed), source.kind)
    with contextlib.suppress(EntityDoesNotExist):
        return goal(await source.collection(typed), source.kind)
    with contextlib.suppress(EntityDoesNotExist):
        return goal(await source.model(typed), source.kind)
    raise _nothing(typed)


async def _by_id(typed: str, source: Source) -> Goal:
    """Return the collection, or the item, of a STAC source."""
    with contextlib.suppress(EntityDoesNotExist):
        found = await source.collection(typed)
        return await _placed(found, source)
    if "/" in typed:
        return await _member(typed, source)
    if source.kind is Kind.STAC_API:
        with contextlib.suppress(NotOffered):
            page = await source.search_page(Search(ids=(typed,), limit=1), page_size=1)
            for item in page.entries:
                if item.id == typed:
                    return goal(item, source.kind)
    raise _nothing(typed)


async def _member(typed: str, source: Source) -> Goal:
    collection, _, item = typed.strip("/").rpartition("/")
    try:
        found = await source.item(collection, item)
    except EntityDoesNotExist:
        raise _nothing(typed) from None
    return await _placed(found, source, collection)


async def _by_doi(doi: str, source: Source) -> Goal:
    if source.kind is Kind.MLHUB:
        try:
            return goal(await source.dataset(doi), source.kind)
        except EntityDoesNotExist:
            raise _nothing(doi) from None
    for collection in await source.collections():
        if collection.doi.casefold() == doi.casefold():
            return await _placed(collection, source)
    raise _nothing(doi)


async def _at_url(typed: str, source: Source) -> Goal:
    """Return the document at a URL: of an API by the ids in its path, of a catalog itself."""
    root = source.root_url
    if source.kind is Kind.STATIC:
        if not _same_place(typed, root):
            raise _elsewhere(typed)
        document = await source.document(Entry(EntryKind.CATALOG, url=typed))
        return await _placed(document, source)
    rest = _below(root, typed)
    if rest is None:
        raise _elsewhere(typed)
    match [unquote(part) for part in rest.split("/") if part]:
        case ["datasets", "doi", *doi] if doi:
            return await _by_doi("/".join(doi), source)
        case ["datasets", name]:
            return goal(await source.dataset(name), source.kind)
        case ["models", name]:
            return goal(await source.model(name), source.kind)
        case ["collections", name] | ["collections", name, "items"] | ["archive", name]:
            return goal(await source.collection(name), source.kind)
        case ["collections", name, "items", item]:
            return goal(await source.item(name, item), source.kind, name)
    raise EntityDoesNotExist(
        f"{one_line(rest, 80)} is no dataset, collection or item of this source", hint="open it with O"
    )


# Where it is


def goal(document: Document, kind: Kind, collection_id: str = "") -> Goal:
    """Return a document as something to go to, by the ids of what is above it."""
    entry = Entry.of(document, collection_id=collection_id)
    top = "group:models" if entry.kind is EntryKind.MODEL else _TOPS[kind]
    above: list[str] = []
    if entry.kind is EntryKind.ITEM:
        if not entry.collection_id:
            return Goal(entry)
        above = [f"{EntryKind.COLLECTION}:{entry.collection_id}"]
    return Goal(entry, (top, *above, node_key(entry, kind)))


async def _placed(document: Document, source: Source, collection_id: str = "") -> Goal:
    """Return a document as something to go to; in a static catalog by the documents above it."""
    if source.kind is not Kind.STATIC or not document.url:
        return goal(document, source.kind, collection_id)
    entry = Entry.of(document, collection_id=collection_id)
    above: list[str] = []
    seen, place = {document.url}, document
    while len(above) < _DEEPEST and (parent := linked(place, *_UP)) and parent not in seen:
        seen.add(parent)
        try:
            place = await source.document(Entry(EntryKind.CATALOG, url=parent))
        except MLHubException:
            break
        above.append(f"{EntryKind.CATALOG}:{place.url or parent}")
    return Goal(entry, (_TOPS[source.kind], *reversed(above), f"{entry.kind}:{identity(entry, source.kind)}"))


def _same_place(url: str, root: str) -> bool:
    """Whether a document may belong to a static catalog: it is on the same server, or on this machine too."""
    if "://" not in root:
        return url.lower().startswith("file:")
    one, other = urlsplit(url), urlsplit(root)
    return (one.scheme, one.netloc.rpartition("@")[2]) == (other.scheme, other.netloc.rpartition("@")[2])


def _below(root: str, url: str) -> str | None:
    """Return the path of a URL below a root, whatever the scheme; None where it is elsewhere."""
    one, other = urlsplit(url), urlsplit(root)
    base = other.path.rstrip("/") + "/"
    if one.netloc.rpartition("@")[2].casefold() != other.netloc.casefold() or not one.path.startswith(base):
        return None
    return one.path.removeprefix(base)


def _nothing(typed: str) -> EntityDoesNotExist:
    return EntityDoesNotExist(
        f"nothing here is called {one_line(typed, 80)}", hint="check it; an item is named COLLECTION/ITEM"
    )


def _elsewhere(typed: str) -> NotOffered:
    return NotOffered(f"{one_line(typed, 80)} is not of this source", hint="O opens it as another source")
