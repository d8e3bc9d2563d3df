"""The branches of the catalog tree: grown from the listings, kept over every change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from .catalog import DATASETS, MODELS, Catalog, ItemListing, Key
from .nodes import (
    ActionNode,
    CollectionNode,
    DatasetNode,
    GroupNode,
    ItemNode,
    ModelNode,
    MoreNode,
    Node,
    NoteNode,
    TypeNode,
    progress_words,
    state_words,
)

if TYPE_CHECKING:
    from ...models import Dataset

WAYS_OUT = (
    ("try again (r)", "screen.reload"),
    ("choose a profile or another root URL (3)", "app.go('profiles')"),
    ("try the sample catalogue", "app.sample"),
)
"""What is offered where the datasets could not be listed."""


class CatalogBranches(Tree[Node]):
    """Grows a tree from a `Catalog`; cursor and expansion stay where they were."""

    @dataclass
    class ItemsWanted(Message):
        """The next page of a collection's items is wanted."""

        collection_id: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("catalog", id=id)
        self.show_root = False
        self.guide_depth = 2
        self.auto_expand = False
        self.catalog = Catalog()
        self._expanded: set[Key] = {DATASETS}
        self._by_key: dict[Key, TreeNode[Node]] = {}

    # What is under the cursor

    @property
    def current(self) -> Node | None:
        """The node under the cursor."""
        return self.cursor_node.data if self.cursor_node else None

    @property
    def current_dataset(self) -> Dataset | None:
        """The dataset that the node under the cursor belongs to."""
        node = self.cursor_node
        while node is not None:
            if isinstance(node.data, DatasetNode):
                return node.data.dataset
            node = node.parent
        return None

    @property
    def current_collection(self) -> CollectionNode | None:
        """The collection that the node under the cursor is or belongs to."""
        node = self.cursor_node
        while node is not None:
            if isinstance(node.data, CollectionNode):
                return node.data
            node = node.parent
        return None

    def rebuild(self) -> None:
        """Draw the catalog anew; the cursor stays on what it was on, else on its nearest parent."""
        kept = self._lineage()
        # What the filter opened above the cursor stays open when the filter goes.
        self._expanded.update(kept[1:])
        line, offset = self.cursor_line, self.scroll_offset
        self.clear()
        self._by_key = {}
        self._build_datasets()
        self._build_models()
        # Nodes know their lines only once the lines were counted.
        self._place_cursor(kept, min(line, self.last_line))
        if kept:
            self.scroll_to(y=offset.y, animate=False, immediate=True)
            self.scroll_to_line(self.cursor_line, animate=False)

    def _lineage(self) -> list[Key]:
        """Return the keys of the node under the cursor and of all above it, the nearest first."""
        keys: list[Key] = []
        node = self.cursor_node
        while node is not None and node.data is not None:
            keys.append(node.data.key)
            node = node.parent
        return keys

    def _place_cursor(self, kept: list[Key], line: int) -> None:
        """Put the cursor where it was, else on the nearest that is still there."""
        found = next((node for key in kept if (node := self._by_key.get(key))), None)
        if not kept:
            self.cursor_line = 0
        elif found is not None and (len(kept) == 1 or found.parent is not self.root):
            self.move_cursor(found)
        else:
            self.cursor_line = max(0, line)

    def _build_datasets(self) -> None:
        shown, listing = self.catalog.shown_datasets(), self.catalog.dataset_listing
        total = len(self.catalog.datasets)
        found = f"{len(shown)} of {total}  /{self.catalog.filter}" if self.catalog.filter else str(total)
        note = state_words(listing, found)
        group = self._add(self.root, GroupNode(DATASETS, "Datasets", note, listing.words), expand=True)
        if listing.error:
            self._add(group, NoteNode((*DATASETS, "note"), listing.error.message, error=True))
            for words, action in WAYS_OUT:
                self._add(group, ActionNode((*DATASETS, action), words, action))
        elif not listing.loading and not shown:
            empty = "nothing matches the filter" if total else "no datasets here"
            self._add(group, NoteNode((*DATASETS, "note"), empty))
        for dataset in shown:
            key = ("dataset", dataset.id)
            node = self._add(group, DatasetNode(key, dataset), expand=self._is_open(key, dataset))
            if node.is_expanded:
                self._fill(node)

    def _is_open(self, key: Key, dataset: Dataset) -> bool:
        """Tell whether a dataset was opened, or the filter found one of its collections."""
        return key in self._expanded or any(self.catalog.matches(ref) for ref in dataset.collections)

    def _build_models(self) -> None:
        shown, listing = self.catalog.shown_models(), self.catalog.model_listing
        if self.catalog.filter and not shown:
            return
        group = self._add(
            self.root,
            GroupNode(MODELS, "Models", state_words(listing, str(len(shown))), listing.words),
            expand=MODELS in self._expanded,
        )
        if listing.error:
            self._add(group, NoteNode((*MODELS, "note"), listing.error.message, error=True))
        for model in shown:
            self._add(group, ModelNode(("model", model.id), model), leaf=True)

    def _add(
        self, parent: TreeNode[Node], data: Node, *, expand: bool = False, leaf: bool = False
    ) -> TreeNode[Node]:
        leaf = leaf or isinstance(data, ItemNode | MoreNode | NoteNode | ModelNode | ActionNode)
        node = parent.add(Text(""), data, expand=expand, allow_expand=not leaf)
        self._by_key[data.key] = node
        return node

    def _fill(self, node: TreeNode[Node]) -> None:
        """Give an expanded node its children, if it has none yet."""
        if node.children:
            return
        match node.data:
            case DatasetNode(_, dataset):
                self._fill_dataset(node, dataset)
            case CollectionNode():
                self._fill_collection(node)

    def _fill_dataset(self, node: TreeNode[Node], dataset: Dataset) -> None:
        for kind, refs in self.catalog.groups(dataset):
            key = ("type", dataset.id, kind)
            group = self._add(
                node, TypeNode(key, kind, len(refs)), expand=("closed", *key) not in self._expanded
            )
            for ref in refs:
                place = ("collection", dataset.id, kind, ref.id)
                child = self._add(group, CollectionNode(place, ref, dataset), expand=place in self._expanded)
                if child.is_expanded:
                    self._fill(child)
        if not node.children:
            self._add(node, NoteNode((*("dataset", dataset.id), "note"), "this record names no collections"))

    def _fill_collection(self, node: TreeNode[Node]) -> None:
        data = node.data
        if not isinstance(data, CollectionNode):
            return
        listing = self.catalog.items.get(data.ref.id)
        if listing is None:
            self._add(node, NoteNode((*data.key, "note"), "loading…"))
            self.post_message(self.ItemsWanted(data.ref.id))
            return
        self._add_items(node, data, listing, 0)

    def _add_items(
        self, node: TreeNode[Node], data: CollectionNode, listing: ItemListing, start: int
    ) -> None:
        for ref in listing.refs[start:]:
            self._add(node, ItemNode((*data.key, "item", ref.id), ref))
        if listing.error:
            self._add(
                node, NoteNode((*data.key, "note"), listing.error, error=True, collection_id=data.ref.id)
            )
            # On a line of its own: the reason may be longer than the tree is wide.
            self._add(node, NoteNode((*data.key, "retry"), "try again (enter)", collection_id=data.ref.id))
        elif not listing.complete:
            words = progress_words(listing)
            self._add(node, MoreNode((*data.key, "more"), data.ref.id, words))
        elif not listing.refs:
            self._add(node, NoteNode((*data.key, "note"), "no items"))

    def items_changed(self, collection_id: str) -> None:
        """Show what was loaded of a collection's items; only its own nodes change."""
        listing = self.catalog.items.get(collection_id)
        if listing is None:
            return
        for node in list(self._by_key.values()):
            data = node.data
            if isinstance(data, CollectionNode) and data.ref.id == collection_id and node.is_expanded:
                self._update_items(node, data, listing)

    def _update_items(self, node: TreeNode[Node], data: CollectionNode, listing: ItemListing) -> None:
        on_tail = self.cursor_node is not None and self.cursor_node.parent is node
        on_tail = on_tail and not isinstance(self.current, ItemNode)
        loaded = 0
        for child in list(node.children):
            if isinstance(child.data, ItemNode):
                loaded += 1
            else:
                self._by_key.pop(child.data.key, None) if child.data else None
                child.remove()
        line = self.cursor_line
        self._add_items(node, data, listing, loaded)
        if on_tail:
            self.call_after_refresh(self._restore_line, line)

    def _restore_line(self, line: int) -> None:
        self.cursor_line = min(line, self.last_line)
        self.scroll_to_line(self.cursor_line, animate=False)
