"""Lookup of an entry by id, DOI or URL, suggestions of known ones, and the tree opened down to one."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ...auth import Kind
from ...errors import EntityDoesNotExist, MLHubException, NotOffered
from ...models import Dataset, Document, Entry, EntryKind, Search
from ...sources.ancestors import linked
from ...text import count, one_line
from .loader import load_next
from .matching import PART, fields, parts
from .nodes import GroupNode, TypeNode, identity, node_key
from .tree_filter import HOLDS, rank

if TYPE_CHECKING:
    from ...sources.base import Source
    from .catalog_tree import CatalogTree
    from .loader import Documents
    from .nodes import Node, NodeRow, TreeListing
    from .tree_model import CatalogTreeModel


_NAMED = re.compile(r"doi:\s*|(?:https?://)?(?:dx\.)?doi\.org/", re.IGNORECASE)
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_TOPS = {Kind.MLHUB: "group:datasets", Kind.STAC_API: "group:collections", Kind.STATIC: "group:catalog"}
_UP = ("parent", "collection")
_DEEPEST = 30


@dataclass(frozen=True, slots=True)
class Target:
    """Something to go to.

    - `entry`: What it is.
    - `path`: Keys of rows that lead to it; empty where it has no place in the tree.
    """

    entry: Entry
    path: tuple[str, ...] = ()


def doi_of(typed: str) -> str:
    """Return the DOI that was typed, bare, as `doi:…` or as a link; empty where it is none."""
    return bare if _DOI.fullmatch(bare := plain(typed)) else ""


def plain(typed: str) -> str:
    """Return what was typed as it stands in ids, titles and DOIs."""
    typed = typed.strip()
    return typed[match.end() :] if (match := _NAMED.match(typed)) else typed


def is_url(typed: str) -> bool:
    """Whether a URL was typed that is no DOI's."""
    return not doi_of(typed) and bool(re.match(r"(?:https?|file)://", typed.strip(), re.IGNORECASE))


