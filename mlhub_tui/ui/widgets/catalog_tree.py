"""The tree of datasets, collections, items and models; keeps cursor and expansion over every change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from ..commands import LISTS, TREE_ACTIONS, bindings
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
    label,
    progress_words,
    shorten,
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


class CatalogTree(Tree[Node]):
    """Draws a `Catalog`; asks for items when a collection is expanded or its last loaded item is passed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(LISTS, TREE_ACTIONS),
        # Textual's tree would take Space for itself.
        Binding("space", "screen.mark", show=False),
    ]
    DEFAULT_CSS = """
    CatalogTree { background: $background;
        background-tint: $background 0%; padding: 0 0 0 1; overflow-x: hidden;
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; }
    CatalogTree:focus { background-tint: $background 0%; }
    CatalogTree > .tree--guides, CatalogTree > .tree--guides-hover, CatalogTree > .tree--guides-selected {
        color: $line; text-style: none; }
    CatalogTree > .tree--cursor { background: $primary-muted; color: $foreground; text-style: none; }
    CatalogTree:focus > .tree--cursor { background: $primary; color: $background; text-style: bold; }
    """

    @dataclass
    class ItemsWanted(Message):
        """The next page of a collection's items is wanted."""

        collection_id: str

    @dataclass
    class Opened(Message):
        """A collection, an item or a model is to be opened."""

        node: Node

    @dataclass
    class Retry(Message):
        """A listing that failed is to be tried again; without a collection id, all of them."""

        collection_id: str = ""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("catalog", id=id)
        self.show_root = False
        self.guide_depth = 2
        self.auto_expand = False
        self.catalog = Catalog()
        self.marked: set[str] = set()
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

    # Building

    def rebuild(self) -> None:
        """Draw the catalog anew; the cursor stays on what it was on, else on its nearest parent."""
        kept = self.current.key if self.current else None
        line, offset = self.cursor_line, self.scroll_offset
        self.clear()
        self._by_key = {}
        self._build_datasets()
        self._build_models()
        # Nodes know their lines only once the lines were counted.
        self._place_cursor(kept, min(line, self.last_line))
        if kept is not None:
            self.scroll_to(y=offset.y, animate=False, immediate=True)
            self.scroll_to_line(self.cursor_line, animate=False)

    def _place_cursor(self, key: Key | None, line: int) -> None:
        if key is None:
            self.cursor_line = 0
            return
        if node := self._by_key.get(key):
            self.move_cursor(node)
        else:
            self.cursor_line = max(0, line)

    def _build_datasets(self) -> None:
        shown, listing = self.catalog.shown_datasets(), self.catalog.dataset_listing
        total = len(self.catalog.datasets)
        note = state_words(listing, str(total) if len(shown) == total else f"{len(shown)} of {total}")
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

    # Drawing

    def get_label_width(self, node: TreeNode[Node]) -> int:
        """Return a width without drawing: labels are cut to fit, so the tree never scrolls sideways."""
        return 1

    def render_label(self, node: TreeNode[Node], base_style: Style, style: Style) -> Text:
        """Draw a node: its mark, its label."""
        if node.data is None:
            return Text("")
        data = node.data
        marked = isinstance(data, CollectionNode) and data.ref.id in self.marked
        text = label(data, self.catalog.terms)
        arrow = ("▾ " if node.is_expanded else "▸ ") if node.allow_expand else "  "
        arrow += "✓ " if marked else ""
        text.stylize_before(style)
        depth = 0
        while (node := node.parent or self.root) is not self.root:
            depth += 1
        room = self.content_size.width - self.guide_depth * (depth + 1) - len(arrow)
        if text.cell_len > room > 8:
            text = shorten(text, room, keep_end=isinstance(data, CollectionNode | ItemNode))
        return Text(arrow, style=base_style) + text

    # Keys

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Node]) -> None:
        """Remember, and fill."""
        event.stop()
        if event.node.data is not None:
            key = event.node.data.key
            self._expanded.add(key)
            self._expanded.discard(("closed", *key))
            self._fill(event.node)

    def on_tree_node_collapsed(self, event: Tree.NodeCollapsed[Node]) -> None:
        """Remember."""
        event.stop()
        if event.node.data is not None:
            key = event.node.data.key
            self._expanded.discard(key)
            if key[0] == "type":
                self._expanded.add(("closed", *key))

    async def on_tree_node_selected(self, event: Tree.NodeSelected[Node]) -> None:
        """Open what can be opened; expand or collapse the rest."""
        event.stop()
        match event.node.data:
            case CollectionNode() | ItemNode() | ModelNode():
                self.post_message(self.Opened(event.node.data))
            case MoreNode(_, collection_id, _):
                self.post_message(self.ItemsWanted(collection_id))
            case ActionNode(_, _, action):
                await self.run_action(action)
            case NoteNode(_, _, error, collection_id):
                if error:
                    self.post_message(self.Retry(collection_id))
            case _:
                event.node.toggle()

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Node]) -> None:
        """Load more when the end of what was loaded is reached."""
        if isinstance(event.node.data, MoreNode):
            self.post_message(self.ItemsWanted(event.node.data.collection_id))

    def expand_current(self) -> None:
        """Expand the node under the cursor; expanded already, go to its first child."""
        node = self.cursor_node
        if node is None or not node.allow_expand:
            return
        if not node.is_expanded:
            node.expand()
        elif node.children:
            self.move_cursor(node.children[0])
            self.scroll_to_line(self.cursor_line, animate=False)

    def collapse_current(self) -> None:
        """Collapse the node under the cursor; collapsed already, go to its parent."""
        node = self.cursor_node
        if node is None:
            return
        if node.allow_expand and node.is_expanded:
            node.collapse()
        elif node.parent is not None and node.parent is not self.root:
            self.move_cursor(node.parent)
            self.scroll_to_line(self.cursor_line, animate=False)

    def toggle_mark(self) -> None:
        """Mark or unmark the collection under the cursor; on other nodes, expand or collapse."""
        data = self.current
        if isinstance(data, CollectionNode):
            self.marked.symmetric_difference_update({data.ref.id})
            self._invalidate_labels()
            self.action_cursor_down()
        elif self.cursor_node is not None and self.cursor_node.allow_expand:
            self.cursor_node.toggle()

    def _invalidate_labels(self) -> None:
        self._clear_line_cache()
        self.refresh()

    def first_match(self) -> None:
        """Put the cursor on the first node that matches the filter."""
        self.cursor_line = -1
        self.next_match(1)

    def next_match(self, step: int) -> None:
        """Go to the next (1) or previous (-1) match of the filter, around the end."""
        lines = self.last_line + 1
        for distance in range(1, lines + 1):
            number = (max(self.cursor_line, -1) + step * distance) % lines
            node = self.get_node_at_line(number)
            if node is not None and node.data is not None and self._matches(node.data):
                self.cursor_line = number
                self.scroll_to_line(number, animate=False)
                return

    def _matches(self, data: Node) -> bool:
        match data:
            case CollectionNode(_, ref):
                return self.catalog.matches(ref)
            case DatasetNode(_, dataset):
                # A dataset found only by a collection's id gives the place to that collection.
                return not any(self.catalog.matches(ref) for ref in dataset.collections)
            case ModelNode():
                return bool(self.catalog.terms)
        return False
