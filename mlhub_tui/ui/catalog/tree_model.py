"""Model of the catalog tree: grown from listings, stable over every change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...auth import Kind
from ...errors import MLHubException, ServerError, ServerTimeout, ServerUnreachable
from ...models import CollectionRef, Dataset, Entry, EntryKind
from ..state import entry_key
from .matching import ORDERS, facet_text, search_text
from .nodes import (
    MODELS,
    OTHER,
    GroupNode,
    ListingStopped,
    Node,
    NodeRow,
    NoteNode,
    TreeEntry,
    TreeListing,
    TypeNode,
    identity,
    node_key,
    without_document,
)

if TYPE_CHECKING:
    from ...models import Document
    from ...sources.base import About


_HOLDERS = (EntryKind.COLLECTION, EntryKind.CATALOG)
Path = tuple[str, ...]

_TOPS = {
    Kind.MLHUB: (("datasets", "Datasets", "dataset"), (MODELS, "Models", "model")),
    Kind.STAC_API: (("collections", "Collections", "collection"),),
    Kind.STATIC: (("catalog", "Catalog", "entry"),),
}
"""The groups at the top by kind: key, title, and what they hold."""
_NO_SOURCE = (("source", "Source", "entry"),)
"""The same where none could be opened."""


class CatalogTreeModel:
    """A tree grown from the listings of one source; until there is one a line says that it connects.

    Its open rows stand in one list: what is seen of it is a slice, and moving in it costs nothing that grows
    with its size; a change lays it out again: some ms for 100,000 rows.

    - `changed`: Called after every change of the list, with the rows as they were.
    - `wanted`: Called with a row whose next page is wanted.
    - `relabelled`: Called with a row whose own label changed.

    - `root`: What the top of the tree is in, which is never shown.
    - `rows`: The rows that are open.
    """

    def __init__(
        self,
        changed: Callable[[list[NodeRow]], None] = lambda _: None,
        wanted: Callable[[NodeRow], None] = lambda _: None,
        relabelled: Callable[[NodeRow], None] = lambda _: None,
    ) -> None:
        self._changed, self._wanted, self._relabelled = changed, wanted, relabelled
        self.root = NodeRow(GroupNode("root", ""), foldable=True)
        self.root.is_open, self.root.depth = True, -1
        waiting = NodeRow(NoteNode("connecting…"))
        waiting.parent = self.root
        self.root.children, self.rows = [waiting], [waiting]
        self.kind = Kind.MLHUB
        self.about: About | None = None
        self.groups: list[NodeRow] = []
        self.grown: dict[NodeRow, TreeListing | None] = {}
        """The rows that have their children, with the listing they come from; parents before children."""
        self.found: dict[NodeRow, str] = {}
        """The words behind the groups in place of their counts: what a filter found in them."""
        self.order = ""
        """In which order the entries stand, by its name in `ORDERS`; said in the first group's line."""
        self._tops: Sequence[tuple[str, str, str]] = ()
        self._opened: dict[Path, set[str]] = {}
        self._closed: set[Path] = set()
        self._last: list[Entry] = []

    # The rows in sight

    def line_of(self, row: NodeRow, near: int = -1) -> int | None:
        """Return the line of a row, None where it is not in sight; `near` is a line on which it is likely."""
        if 0 <= near < len(self.rows) and self.rows[near] is row:
            return near
        try:
            return self.rows.index(row) if _is_in_sight(row) else None
        except ValueError:
            return None

    def open(self, row: NodeRow) -> None:
        """Show the children of a row, which are asked for if need be, and remember it."""
        path = self.path(row)
        if not (row.foldable and path):
            return
        self._opened.setdefault(path[:-1], set()).add(path[-1])
        self._closed.discard(path)
        self.fill(row)
        if not row.is_open:
            row.is_open = True
            self.lay_out()

    def close(self, row: NodeRow) -> None:
        """Hide the children of a row, and remember it."""
        path = self.path(row)
        self._opened.get(path[:-1], set()).discard(path[-1])
        if isinstance(row.data, TypeNode):
            self._closed.add(path)
        if row.is_open:
            row.is_open = False
            self.lay_out()

    def put(self, row: NodeRow, rows: Iterable[NodeRow], start: int = 0) -> None:
        """Put other children in the place of those from `start` on: the whole, or the tail, of a row's.

        Where a filter selects among the children of the row, the shown ones stay until it runs again.
        """
        fresh = list(rows)
        for child in fresh:
            child.parent, child.depth = row, row.depth + 1
        row.children = [*(row.children or [])[:start], *fresh]
        if row.is_open and row.shown is None and _is_in_sight(row):
            self.lay_out()

    def lay_out(self) -> None:
        """Rebuild the list of rows; without recursion: catalogs are nested to any depth."""
        before, self.rows = self.rows, []
        stack = [iter(self.root.visible)]
        while stack:
            for row in stack[-1]:
                self.rows.append(row)
                if row.is_open:
                    stack.append(iter(row.visible))
                    break
            else:
                stack.pop()
        self._changed(before)

    # The top

    def start(self, kind: Kind | None) -> None:
        """Begin with an empty tree for a kind of source; None where none could be opened."""
        self.kind, self.about, self.order = kind or Kind.MLHUB, None, ""
        self._tops = _TOPS[kind] if kind is not None else _NO_SOURCE
        self.grown.clear()
        self._opened.clear()
        self._closed.clear()
        self._last = []
        self.groups = [NodeRow(GroupNode(key, title), foldable=True) for key, title, _ in self._tops]
        for row in self.groups:
            row.is_open = row is self.groups[0]
        self.root.shown = None  # what a filter left belongs to the tree before
        self.put(self.root, self.groups)
        self.start_over()

    def start_over(self) -> None:
        """Reload the top level; the existing entries stay until the response comes."""
        for row, (_, _, noun) in zip(self.groups, self._tops, strict=True):
            before = self.grown.get(row)
            self.grown[row] = fresh = TreeListing(noun, at_top=True)
            if before is not None:
                fresh.cached_age, fresh.before = before.cached_age, before.in_tree
            self.tell(row)

    @property
    def top(self) -> TreeListing:
        """The first listing of the source."""
        listing = self.grown.get(self.groups[0])
        assert listing is not None
        return listing

    @property
    def is_replaced_soon(self) -> bool:
        """Whether what the source lists now is to take the place of entries in the tree."""
        listings = (self.grown.get(row) for row in self.groups)
        return any(listing is not None and listing.in_tree is not listing for listing in listings)

    @property
    def by_dataset(self) -> bool:
        """Whether the top lists MLHub's datasets, all at once."""
        return self.kind is Kind.MLHUB

    def introduce(self, about: About) -> None:
        """Set the description of the source."""
        self.about = about
        self.tell(self.groups[0])

    def tell(self, row: NodeRow) -> None:
        """Say in a group's line how far its listing is."""
        listing, node = self.grown.get(row), row.data
        if listing is None or not isinstance(node, GroupNode):
            return
        note = self.found.get(row) or listing.amount
        title, detail = node.title, ""
        if not listing.loaded and not listing.complete:
            note = "not loaded" if listing.failure is not None else "loading…"
        if listing.cached_age:
            note = f"{self.found.get(row) or f'{listing.in_tree.loaded:,}'}, {listing.cached_age}"
        if self.order:
            note = f"{note}  {ORDERS[self.order]}"
        if listing.failure is not None:
            detail = f"{listing.failure.message}\n{listing.failure.hint}"
        if self.about is not None and row is self.groups[0]:
            notes = self.about.notes
            note, detail = "  ".join([note, *notes]), "\n".join([detail, *notes]).strip()
            title = self.about.title if self.kind is Kind.STATIC and self.about.title else title
        row.data = GroupNode(node.key, title, note, detail)
        self._relabelled(row)

    @property
    def scope(self) -> str:
        """How much is loaded of how much there is: `the 200 loaded of 2,365`."""
        listings = [listing.in_tree for listing in self.grown.values() if listing is not None]
        loaded = f"the {sum(listing.loaded for listing in listings):,} loaded"
        if all(listing.complete for listing in listings):
            return loaded
        if not all(listing.complete or listing.matched is not None for listing in listings):
            return f"{loaded}, there are more"
        total = sum(max(listing.matched or 0, listing.loaded) for listing in listings)
        return f"{loaded} of {total:,}"

    def show_all(self) -> None:
        """Show all entries, in the order of the listings; the outline is to be laid out then."""
        self.root.shown = None
        for row in self.grown:
            row.shown = None

    # Memory

    def folds(self) -> tuple[list[Path], list[Path]]:
        """Return the places that were opened, and those that were closed of what stands open by itself."""
        return [(*above, key) for above, keys in self._opened.items() for key in keys], [*self._closed]

    def recall(self, opened: Iterable[Path], closed: Iterable[Path]) -> None:
        """Open places as they come, as they were opened before; the groups at the top at once."""
        self._closed.update(closed)
        for path in opened:
            self._opened.setdefault(path[:-1], set()).add(path[-1])
        for row in self.groups:
            if node_key(row.data, self.kind) in self._opened.get((), ()):
                self.open(row)

    # Growing

    def fill(self, row: NodeRow) -> None:
        """Give a row its children, if it has none yet; what must be asked for is asked for."""
        node = row.data
        if row in self.grown or not row.foldable or not isinstance(node, Entry):
            return
        if isinstance(node.document, Dataset):
            self._fill_dataset(row, node.document)
        else:
            self.grown[row] = listing = TreeListing("item" if node.kind is EntryKind.COLLECTION else "entry")
            self.put(row, _rows(listing.tail()))
            self._wanted(row)

    def _fill_dataset(self, row: NodeRow, dataset: Dataset) -> None:
        self.grown[row] = None
        types: list[NodeRow] = []
        for kind, refs in collection_types(dataset):
            group = NodeRow(TypeNode(kind, len(refs)), foldable=True)
            group.parent, group.depth = row, row.depth + 1
            group.is_open = self.path(group) not in self._closed
            self.grown[group] = None
            entries = [Entry(EntryKind.COLLECTION, ref.id) for ref in refs]
            rows = [NodeRow(one, foldable=True, searched=search_text(one)) for one in entries]
            self._put(group, rows)
            types.append(group)
        self.put(row, types or _rows([NoteNode("this record names no collections")]))

    def _put(self, row: NodeRow, rows: list[NodeRow], tail: Sequence[Node] = (), start: int = 0) -> None:
        """Put rows below another, those opened that were open before."""
        opened: set[str] | frozenset[str] = self._opened.get(self.path(row), frozenset())
        for child in rows:
            child.parent, child.depth = row, row.depth + 1
            if opened and child.foldable and node_key(child.data, self.kind) in opened:
                self.fill(child)
                child.is_open = True
        self.put(row, [*rows, *_rows(tail)], start)

    # Listings

    def add(self, row: NodeRow, entries: Sequence[Entry]) -> None:
        """Append entries to the listing of a row; those of a reloaded listing replace the old ones."""
        listing = self.grown[row]
        assert listing is not None
        if not listing.loaded:
            self._forget_below(row)
        node = row.data
        belongs = node.id if isinstance(node, Entry) and node.kind is EntryKind.COLLECTION else ""
        rows = [
            NodeRow(
                without_document(entry, belongs),
                foldable=entry.kind not in (EntryKind.ITEM, EntryKind.MODEL),
                searched=search_text(entry),
                facet_text=facet_text(entry),
            )
            for entry in entries
        ]
        start, listing.before = listing.loaded, None
        if listing.failure is None:
            listing.cached_age = ""
        listing.loaded += len(entries)
        self._put(row, rows, listing.tail(), start)
        self.tell(row)

    def show_last(self, entries: Sequence[Entry], age: str) -> None:
        """Show what the source listed last time, until it answers."""
        row, listing = self.groups[0], self.top
        self._last = [*entries]
        listing.complete = True  # a cached listing has no next page
        self.add(row, entries)
        self.grown[row] = fresh = TreeListing(listing.noun, at_top=True)
        fresh.cached_age, fresh.before = age, listing
        self.tell(row)

    def settle(self, row: NodeRow) -> None:
        """Show the state of a row's listing below its entries."""
        listing = self.grown.get(row)
        if listing is not None:
            if listing.cached_age and listing.failure is not None and not listing.loaded:
                if _is_away(listing.failure):
                    self.add(row, self._last)
                else:
                    listing.cached_age = ""
            if not listing.loaded and not listing.loading:
                listing.before = None
                self._forget_below(row)
            if listing.loaded or not (listing.at_top and listing.loading):
                self.put(row, _rows(listing.tail()), listing.loaded)
            self.tell(row)

    def restore(self, row: NodeRow) -> None:
        """Take the listing again whose entries still stand below a row, in place of one that was stopped."""
        listing = self.grown.get(row)
        if listing is not None and listing.in_tree is not listing and not listing.cached_age:
            self.grown[row] = listing.in_tree
            self.settle(row)

    def fail(self, error: MLHubException) -> None:
        """Say in all groups why there is no source, and the way on."""
        for row in self.groups:
            if (listing := self.grown[row]) is not None:
                listing.fail(error)
            self.settle(row)

    def _forget_below(self, row: NodeRow) -> None:
        for other in [r for r in self.grown if r is not row and row in r.lineage()]:
            del self.grown[other]

    def clear_note(self, row: NodeRow) -> None:
        """Remove the error note of an entry, as its children were loaded."""
        if isinstance(row.data, Entry) and row.data.note:
            row.data = replace(row.data, note="")
            self._relabelled(row)

    def learn(self, row: NodeRow, document: Document) -> None:
        """Take up the document of an entry of which only a link was known."""
        known = row.data
        if not isinstance(known, Entry) or known.id or known.document is not None:
            return
        found = Entry.of(document, collection_id=known.collection_id)
        entry = replace(found, url=known.url).titled(known.title)
        row.data, row.searched = without_document(entry), search_text(entry)
        row.facet_text = facet_text(entry)
        self._relabelled(row)

    def entries(self, row: NodeRow) -> list[NodeRow]:
        """Return the rows of the entries that the listing of a row has in the tree."""
        listing = self.grown.get(row)
        return (row.children or [])[: listing.in_tree.loaded] if listing is not None else []

    # What a row is

    def path(self, row: NodeRow) -> Path:
        """Return the place of a row in the tree, stable over reloads."""
        return tuple(node_key(r.data, self.kind) for r in row.lineage())[::-1]

    def key(self, row: NodeRow) -> str:
        """Return by what an entry is marked as a favourite; empty for any other line."""
        return entry_key(row.data) if isinstance(row.data, Entry) else ""

    def find(self, path: Path) -> NodeRow | None:
        """Return the row at a path, else the nearest above it that is there."""
        row, found = self.root, None
        for key in path:
            following = next((r for r in row.visible if node_key(r.data, self.kind) == key), None)
            if following is None:
                break
            row = found = following
        return found

    def subject(self, row: NodeRow | None) -> TreeEntry | None:
        """Return the entry of a row with what the tree knows around it."""
        if row is None or not isinstance(row.data, Entry):
            return None
        dataset, ref = self.dataset(row), None
        if dataset is not None and row.data.kind is EntryKind.COLLECTION:
            ref = next((ref for ref in dataset.collections if ref.id == row.data.id), None)
        above = (one.data for one in row.lineage() if one is not row)
        parent = next((one for one in above if isinstance(one, Entry) and one.kind in _HOLDERS), None)
        return TreeEntry(row.data, ref, dataset, parent)

    def root_entry(self, row: NodeRow | None) -> TreeEntry | None:
        """Return the entry of a static catalog's root, where the row stands for that and it is loaded."""
        document = self.about.document if self.about is not None else None
        if document is None or self.kind is not Kind.STATIC or row is None or row is not self.groups[0]:
            return None
        return TreeEntry(Entry.of(document))

    def mark(self, row: NodeRow) -> str:
        """Return by what an entry is marked for a download; empty where it is not downloaded as one.

        Collections are, and items.
        """
        node = row.data
        if not isinstance(node, Entry):
            return ""
        whole = node.kind in (EntryKind.COLLECTION, EntryKind.ITEM)
        return f"{node.collection_id}\n{identity(node, self.kind)}" if whole else ""

    def sign(self, row: NodeRow, signs: Callable[[Entry], str]) -> str:
        """Return the sign of what a row stands for; an item's collection is known by its place."""
        node = row.data
        if not isinstance(node, Entry):
            return ""
        if node.kind is EntryKind.ITEM and not node.collection_id and row.parent is not None:
            above = row.parent.data
            node = replace(node, collection_id=above.id if isinstance(above, Entry) else "")
        return signs(node)

    def holder(self, row: NodeRow | None) -> TreeEntry | None:
        """Return the nearest collection or catalog: the row's own, or above it."""
        return self._nearest(row, *_HOLDERS)

    def dataset(self, row: NodeRow | None) -> Dataset | None:
        """Return the MLHub dataset that a row is, or belongs to."""
        return next((d for r in (row.lineage() if row else ()) if (d := _dataset(r)) is not None), None)

    def to_download(self, row: NodeRow | None) -> list[TreeEntry]:
        """Return what `d` on a row is about: an entry with assets; of MLHub also what has archives.

        A type of collections stands for all of them.
        """
        node = row.data if row is not None else None
        if row is not None and isinstance(node, TypeNode):
            return [found for child in row.children or [] if (found := self.subject(child)) is not None]
        own = isinstance(node, Entry) and node.kind in (EntryKind.ITEM, EntryKind.MODEL)
        if self.by_dataset and not own:
            found = self._nearest(row, EntryKind.COLLECTION) or self._nearest(row, EntryKind.DATASET)
        else:
            found = self.subject(row)
        return [found] if found is not None else []

    def _nearest(self, row: NodeRow | None, *kinds: EntryKind) -> TreeEntry | None:
        above = row.lineage() if row is not None else ()
        return self.subject(
            next((r for r in above if isinstance(r.data, Entry) and r.data.kind in kinds), None)
        )


def _is_away(error: MLHubException) -> bool:
    """Whether an error says nothing of the listing, but that the source was not asked, or could not be."""
    return isinstance(error, ServerUnreachable | ServerTimeout | ServerError | ListingStopped)


def _is_in_sight(row: NodeRow) -> bool:
    return all(above.is_open for above in row.lineage() if above is not row)


def _rows(nodes: Sequence[Node]) -> list[NodeRow]:
    return [NodeRow(node) for node in nodes]


def _dataset(row: NodeRow) -> Dataset | None:
    document = row.data.document if isinstance(row.data, Entry) else None
    return document if isinstance(document, Dataset) else None


def collection_types(dataset: Dataset) -> Iterator[tuple[str, list[CollectionRef]]]:
    """Yield the types a dataset has, each with its collections."""
    collections = dataset.collections
    for kind, refs in (
        ("source_imagery", collections.source_imagery),
        ("labels", collections.labels),
        (OTHER, collections.other),
    ):
        if refs:
            yield kind, refs