async def look_up(typed: str, source: Source) -> Target:
    """Return what a source has under an id, `COLLECTION/ITEM`, a DOI or a URL.

    Raises EntityDoesNotExist if it has nothing of that name. Raises MLHubException as the source, where it
    cannot be asked.
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


async def _in_mlhub(typed: str, source: Source) -> Target:
    if "/" in typed:
        return await _member(typed, source)
    asks: tuple[Callable[[str], Awaitable[Document]], ...] = (source.dataset, source.collection, source.model)
    for ask in asks:
        with contextlib.suppress(EntityDoesNotExist):
            return target(await ask(typed), source.kind)
    raise _nothing(typed)


async def _by_id(typed: str, source: Source) -> Target:
    """Return the collection, or the item, of a STAC source."""
    with contextlib.suppress(EntityDoesNotExist):
        found = await source.collection(typed)
        return await _located(found, source)
    if "/" in typed:
        return await _member(typed, source)
    if source.kind is Kind.STAC_API:
        with contextlib.suppress(NotOffered):
            page = await source.search_page(Search(ids=(typed,), limit=1), page_size=1)
            for item in page.entries:
                if item.id == typed:
                    return target(item, source.kind)
    raise _nothing(typed)


async def _member(typed: str, source: Source) -> Target:
    collection, _, item = typed.strip("/").rpartition("/")
    try:
        found = await source.item(collection, item)
    except EntityDoesNotExist:
        raise _nothing(typed) from None
    return await _located(found, source, collection)


async def _by_doi(doi: str, source: Source) -> Target:
    if source.kind is Kind.MLHUB:
        try:
            return target(await source.dataset(doi), source.kind)
        except EntityDoesNotExist:
            raise _nothing(doi) from None
    for collection in await source.collections():
        if collection.doi.casefold() == doi.casefold():
            return await _located(collection, source)
    raise _nothing(doi)


async def _at_url(typed: str, source: Source) -> Target:
    """Return the document at a URL: of an API by the ids in its path, of a catalog itself."""
    root = source.root_url
    if source.kind is Kind.STATIC:
        if not _same_place(typed, root):
            raise _elsewhere(typed)
        document = await source.document(Entry(EntryKind.CATALOG, url=typed))
        return await _located(document, source)
    rest = _path_below(root, typed)
    if rest is None:
        raise _elsewhere(typed)
    match [unquote(part) for part in rest.split("/") if part]:
        case ["datasets", "doi", *doi] if doi:
            return await _by_doi("/".join(doi), source)
        case ["datasets", name]:
            return target(await source.dataset(name), source.kind)
        case ["models", name]:
            return target(await source.model(name), source.kind)
        case ["collections", name] | ["collections", name, "items"] | ["archive", name]:
            return target(await source.collection(name), source.kind)
        case ["collections", name, "items", item]:
            return target(await source.item(name, item), source.kind, name)
    raise EntityDoesNotExist(
        f"{one_line(rest, 80)} is no dataset, collection or item of this source", hint="open it with O"
    )


# Where it is


def target(document: Document, kind: Kind, collection_id: str = "") -> Target:
    """Return a document as something to go to, by the ids of what is above it."""
    entry = Entry.of(document, collection_id=collection_id)
    top, is_item = (
        "group:models" if entry.kind is EntryKind.MODEL else _TOPS[kind],
        entry.kind is EntryKind.ITEM,
    )
    if is_item and not entry.collection_id:
        return Target(entry)
    above = [f"{EntryKind.COLLECTION}:{entry.collection_id}"] if is_item else []
    return Target(entry, (top, *above, node_key(entry, kind)))


async def _located(document: Document, source: Source, collection_id: str = "") -> Target:
    """Return a document as something to go to; in a static catalog by the documents above it."""
    if source.kind is not Kind.STATIC or not document.url:
        return target(document, source.kind, collection_id)
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
    return Target(
        entry, (_TOPS[source.kind], *reversed(above), f"{entry.kind}:{identity(entry, source.kind)}")
    )


def _same_place(url: str, root: str) -> bool:
    """Whether a document may belong to a static catalog: it is on the same server, or on this machine too."""
    if "://" not in root:
        return url.lower().startswith("file:")
    one, other = urlsplit(url), urlsplit(root)
    return (one.scheme, one.netloc.rpartition("@")[2]) == (other.scheme, other.netloc.rpartition("@")[2])


def _path_below(root: str, url: str) -> str | None:
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


MOST_PAGES = 20
"""Pages that are asked for on the way: what stands further back is shown by itself."""
_AT_A_TIME = 5_000
_MOMENT = 0.02
"""Seconds between two looks at a page that somebody else asked for."""


async def walk(
    documents: Documents, tree: CatalogTree, path: Sequence[str], say: Callable[[str], None] = lambda _: None
) -> bool:
    """Put the cursor on the row at a path; False where it is not found, then on the nearest above it.

    - `documents`: Loads what is not in the tree yet.
    - `tree`: The tree of their source.
    - `path`: Keys of rows from the top; levels between them may be left out.
    - `say`: Told how far it is, where it takes more than a page.

    Raises AuthenticationError, APIKeyNotFound if a listing on the way needs a key.
    """
    keys, pages = [*path], 0
    row = tree.tree_model.root
    while keys:
        hit = await _below(tree, row, keys)
        if hit is not None:
            row, keys = hit
            if keys:
                tree.reveal(row)
            continue
        listing = tree.tree_model.grown.get(row)
        if listing is None:
            if not _is_gone(tree, row):
                break
            row, keys = tree.tree_model.root, [*path]  # the tree was reloaded meanwhile
        elif _is_awaited(listing):
            await asyncio.sleep(_MOMENT)
        elif listing.wants_more and pages < MOST_PAGES:
            pages += 1
            if pages > 1:
                say(f"looking: {count(listing.loaded, listing.noun)} so far, esc stops")
            await load_next(documents, tree, row)
        else:
            break
    if row.parent is not None:
        tree.arrive(row)
    return not keys


def _is_awaited(listing: TreeListing) -> bool:
    """Whether a page is on its way already; the first of the top always is."""
    return listing.loading or (listing.at_top and not (listing.loaded or listing.complete or listing.error))


def _is_gone(tree: CatalogTree, row: NodeRow) -> bool:
    lineage = [*row.lineage()]
    if any(one.parent is None or one not in (one.parent.children or ()) for one in lineage):
        return True
    return (lineage[-1].parent if lineage else row) is not tree.tree_model.root


async def _below(tree: CatalogTree, row: NodeRow, keys: Sequence[str]) -> tuple[NodeRow, list[str]] | None:
    """Return the row below another that leads furthest along a path, and what is left of that."""
    wanted = {key: number for number, key in enumerate(keys)}
    names = {key.partition(":")[2]: number for key, number in wanted.items()}
    best: tuple[int, NodeRow] | None = None
    for number, child in enumerate(_candidates(row)):
        if number % _AT_A_TIME == _AT_A_TIME - 1:
            await asyncio.sleep(0)
        found = _place_in(child.data, wanted, names, tree.tree_model.kind)
        if found is not None and (best is None or found > best[0]):
            best = (found, child)
    return (best[1], [*keys[best[0] + 1 :]]) if best is not None else None


def _place_in(node: Node, wanted: dict[str, int], names: dict[str, int], kind: Kind) -> int | None:
    """Return which of some keys is that of a node; None for none."""
    if not isinstance(node, Entry):
        return wanted.get(node_key(node, kind))
    name = identity(node, kind)
    if name not in names:  # of nearly all: their keys need not be made
        return None
    # In a static catalog a link may say another kind than its document does.
    return names[name] if kind is Kind.STATIC else wanted.get(node_key(node, kind))


def _candidates(row: NodeRow) -> list[NodeRow]:
    """Return the rows below another; what stands below a line that is no entry stands beside it, too."""
    rows: list[NodeRow] = []
    for child in row.children or ():
        rows.append(child)
        if isinstance(child.data, GroupNode | TypeNode):
            rows += child.children or ()
    return rows


MOST = 50
"""Suggestions that are shown."""
_STEP = 5_000
_IN_NAMES = frozenset({"id", "title", "doi"})


async def target_of(typed: str, source: Source, tree_model: CatalogTreeModel) -> Target:
    """Return what a source has under an id, a DOI or a URL, with the way to it in its tree.

    On the way to MLHub's collections is the dataset that they stand below.

    Raises MLHubException as `look_up`.
    """
    target = await look_up(typed, source)
    collection = next((key for key in target.path if key.startswith(f"{EntryKind.COLLECTION}:")), "")
    if not tree_model.by_dataset or not collection:
        return target
    line = f"\n{PART}{collection.partition(':')[2].casefold()}\n"
    for child in tree_model.entries(tree_model.groups[0]):
        if line in f"{child.searched}\n":
            at = target.path.index(collection)
            return replace(target, path=(*tree_model.path(child), *target.path[at:]))
    return target


async def suggestions(tree_model: CatalogTreeModel, typed: str) -> list[tuple[int, Target]]:
    """Return what is loaded that part of an id, a title or a DOI may mean; looks between the keys.

    The best come first, of equals in the order of the tree, each with how well it matches: it is called so
    (0), begins so (1), holds it (2).
    """
    words = plain(typed).casefold()
    found: list[tuple[int, Target]] = []
    for row in [*tree_model.grown] if words else ():
        entries = tree_model.entries(row)
        for start in range(0, len(entries), _STEP):
            for child in entries[start : start + _STEP]:
                if words in child.searched:
                    found += _meant(tree_model, child, words)
            found = sorted(found, key=lambda one: one[0])[:MOST]
            await asyncio.sleep(0)
    return found


def _meant(tree_model: CatalogTreeModel, row: NodeRow, words: str) -> Iterator[tuple[int, Target]]:
    """Yield what some words may mean of an entry in which they are found: itself, or its collections."""
    entry, searched = row.data, row.searched
    if not isinstance(entry, Entry):
        return
    path, how = tree_model.path(row), rank(words, searched)
    if how < HOLDS or any(name in _IN_NAMES and words in value for name, value in fields(searched)):
        yield how, Target(entry, path)
    if isinstance(entry.document, Dataset) and words in parts(searched):
        for ref in entry.document.collections:
            if words in (lower := ref.id.casefold()):
                collection = Entry(EntryKind.COLLECTION, ref.id)
                yield rank(words, lower), Target(collection, (*path, f"{EntryKind.COLLECTION}:{ref.id}"))
